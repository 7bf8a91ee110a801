//! A registry for one cluster: it answers pulls from directories of images and takes no pushes.
//!
//! It speaks the part of the OCI distribution specification (v1.1) that pulling uses. Several
//! upstream registries are served side by side: containerd says which one is meant in the parameter
//! `ns`. Directories are asked in order, so that what was loaded into one cluster hides what all
//! clusters share.

mod answer;
mod path;

use std::{io, path::PathBuf, sync::Arc};

use axum::{Router, routing::get};
use tokio::net::TcpListener;

use crate::images::Store;

/// Serves the images in `roots`, the first of which goes first, until it is dropped.
///
/// # Errors
/// When connections can no longer be accepted.
pub async fn serve(listener: TcpListener, roots: Vec<PathBuf>) -> io::Result<()> {
    axum::serve(listener, router(roots)).await
}

/// The registry's routes. HEAD is answered wherever GET is.
fn router(roots: Vec<PathBuf>) -> Router {
    let stores: Arc<[Store]> = roots.into_iter().map(Store::at).collect();
    Router::new()
        .route("/v2/", get(answer::version))
        .route("/v2/{*path}", get(answer::content))
        .with_state(stores)
}
