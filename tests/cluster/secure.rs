//! TLS that doesn't come about.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

use crate::fake::{Fake, serve, version};

/// A certificate authority, and a server that shows a certificate signed by it.
struct Secure {
    authority: CertifiedIssuer<'static, KeyPair>,
    fake: Fake,
}

impl Secure {
    async fn start(name: &str, not_after: i32) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();

        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(not_after, 1, 1);
        let certificate = parameters.signed_by(&key, &authority).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let fake = Fake::raw("https", move |stream| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, Arc::new(|_: &_| version())).await;
                }
            }
        })
        .await;
        Self { authority, fake }
    }

    fn authority(&self) -> Value {
        let pem = self.authority.pem();
        json!({"certificate-authority-data": BASE64_STANDARD.encode(pem)})
    }
}

#[tokio::test]
async fn a_server_whose_certificate_is_in_order() {
    let secure = Secure::start("127.0.0.1", 2999).await;
    let cluster = secure.fake.connect_as(json!({}), secure.authority()).await.unwrap();
    assert_eq!(cluster.server.version, "v1.36.3");
}

#[tokio::test]
async fn a_certificate_of_another_authority() {
    let secure = Secure::start("127.0.0.1", 2999).await;
    let other = Secure::start("127.0.0.1", 2999).await;
    let result = secure.fake.connect_as(json!({}), other.authority()).await;
    let sentence = secure.fake.refused(result);
    assert!(
        sentence.starts_with(
            "TLS connection to the API server URL (context here) failed: the server's certificate "
        ),
        "{sentence}"
    );
    assert!(
        sentence.ends_with(
            "; check certificate-authority-data in the kubeconfig: it may belong to another or a \
             rebuilt cluster"
        ),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_servers_certificate_that_has_expired() {
    let secure = Secure::start("127.0.0.1", 2021).await;
    let result = secure.fake.connect_as(json!({}), secure.authority()).await;
    assert_eq!(
        secure.fake.refused(result),
        "TLS connection to the API server URL (context here) failed: the server's certificate has \
         expired; renew it (on a kubeadm cluster by `kubeadm certs renew apiserver`) and check this \
         machine's clock"
    );
}

#[tokio::test]
async fn a_certificate_for_another_name() {
    let secure = Secure::start("api.example.org", 2999).await;
    let result = secure.fake.connect_as(json!({}), secure.authority()).await;
    assert_eq!(
        secure.fake.refused(result),
        "TLS connection to the API server URL (context here) failed: the server's certificate is for \
         api.example.org, not 127.0.0.1; use one of these names as the address, or set \
         tls-server-name in the kubeconfig"
    );
    let mut cluster = secure.authority();
    cluster["tls-server-name"] = json!("api.example.org");
    assert!(secure.fake.connect_as(json!({}), cluster).await.is_ok());
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls() {
    let fake = Fake::raw("https", |mut stream| async move {
        // As a web server does that is spoken to in TLS on its plain port.
        let _ = tokio::io::AsyncWriteExt::write_all(
            &mut stream,
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
        )
        .await;
        // Reading on keeps the answer from being cut off by a reset.
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    })
    .await;
    assert_eq!(
        fake.refused(fake.connect().await),
        "TLS connection to the API server URL (context here) failed: the server does not speak TLS; \
         check the scheme and port of the server in the kubeconfig"
    );
}
