//! Probes from the machine that runs `dualstack`.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use futures::{StreamExt, stream};
use reqwest::{Client, redirect::Policy};
use tokio::{
    net::{TcpStream, UdpSocket},
    time::{Instant, timeout},
};

use super::{
    Batch, HealthPage, Observation, Outcome, Probe, Sink, Target,
    answer::{Identification, excerpt, stranger},
    failure,
    policy::{Patience, pursue},
};
use crate::cluster::chain::{chain, first_of, innermost};

/// How many probes are under way at once.
const PARALLEL: usize = 64;
/// How much of a body is read beyond what was asked for: the identification, or some of what a
/// stranger says.
const EXCESS: usize = 4096;

/// Carries out a batch from this machine, and sends each observation as soon as it is there.
pub(super) async fn carry_out(probes: Batch, sink: &Sink) {
    let start = Instant::now();
    let client = client().map_err(|error| format!("no HTTP client: {error}"));
    stream::iter(probes)
        .for_each_concurrent(PARALLEL, async |(id, probe)| {
            let (attempts, lost) = match &client {
                Ok(client) => {
                    let attempt = |limit| attempt(client, &probe, limit);
                    pursue(probe.attempts, start, Patience::Growing, attempt).await
                }
                Err(reason) => (Vec::new(), Some(reason.clone())),
            };
            // Nobody listens any more where the run is over.
            let _ = sink.send((id, Observation { attempts, lost }));
        })
        .await;
}

/// A client that connects directly to the given address, each time over a new connection.
fn client() -> Result<Client, reqwest::Error> {
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .pool_max_idle_per_host(0)
        .retry(reqwest::retry::never())
        .build()
}

/// One attempt.
async fn attempt(client: &Client, probe: &Probe, limit: Duration) -> Result<Outcome, String> {
    let trying = async {
        match &probe.target {
            Target::Http { address, payload } => get(client, *address, *payload).await,
            Target::Request { address, size } => request(client, *address, *size).await,
            Target::Tcp { address } => connect(*address).await,
            Target::Closed { address } => connect(*address).await.map(Outcome::where_closed),
            Target::Unanswered { address } => {
                connect(*address).await.map(Outcome::where_unanswered)
            }
            Target::Health { address, page, wanted } => {
                health(client, *address, *page, *wanted).await
            }
            Target::Udp { address, size } => exchange(*address, *size).await,
            Target::Flow { address, .. } => Err(format!("flows to {address} are from pods only")),
            Target::Loss { address } => Err(format!("loss to {address} is counted from pods only")),
            Target::Proxied { .. } => Err(format!("{} is the API server's", probe.target)),
            Target::Pointer { address } => {
                Err(format!("the name of {address} can be asked for only from a pod"))
            }
            Target::Dns { name, .. } | Target::DnsServer { name, .. } => {
                Err(format!("{name} can be asked for only from a pod or of one"))
            }
        }
    };
    let late = || match probe.target {
        Target::Unanswered { .. } => Outcome::TimedOut.where_unanswered(),
        _ => Outcome::TimedOut,
    };
    timeout(limit, trying).await.unwrap_or_else(|_| Ok(late()))
}

async fn connect(address: SocketAddr) -> Result<Outcome, String> {
    match TcpStream::connect(address).await {
        Ok(_) => Ok(Outcome::Connected),
        Err(error) => failure::of_error(&error).ok_or_else(|| error.to_string()),
    }
}

/// One datagram, and one in answer.
async fn exchange(address: SocketAddr, size: u32) -> Result<Outcome, String> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let mut answer = vec![0; EXCESS];
    let datagram = vec![b'x'; usize::try_from(size).unwrap_or(1)];
    let exchanged = async {
        let socket = UdpSocket::bind(any).await?;
        socket.connect(address).await?;
        socket.send(&datagram).await?;
        socket.recv(&mut answer).await
    };
    let received = match exchanged.await {
        Ok(received) => received,
        Err(error) => return failure::of_error(&error).ok_or_else(|| error.to_string()),
    };
    let text = String::from_utf8_lossy(&answer[..received]);
    Ok(match Identification::read(&text) {
        Some(identification) => {
            let more = received - identification.length;
            identification.outcome(more, 0)
        }
        None => stranger(None, &text),
    })
}

async fn get(client: &Client, address: SocketAddr, payload: u32) -> Result<Outcome, String> {
    let path = if payload == 0 { String::new() } else { format!("payload/{payload}") };
    send(client.get(format!("http://{address}/{path}")), address, payload).await
}

/// A request of so many bytes.
async fn request(client: &Client, address: SocketAddr, size: u32) -> Result<Outcome, String> {
    let host = address.to_string();
    // The request line, Host, Accept and the name of the header itself.
    let padding = usize::try_from(size).unwrap_or(1).saturating_sub(59 + host.len()).max(1);
    let padding = "x".repeat(padding);
    let request = client.get(format!("http://{host}/request"));
    send(request.header("X-Padding", padding), address, 0).await
}

/// A page that tells of health, whatever its status.
async fn health(
    client: &Client,
    address: SocketAddr,
    page: HealthPage,
    wanted: Option<u16>,
) -> Result<Outcome, String> {
    let response = match client.get(format!("http://{address}{}", page.path())).send().await {
        Ok(response) => response,
        Err(error) => return failed(&error),
    };
    let status = response.status();
    if wanted.is_some_and(|wanted| wanted != status.as_u16()) {
        return Ok(Outcome::WrongAnswer { detail: format!("HTTP {status}") });
    }
    match response.text().await {
        Ok(body) => Ok(Outcome::Health { status: status.as_u16(), body }),
        Err(error) => failed(&error),
    }
}

async fn send(
    request: reqwest::RequestBuilder,
    address: SocketAddr,
    payload: u32,
) -> Result<Outcome, String> {
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) => return failed(&error),
    };
    if let Some(remote) = response.remote_addr().filter(|remote| *remote != address) {
        return Ok(Outcome::WrongAnswer { detail: format!("answered by {remote}") });
    }
    let header = response.headers().get(reqwest::header::SERVER);
    let server = header.map(|server| String::from_utf8_lossy(server.as_bytes()).into_owned());
    if response.status() != reqwest::StatusCode::OK {
        let by = server.map(|server| format!(" from {}", excerpt(&server))).unwrap_or_default();
        let detail = format!("HTTP {}{by}", response.status());
        return Ok(Outcome::WrongAnswer { detail });
    }
    let most = usize::try_from(payload).unwrap_or(usize::MAX).saturating_add(EXCESS);
    let mut body = Vec::new();
    while body.len() <= most {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return failed(&error),
        }
    }
    let text = String::from_utf8_lossy(&body);
    Ok(match Identification::read(&text) {
        Some(_) if body.len() > most => {
            let detail = format!("more than the {payload} bytes asked for");
            Outcome::WrongAnswer { detail }
        }
        Some(identification) => {
            let received = body.len() - identification.length;
            identification.outcome(received, payload)
        }
        None => stranger(server.as_deref(), &text),
    })
}

/// The outcome behind an error of the HTTP client's.
fn failed(error: &reqwest::Error) -> Result<Outcome, String> {
    // An io::Error may wrap another one that knows more.
    let io = chain(error).filter_map(|error| error.downcast_ref::<io::Error>()).last();
    if let Some(outcome) = io.and_then(failure::of_error) {
        return Ok(outcome);
    }
    match first_of::<hyper::Error>(error) {
        // The server closed the connection before its answer, or in the middle of it.
        Some(hyper)
            if hyper.is_incomplete_message() || hyper.is_closed() || hyper.is_canceled() =>
        {
            Ok(Outcome::Reset)
        }
        // What it said, or when, is not HTTP.
        Some(hyper) if io.is_none() && !hyper.is_user() => {
            Ok(Outcome::WrongAnswer { detail: format!("no HTTP: {}", innermost(error)) })
        }
        _ => Err(innermost(error)),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::probe::{Aim, Attempts, ProbeTable, Vantage, loopback};

    async fn observe(probes: Vec<Probe>) -> Vec<Observation> {
        let (sink, mut source) = mpsc::unbounded_channel();
        let mut table = ProbeTable::default();
        let batch = probes.iter().map(|probe| (table.add(probe.clone()), probe.clone()));
        carry_out(batch.collect(), &sink).await;
        drop(sink);
        while let Some((id, observation)) = source.recv().await {
            table.observe(id, observation);
        }
        table.iter().map(|(_, _, observation)| observation.unwrap().clone()).collect()
    }

    fn probe(target: Target, attempts: Attempts) -> Probe {
        let aim = Aim::Node { node: "n1".to_owned() };
        Probe { vantage: Vantage::Outside, aim, target, attempts }
    }

    fn http(address: SocketAddr, attempts: Attempts) -> Vec<Probe> {
        vec![probe(Target::Http { address, payload: 0 }, attempts)]
    }

    const PATIENT: Attempts = Attempts {
        timeout_ms: 30_000,
        patience_ms: 30_000,
        settle_ms: 30_000,
        distinct: 1,
        successes: 2,
        bound: 8,
    };

    #[tokio::test]
    async fn every_way_a_connection_can_go_has_its_outcome() {
        let ways = loopback::ways();
        let probes = ways.iter().map(|way| loopback::once(&Vantage::Outside, way)).collect();
        loopback::compare(&ways, &observe(probes).await);
    }

    #[tokio::test]
    async fn each_attempt_is_a_new_connection() {
        let attempts = Attempts { distinct: 3, bound: 20, ..PATIENT };
        let seen = observe(http(loopback::backends_in_turn(), attempts)).await;
        assert_eq!(seen[0].attempts.len(), 5);
    }

    #[tokio::test]
    async fn failures_before_the_first_success_are_forgiven_and_none_after_it() {
        let seen = observe(http(loopback::settling(2, 9), PATIENT)).await;
        assert_eq!(seen[0].attempts.len(), 4);
        let seen = observe(http(loopback::settling(2, 1), PATIENT)).await;
        let outcomes: Vec<_> = seen[0].attempts.iter().map(|attempt| &attempt.outcome).collect();
        assert!(matches!(
            outcomes.as_slice(),
            [Outcome::Reset, Outcome::Reset, Outcome::Answered(_), Outcome::Reset]
        ));
    }

    #[tokio::test]
    async fn records_cannot_be_asked_for_from_outside() {
        let target = Target::Dns { name: "a.".to_owned(), family: crate::net::IpFamily::V4 };
        let seen = observe(vec![probe(target, PATIENT)]).await;
        assert!(seen[0].lost.as_deref().is_some_and(|lost| lost.contains("only from a pod")));
    }
}
