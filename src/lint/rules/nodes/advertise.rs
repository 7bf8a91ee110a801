//! The API server's own address.

use crate::{
    lint::{
        model::{Address, ComponentName, Model},
        rules::{
            Area, Binary, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, documents},
        },
    },
    net::IpFamily,
};

pub(crate) const ADVERTISE_FAMILY: Rule = Rule {
    code: "DS201",
    name: "advertise-address-family",
    area: Area::Nodes,
    level: Level::Error,
    versions: Versions::since(24),
    summary: "advertiseAddress and the first Service range are of different families.",
    why: "The `kubernetes` Service has the family of the first Service range, and its endpoint is \
          the API server's own address. kubeadm accepts the mismatch, but the API server then \
          never starts.",
    fix: "Use an advertiseAddress of the first Service range's family, or swap the Service ranges.",
    sources: &[
        "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/",
        "https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/#kubeadm-k8s-io-v1beta4-APIEndpoint",
    ],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ApiServer,
        phase: "checking its flags",
        text: "must match public address family",
    }],
    good: &[Example::new(documents!(
        "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: fd00:192::11
",
        cluster!("serviceSubnet: fd00:10:96::/112,10.96.0.0/16")
    ))],
    bad: &[Example::new(documents!(
        "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: 192.168.0.11
",
        cluster!("serviceSubnet: fd00:10:96::/112,10.96.0.0/16")
    ))],
    check: Check::Model(check),
};

fn check(model: &Model, out: &mut Findings) {
    let Some(services) = model.services() else { return };
    let Some((first, range)) = services.ranges().next() else { return };
    let family = IpFamily::of_range(&range);
    let flags: Vec<Address> = model
        .components(ComponentName::ApiServer)
        .filter_map(|component| component.args.get("advertise-address"))
        .map(|text| Address::new(text.clone()))
        .collect();
    let nodes = model.nodes.iter().filter_map(|node| node.advertise.as_ref());
    for address in nodes.chain(&flags) {
        let own = address.family();
        if own.is_some_and(|own| own != family) {
            let other = family.other();
            let message = format!(
                "the advertise address is {other}, but the first Service range is {family}"
            );
            out.at(address.text.span, message)
                .also(first.text.span, format!("the `kubernetes` Service is {family}"));
        }
    }
}
