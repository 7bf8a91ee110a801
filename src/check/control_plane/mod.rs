//! Whether pods reach the API server, and the API server pods.

mod kubernetes_service;
mod to_pod;

use super::DynCheck;

/// The checks of the area, in the order of reports.
pub(super) const CHECKS: &[&dyn DynCheck] =
    &[&kubernetes_service::KubernetesService, &to_pod::ToPod];
