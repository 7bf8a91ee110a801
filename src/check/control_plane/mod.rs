//! Whether pods reach the API server, and the API server pods.

mod kubernetes_service;
mod to_pod;

pub(super) use kubernetes_service::KubernetesService;
pub(super) use to_pod::ToPod;
