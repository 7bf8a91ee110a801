//! Ingress controllers and the families in which they listen.

use crate::{
    lint::{
        model::{Extent, Listener, Service},
        rules::{
            Area, Check, EnforcedBy, Example, Level, Rule, Versions,
            documents::{cluster, documents},
        },
    },
    net::IpFamily,
};

/// A cluster of both families, and the ConfigMap of ingress-nginx with this line.
macro_rules! config {
    ($line:literal) => {
        documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            concat!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ingress-nginx-controller\n",
                "  namespace: ingress-nginx\ndata:\n  ",
                $line,
                "\n"
            )
        )
    };
}

pub(crate) const LISTENERS: Rule = Rule {
    code: "DS534",
    name: "ingress-listens-in-one-family",
    area: Area::Balancers,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "An ingress controller is configured not to listen in a family that the cluster has.",
    why: "With disable-ipv6 NGINX has no `listen [::]:80`, and HAProxy no bind of that family. Where \
          its Service or its node has an address of the family, connections to it are refused.",
    fix: "Remove the setting; both controllers listen in both families by default.",
    sources: &[
        "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/#disable-ipv6",
        "https://docs.nginx.com/nginx-ingress-controller/configuration/global-configuration/command-line-arguments/",
        "https://github.com/haproxytech/kubernetes-ingress/blob/master/documentation/controller.md#--disable-ipv6",
    ],
    enforced_by: &[EnforcedBy::Symptom("connections to the ingress are refused in that family")],
    good: &[
        Example::new(config!("disable-ipv6: \"false\"")),
        // A cluster of IPv4.
        Example::new(documents!(
            cluster!("podSubnet: 10.244.0.0/16", "serviceSubnet: 10.96.0.0/16"),
            "controller:\n  config:\n    disable-ipv6: \"true\"\n"
        )),
    ],
    bad: &[
        Example::new(config!("disable-ipv6: \"true\"")),
        // The values of one chart contradict each other.
        Example::new(
            "\
controller:
  config:
    disable-ipv6: \"true\"
  service:
    ipFamilyPolicy: RequireDualStack
",
        ),
        Example::new(documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            "\
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: edge
spec:
  template:
    spec:
      containers:
        - name: controller
          image: haproxytech/kubernetes-ingress:3.1
          args: [--disable-ipv6]
"
        )),
    ],
    check: Check::Model(|model, out| {
        let off = || model.listeners.iter().filter(|listener| listener.off.value == "true");
        for Listener { family, off: setting } in off() {
            // Where each family is off somewhere these are alternatives.
            if off().any(|other| other.family != *family) {
                continue;
            }
            let off = setting;
            let beside = model
                .services
                .iter()
                .find(|service| service.at.source == off.span.source && asks(service, *family));
            if let Some(service) = beside {
                let message = format!("nothing listens on {family}, but the Service has it");
                out.at(off.span, message).also(service.at, "families of the Service");
            } else if model.told_families().contains(family) {
                out.at(off.span, format!("nothing listens on {family}, but the cluster has it"));
            }
        }
    }),
};

/// Whether the Service of a chart's controller is to have a family.
fn asks(service: &Service, family: IpFamily) -> bool {
    let both = service
        .policy
        .as_ref()
        .is_some_and(|policy| matches!(&*policy.value, "PreferDualStack" | "RequireDualStack"));
    let listed = || service.families.iter().any(|own| own.value == family.as_str());
    service.extent == Extent::Values && service.name.contains("controller") && (both || listed())
}

#[cfg(test)]
mod tests {
    use crate::lint::{Options, lint_text};

    fn codes(text: &str) -> Vec<&'static str> {
        let report = lint_text("a.yaml", text.into(), None, &Options::default());
        report.findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn the_values_of_each_chart_are_read_where_they_are_carried() {
        let service = "service: {ipFamilies: [IPv6, IPv4], ipFamilyPolicy: PreferDualStack}";
        let found = |settings: &str| {
            codes(&format!(
                "apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata: {{name: \
                 rke2-ingress-nginx, namespace: kube-system}}\nspec:\n  valuesContent: |-\n    \
                 controller:\n      {settings}\n      {service}\n"
            ))
        };
        assert_eq!(found("config: {disable-ipv6: \"true\"}"), ["DS534"]);
        assert_eq!(found("disableIPV6: true"), ["DS534"]);
        assert_eq!(found("extraArgs: [--disable-ipv6]"), ["DS534"]);
        assert_eq!(found("config: {disable-ipv6-dns: \"true\"}"), [""; 0]);
        assert_eq!(found("extraArgs: [--disable-ipv6=false]"), [""; 0]);
    }
}
