//! What a DNS pod answers, asked over TCP through a port-forward: an answer, not a path.

use std::{net::SocketAddr, time::Duration};

use futures::{StreamExt, future, stream};
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{Name, RecordType},
    },
};
use kube::Client;
use tokio::time::{Instant, sleep, timeout};

use super::{
    Attempt, Batch, Observation, Outcome, Probe, ProbeId, Sink, Target,
    outcome::SAID,
    plan::DnsServer,
    policy::{Patience, pursue},
};
use crate::{
    cluster::{Forward, forward, kubelet_is_restarting},
    net::IpFamily,
};

/// How many questions are under way at once.
const PARALLEL: usize = 16;

/// For how long what a kubelet broke off is asked again: one that is restarted is back within seconds.
const RESUMED_FOR: Duration = Duration::from_secs(10);
/// The pause before each time.
const PAUSE: Duration = Duration::from_secs(2);

/// A question that has no observation yet.
struct Left {
    id: ProbeId,
    probe: Probe,
    /// What was observed before its connection broke.
    attempts: Vec<Attempt>,
}

/// Asks one DNS pod, and sends each observation as soon as it is there.
pub(super) async fn carry_out(client: &Client, server: DnsServer, probes: Batch, sink: &Sink) {
    let begun = Instant::now();
    let mut left: Vec<Left> =
        probes.into_iter().map(|(id, probe)| Left { id, probe, attempts: Vec::new() }).collect();
    loop {
        let is_last = begun.elapsed() >= RESUMED_FOR;
        left = ask_all(client, server.clone(), left, is_last, sink).await;
        if left.is_empty() {
            return;
        }
        sleep(PAUSE).await;
    }
}

/// Asks everything once, over one connection. Returns what a kubelet broke off, unless it is the last time.
async fn ask_all(
    client: &Client,
    server: DnsServer,
    questions: Vec<Left>,
    is_last: bool,
    sink: &Sink,
) -> Vec<Left> {
    let start = Instant::now();
    let open = Server::open(client, server).await;
    if let (Ok(server), Some(first)) = (&open, questions.first()) {
        // Opens the connection that all questions share: asked at the same time, each would have
        // one of its own carried through the API server. What comes of it is asked again.
        let _ = server.attempt(&first.probe).await;
    }
    let open = &open;
    let asked = stream::iter(questions).map(async |Left { id, probe, mut attempts }| {
        let (more, lost) = match open {
            Ok(server) => {
                // An answer that is late loses the probe.
                let attempt = |_| server.attempt(&probe);
                pursue(probe.attempts, start, Patience::Whole, attempt).await
            }
            Err(reason) => (Vec::new(), Some(reason.clone())),
        };
        attempts.extend(more);
        let restarts = lost.as_ref().is_some_and(|reason| kubelet_is_restarting(reason));
        if restarts && !is_last {
            return Some(Left { id, probe, attempts });
        }
        // Nobody listens any more where the run is over.
        let _ = sink.send((id, Observation { attempts, lost }));
        None
    });
    asked.buffer_unordered(PARALLEL).filter_map(future::ready).collect().await
}

/// A DNS pod behind a port-forward.
struct Server {
    pod: String,
    forward: Forward,
    resolver: TokioResolver,
}

impl Server {
    async fn open(client: &Client, server: DnsServer) -> Result<Self, String> {
        let DnsServer { namespace, pod, port } = server;
        let failed =
            |error: &dyn std::fmt::Display| format!("cannot forward to pod {pod}: {error}");
        let forward =
            forward(client, &namespace, &pod, port).await.map_err(|error| failed(&error))?;
        let resolver = resolver(forward.address()).map_err(|error| failed(&error))?;
        Ok(Self { pod, forward, resolver })
    }

    /// One question. An answer that doesn't come may have been held up by the API server or the
    /// kubelet, so that is no outcome.
    async fn attempt(&self, probe: &Probe) -> Result<Outcome, String> {
        let limit = Duration::from_millis(probe.attempts.timeout_ms.into());
        match timeout(limit, ask(&self.resolver, &probe.target)).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(reason)) => Err(self.forward.error().unwrap_or(reason)),
            Err(_) => Err(self.forward.error().unwrap_or_else(|| {
                format!("no answer from pod {} over a port-forward in {limit:?}", self.pod)
            })),
        }
    }
}

/// A resolver that asks one server over TCP, and remembers, retries and makes up nothing.
fn resolver(address: SocketAddr) -> Result<TokioResolver, NetError> {
    let mut connection = ConnectionConfig::tcp();
    connection.port = address.port();
    let server = NameServerConfig::new(address.ip(), true, vec![connection]);
    let config = ResolverConfig::from_name_servers(vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.attempts = 0;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    builder.build()
}

/// Asks for the records of a target.
async fn ask(resolver: &TokioResolver, target: &Target) -> Result<Outcome, String> {
    let Target::Dns { name, family } = target else {
        return Err("a DNS pod can only be queried for records".to_owned());
    };
    let mut name =
        Name::from_ascii(name).map_err(|_| format!("{name:?} is not a valid DNS name"))?;
    name.set_fqdn(true);
    let kind = match family {
        IpFamily::V4 => RecordType::A,
        IpFamily::V6 => RecordType::AAAA,
    };
    match resolver.lookup(name, kind).await {
        Ok(lookup) => {
            let addresses = lookup.answers().iter().filter_map(|record| record.data.ip_addr());
            let addresses: Vec<_> = addresses.collect();
            // An alias of a name that has none of this family.
            Ok(if addresses.is_empty() {
                Outcome::NoRecords
            } else {
                Outcome::Records { addresses }
            })
        }
        Err(error) if error.is_nx_domain() => Ok(Outcome::NoSuchName),
        Err(error) if error.is_no_records_found() => Ok(Outcome::NoRecords),
        Err(NetError::Dns(DnsError::ResponseCode(code))) => {
            Ok(Outcome::DnsFailure { detail: format!("{SAID} {}", mnemonic(code)) })
        }
        Err(error) => Err(error.to_string()),
    }
}

/// An error of a server by the name that nslookup gives it, too (RFC 1035, RFC 6895).
fn mnemonic(code: ResponseCode) -> String {
    match code {
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{IpAddr, Ipv4Addr, TcpListener, TcpStream},
        thread,
    };

    use super::*;

    /// A DNS server over TCP that knows some names.
    fn server() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(|| converse(stream));
            }
        });
        address
    }

    fn converse(mut stream: TcpStream) -> Option<()> {
        loop {
            let mut length = [0; 2];
            stream.read_exact(&mut length).ok()?;
            let mut query = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut query).ok()?;
            let answer = respond(&query)?;
            stream.write_all(&u16::try_from(answer.len()).ok()?.to_be_bytes()).ok()?;
            stream.write_all(&answer).ok()?;
        }
    }

    /// RFC 1035, section 4.1: a header of 12 bytes, the question, the records.
    fn respond(query: &[u8]) -> Option<Vec<u8>> {
        let end_of_name = 12 + query[12..].iter().position(|&byte| byte == 0)?;
        let question = &query[12..end_of_name + 5];
        let label = &question[1..=usize::from(question[0])];
        let (rcode, addresses): (u8, &[[u8; 4]]) = match label {
            b"two" => (0, &[[10, 0, 0, 9], [10, 0, 0, 1]]),
            b"none" => (0, &[]),
            b"broken" => (2, &[]),
            b"shut" => return None,
            _ => (3, &[]),
        };
        let count = u8::try_from(addresses.len()).ok()?;
        let mut answer = query[..2].to_vec();
        answer.extend([0x85, rcode, 0, 1, 0, count, 0, 0, 0, 0]);
        answer.extend(question);
        for address in addresses {
            // The name is the question's; A, IN, a TTL of five seconds, four bytes.
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4]);
            answer.extend(address);
        }
        Some(answer)
    }

    async fn of(name: &str) -> Result<Outcome, String> {
        let target = Target::Dns { name: name.to_owned(), family: IpFamily::V4 };
        ask(&resolver(server()).unwrap(), &target).await
    }

    #[tokio::test]
    async fn records_come_in_the_servers_order() {
        let addresses = vec![IpAddr::from([10, 0, 0, 9]), IpAddr::from([10, 0, 0, 1])];
        let found = Ok(Outcome::Records { addresses });
        assert_eq!(of("two.default.svc.cluster.local.").await, found);
    }

    #[tokio::test]
    async fn no_records_and_no_such_name_are_two_things() {
        assert_eq!(of("none.default.svc.cluster.local.").await, Ok(Outcome::NoRecords));
        assert_eq!(of("other.default.svc.cluster.local.").await, Ok(Outcome::NoSuchName));
    }

    #[tokio::test]
    async fn an_error_of_the_server_is_a_failure() {
        let detail = "the server said SERVFAIL".to_owned();
        assert_eq!(of("broken.cluster.local.").await, Ok(Outcome::DnsFailure { detail }));
    }

    #[tokio::test]
    async fn a_connection_that_breaks_is_no_outcome() {
        assert!(of("shut.cluster.local.").await.is_err());
    }

    #[tokio::test]
    async fn a_name_that_is_none_is_refused() {
        assert!(of(&"x".repeat(64)).await.unwrap_err().contains("is not a valid DNS name"));
    }
}
