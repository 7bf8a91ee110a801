//! A listener of this machine's, to which pods connect: it answers as the fixture's nginx does.

use std::{io, net::IpAddr, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

/// How many connections are served at once; more are closed.
const AT_ONCE: usize = 512;
/// How long a client may take to ask.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of a request is read.
const LONGEST: usize = 8192;

/// Listens at this machine's address, at a port of the system's choice.
pub(super) async fn bind(ip: IpAddr) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::new(ip, 0)).await
}

/// Answers every connection with one line that says who answers, at which address, and whom it sees.
/// Ends when it is dropped.
pub(super) async fn serve(listener: TcpListener, name: String) {
    let mut serving = JoinSet::new();
    loop {
        let (stream, client) = match listener.accept().await {
            Ok(accepted) => accepted,
            // Files may have run out; those that are served now will be closed.
            Err(_) => {
                sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        while serving.try_join_next().is_some() {}
        if serving.len() < AT_ONCE {
            let name = name.clone();
            // A client that goes away is its own affair.
            serving.spawn(timeout(PATIENCE, answer(stream, client.ip(), name)));
        }
    }
}

async fn answer(mut stream: TcpStream, client: IpAddr, name: String) -> io::Result<()> {
    let server = stream.local_addr()?.ip();
    let mut request = Vec::new();
    let mut part = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < LONGEST {
        let read = stream.read(&mut part).await?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(part.get(..read).unwrap_or_default());
    }
    let body = format!("dualstack pod={name} server={server} client={client}\n");
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;
    use crate::probe::{Outcome, answer::Identification};

    async fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn every_connection_is_told_whom_the_listener_sees() {
        for ip in [IpAddr::from([127, 0, 0, 1]), Ipv6Addr::LOCALHOST.into()] {
            let listener = bind(ip).await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut serving = JoinSet::new();
            serving.spawn(serve(listener, "dualstack-ab3de".to_owned()));
            for _ in 0..3 {
                let text = ask(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
                let (head, body) = text.split_once("\r\n\r\n").unwrap();
                assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
                assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
                let outcome = Identification::read(body).unwrap().outcome(0, 0);
                let Outcome::Answered(answer) = outcome else { panic!("{outcome}") };
                assert_eq!((answer.server, answer.client), (ip, ip));
                assert_eq!(answer.pod, "dualstack-ab3de");
            }
        }
    }
}
