//! Whether the API server is reached through a proxy.
//!
//! The rules are kubectl's (Go's `net/http` and `httpproxy`): the kubeconfig's `proxy-url` counts
//! always; `HTTPS_PROXY` (for an `http` address `HTTP_PROXY`) counts unless the *API server* is on
//! this machine or listed in `NO_PROXY`. kube matches `NO_PROXY` against the proxy's own address,
//! so it isn't asked.

use std::net::IpAddr;

use http::Uri;
use ipnet::IpNet;

use super::options::Environment;

/// The proxy for an API server, as written; `None` for the direct way.
pub(super) fn proxy_for<'a>(
    server: &Uri,
    configured: Option<&'a str>,
    environment: &'a Environment,
) -> Option<&'a str> {
    if let Some(configured) = configured.filter(|url| !url.is_empty()) {
        return Some(configured);
    }
    let proxy = match server.scheme_str() {
        Some("http") => environment.http_proxy.as_deref(),
        _ => environment.https_proxy.as_deref(),
    };
    let proxy = proxy.filter(|url| !url.is_empty())?;
    let host = server.host()?.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let port = server.port_u16().unwrap_or(match server.scheme_str() {
        Some("http") => 80,
        _ => 443,
    });
    let no_proxy = environment.no_proxy.as_deref().unwrap_or_default();
    let direct = is_loopback(&host) || no_proxy.split(',').any(|entry| covers(entry, &host, port));
    (!direct).then_some(proxy)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether an entry of `NO_PROXY` covers a host: `*`, an address, a range, a domain with its
/// subdomains, `.domain` or `*.domain` for the subdomains alone, each but a range with an optional
/// port. An entry that is none of these covers nothing.
fn covers(entry: &str, host: &str, port: u16) -> bool {
    let entry = entry.trim().to_ascii_lowercase();
    if entry == "*" {
        return true;
    }
    let address: Option<IpAddr> = host.parse().ok();
    if let Ok(range) = entry.parse::<IpNet>() {
        return address.is_some_and(|ip| range.contains(&ip));
    }
    let (name, only_port) = split_port(&entry);
    if only_port.is_some_and(|only| only != port) {
        return false;
    }
    if let Ok(ip) = name.parse::<IpAddr>() {
        return address == Some(ip);
    }
    let subdomains = name.strip_prefix('*').unwrap_or(name);
    match subdomains.strip_prefix('.') {
        Some("") => false,
        Some(_) => host.ends_with(subdomains),
        None if subdomains.is_empty() => false,
        None => host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
    }
}

/// Splits `name:port`, `[address]:port` and `[address]`; a bare IPv6 address has no port.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((address, rest)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match entry.split_once(':') {
        Some((name, port)) if !port.contains(':') => (name, port.parse().ok()),
        _ => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(server: &str, no_proxy: &str) -> bool {
        let environment = Environment {
            https_proxy: Some("http://10.1.1.1:3128".into()),
            no_proxy: Some(no_proxy.into()),
            ..Environment::default()
        };
        proxy_for(&server.parse().unwrap(), None, &environment).is_some()
    }

    #[test]
    fn the_proxy_is_used_unless_the_api_server_is_exempt() {
        for (server, no_proxy, expected) in [
            ("https://api.example.org:6443", "", true),
            ("https://api.example.org:6443", ",", true),
            ("https://api.example.org:6443", "localhost, example.org,", false),
            ("https://api.example.org:6443", ".example.org", false),
            ("https://api.example.org:6443", "*.example.org", false),
            ("https://api.example.org:6443", "example.org:6443", false),
            ("https://api.example.org:6443", "example.org:443", true),
            ("https://example.org", "example.org:443", false),
            ("https://example.org", ".example.org", true),
            ("https://badexample.org", "example.org", true),
            ("https://API.Example.org", "EXAMPLE.org", false),
            ("https://api.example.org", "*", false),
            ("https://192.0.2.7:6443", "192.0.2.0/24", false),
            ("https://192.0.2.7:6443", "192.0.2.7", false),
            ("https://192.0.2.7:6443", "192.0.2.8", true),
            ("https://[2001:db8::7]:6443", "2001:db8::/32", false),
            ("https://[2001:db8::7]:6443", "2001:db8::7", false),
            ("https://[2001:db8::7]:6443", "[2001:db8::7]:6443", false),
            // The proxy's own address is listed, the server's isn't.
            ("https://api.example.org", "10.0.0.0/8", true),
        ] {
            assert_eq!(proxied(server, no_proxy), expected, "{server} with NO_PROXY={no_proxy}");
        }
    }

    #[test]
    fn an_api_server_on_this_machine_is_never_reached_through_a_proxy_of_the_environment() {
        for server in ["https://127.0.0.1:6443", "https://[::1]:6443", "https://localhost:6443"] {
            assert!(!proxied(server, ""), "{server}");
        }
    }

    #[test]
    fn the_kubeconfigs_own_proxy_counts_always() {
        let environment = Environment { no_proxy: Some("*".into()), ..Environment::default() };
        let server = "https://127.0.0.1:6443".parse().unwrap();
        let proxy = proxy_for(&server, Some("http://jump:3128"), &environment);
        assert_eq!(proxy, Some("http://jump:3128"));
    }
}
