//! Which addresses the certificate is valid for that the API server shows to clients which ask for none by
//! name, as those in pods do.

use std::{
    io,
    net::{IpAddr, TcpStream, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use http::Uri;
use kube::{Config, client::ConfigExt, config::AuthInfo};
use rustls::{CertificateError, ClientConfig, ClientConnection, pki_types::ServerName};

use super::chain::{first_of, innermost};

/// How long connecting may take, and each silence after that.
const PATIENCE: Duration = Duration::from_secs(3);

/// The name that every API server's own certificate has.
const OWN_NAME: &str = "kubernetes.default";

/// The way to the API server's certificate, or why it can't be seen.
#[derive(Clone)]
pub(super) struct Serving(Result<Way, String>);

#[derive(Clone)]
struct Way {
    host: String,
    port: u16,
    tls: Arc<ClientConfig>,
}

impl Serving {
    /// The way that this configuration describes.
    pub(super) fn of(config: &Config) -> Self {
        Self(way(config))
    }

    /// Whether the certificate is valid for an address.
    ///
    /// # Errors
    /// Why that can't be told.
    pub(super) async fn is_valid_for(&self, ip: IpAddr) -> Result<bool, String> {
        let way = self.0.clone()?;
        let asked = tokio::task::spawn_blocking(move || way.is_valid_for(ip)).await;
        asked.unwrap_or_else(|error| Err(error.to_string()))
    }
}

fn way(config: &Config) -> Result<Way, String> {
    let url = &config.cluster_url;
    if url.scheme_str() != Some("https") {
        return Err("the API server is not reached by TLS".to_owned());
    }
    if config.proxy_url.is_some() {
        return Err("the API server is reached by a proxy".to_owned());
    }
    if config.accept_invalid_certs {
        return Err("the kubeconfig says not to verify it".to_owned());
    }
    if !matches!(url.path(), "" | "/") {
        return Err(format!("{url} is a path of another server"));
    }
    // Nothing is asked there, so no credential is needed, and no plugin is run for one.
    let mut anonymous = config.clone();
    anonymous.auth_info = AuthInfo::default();
    let tls = anonymous.rustls_client_config().map_err(|error| innermost(&error))?;
    let (host, port) = place(url).ok_or_else(|| format!("{url} names no host"))?;
    Ok(Way { host, port, tls: Arc::new(tls) })
}

/// The host of a URL, without the brackets of an IPv6 address, and its port.
fn place(url: &Uri) -> Option<(String, u16)> {
    let host = url.host()?.trim_start_matches('[').trim_end_matches(']');
    Some((host.to_owned(), url.port_u16().unwrap_or(443)))
}

impl Way {
    /// Opens a connection that says for which address the certificate must be valid.
    fn is_valid_for(&self, ip: IpAddr) -> Result<bool, String> {
        match self.shake_hands(ip) {
            Ok(()) => Ok(true),
            Err(error) => refused(&error),
        }
    }

    fn shake_hands(&self, ip: IpAddr) -> io::Result<()> {
        let server = ServerName::from(ip);
        let mut tls = ClientConnection::new(Arc::clone(&self.tls), server)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let mut stream = self.connect()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        while tls.is_handshaking() {
            tls.complete_io(&mut stream)?;
        }
        Ok(())
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// What a handshake that failed says of the certificate's names.
fn refused(error: &io::Error) -> Result<bool, String> {
    match first_of::<rustls::Error>(error) {
        Some(rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            presented,
            ..
        })) => {
            if presented.iter().any(|name| name.contains(OWN_NAME)) {
                Ok(false)
            } else {
                Err(format!(
                    "the certificate doesn't name {OWN_NAME}, so something before the API server ends \
                     TLS"
                ))
            }
        }
        _ => Err(format!("the certificate can't be judged: {}", innermost(error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(presented: &[&str]) -> Result<bool, String> {
        let error = rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            expected: ServerName::from(IpAddr::from([10, 96, 0, 1])),
            presented: presented.iter().map(ToString::to_string).collect(),
        });
        refused(&io::Error::new(io::ErrorKind::InvalidData, error))
    }

    #[test]
    fn only_a_certificate_of_an_api_servers_own_lacks_an_address() {
        let own = ["DnsName(\"kubernetes.default.svc\")", "IpAddress(10.0.0.1)"];
        assert_eq!(refusal(&own), Ok(false));
        let other = refusal(&["DnsName(\"api.example.com\")"]).unwrap_err();
        assert!(other.contains("ends TLS"), "{other}");
        let late = refused(&io::Error::from(io::ErrorKind::TimedOut)).unwrap_err();
        assert!(late.contains("can't be judged"), "{late}");
    }

    #[test]
    fn what_does_not_lead_to_the_certificate_itself_is_said() {
        let config = |url: &str| Config::new(url.parse().unwrap());
        let why = |config: &Config| way(config).err().unwrap();
        assert!(why(&config("http://api.example:8080")).contains("not reached by TLS"));
        assert!(why(&config("https://rancher.example/k8s/clusters/c-1")).contains("a path"));
        let mut blind = config("https://api.example");
        blind.accept_invalid_certs = true;
        assert!(why(&blind).contains("not to verify"));
        let mut proxied = config("https://api.example");
        proxied.proxy_url = Some("http://proxy.example:3128".parse().unwrap());
        assert!(why(&proxied).contains("by a proxy"));
        let place = place(&"https://[fd00::1]:6443".parse().unwrap());
        assert_eq!(place, Some(("fd00::1".to_owned(), 6443)));
    }
}
