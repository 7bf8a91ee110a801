//! Whether pods reach the API server, and the API server pods.

mod kubernetes_service;

pub(super) use kubernetes_service::KubernetesService;
