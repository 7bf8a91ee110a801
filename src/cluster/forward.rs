//! A pod's TCP port on a loopback address of this machine.
//!
//! The container runtime dials `localhost` inside the pod, IPv4 first: what comes over a forward
//! is an answer, and proves nothing of the pod's network, least of all of its IPv6 path.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

use super::chain::innermost;

/// A port-forward. It ends when it is dropped.
#[derive(Debug)]
pub struct Forward {
    address: SocketAddr,
    error: Arc<Mutex<Option<String>>>,
    task: AbortHandle,
}

impl Forward {
    /// Where to connect: a port of 127.0.0.1 that only this forward listens on. Every connection
    /// to it becomes one to the pod's port.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Why the last connection that failed did so (the pod is gone, nothing listens on its port,
    /// we may not forward); the connection itself shows only that it was closed.
    pub fn error(&self) -> Option<String> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        // The task owns the listener and every connection.
        self.task.abort();
    }
}

/// Opens a listener on loopback whose connections are carried to a pod's port.
///
/// # Errors
///
/// No loopback port could be bound. Whether the pod can be reached shows with the first
/// connection.
pub async fn forward(
    client: &Client,
    namespace: &str,
    pod: &str,
    port: u16,
) -> io::Result<Forward> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let error = Arc::new(Mutex::new(None));
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let task = tokio::spawn(serve(listener, pods, pod.to_owned(), port, Arc::clone(&error)));
    Ok(Forward { address, error, task: task.abort_handle() })
}

async fn serve(
    listener: TcpListener,
    pods: Api<Pod>,
    pod: String,
    port: u16,
    error: Arc<Mutex<Option<String>>>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((local, _)) = accepted else { continue };
                let (pods, pod, error) = (pods.clone(), pod.clone(), Arc::clone(&error));
                connections.spawn(async move {
                    if let Err(reason) = carry(local, &pods, &pod, port).await {
                        *error.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Carries one connection until either side closes it.
async fn carry(mut local: TcpStream, pods: &Api<Pod>, pod: &str, port: u16) -> Result<(), String> {
    let failed = |reason: String| format!("cannot forward to port {port} of pod {pod}: {reason}");
    let mut forwarder =
        pods.portforward(pod, &[port]).await.map_err(|error| failed(innermost(&error)))?;
    let missing = || failed("the client returned no stream".to_owned());
    let error = forwarder.take_error(port).ok_or_else(missing)?;
    let mut remote = forwarder.take_stream(port).ok_or_else(missing)?;
    let copied = tokio::select! {
        biased;
        // A port that refuses shows only here, while the stream stays silent for ever.
        Some(refused) = error => Err(refused.trim().to_owned()),
        // A connection to the API server that broke looks to the stream like one that was closed.
        copied = copy_bidirectional(&mut local, &mut remote) => match copied {
            Ok((_, 0)) => Err("closed without an answer".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    };
    copied.map_err(failed)
}
