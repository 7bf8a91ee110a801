//! The records that external-dns makes outside the cluster.

use crate::{
    lint::rules::{
        Area, Check, EnforcedBy, Example, Level, Rule, Versions,
        documents::{cluster, documents},
    },
    net::IpFamily,
};

/// A cluster of both families, and external-dns with these flags.
macro_rules! external_dns {
    ($($flag:literal),* $(,)?) => {
        documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            concat!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: external-dns\nspec:\n",
                "  template:\n    spec:\n      containers:\n        - name: external-dns\n",
                "          args:\n",
                $("            - ", $flag, "\n"),*
            )
        )
    };
}

pub(crate) const RECORDS: Rule = Rule {
    code: "DS545",
    name: "external-dns-records",
    area: Area::Dns,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "external-dns manages address records of one family only.",
    why: "A list of record types replaces external-dns' default, which is A, AAAA and CNAME. \
          Without AAAA the names of load balancers have no IPv6 address, and old records of theirs \
          stay.",
    fix: "Add --managed-record-types=AAAA (in the chart's values managedRecordTypes), or leave the list \
          out.",
    sources: &["https://kubernetes-sigs.github.io/external-dns/latest/docs/flags/"],
    enforced_by: &[EnforcedBy::Symptom("names outside the cluster have addresses of one family")],
    good: &[
        Example::new(external_dns!("--source=service", "--managed-record-types=CNAME")),
        Example::new(external_dns!(
            "--managed-record-types=A",
            "--managed-record-types=AAAA",
            "--managed-record-types=CNAME"
        )),
    ],
    bad: &[
        Example::new(external_dns!("--managed-record-types=A", "--managed-record-types=CNAME")),
        Example::new("provider:\n  name: aws\nmanagedRecordTypes: [A, CNAME]\n"),
    ],
    check: Check::Model(|model, out| {
        let services = model.service_families();
        for types in &model.managed_records {
            let has = |record: &str| types.iter().find(|text| text.value == record);
            let (own, missing) = match (has("A"), has("AAAA")) {
                (Some(own), None) => (own, IpFamily::V6),
                (None, Some(own)) => (own, IpFamily::V4),
                _ => continue,
            };
            let record = if missing == IpFamily::V6 { "AAAA" } else { "A" };
            if services.is_empty() || services.contains(&missing) {
                let message = format!("{record} is missing: names get no {missing} address");
                let finding = out.at(own.span, message);
                // Whether the cluster has that family is not known.
                if services.is_empty() {
                    finding.level(Level::Note);
                }
            }
        }
    }),
};
