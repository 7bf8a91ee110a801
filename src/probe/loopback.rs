//! Listeners on loopback, one for each way in which a connection can go, for tests.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

use tokio::net::TcpSocket;

use super::{Aim, Attempts, HealthPage, Observation, Outcome, Probe, Target, Vantage};

/// Longer than any test waits.
const FOR_EVER: Duration = Duration::from_secs(60);

/// Serves each connection by itself; they are numbered from 0.
pub(super) fn serve(
    ip: IpAddr,
    serve: impl Fn(TcpStream, usize) + Send + Sync + Clone + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind((ip, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream, number));
        }
    });
    address
}

/// Answers datagrams as our nginx does, but for each one of which `loses` is told the number.
pub(super) fn serve_udp(ip: IpAddr, loses: fn(usize) -> bool) -> SocketAddr {
    let socket = UdpSocket::bind((ip, 0)).unwrap();
    let server = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut datagram = [0; 4096];
        for number in 0.. {
            let Ok((size, client)) = socket.recv_from(&mut datagram) else { continue };
            if loses(number) {
                continue;
            }
            let (at, from) = (server.ip(), client.ip());
            let padding = "x".repeat(if size < 1000 { 0 } else { 1200 });
            let line =
                format!("dualstack pod=nginx-1 server={at} client={from}\nreceived={size}\n");
            let _ = socket.send_to(format!("{line}{padding}").as_bytes(), client);
        }
    });
    server
}

/// A DNS server that knows no name, and says so.
pub(super) fn serve_dns(ip: IpAddr) -> SocketAddr {
    let socket = UdpSocket::bind((ip, 0)).unwrap();
    let server = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut query = [0; 512];
        loop {
            let Ok((size, client)) = socket.recv_from(&mut query) else { continue };
            // RFC 1035, section 4.1.1: the question comes back as an answer with the code NXDOMAIN.
            let mut answer = query[..size].to_vec();
            answer[2..4].copy_from_slice(&[0x81, 0x83]);
            let _ = socket.send_to(&answer, client);
        }
    });
    server
}

/// A UDP port that nothing listens on.
pub(super) fn closed_udp(ip: IpAddr) -> SocketAddr {
    UdpSocket::bind((ip, 0)).unwrap().local_addr().unwrap()
}

/// A port that nothing listens on, nor will: a socket that is bound to it stays as long as the tests run, or
/// a server of another test would be given it.
fn closed(ip: IpAddr) -> SocketAddr {
    let socket = match ip {
        IpAddr::V4(_) => TcpSocket::new_v4(),
        IpAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = Box::leak(Box::new(socket.unwrap()));
    socket.bind((ip, 0).into()).unwrap();
    socket.local_addr().unwrap()
}

pub(super) const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(super) const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// What our nginx says over a connection, with some bytes more.
pub(super) fn ours(stream: &TcpStream, pod: &str, payload: usize) -> String {
    let (server, client) = (stream.local_addr().unwrap().ip(), stream.peer_addr().unwrap().ip());
    format!("dualstack pod={pod} server={server} client={client}\n{}", "x".repeat(payload))
}

/// Reads a request's head and answers; whoever asks may be gone by then.
pub(super) fn answer(mut stream: &TcpStream, head: &str, body: &str) {
    let mut request = [0; 2048];
    let _ = stream.read(&mut request);
    let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
}

/// Reads all of a request's head, and answers as our nginx does if there is as much as that.
fn answer_long(mut stream: &TcpStream, least: usize) {
    let (mut head, mut part) = (Vec::new(), [0; 2048]);
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(read @ 1..) = stream.read(&mut part) else { return };
        head.extend_from_slice(&part[..read]);
    }
    let body = ours(stream, if head.len() >= least { "nginx-1" } else { "cut" }, 0);
    let length = body.len();
    let _ = stream
        .write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes());
}

/// Answers as our nginx does.
pub(super) fn answer_as(stream: &TcpStream, pod: &str, payload: usize) {
    let body = ours(stream, pod, payload);
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: {length}");
    answer(stream, &head, &body);
}

/// Reads the request, and ends the connection with an RST: closing with something unread does it.
pub(super) fn reset(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 1]);
    drop(stream);
}

/// A way for a connection to go.
pub(super) struct Way {
    pub(super) name: &'static str,
    pub(super) target: Target,
    pub(super) expected: fn(&Outcome) -> bool,
    /// Whether the attempt's time must run out.
    pub(super) slow: bool,
}

fn way(
    name: &'static str,
    address: SocketAddr,
    payload: u32,
    expected: fn(&Outcome) -> bool,
) -> Way {
    Way { name, target: Target::Http { address, payload }, expected, slow: false }
}

fn slow(name: &'static str, address: SocketAddr, payload: u32) -> Way {
    let way = way(name, address, payload, |outcome| *outcome == Outcome::TimedOut);
    Way { slow: true, ..way }
}

fn tcp(name: &'static str, address: SocketAddr, expected: fn(&Outcome) -> bool) -> Way {
    Way { name, target: Target::Tcp { address }, expected, slow: false }
}

fn closed_way(name: &'static str, address: SocketAddr, expected: fn(&Outcome) -> bool) -> Way {
    Way { name, target: Target::Closed { address }, expected, slow: false }
}

fn unanswered(name: &'static str, address: SocketAddr, expected: fn(&Outcome) -> bool) -> Way {
    Way { name, target: Target::Unanswered { address }, expected, slow: false }
}

fn request(name: &'static str, address: SocketAddr, expected: fn(&Outcome) -> bool) -> Way {
    Way { name, target: Target::Request { address, size: 9_000 }, expected, slow: false }
}

fn udp(name: &'static str, address: SocketAddr, size: u32, expected: fn(&Outcome) -> bool) -> Way {
    Way { name, target: Target::Udp { address, size }, expected, slow: false }
}

fn health(
    name: &'static str,
    address: SocketAddr,
    wanted: Option<u16>,
    expected: fn(&Outcome) -> bool,
) -> Way {
    let target = Target::Health { address, page: HealthPage::Proxy, wanted };
    Way { name, target, expected, slow: false }
}

/// Answers as a kube-proxy that is not well.
fn answer_ill(stream: &TcpStream) {
    answer(stream, "HTTP/1.0 503 Service Unavailable\r\nContent-Length: 17", "{\"healthy\":false}");
}

/// Whether our nginx answered with so many bytes at least, or fewer than that many.
fn answered(outcome: &Outcome, large: bool) -> bool {
    matches!(outcome, Outcome::Answered(answer)
        if answer.pod == "nginx-1" && (answer.payload > 1200) == large)
}

fn is_wrong(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::WrongAnswer { .. })
}

fn is_ours(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Answered(answer)
        if answer.pod == "nginx-1" && answer.client.is_loopback() && answer.payload == 0)
}

fn is_silence(outcome: &Outcome) -> bool {
    *outcome == Outcome::TimedOut
}

fn is_unreachable(outcome: &Outcome) -> bool {
    *outcome == Outcome::Unreachable { detail: "Network is unreachable".to_owned() }
}

/// Every way that loopback allows.
pub(super) fn ways() -> Vec<Way> {
    let ours_v4 = serve(V4, |stream, _| answer_as(&stream, "nginx-1", 0));
    let ours_v6 = serve(V6, |stream, _| answer_as(&stream, "nginx-1", 0));
    let large = serve(V6, |stream, _| answer_as(&stream, "nginx-1", 8000));
    let endless = |mut stream: TcpStream, _| {
        answer(&stream, "HTTP/1.1 200 OK", "");
        while stream.write_all(&[b'y'; 4096]).is_ok() {}
    };
    let drip = |mut stream: TcpStream, _| {
        answer(&stream, "HTTP/1.1 200 OK", "");
        while stream.write_all(b"y").is_ok() {
            thread::sleep(Duration::from_millis(100));
        }
    };
    let part = |stream: &TcpStream| {
        let body = ours(stream, "nginx-1", 100);
        answer(stream, "HTTP/1.1 200 OK\r\nContent-Length: 8000", &body);
    };
    let banner = |mut stream: TcpStream, _| {
        let _ = stream.read(&mut [0; 2048]);
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
    };
    let stranger = |stream: TcpStream, _| {
        let head = "HTTP/1.1 200 OK\r\nServer: Apache\r\nX-Odd: \t\u{e9}\\";
        answer(&stream, head, "\0\x1b[31m\\n\t<html>\r\n\r\nwget: download timed out\n");
    };
    let elsewhere = move |stream: TcpStream, _| {
        let head =
            format!("HTTP/1.1 302 Found\r\nLocation: http://{ours_v4}/\r\nContent-Length: 0");
        answer(&stream, &head, "");
    };
    let is_reset = |outcome: &Outcome| *outcome == Outcome::Reset;
    let is_refused = |outcome: &Outcome| *outcome == Outcome::Refused;
    let is_connected = |outcome: &Outcome| *outcome == Outcome::Connected;
    vec![
        way("our nginx over IPv4", ours_v4, 0, is_ours),
        way("our nginx over IPv6", ours_v6, 0, is_ours),
        way(
            "a large answer",
            large,
            8000,
            |outcome| matches!(outcome, Outcome::Answered(answer) if answer.payload == 8000),
        ),
        way("too small an answer", ours_v6, 8000, is_wrong),
        way("a closed port over IPv4", closed(V4), 0, is_refused),
        way("a closed port over IPv6", closed(V6), 0, is_refused),
        // The kernel refuses these by themselves, and sends nothing.
        way("no route over IPv4", "255.255.255.255:80".parse().unwrap(), 0, is_unreachable),
        way("no route over IPv6", "[ff02::1]:80".parse().unwrap(), 0, is_unreachable),
        way("a reset", serve(V4, |stream, _| reset(stream)), 0, is_reset),
        way(
            "nothing and a close",
            serve(V6, |stream, _| {
                let _ = (&stream).read(&mut [0; 2048]);
            }),
            0,
            is_reset,
        ),
        way(
            "half an answer and a close",
            serve(V4, move |stream, _| part(&stream)),
            8000,
            is_reset,
        ),
        way(
            "no such page",
            serve(V6, |stream, _| {
                answer(&stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 2", "no");
            }),
            0,
            is_wrong,
        ),
        way("no HTTP", serve(V4, banner), 0, is_wrong),
        way("a stranger", serve(V6, stranger), 0, is_wrong),
        way("an endless body", serve(V4, endless), 0, is_wrong),
        way("a redirection to our nginx", serve(V6, elsewhere), 0, is_wrong),
        slow("silence", serve(V6, |_stream, _| thread::sleep(FOR_EVER)), 0),
        slow(
            "half an answer and silence",
            serve(V6, move |stream, _| {
                part(&stream);
                thread::sleep(FOR_EVER);
            }),
            8000,
        ),
        slow("a drip", serve(V4, drip), 0),
        tcp("an open port over IPv4", ours_v4, is_connected),
        tcp("an open port over IPv6", ours_v6, is_connected),
        tcp("a refusing port over IPv6", closed(V6), is_refused),
        closed_way("a refusal that is due", closed(V6), |it| *it == Outcome::Rejected),
        closed_way("an open port that must be closed", ours_v4, is_wrong),
        unanswered("a refusal that may be", closed(V6), |it| *it == Outcome::Rejected),
        unanswered("no route, which may be", "[ff02::1]:80".parse().unwrap(), |it| {
            *it == Outcome::Silent
        }),
        unanswered("an open port that must not answer", ours_v4, is_wrong),
        request("a long request", serve(V6, |stream, _| answer_long(&stream, 8_900)), is_ours),
        health(
            "a page of any status",
            serve(V6, |stream, _| answer_ill(&stream)),
            None,
            |outcome| matches!(outcome, Outcome::Health { status: 503, body } if body == "{\"healthy\":false}"),
        ),
        health(
            "a page of the right status",
            serve(V4, |stream, _| answer_ill(&stream)),
            Some(503),
            |it| matches!(it, Outcome::Health { status: 503, .. }),
        ),
        health(
            "a page of the wrong status",
            serve(V6, |stream, _| answer_ill(&stream)),
            Some(200),
            is_wrong,
        ),
        health("a page that nobody serves", closed(V6), None, is_refused),
        udp("a datagram over IPv4", serve_udp(V4, |_| false), 1, |it| answered(it, false)),
        udp("a datagram over IPv6", serve_udp(V6, |_| false), 1, |it| answered(it, false)),
        udp("a large datagram", serve_udp(V6, |_| false), 1400, |it| answered(it, true)),
        udp("a closed UDP port over IPv4", closed_udp(V4), 1, is_refused),
        udp("a closed UDP port over IPv6", closed_udp(V6), 1, is_refused),
        Way { slow: true, ..udp("a lost datagram", serve_udp(V4, |_| true), 1, is_silence) },
        udp("no route for a datagram", "255.255.255.255:80".parse().unwrap(), 1, |outcome| {
            matches!(outcome, Outcome::Unreachable { .. })
        }),
        tcp("no route for a connection", "[ff02::1]:80".parse().unwrap(), is_unreachable),
    ]
}

/// A probe with one attempt.
pub(super) fn once(vantage: &Vantage, way: &Way) -> Probe {
    // Enough for a busy machine, where the time isn't what is tried.
    let timeout_ms = if way.slow { 600 } else { 30_000 };
    let attempts = Attempts {
        timeout_ms,
        patience_ms: timeout_ms,
        settle_ms: 0,
        distinct: 1,
        successes: 1,
        bound: 0,
    };
    let aim = Aim::Node { node: "n1".to_owned() };
    Probe { vantage: vantage.clone(), aim, target: way.target.clone(), attempts }
}

/// Complains about all that went another way than it should; `seen` is in the order of `ways`.
pub(super) fn compare(ways: &[Way], seen: &[Observation]) {
    assert_eq!(seen.len(), ways.len());
    for (way, observation) in ways.iter().zip(seen) {
        assert_eq!(observation.lost, None, "{}", way.name);
        let [attempt] = observation.attempts.as_slice() else { panic!("{}", way.name) };
        assert!((way.expected)(&attempt.outcome), "{}: {:?}", way.name, attempt.outcome);
    }
}

/// A listener behind which three backends answer in turn.
pub(super) fn backends_in_turn() -> SocketAddr {
    serve(V6, |stream, number| {
        answer_as(&stream, ["nginx-1", "nginx-2", "nginx-3"][number / 2 % 3], 0)
    })
}

/// A listener whose first connections are reset, then so many answered, and the rest reset again.
pub(super) fn settling(resets: usize, answers: usize) -> SocketAddr {
    serve(V4, move |stream, number| {
        if (resets..resets + answers).contains(&number) {
            answer_as(&stream, "nginx-1", 0);
        } else {
            reset(stream);
        }
    })
}
