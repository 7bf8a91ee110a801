//! What each component reads of an example.

use serde_json::{Value, json};

/// The example's documents as values; none where it is not valid YAML.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap_or_default()
}

/// The first document of a kind.
pub(crate) fn of_kind<'a>(documents: &'a [Value], kind: &str) -> Option<&'a Value> {
    documents.iter().find(|document| document["kind"] == kind)
}

/// One string of the `ClusterConfiguration`'s `networking`.
pub(crate) fn network(documents: &[Value], field: &str) -> Option<String> {
    let cluster = of_kind(documents, "ClusterConfiguration")?;
    Some(cluster["networking"][field].as_str()?.to_owned())
}

/// Flags that kubeadm's `extraArgs` give to a component, as its command line has them.
pub(crate) fn extra_args(documents: &[Value], component: &str) -> Vec<String> {
    let cluster = of_kind(documents, "ClusterConfiguration");
    let list = cluster.and_then(|cluster| cluster[component]["extraArgs"].as_array());
    let flag =
        |flag: &Value| Some(format!("--{}={}", flag["name"].as_str()?, flag["value"].as_str()?));
    list.into_iter().flatten().filter_map(flag).collect()
}

/// Whether an example holds anything for kubeadm.
pub(crate) fn by_kubeadm(example: &str) -> bool {
    example.contains("apiVersion: kubeadm.k8s.io")
}

/// The flags that an example gives to kube-apiserver: by its Pod, or by kubeadm's documents.
pub(crate) fn api_server_flags(example: &str) -> Option<Vec<String>> {
    let documents = documents(example);
    if let Some(pod) = of_kind(&documents, "Pod") {
        let command = pod["spec"]["containers"][0]["command"].as_array()?;
        let mut words = command.iter().filter_map(Value::as_str);
        return (words.next()? == "kube-apiserver").then(|| words.map(str::to_owned).collect());
    }
    let mut flags = extra_args(&documents, "apiServer");
    if let Some(services) = network(&documents, "serviceSubnet") {
        flags.push(format!("--service-cluster-ip-range={services}"));
    }
    let init = of_kind(&documents, "InitConfiguration");
    let address = init.and_then(|init| init["localAPIEndpoint"]["advertiseAddress"].as_str());
    flags.push(format!("--advertise-address={}", address?));
    Some(flags)
}

/// Whether an example holds Services to admit.
pub(crate) fn shows_services(example: &str) -> bool {
    of_kind(&documents(example), "Service").is_some()
}

/// The flags that kubeadm makes of an example for kube-controller-manager.
pub(crate) fn controller_manager_flags(example: &str) -> Option<Vec<String>> {
    let documents = documents(example);
    let mut flags = vec![format!("--cluster-cidr={}", network(&documents, "podSubnet")?)];
    if let Some(services) = network(&documents, "serviceSubnet") {
        flags.push(format!("--service-cluster-ip-range={services}"));
    }
    flags.extend(extra_args(&documents, "controllerManager"));
    Some(flags)
}

/// The flag `node-ip` of an example.
pub(crate) fn node_ip(example: &str) -> Option<String> {
    let documents = documents(example);
    let join = of_kind(&documents, "JoinConfiguration");
    let flags = join?["nodeRegistration"]["kubeletExtraArgs"].as_array()?;
    let flag = flags.iter().find(|flag| flag["name"] == "node-ip")?;
    flag["value"].as_str().map(str::to_owned)
}

/// The example's configuration as kube-proxy takes it here: it finds its node, and leaves the
/// machine's settings alone.
pub(crate) fn proxy_configuration(example: &str) -> Option<Value> {
    let documents = documents(example);
    let mut configuration = of_kind(&documents, "KubeProxyConfiguration")?.clone();
    configuration["mode"] = json!("nftables");
    configuration["hostnameOverride"] = json!("node-1");
    configuration["conntrack"] = json!({
        "maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s",
    });
    Some(configuration)
}

/// Whether an example is a configuration of kind's.
pub(crate) fn by_kind(example: &str) -> bool {
    example.contains("apiVersion: kind.x-k8s.io")
}
