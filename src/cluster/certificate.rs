//! Until when a client certificate is valid.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use kube::config::AuthInfo;
use x509_cert::Certificate;

/// When the kubeconfig's client certificate expires; `None` where it has none that can be read.
pub(super) fn not_after(auth: &AuthInfo) -> Option<Timestamp> {
    let pem = match (&auth.client_certificate_data, &auth.client_certificate) {
        (Some(data), _) => BASE64_STANDARD.decode(data).ok()?,
        (None, Some(path)) => std::fs::read(path).ok()?,
        (None, None) => return None,
    };
    let chain = Certificate::load_pem_chain(&pem).ok()?;
    let not_after = chain.first()?.tbs_certificate().validity().not_after;
    Timestamp::try_from(not_after.to_system_time()).ok()
}
