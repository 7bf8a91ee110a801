//! kube-proxy's page of health.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::net::IpFamily;

/// What kube-proxy's page `/livez` says, as far as it is read here.
#[derive(Debug, Deserialize)]
pub(crate) struct ProxyPage {
    healthy: bool,
    /// By family; empty before Kubernetes 1.33.
    #[serde(default)]
    status: BTreeMap<String, OfFamily>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfFamily {
    healthy: bool,
    #[serde(default)]
    last_updated: String,
}

impl ProxyPage {
    /// Reads a page; `None` where it isn't kube-proxy's.
    pub(crate) fn read(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }

    /// Whether it says of each family how it is.
    pub(crate) fn tells_families_apart(&self) -> bool {
        !self.status.is_empty()
    }

    /// What it says against its health in a family.
    pub(crate) fn complaint(&self, family: IpFamily) -> Option<String> {
        let Some(own) = self.status.get(family.as_str()) else {
            return if self.tells_families_apart() {
                Some(format!("it has never written rules of {family}"))
            } else if self.healthy {
                None
            } else {
                Some("it is unhealthy, but does not report in which family".to_owned())
            };
        };
        // Fractions of a second make it no clearer.
        let seconds = own.last_updated.split('.').next().unwrap_or_default();
        let since = if seconds.is_empty() { String::new() } else { format!(" since {seconds}Z") };
        (!own.healthy).then(|| format!("it has written no rules of {family}{since}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use IpFamily::{V4, V6};

    fn complaint(body: &str, family: IpFamily) -> Option<String> {
        ProxyPage::read(body).unwrap().complaint(family)
    }

    fn page(v4: bool, v6: bool) -> String {
        let healthy = v4 && v6;
        let at = "2026-11-26T10:24:36.876399738Z";
        format!(
            "{{\"lastUpdated\":\"{at}\",\"currentTime\":\"{at}\",\"healthy\":{healthy},\"status\":{{\
             \"IPv4\":{{\"lastUpdated\":\"{at}\",\"healthy\":{v4}}},\
             \"IPv6\":{{\"lastUpdated\":\"{at}\",\"healthy\":{v6}}}}}}}"
        )
    }

    #[test]
    fn each_family_is_ill_by_itself() {
        assert_eq!(complaint(&page(true, true), V6), None);
        assert_eq!(complaint(&page(true, false), V4), None);
        let detail = "it has written no rules of IPv6 since 2026-11-26T10:24:36Z".to_owned();
        assert_eq!(complaint(&page(true, false), V6), Some(detail));
    }

    #[test]
    fn a_family_that_is_not_mentioned_beside_another_was_never_written() {
        let body = "{\"healthy\":true,\"status\":{\"IPv4\":{\"healthy\":true}}}";
        let detail = "it has never written rules of IPv6".to_owned();
        assert_eq!(complaint(body, V6), Some(detail));
    }

    #[test]
    fn an_older_one_speaks_of_both_at_once() {
        assert_eq!(complaint("{\"healthy\":true}", V6), None);
        assert!(complaint("{\"healthy\":false}", V6).is_some());
        assert!(ProxyPage::read("<html>").is_none());
    }
}
