//! Which families Calico's address management gives to Pods.

use crate::{
    lint::{
        model::{CalicoCni, Model},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, documents},
        },
        source::Spanned,
    },
    net::IpFamily,
};

pub(crate) const DOCS: &str = "https://docs.tigera.io/calico/latest/networking/ipam/ipv6";

pub(crate) const ASSIGN: Rule = Rule {
    code: "DS601",
    name: "calico-assign",
    area: Area::Calico,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "Calico's CNI configuration doesn't assign Pods addresses of a family that the \
              cluster has.",
    why: "calico-ipam assigns IPv4 unless assign_ipv4 is \"false\", and IPv6 only if assign_ipv6 \
          is \"true\".",
    fix: "Set assign_ipv4 and assign_ipv6 to \"true\" in the `ipam` section.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("Pods have one address, or none")],
    good: &[Example::new(
        documents!(cluster!("podSubnet: 10.244.0.0/16,fd00:10:244::/56", "serviceSubnet: \
         10.96.0.0/16,fd00:10:96::/112"), "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: calico-config
data:
  cni_network_config: |-
    {
      \"plugins\": [
        {
          \"type\": \"calico\",
          \"mtu\": __CNI_MTU__,
          \"ipam\": {\"type\": \"calico-ipam\", \"assign_ipv4\": \"true\", \"assign_ipv6\": \"true\"}
        }
      ]
    }
"),
    )],
    bad: &[Example::new(
        documents!(cluster!("podSubnet: 10.244.0.0/16,fd00:10:244::/56", "serviceSubnet: \
         10.96.0.0/16,fd00:10:96::/112"), "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: calico-config
data:
  cni_network_config: |-
    {
      \"plugins\": [
        {
          \"type\": \"calico\",
          \"mtu\": __CNI_MTU__,
          \"ipam\": {\"type\": \"calico-ipam\"}
        }
      ]
    }
"),
    )],
    check: Check::Model(|model, out| {
        for family in model.pod_families() {
            for cni in &model.calico_cni {
                check(cni, family, model, out);
            }
        }
    }),
};

fn check(cni: &CalicoCni, family: IpFamily, model: &Model, out: &mut Findings) {
    let is = |field: &Option<Spanned<String>>, word: &str| {
        field.as_ref().is_some_and(|text| text.value.eq_ignore_ascii_case(word))
    };
    let (field, given, name) = match family {
        IpFamily::V4 => (&cni.assign_v4, !is(&cni.assign_v4, "false"), "assign_ipv4"),
        IpFamily::V6 => (&cni.assign_v6, is(&cni.assign_v6, "true"), "assign_ipv6"),
    };
    if given {
        return;
    }
    let finding = match field {
        Some(text) => out.at(text.span, format!("Calico assigns Pods no {family} address")),
        None => out.at(cni.at, format!("without {name} Calico assigns Pods no {family} address")),
    };
    finding.fix(format!("set \"{name}\": \"true\""));
    if let Some(pods) = model.pods() {
        finding.also(pods.text.span, "pod range");
    }
}
