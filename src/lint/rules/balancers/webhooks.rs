//! Services that the API server calls.

use crate::lint::rules::{
    Area, Check, EnforcedBy, Example, Level, Rule, Versions,
    documents::{documents, init, service},
};

/// A webhook that calls the Service of the examples.
macro_rules! webhook {
    () => {
        "\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: web
webhooks:
  - name: web.example.com
    clientConfig:
      service: {name: web, namespace: default}
"
    };
}

pub(crate) const WEBHOOK_FAMILY: Rule = Rule {
    code: "DS525",
    name: "webhook-service-family",
    area: Area::Balancers,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "The API server calls a Service of a family that its nodes don't have.",
    why: "The API server calls webhooks and aggregated APIs at the Service's address. From a node without an \
          address of that family it can't, and every request that the webhook must review fails.",
    fix: "Give the Service a family of the control plane's nodes, or both.",
    sources: &[
        "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/",
    ],
    enforced_by: &[EnforcedBy::Symptom("calls of the webhook time out")],
    good: &[Example::new(documents!(
        init!(node_ip = "192.168.0.11,fd00:192::11"),
        service!("ipFamilies: [IPv6]"),
        webhook!()
    ))],
    bad: &[
        Example::new(documents!(
            init!(node_ip = "192.168.0.11"),
            service!("ipFamilies: [IPv6]"),
            webhook!()
        )),
        Example::new(documents!(
            init!(node_ip = "192.168.0.11"),
            service!("ipFamilies: [IPv6]"),
            "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: webs.example.com
spec:
  conversion:
    strategy: Webhook
    webhook:
      conversionReviewVersions: [v1]
      clientConfig:
        service: {name: web, namespace: default}
"
        )),
    ],
    check: Check::Model(|model, out| {
        let nodes = model.node_addresses();
        if nodes.is_empty() {
            return;
        }
        for called in &model.called {
            let bare = called.service.rsplit('/').next();
            let named =
                |name: &str| name == called.service || (!name.contains('/') && Some(name) == bare);
            let service = model.services.iter().find(|service| named(&service.name));
            let Some([family]) = service.map(|service| service.families.as_slice()) else {
                continue;
            };
            let has =
                |ip: &std::net::IpAddr| crate::net::IpFamily::of(*ip).as_str() == family.value;
            if !nodes.iter().any(|(_, ip, _)| has(ip)) {
                let message = format!("the API server's nodes have no {} address", family.value);
                let finding = out.at(called.at, message).also(family.span, "family of the Service");
                if let Some((text, _, what)) = nodes.first() {
                    finding.also(text.span, *what);
                }
            }
        }
    }),
};
