//! What network plugins are told: in the files of a cluster that is still to be built, and in one
//! that runs.

use crate::{
    lint::{
        model::{CalicoNode, Cilium, Flannel, Model},
        source::Spanned,
    },
    net::IpFamily,
};

use super::{
    kubespray,
    lacks::Gaps,
    ranges::of_family,
    steps::{Action, Change, How, Step, step},
    written::Writer,
};

const TITLE: &str = "Configure the network plugin.";
/// By how many bits the share of a node may be longer than a pool of Cilium's in IPv6.
const CILIUM_BITS: u8 = 16;

/// What the plugin's own documents must say.
pub(super) fn changes(model: &Model, lacks: &Gaps<'_>, writer: Writer<'_>) -> Vec<Change> {
    let mut changes = cilium(model, lacks, writer);
    changes.extend(model.flannel.iter().flat_map(|own| flannel(own, lacks, writer)));
    changes.extend(calico(model, lacks, writer));
    changes
}

/// The step for a cluster that runs.
pub(super) fn running(model: &Model, lacks: &Gaps<'_>) -> Step {
    if !model.flannel.is_empty() {
        flannel_step(lacks)
    } else if !model.cilium.is_empty() {
        cilium_step(model, lacks)
    } else if is_calico(model) {
        calico_step(model, lacks)
    } else {
        let range = of_family(&lacks.pod_ranges, lacks.other());
        let text = format!(
            "The plugin is not known. It must give every Pod an address of each \
             family; the new range is {range}."
        );
        step(TITLE, text, Vec::new())
    }
}

/// Whether a text is what both YAML and a shell take for yes.
fn is_true(text: Option<&Spanned<String>>) -> bool {
    text.is_some_and(|text| text.value == "true")
}

/// A pool of Cilium's own in a family, and the share of each node that must be set for it.
struct CiliumPool {
    range: String,
    mask: Option<u8>,
}

/// Cilium's settings, without those that are a pool of the multi-pool mode.
fn settings(model: &Model) -> impl Iterator<Item = &Cilium> {
    model.cilium.iter().filter(|own| own.settings.get("pod-ip-pool").is_none())
}

/// The last value of a setting.
fn setting<'m>(model: &'m Model, name: &str) -> Option<&'m Spanned<String>> {
    settings(model).filter_map(|own| own.settings.get(name)).last()
}

/// Whether Cilium takes Pods' addresses from a pool of its own, as the chart does by default.
pub(super) fn is_cluster_pool(model: &Model) -> bool {
    settings(model).next().is_some()
        && setting(model, "ipam").is_none_or(|mode| mode.value == "cluster-pool")
}

/// The pool that Cilium needs in a family: within the pod range, and of a length that fits the share
/// of each node. Nothing where it has one.
fn cilium_pool(model: &Model, lacks: &Gaps<'_>) -> Option<CiliumPool> {
    let family = lacks.other();
    let has = |own: &Cilium| own.pools.iter().any(|pool| pool.family() == Some(family));
    if !is_cluster_pool(model) || settings(model).any(has) {
        return None;
    }
    let range = of_family(&lacks.pod_ranges, family);
    let (address, length) = range.split_once('/')?;
    let length: u8 = length.parse().ok()?;
    let set = setting(model, &format!("cluster-pool-{}-mask-size", family.slug()));
    let set: Option<u8> = set.and_then(|text| text.value.parse().ok());
    let default = match family {
        IpFamily::V4 => 24,
        IpFamily::V6 => 120,
    };
    // A share that leaves no room within the pod range is set anew.
    let usable = set.unwrap_or(default) > length;
    let mask = if usable { set.unwrap_or(default) } else { length.saturating_add(8) };
    let length = match family {
        IpFamily::V4 => length,
        IpFamily::V6 => length.max(mask.saturating_sub(CILIUM_BITS)),
    };
    Some(CiliumPool { range: format!("{address}/{length}"), mask: (!usable).then_some(mask) })
}

fn cilium(model: &Model, lacks: &Gaps<'_>, writer: Writer<'_>) -> Vec<Change> {
    let other = lacks.other();
    let slug = other.slug();
    let Some(first) = settings(model).next() else { return Vec::new() };
    // In the ConfigMap a setting has its own key; in values it has a path.
    let config = first.settings.list.first().is_some_and(|arg| arg.name.span == first.at);
    let name = |own: String, path: String| if config { own } else { path };
    // All values of a ConfigMap are strings.
    let set = |at, field: String, new: &str| match config {
        true => writer.string(at, field, new),
        false => writer.value(at, field, new),
    };
    let mut changes = Vec::new();
    let own = format!("enable-{slug}");
    let field = name(own.clone(), format!("{slug}.enabled"));
    match setting(model, &own) {
        Some(text) if text.value == "true" => {}
        Some(text) => changes.push(set(text.span, field, "true")),
        // IPv4 is on by default.
        None if other == IpFamily::V4 && !config => {}
        None => changes.push(Change::add(first.at, field, quoted("true", config))),
    }
    if let Some(CiliumPool { range, mask }) = cilium_pool(model, lacks) {
        let path = format!("ipam.operator.clusterPool{other}PodCIDRList");
        let field = name(format!("cluster-pool-{slug}-cidr"), path);
        let new = if config { range } else { format!("[\"{range}\"]") };
        changes.push(Change::add(first.at, field, new));
        if let Some(mask) = mask {
            let path = format!("ipam.operator.clusterPool{other}MaskSize");
            let own = format!("cluster-pool-{slug}-mask-size");
            let new = mask.to_string();
            changes.push(match setting(model, &own) {
                Some(text) => set(text.span, name(own, path), &new),
                None => Change::add(first.at, name(own, path), quoted(&new, config)),
            });
        }
    }
    changes
}

/// A value of a ConfigMap, which must be a string.
fn quoted(text: &str, config: bool) -> String {
    if config { format!("\"{text}\"") } else { text.to_owned() }
}

fn cilium_step(model: &Model, lacks: &Gaps<'_>) -> Step {
    let other = lacks.other();
    let slug = other.slug();
    let mut command = format!(
        "helm upgrade cilium cilium/cilium -n kube-system --version \"${{VERSION:?}}\" \
         --reuse-values --set {slug}.enabled=true"
    );
    let mut text = format!(
        "Cilium: {other} is switched on. The chart stays at the version that is installed; without \
         --version helm would take the newest."
    );
    if let Some(CiliumPool { range, mask }) = cilium_pool(model, lacks) {
        text.push_str(" Its own pool gets a range that fits the share of each node.");
        let pool = format!("ipam.operator.clusterPool{other}");
        command.push_str(&format!(" --set '{pool}PodCIDRList={{{range}}}'"));
        if let Some(mask) = mask {
            command.push_str(&format!(" --set {pool}MaskSize={mask}"));
        }
    }
    if settings(model).count() < model.cilium.len() {
        text.push_str(&format!(
            " Each CiliumPodIPPool that Pods use needs {slug}.cidrs and {slug}.maskSize."
        ));
    }
    let actions = vec![
        Action::run(
            "VERSION=$(helm list -n kube-system -f '^cilium$' -o yaml | sed -n 's/.*chart: \
             cilium-//p')",
        ),
        Action::Run(command),
        // The chart does not restart its Pods by itself.
        Action::run(
            "kubectl -n kube-system rollout restart deployment/cilium-operator daemonset/cilium",
        ),
    ];
    step(TITLE, text, actions)
}

/// The names of flannel's two fields of a family.
const fn flannel_fields(family: IpFamily) -> (&'static str, &'static str) {
    match family {
        IpFamily::V4 => ("EnableIPv4", "Network"),
        IpFamily::V6 => ("EnableIPv6", "IPv6Network"),
    }
}

fn flannel(own: &Flannel, lacks: &Gaps<'_>, writer: Writer<'_>) -> Vec<Change> {
    let other = lacks.other();
    let range = of_family(&lacks.pod_ranges, other);
    let (enable, network) = flannel_fields(other);
    // The chart has a value for the range, whose own name is not read.
    let chart = own.settings.list.first().is_some_and(|arg| arg.name.span == arg.value.span);
    if chart {
        let field = if other == IpFamily::V6 { "podCidrv6" } else { "podCidr" };
        return vec![Change::add(own.at, field, range)];
    }
    let mut changes = Vec::new();
    for (field, new, json) in
        [(enable, "true", "true".to_owned()), (network, range, format!("\"{range}\""))]
    {
        changes.extend(match own.settings.get(&field.to_lowercase()) {
            Some(text) if field == enable && text.value == "true" => None,
            // A string is no boolean to flannel.
            Some(text) if field == enable => Some(writer.bare(text.span, field, new)),
            Some(text) => Some(writer.string(text.span, field, new)),
            None => Some(Change::add(own.at, format!("\"{field}\""), json)),
        });
    }
    changes
}

fn flannel_step(lacks: &Gaps<'_>) -> Step {
    let other = lacks.other();
    let range = of_family(&lacks.pod_ranges, other);
    let (enable, network) = flannel_fields(other);
    let lines = [format!("\"{enable}\": true,"), format!("\"{network}\": \"{range}\",")];
    let actions = vec![
        Action::run("kubectl -n kube-flannel edit configmap kube-flannel-cfg"),
        Action::write("its net-conf.json", lines),
        Action::run("kubectl -n kube-flannel rollout restart daemonset kube-flannel-ds"),
    ];
    step(TITLE, format!("flannel: {other} is switched on, and gets a network."), actions)
}

fn is_calico(model: &Model) -> bool {
    !model.calico_nodes.is_empty()
        || !model.pools.is_empty()
        || !model.calico_cni.is_empty()
        || by_operator(model)
}

/// Whether Calico's operator is there, which makes everything of its `Installation`.
fn by_operator(model: &Model) -> bool {
    !model.autodetection.is_empty()
}

/// calico-node's variables that a family needs, without those of its pool.
fn variables(family: IpFamily) -> Vec<(&'static str, &'static str)> {
    match family {
        IpFamily::V4 => vec![("IP", "autodetect")],
        IpFamily::V6 => vec![("IP6", "autodetect"), ("FELIX_IPV6SUPPORT", "true")],
    }
}

/// An `IPPool` of a family. Calico masquerades only where a pool says so.
fn pool(range: &str, family: IpFamily) -> String {
    format!(
        "apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata:\n  name: default-{}-pool\nspec:\n  \
         cidr: {range}\n  natOutgoing: true\n",
        family.slug()
    )
}

/// An entry of the operator's `ipPools`.
fn entry(range: &str) -> String {
    format!("{{cidr: \"{range}\", natOutgoing: Enabled}}")
}

fn calico(model: &Model, lacks: &Gaps<'_>, writer: Writer<'_>) -> Vec<Change> {
    let other = lacks.other();
    let range = of_family(&lacks.pod_ranges, other);
    let mut changes = Vec::new();
    let mut pools = model.pools.iter().filter(|pool| !pool.disabled);
    if let Some(first) = pools.clone().next()
        // kubespray makes its pools of its own variables.
        && !kubespray::is_used(model)
        && pools.all(|pool| pool.cidr.family() != Some(other))
    {
        let at = first.cidr.text.span;
        changes.push(if by_operator(model) {
            Change::add(at, "calicoNetwork.ipPools", entry(range))
        } else {
            Change { at, how: How::Document, field: "an IPPool".into(), new: pool(range, other) }
        });
    }
    for cni in &model.calico_cni {
        let field = format!("assign_{}", other.slug());
        let set = match other {
            IpFamily::V4 => &cni.assign_v4,
            IpFamily::V6 => &cni.assign_v6,
        };
        changes.extend(match set {
            Some(text) if text.value.eq_ignore_ascii_case("true") => None,
            Some(text) => Some(writer.string(text.span, field, "true")),
            None => Some(Change::add(cni.at, format!("\"{field}\""), "\"true\"")),
        });
    }
    changes
        .extend(model.calico_nodes.iter().flat_map(|node| calico_node(model, node, lacks, writer)));
    changes
}

fn calico_node(
    model: &Model,
    node: &CalicoNode,
    lacks: &Gaps<'_>,
    writer: Writer<'_>,
) -> Vec<Change> {
    let other = lacks.other();
    let range = of_family(&lacks.pod_ranges, other);
    let mut changes = Vec::new();
    let mut set = |name: &str, new: &str| match node.get(name) {
        Some(text) if text.value == new => {}
        // The value of a variable is a string.
        Some(text) if new == "true" => changes.push(writer.string(text.span, name, new)),
        Some(text) => changes.push(writer.value(text.span, name, new)),
        None => changes.push(Change::add(node.at, name, quoted(new, new == "true"))),
    };
    for (name, value) in variables(other) {
        // An address of one's own, or another way to find it, is not touched.
        let own = node.get(name).is_some_and(|text| text.value != "none");
        if !own || value == "true" {
            set(name, value);
        }
    }
    // Pools by variables are made where there are none yet.
    if model.pools.is_empty() {
        set(&format!("CALICO_{}POOL_CIDR", other.as_str().to_uppercase()), range);
        if other == IpFamily::V6 {
            set("CALICO_IPV6POOL_NAT_OUTGOING", "true");
        }
    }
    changes
}

fn calico_step(model: &Model, lacks: &Gaps<'_>) -> Step {
    let other = lacks.other();
    let range = of_family(&lacks.pod_ranges, other);
    if by_operator(model) {
        let actions = vec![
            Action::run("kubectl edit installation default"),
            Action::write(
                "spec.calicoNetwork.ipPools, beside the entry that is there",
                [format!("- cidr: {range}"), "  natOutgoing: Enabled".to_owned()],
            ),
        ];
        return step(TITLE, "Calico, by its operator: a second pool is all.", actions);
    }
    let mut actions = Vec::new();
    let has = |pool: &&crate::lint::model::IpPool| pool.cidr.family() == Some(other);
    if !model.pools.iter().any(|pool| has(&pool) && !pool.disabled) {
        let text = pool(range, other);
        actions.push(Action::write("a file pool.yaml", text.lines()));
        actions.push(Action::run("calicoctl apply -f pool.yaml"));
    }
    let assigned = model.calico_cni.iter().all(|cni| {
        is_true(match other {
            IpFamily::V4 => cni.assign_v4.as_ref(),
            IpFamily::V6 => cni.assign_v6.as_ref(),
        })
    });
    if model.calico_cni.is_empty() || !assigned {
        actions.push(Action::run("kubectl -n kube-system edit configmap calico-config"));
        let line = format!("\"assign_{}\": \"true\",", other.slug());
        actions.push(Action::write("\"ipam\" of its cni_network_config", [line]));
    }
    let variables = variables(other);
    let variables = variables.iter().map(|(name, value)| format!("{name}={value}"));
    let variables = variables.collect::<Vec<_>>().join(" ");
    actions.push(Action::run(format!(
        "kubectl -n kube-system set env daemonset/calico-node {variables}"
    )));
    let mut text = format!("Calico: a pool, addresses of {other} for Pods, and for calico-node.");
    if other == IpFamily::V6 {
        text.push_str(
            " Calico does not support IP-in-IP for IPv6: if the nodes are in different networks, set \
             vxlanMode: Always on the pool.",
        );
    }
    step(TITLE, text, actions)
}
