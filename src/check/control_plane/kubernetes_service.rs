//! `control_plane::kubernetes_service`

use std::net::{IpAddr, SocketAddr};

use crate::{
    check::{
        About, Check, Failure, Need, Planned, Promise, Reading, Readings, Subject, Symptom,
        Verdict, World, commands, outcome,
        plan::{self, Source},
        reconfigure, remedy, words,
    },
    facts::{Fact, KubernetesService as Service, Source as Facts},
    net::IpFamily,
    probe::{Aim, Target},
};

/// Pods reach the API server by its Service.
#[derive(Debug)]
pub(in crate::check) struct KubernetesService;

/// What a case is about.
#[derive(Debug)]
pub(in crate::check) enum ApiServer {
    /// What the API server wrote of its own Service in a family.
    Slices { family: IpFamily, service: Service },
    /// The addresses that the API server's certificate is valid for.
    Certificate { address: SocketAddr, certified: Fact<Vec<IpAddr>> },
    /// The way there from a pod on a node.
    Path {
        /// Where it starts, as the beginning of a sentence.
        from: String,
        /// The node there.
        node: String,
        family: IpFamily,
        address: SocketAddr,
    },
}

impl Check for KubernetesService {
    type Subject = ApiServer;

    const PROMISE: Promise = Promise {
        id: "control_plane::kubernetes_service",
        summary: "from every node, the ClusterIPs of the API server's own Service accept connections, its \
         EndpointSlices are of the Service's families, and its certificate names them",
        why: "Operators, controllers, DNS servers and the agents of pod networks find the API server only by \
              the Service default/kubernetes. On a node that loses this ClusterIP, pods look healthy but can't \
              do their work. The Service has one family, that of the address that the API server advertises.",
        source: "https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/; kube-apiserver flags \
         --service-cluster-ip-range and --advertise-address; upstream's tests \"should provide secure \
         master service\" and \"kubernetes.default Service\"",
        about: About::core().titled("The Service kubernetes"),
        needs: &[Need::Facts(Facts::KubernetesService), Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<ApiServer>> {
        let service = match &world.facts.kubernetes_service {
            Fact::Known { value, .. } => value,
            Fact::Forbidden { reason } => {
                return unknown(
                    world,
                    &Verdict::inconclusive(format!("missing permission: {reason}")),
                );
            }
            Fact::Absent { reason } => {
                return unknown(world, &Verdict::inconclusive(reason.clone()));
            }
        };
        let mut cases = Vec::new();
        // A family that the Service doesn't have is no failure: it has the primary one alone by design.
        for family in IpFamily::ALL {
            let Some(ip) = service.cluster_ip(family) else { continue };
            let address = SocketAddr::new(ip, service.port);
            let slices = ApiServer::Slices { family, service: service.clone() };
            cases.push(Planned::new(subject(), family, slices));
            if world.suite.families.contains(&family) {
                let certificate = Subject::Service { name: "certificate of kubernetes".to_owned() };
                let certified = service.certified.clone();
                let about = ApiServer::Certificate { address, certified };
                cases.push(Planned::new(certificate, family, about));
            }
            for source in plan::pods(world).chain(plan::hosts(world)) {
                cases.push(path(world, &source, family, address));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, case: &ApiServer, readings: &Readings<'_>) -> Verdict {
        match case {
            ApiServer::Slices { family, service } => slices(world, *family, service),
            ApiServer::Certificate { address, certified } => {
                certificate(world, *address, certified)
            }
            ApiServer::Path { from, node, family, address } => {
                let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
                    return outcome::unless_unknown(&readings.own);
                };
                let failure = unreached(world, (from, node), *family, *address, (reading, symptom));
                Verdict::fail(symptom.detail.clone(), failure)
            }
        }
    }
}

fn subject() -> Subject {
    Subject::Service { name: "kubernetes".to_owned() }
}

/// One case for each family, where nothing is known of the Service.
fn unknown(world: World<'_>, verdict: &Verdict) -> Vec<Planned<ApiServer>> {
    let families = plan::families(world.suite);
    families.map(|family| Planned::settled(subject(), family, verdict.clone())).collect()
}

fn path(
    world: World<'_>,
    source: &Source<'_>,
    family: IpFamily,
    address: SocketAddr,
) -> Planned<ApiServer> {
    let (from, node) = (source.place(), source.pod.node.clone());
    let subject = Subject::path(&source.label, "kubernetes");
    Planned::probing(world, subject, family, || {
        source.address(family)?;
        let attempts = plan::single(world.suite);
        let probe = source.probe(Aim::KubernetesService, Target::Tcp { address }, attempts);
        Ok((ApiServer::Path { from, node, family, address }, vec![probe]))
    })
}

/// Whether the suite expects the family, and the slices lead anywhere in it.
fn slices(world: World<'_>, family: IpFamily, service: &Service) -> Verdict {
    if !world.suite.families.contains(&family) {
        let ip = service.cluster_ip(family).map_or_else(String::new, |ip| ip.to_string());
        let what = format!(
            "The Service default/kubernetes has the {family} ClusterIP {ip}, but the suite {} expects \
             a cluster without {family}.",
            world.suite.name
        );
        return Verdict::fail(format!("{ip} is not expected"), misplaced(what, family));
    }
    let slices = match &service.slices {
        Fact::Known { value, .. } => value,
        Fact::Forbidden { reason } => {
            return Verdict::inconclusive(format!("missing permission: {reason}"));
        }
        Fact::Absent { reason } => return Verdict::inconclusive(reason.clone()),
    };
    let strange = slices.iter().find(|slice| {
        !slice.endpoints.is_empty()
            && !slice.family.is_some_and(|family| service.families().any(|it| it == family))
    });
    if let Some(slice) = strange {
        let of = slice.family.map_or("names", |family| family.as_str());
        let what = format!(
            "The EndpointSlice {} of the Service default/kubernetes is of {of}, and the Service has no \
             {of} ClusterIP: no packet is sent there.",
            slice.name
        );
        return Verdict::fail(format!("a slice of {of}"), misplaced(what, family));
    }
    let mut of_family = slices.iter().filter(|slice| slice.family == Some(family));
    let endpoints: Vec<_> = of_family.by_ref().flat_map(|slice| &slice.endpoints).collect();
    if endpoints.is_empty() {
        let what = format!(
            "The Service default/kubernetes has an {family} ClusterIP and no EndpointSlice of \
             addressType {family} with an endpoint: nothing answers there."
        );
        return Verdict::fail(format!("no endpoint of {family}"), misplaced(what, family));
    }
    Verdict::pass(words::list(endpoints))
}

/// Whether the API server's certificate is valid for the Service's address.
fn certificate(world: World<'_>, address: SocketAddr, certified: &Fact<Vec<IpAddr>>) -> Verdict {
    let ip = address.ip();
    match certified {
        Fact::Known { value, .. } if value.contains(&ip) => Verdict::pass(format!("names {ip}")),
        Fact::Known { .. } => {
            let failure = unnamed(&world.facts.server.url, address);
            Verdict::fail(format!("does not name {ip}"), failure)
        }
        Fact::Absent { reason } | Fact::Forbidden { reason } => Verdict::skip(reason),
    }
}

fn unnamed(url: &str, service: SocketAddr) -> Failure {
    let server = url.trim_start_matches("https://").trim_end_matches('/');
    let ip = service.ip();
    Failure::new(format!(
        "The API server's certificate is not valid for {ip}, the ClusterIP of the Service \
         default/kubernetes: every client in a pod that verifies it refuses to talk to the API server."
    ))
    .reproduce([
        format!(
            "openssl s_client -connect {server} -noservername </dev/null | openssl x509 -noout -ext \
             subjectAltName"
        ),
        "kubectl -n default get service kubernetes -o jsonpath='{.spec.clusterIPs}{\"\\n\"}'"
            .to_owned(),
    ])
    .fix([
        reconfigure::reissue(&ip.to_string()),
        "If it was issued before the Service range changed, look what else still has the old range \
         (kubeadm-config, the ClusterIP of the DNS Service)."
            .to_owned(),
    ])
}

fn misplaced(what: String, family: IpFamily) -> Failure {
    Failure::new(what)
        .reproduce([
            "kubectl -n default get service kubernetes -o yaml",
            "kubectl -n default get endpointslices -l kubernetes.io/service-name=kubernetes -o yaml",
        ])
        .fix([
            format!(
                "The Service takes the first range of kube-apiserver's --service-cluster-ip-range, and \
                 the slices its --advertise-address: both must be of the family that the cluster is to \
                 have first. An API server that advertises no {family} address writes no slice of it."
            ),
            "Every API server of the cluster must have the same flags; those that ran within the last hour have \
             a Lease (`kubectl -n kube-system get leases -l apiserver.kubernetes.io/identity=kube-apiserver`)."
                .to_owned(),
        ])
}

fn unreached(
    world: World<'_>,
    (from, node): (&str, &str),
    family: IpFamily,
    address: SocketAddr,
    (reading, symptom): (&Reading<'_>, &Symptom),
) -> Failure {
    Failure::new(format!(
        "{from} does not reach the API server at the {family} ClusterIP {address} of the Service \
         default/kubernetes: {}.",
        symptom.detail
    ))
    .reproduce(commands::repeat(world, [reading.probe]))
    .reproduce(remedy::inspect_proxy(world, family, node, &address.ip().to_string()))
    .fix([
        format!(
            "If other ClusterIPs work from {node}, a rule is for this one alone: a NetworkPolicy or \
             a firewall that lists the API server's address, or a route to it that is missing on {node}."
        ),
        format!(
            "Check that the endpoints in `kubectl -n default get endpointslices -l \
             kubernetes.io/service-name=kubernetes` are reached from {node}."
        ),
    ])
    .fix(remedy::service_proxy(world, family, node))
}
