//! Answers to requests.

use std::{fs, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{Path, Request, State},
    http::{
        StatusCode, Uri,
        header::{CONTENT_TYPE, HeaderName, HeaderValue},
    },
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tower_http::services::ServeFile;

use super::path::{Asked, registry};
use crate::images::{Digest, Reference, Store};

/// The header in which clients look for the digest of what they got.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// Says that this is a registry of version 2 of the interface.
pub(super) async fn version() -> Response {
    let name = HeaderName::from_static("docker-distribution-api-version");
    ([(name, "registry/2.0")], Json(json!({}))).into_response()
}

/// A manifest or a blob.
pub(super) async fn content(
    State(stores): State<Arc<[Store]>>,
    Path(path): Path<String>,
    uri: Uri,
    request: Request,
) -> Response {
    match Asked::parse(&path) {
        Some(Asked::Tag { repository, tag }) => {
            let Ok(reference) = Reference::new(&registry(uri.query()), repository, tag) else {
                return refusal(
                    StatusCode::NOT_FOUND,
                    "NAME_INVALID",
                    format!("{repository}:{tag} is not an image name"),
                );
            };
            let mut found = stores.iter().map(|store| store.resolve(&reference));
            match found.find_map(Result::transpose) {
                Some(Ok(digest)) => manifest(&stores, &digest),
                Some(Err(error)) => {
                    refusal(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", error.to_string())
                }
                None => refusal(
                    StatusCode::NOT_FOUND,
                    "MANIFEST_UNKNOWN",
                    format!("there is no image {reference} here"),
                ),
            }
        }
        Some(Asked::Manifest(digest)) => manifest(&stores, &digest),
        Some(Asked::Blob(digest)) => blob(&stores, &digest, request).await,
        None => refusal(
            StatusCode::NOT_FOUND,
            "UNSUPPORTED",
            format!("/v2/{path} is neither a manifest nor a blob"),
        ),
    }
}

/// A manifest, whole: it is small, and its own words say of what type it is.
fn manifest(stores: &[Store], digest: &Digest) -> Response {
    let Some(bytes) = stores.iter().find_map(|store| fs::read(store.blob(digest)).ok()) else {
        return refusal(
            StatusCode::NOT_FOUND,
            "MANIFEST_UNKNOWN",
            format!("there is no manifest {digest} here"),
        );
    };
    let media_type = serde_json::from_slice::<Value>(&bytes).ok().and_then(|manifest| {
        let media_type = manifest.get("mediaType")?.as_str()?;
        HeaderValue::from_str(media_type).ok()
    });
    let Some(media_type) = media_type else {
        return refusal(
            StatusCode::NOT_FOUND,
            "MANIFEST_INVALID",
            format!("{digest} is not a manifest"),
        );
    };
    let mut response = Body::from(bytes).into_response();
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    with_digest(response, digest)
}

/// A blob, streamed, or the part of it that a Range header asks for.
async fn blob(stores: &[Store], digest: &Digest, request: Request) -> Response {
    let Some(path) = stores.iter().map(|store| store.blob(digest)).find(|path| path.is_file())
    else {
        return refusal(
            StatusCode::NOT_FOUND,
            "BLOB_UNKNOWN",
            format!("there is no blob {digest} here"),
        );
    };
    match ServeFile::new(path).try_call(request).await {
        Ok(response) => {
            let mut response = response.map(Body::new);
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
            with_digest(response, digest)
        }
        Err(error) => refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "UNKNOWN",
            format!("{digest} can't be read: {error}"),
        ),
    }
}

fn with_digest(mut response: Response, digest: &Digest) -> Response {
    if let Ok(value) = HeaderValue::from_str(&digest.to_string()) {
        response.headers_mut().insert(CONTENT_DIGEST, value);
    }
    response
}

/// An error in the form that the specification gives it, which container runtimes show to a person.
fn refusal(status: StatusCode, code: &str, message: String) -> Response {
    (status, Json(json!({ "errors": [{ "code": code, "message": message }] }))).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{
        body::to_bytes,
        http::{
            Method,
            header::{ACCEPT_RANGES, CONTENT_LENGTH, RANGE},
        },
    };
    use tower::ServiceExt;

    use super::*;

    /// Two directories of images, the second of which the first one hides in part.
    struct Served {
        _directory: tempfile::TempDir,
        router: axum::Router,
        layer: Digest,
    }

    impl Served {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let roots = ["own", "shared"].map(|name| directory.path().join(name));
            let layer = Digest::of(b"0123456789");
            let write = |root: &std::path::Path, names: &[&str], mark: &str| {
                let manifest = json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "mark": mark });
                let manifest = manifest.to_string();
                let blobs = root.join("blobs/sha256");
                fs::create_dir_all(&blobs).unwrap();
                for content in [manifest.as_str(), "0123456789"] {
                    fs::write(blobs.join(Digest::of(content.as_bytes()).digits()), content)
                        .unwrap();
                }
                for name in names {
                    let path = root.join("names").join(name);
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, Digest::of(manifest.as_bytes()).to_string()).unwrap();
                }
            };
            write(&roots[0], &["docker.io/library/busybox:1.37"], "own");
            let shared = [
                "docker.io/library/busybox:1.37",
                "docker.io/library/nginx:1.27",
                "registry.k8s.io/pause:3.10",
            ];
            write(&roots[1], &shared, "shared");
            Self { _directory: directory, router: super::super::router(roots.into()), layer }
        }

        async fn ask(&self, method: Method, uri: &str, range: Option<&str>) -> Response {
            let mut request = Request::builder().method(method).uri(uri);
            if let Some(range) = range {
                request = request.header(RANGE, range);
            }
            self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
        }

        async fn text(&self, uri: &str) -> (StatusCode, String) {
            let response = self.ask(Method::GET, uri, None).await;
            let status = response.status();
            (status, body(response).await)
        }
    }

    async fn body(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
    }

    fn header(response: &Response, name: HeaderName) -> &str {
        response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    #[tokio::test]
    async fn the_first_directory_hides_the_others() {
        let served = Served::new();
        let (status, text) = served.text("/v2/library/busybox/manifests/1.37?ns=docker.io").await;
        assert_eq!(status, StatusCode::OK);
        assert!(text.contains("own"), "{text}");
        let (_, text) = served.text("/v2/library/nginx/manifests/1.27").await;
        assert!(text.contains("shared"), "{text}");
    }

    #[tokio::test]
    async fn registries_do_not_mix() {
        let served = Served::new();
        assert_eq!(
            served.text("/v2/pause/manifests/3.10?ns=registry.k8s.io").await.0,
            StatusCode::OK
        );
        let (status, text) = served.text("/v2/pause/manifests/3.10?ns=docker.io").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(
            text.contains("MANIFEST_UNKNOWN") && text.contains("docker.io/pause:3.10"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_manifest_is_found_by_the_digest_that_came_with_its_tag() {
        let served = Served::new();
        let uri = "/v2/pause/manifests/3.10?ns=registry.k8s.io";
        let head = served.ask(Method::HEAD, uri, None).await;
        assert_eq!(head.status(), StatusCode::OK);
        assert_eq!(header(&head, CONTENT_TYPE), "application/vnd.oci.image.manifest.v1+json");
        let digest = header(&head, CONTENT_DIGEST).to_owned();
        let length: usize = header(&head, CONTENT_LENGTH).parse().unwrap();
        assert_eq!(body(head).await, "");
        let (status, text) =
            served.text(&format!("/v2/pause/manifests/{digest}?ns=registry.k8s.io")).await;
        assert_eq!((status, text.len()), (StatusCode::OK, length));
        assert_eq!(Digest::of(text.as_bytes()).to_string(), digest);
    }

    #[tokio::test]
    async fn a_blob_is_served_whole_or_in_part() {
        let served = Served::new();
        let uri = format!("/v2/pause/blobs/{}", served.layer);
        let whole = served.ask(Method::GET, &uri, None).await;
        assert_eq!(header(&whole, CONTENT_LENGTH), "10");
        assert_eq!(header(&whole, ACCEPT_RANGES), "bytes");
        assert_eq!(header(&whole, CONTENT_DIGEST), served.layer.to_string());
        assert_eq!(body(whole).await, "0123456789");
        let part = served.ask(Method::GET, &uri, Some("bytes=3-5")).await;
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(body(part).await, "345");
        let head = served.ask(Method::HEAD, &uri, None).await;
        assert_eq!((head.status(), header(&head, CONTENT_LENGTH)), (StatusCode::OK, "10"));
    }

    #[tokio::test]
    async fn a_layer_asked_for_as_a_manifest_is_refused() {
        let served = Served::new();
        let (status, text) = served.text(&format!("/v2/pause/manifests/{}", served.layer)).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(text.contains("MANIFEST_INVALID"), "{text}");
    }

    #[tokio::test]
    async fn nothing_outside_the_directories_is_served_and_nothing_is_taken() {
        let served = Served::new();
        for uri in [
            "/v2/../../etc/passwd",
            "/v2/library/busybox/manifests/..%2F..%2Fx",
            "/v2/x/manifests/1?ns=..",
            "/v2/x/manifests/1?ns=a/../../b",
            "/v2/library/busybox/blobs/sha256:..",
        ] {
            assert_eq!(served.text(uri).await.0, StatusCode::NOT_FOUND, "{uri}");
        }
        let push = served.ask(Method::PUT, "/v2/library/busybox/manifests/1.37", None).await;
        assert_eq!(push.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn it_says_that_it_is_a_registry() {
        let served = Served::new();
        assert_eq!(served.text("/v2/").await, (StatusCode::OK, "{}".to_owned()));
    }
}
