//! A listener on this machine, outside the cluster.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use testbed::{cluster::Cluster, spec::Family};

/// A web server of both families, until it is dropped.
pub(crate) struct Listener {
    addresses: Vec<SocketAddr>,
    done: Arc<AtomicBool>,
    servers: Vec<JoinHandle<()>>,
}

impl Listener {
    /// Starts it at the machine's addresses on the cluster's network.
    pub(crate) fn start(cluster: &Cluster) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let (mut addresses, mut servers) = (Vec::new(), Vec::new());
        for &family in &cluster.record().spec.node_families {
            let listener = TcpListener::bind((cluster.record().subnet.machine(family), 0)).unwrap();
            listener.set_nonblocking(true).unwrap();
            addresses.push(listener.local_addr().unwrap());
            let done = Arc::clone(&done);
            servers.push(thread::spawn(move || serve(&listener, &done)));
        }
        Self { addresses, done, servers }
    }

    /// Where it listens in a family.
    pub(crate) fn address(&self, family: Family) -> SocketAddr {
        *self.addresses.iter().find(|address| Family::of(address.ip()) == family).unwrap()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        for server in self.servers.drain(..) {
            server.join().unwrap();
        }
    }
}

fn serve(listener: &TcpListener, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        match listener.accept() {
            // A client that went away has its answer: none.
            Ok((stream, _)) => drop(answer(stream)),
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let _ = stream.read(&mut [0; 1024])?;
    stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello")
}
