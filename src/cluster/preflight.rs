//! Asking for permissions before anything is created.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use kube::{Api, api::PostParams};

use super::{Cluster, ClusterError, Permission};

/// How many reviews are under way at once. Each takes a connection of its own, whose TLS
/// handshake costs more than the review.
const AT_ONCE: usize = 12;

/// Which permissions are missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// The optional ones that are missing, in the order in which they were asked for.
    pub missing: Vec<Permission>,
}

/// Asks for all permissions at the same time, by SelfSubjectAccessReview, which creates nothing.
///
/// # Errors
///
/// [`ClusterError::MissingPermissions`] names every required permission that is missing; any other error
/// says why the API server could not be asked.
#[tracing::instrument(skip_all)]
pub async fn preflight(
    cluster: &Cluster,
    permissions: &[Permission],
) -> Result<Preflight, ClusterError> {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(cluster.client.clone());
    let doing = "create selfsubjectaccessreviews.authorization.k8s.io";
    let allowed: Vec<bool> = stream::iter(permissions.iter().map(Permission::review))
        .map(|review| {
            let reviews = &reviews;
            async move { reviews.create(&PostParams::default(), &review).await }
        })
        .buffered(AT_ONCE)
        .map_ok(|review| review.status.is_some_and(|status| status.allowed))
        .try_collect()
        .await
        .map_err(|error| cluster.error(doing, error))?;

    let missing = || permissions.iter().zip(&allowed).filter(|(_, allowed)| !**allowed);
    let required: Vec<_> = missing()
        .map(|(permission, _)| permission)
        .filter(|permission| !permission.optional)
        .cloned()
        .collect();
    if !required.is_empty() {
        let endpoint = Arc::clone(&cluster.endpoint);
        return Err(ClusterError::MissingPermissions { endpoint, permissions: required });
    }
    Ok(Preflight { missing: missing().map(|(permission, _)| permission.clone()).collect() })
}
