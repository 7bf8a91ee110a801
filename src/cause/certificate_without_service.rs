//! `certificate_without_service`: the API server's certificate doesn't name the address at which pods find it.

use super::{CauseRule, Confidence, Evidence, Found};
use crate::check::{Subject, reconfigure, words};

#[derive(Debug)]
pub(super) struct CertificateWithoutService;

impl CauseRule for CertificateWithoutService {
    fn id(&self) -> &'static str {
        "certificate_without_service"
    }

    fn why(&self) -> &'static str {
        "Pods connect to the API server at the ClusterIP of the Service default/kubernetes and verify its \
         certificate. If the certificate doesn't include that address, DNS servers, operators and the pod \
         network's agents abort every connection, while kubectl works, because it uses another address."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        found(evidence).into_iter().collect()
    }
}

fn found(evidence: &Evidence<'_>) -> Option<Found> {
    // All other cases of this check that are about a Service have no failure of a certificate.
    let facts = evidence.world.facts;
    let service = facts.kubernetes_service.known()?;
    let certified = service.certified.known()?;
    let missing: Vec<_> = service.cluster_ips.iter().filter(|ip| !certified.contains(ip)).collect();
    let cases = evidence.red("control_plane::kubernetes_service", |judged| {
        matches!(judged.case.subject, Subject::Service { .. })
            && missing.iter().any(|ip| judged.verdict.detail() == format!("does not name {ip}"))
    });
    let first = evidence.judged.get(*cases.first()?)?;
    let server = &facts.server.url;
    let missing = words::list(missing);
    let mut seen = vec![
        format!("the certificate that {server} shows does not name {missing}"),
        format!("{missing} is the ClusterIP of the Service default/kubernetes"),
    ];
    if !certified.is_empty() {
        seen.push(format!("it does name {}", words::list(certified)));
    }
    Some(Found {
        what: format!(
            "The API server's certificate lacks {missing}, the ClusterIP of the Service \
             default/kubernetes: clients in pods that verify it can't talk to the API server."
        ),
        confidence: Confidence::Proved,
        evidence: seen,
        reproduce: first.verdict.failure().map(|it| it.reproduce.clone()).unwrap_or_default(),
        fix: vec![
            reconfigure::reissue(&missing),
            format!(
                "`kubeadm certs renew apiserver` alone doesn't help: it takes over the names of the \
                 certificate that is there, and so goes on without {missing}."
            ),
            format!(
                "Without kubeadm: reissue the certificate in kube-apiserver's --tls-cert-file, with {missing} \
                 as a subjectAltName."
            ),
            "If the range of Services was changed after the certificate was issued, look what else still \
             has the old one: kubeadm-config, and the ClusterIP of the DNS Service in kubelets' clusterDNS."
                .to_owned(),
        ],
        cases,
        ..Found::default()
    })
}
