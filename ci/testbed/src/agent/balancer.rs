//! A TCP balancer before the API servers of several control planes, on the bridge's addresses.
//!
//! Each API server is asked every second whether it is ready. New connections go to ready ones in
//! turn; connections through one that no longer answers are cut, so that clients come back at once
//! instead of waiting for their own time-outs.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use kube::Client;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{interval, timeout},
};

use crate::{health, kubeadm::API_PORT, state::Record};

/// How often an API server is asked.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long it may take to answer. A busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long it may take to take a connection, before another one is tried.
const CONNECT: Duration = Duration::from_secs(1);

/// After how many bad answers in a row nothing is sent to it: one may be chance.
const STRIKES: u32 = 2;

/// An API server, and whether it is ready.
#[derive(Clone, Debug)]
struct Backend {
    address: SocketAddr,
    ready: watch::Receiver<bool>,
}

/// The API servers of a cluster's control planes.
#[derive(Debug)]
struct Balancer {
    backends: Vec<Backend>,
    turn: AtomicUsize,
}

/// Serves connections for ever. `kubeconfig` is the administrator's, there once the first control
/// plane is up.
pub(super) async fn serve(listener: TcpListener, record: Record, kubeconfig: PathBuf) {
    let spec = &record.spec;
    let backends = (1..=spec.control_planes).map(|number| {
        let address = SocketAddr::new(record.subnet.node(spec.primary(), number), API_PORT);
        let (tell, ready) = watch::channel(false);
        tokio::spawn(watch_over(address, kubeconfig.clone(), tell));
        Backend { address, ready }
    });
    let balancer = Arc::new(Balancer { backends: backends.collect(), turn: AtomicUsize::new(0) });
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                let balancer = Arc::clone(&balancer);
                tokio::spawn(async move { balancer.pass_on(client).await });
            }
            Err(error) => {
                // Such as too many open files: a pause, or this would turn in circles.
                tracing::warn!(%error, "could not accept a connection to the API");
                tokio::time::sleep(INTERVAL).await;
            }
        }
    }
}

impl Balancer {
    /// The API servers in the order in which they are tried: the ready ones in turn, then the
    /// others, since what is not ready may still be there, such as the first one while it starts.
    fn order(&self) -> Vec<Backend> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut order = self.backends.clone();
        order.rotate_left(turn % self.backends.len().max(1));
        // Stable: the turn stays within each part.
        order.sort_by_key(|backend| !*backend.ready.borrow());
        order
    }

    async fn pass_on(&self, mut client: TcpStream) {
        for mut backend in self.order() {
            let connected = timeout(CONNECT, TcpStream::connect(backend.address)).await;
            let Ok(Ok(mut server)) = connected else { continue };
            let was_ready = *backend.ready.borrow_and_update();
            tokio::select! {
                // How a connection ends is between its two ends.
                _ = copy_bidirectional(&mut client, &mut server) => {}
                () = lost(&mut backend.ready, was_ready) => {
                    tracing::info!(server = %backend.address, "a connection is cut");
                }
            }
            return;
        }
    }
}

/// Returns when an API server that was ready is so no longer.
async fn lost(ready: &mut watch::Receiver<bool>, mut was_ready: bool) {
    loop {
        if ready.changed().await.is_err() {
            // Nobody watches over it any more.
            return std::future::pending().await;
        }
        let is_ready = *ready.borrow_and_update();
        if was_ready && !is_ready {
            return;
        }
        was_ready = is_ready;
    }
}

/// Asks one API server again and again, and tells what comes of it.
async fn watch_over(address: SocketAddr, kubeconfig: PathBuf, tell: watch::Sender<bool>) {
    let mut tick = interval(INTERVAL);
    let mut client = None;
    let mut strikes = 0;
    loop {
        tick.tick().await;
        if client.is_none() && kubeconfig.exists() {
            client = health::client_at(&kubeconfig, Some(address)).await.ok();
        }
        let answered = timeout(PATIENCE, ask(address, client.as_ref())).await;
        strikes = if answered.unwrap_or(false) { 0 } else { strikes + 1 };
        let ready = strikes == 0 || strikes < STRIKES && *tell.borrow();
        let changed = tell.send_if_modified(|known| std::mem::replace(known, ready) != ready);
        if changed {
            tracing::info!(server = %address, ready, "an API server changes");
        }
    }
}

/// Whether an API server says that it is ready, or, as long as nobody may ask it, takes
/// connections.
async fn ask(address: SocketAddr, client: Option<&Client>) -> bool {
    let Some(client) = client else { return TcpStream::connect(address).await.is_ok() };
    match http::Request::get("/readyz").body(Vec::new()) {
        Ok(request) => client.request_text(request).await.is_ok(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// An API server that says its number to whoever connects, and then keeps still.
    async fn server(number: u8) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.write_all(&[number]).await.unwrap();
                held.push(stream);
            }
        });
        address
    }

    async fn connect(balancer: &Arc<Balancer>) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (other, _) = listener.accept().await.unwrap();
        let balancer = Arc::clone(balancer);
        tokio::spawn(async move { balancer.pass_on(other).await });
        client
    }

    async fn balancer(
        addresses: &[(SocketAddr, bool)],
    ) -> (Arc<Balancer>, Vec<watch::Sender<bool>>) {
        let (mut backends, mut tell) = (Vec::new(), Vec::new());
        for &(address, is_ready) in addresses {
            let (sender, ready) = watch::channel(is_ready);
            backends.push(Backend { address, ready });
            tell.push(sender);
        }
        (Arc::new(Balancer { backends, turn: AtomicUsize::new(0) }), tell)
    }

    #[tokio::test]
    async fn ready_servers_are_taken_in_turn_and_others_left_alone() {
        let servers = [(server(1).await, true), (server(2).await, false), (server(3).await, true)];
        let (balancer, _tell) = balancer(&servers).await;
        let mut met = Vec::new();
        for _ in 0..6 {
            met.push(connect(&balancer).await.read_u8().await.unwrap());
        }
        met.sort_unstable();
        met.dedup();
        assert_eq!(met, [1, 3]);
    }

    #[tokio::test]
    async fn a_server_that_is_gone_is_passed_over() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let (balancer, _tell) = balancer(&[(gone, true), (server(2).await, false)]).await;
        assert_eq!(connect(&balancer).await.read_u8().await.unwrap(), 2);
    }

    #[tokio::test]
    async fn connections_through_a_server_that_is_lost_are_cut() {
        let (balancer, tell) = balancer(&[(server(1).await, true)]).await;
        let mut client = connect(&balancer).await;
        assert_eq!(client.read_u8().await.unwrap(), 1);
        tell[0].send(false).unwrap();
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "the connection is still open");
    }
}
