//! The script in a real busybox shell, against listeners on loopback.
//!
//! These run where `DUALSTACK_BUSYBOX` names a busybox in upstream's default configuration, or one
//! is found as `busybox`; elsewhere they say that they are skipped.

use std::{
    env, fs,
    io::Write,
    net::SocketAddr,
    ops::Range,
    os::unix::fs::symlink,
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{
    Aim, Attempt, Attempts, Observation, Outcome, Probe, ProbeTable, Target, Vantage, loopback,
    script::{self, Line},
    session::Session,
};

/// A directory with the applets that the script uses, and nothing else.
struct Busybox(TempDir);

impl Busybox {
    /// `None`, aloud, where there is none that will do.
    fn here() -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let found =
            || env::split_paths(&path).map(|dir| dir.join("busybox")).find(|it| it.exists());
        let Some(binary) = env::var_os("DUALSTACK_BUSYBOX").map(PathBuf::from).or_else(found)
        else {
            eprintln!("skipped: there is no busybox here (DUALSTACK_BUSYBOX may name one)");
            return None;
        };
        let applets = TempDir::new().unwrap();
        for applet in ["sh", "wget", "nc", "nslookup", "sleep", "dd"] {
            symlink(fs::canonicalize(&binary).unwrap(), applets.path().join(applet)).unwrap();
        }
        let busybox = Self(applets);
        for (applet, option) in [("nc", "-z"), ("wget", "-T")] {
            let usage = busybox.command(applet).arg("--help").output().unwrap();
            if !String::from_utf8_lossy(&usage.stderr).contains(option) {
                let binary = binary.display();
                eprintln!("skipped: {binary} has no `{applet} {option}`, as upstream's has");
                return None;
            }
        }
        Some(busybox)
    }

    fn command(&self, applet: &str) -> Command {
        let mut command = Command::new(self.0.path().join(applet));
        command.env("PATH", self.0.path()).env("http_proxy", "http://127.0.0.1:1/");
        command
    }

    /// Runs the script on a stdin.
    fn script(&self, stdin: &str) -> Output {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/probe.sh");
        let mut child = self
            .command("sh")
            .arg(script)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // stdin stays open, as it does in an exec; the script has to know its end by itself.
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(stdin.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        drop(pipe);
        output
    }

    /// Carries different probes out, and complains about a line that can't be read.
    fn observe(&self, probes: &[Probe]) -> Vec<Observation> {
        let (stdin, refused) = script::stdin(probes, script::Room::among(1));
        assert_eq!(refused, []);
        let output = self.script(&stdin);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let mut table = ProbeTable::default();
        let batch = probes.iter().map(|probe| (table.add(probe.clone()), probe.clone()));
        let mut session = Session::new(batch.collect());
        for line in text.lines() {
            assert!(Line::read(line).is_some(), "unreadable: {line:?}");
            // A write of more than that to a pipe may mix with others.
            assert!(line.len() < 4096, "too long: {line:?}");
            if let Some((id, observation)) = session.line(line) {
                table.observe(id, observation);
            }
        }
        assert_eq!(session.lose_all("no end"), []);
        assert!(text.ends_with(&format!("z\t{}\n", probes.len())), "{text}");
        table.iter().map(|(_, _, observation)| observation.unwrap().clone()).collect()
    }
}

fn pod() -> Vantage {
    Vantage::Pod { node: "n1".to_owned() }
}

fn probe(target: Target, attempts: Attempts) -> Probe {
    Probe { vantage: pod(), aim: Aim::Backend { node: "n1".to_owned() }, target, attempts }
}

fn http(address: SocketAddr, attempts: Attempts) -> Probe {
    probe(Target::Http { address, payload: 0 }, attempts)
}

const PATIENT: Attempts = Attempts {
    timeout_ms: 30_000,
    patience_ms: 30_000,
    settle_ms: 30_000,
    distinct: 1,
    successes: 2,
    bound: 8,
};

#[test]
fn every_way_a_connection_can_go_has_its_outcome() {
    let Some(busybox) = Busybox::here() else { return };
    let ways = loopback::ways();
    let probes: Vec<_> = ways.iter().map(|way| loopback::once(&pod(), way)).collect();
    loopback::compare(&ways, &busybox.observe(&probes));
}

#[test]
fn losses_are_counted_and_a_path_that_loses_one_in_three_is_tried_three_times() {
    let Some(busybox) = Busybox::here() else { return };
    let loss = |loses| {
        let address = loopback::serve_udp(loopback::V6, loses);
        probe(Target::Loss { address }, Attempts { successes: 1, ..PATIENT })
    };
    let seen = busybox.observe(&[
        loss(|_| false),
        loss(|number| number == 50),
        loss(|number| number % 3 == 1),
    ]);
    let trains: Vec<Vec<_>> = seen
        .iter()
        .map(|seen| match &seen.attempts.as_slice() {
            [Attempt { outcome: Outcome::Counted { trains }, .. }] => {
                trains.iter().map(|train| (train.sent, train.lost())).collect()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(trains[0], [(100, 0)]);
    assert_eq!(trains[1], [(100, 1)]);
    assert_eq!(trains[2].len(), 3);
    assert!(trains[2].iter().all(|&(sent, lost)| sent < 40 && lost == 12), "{trains:?}");
}

#[test]
fn a_path_that_answers_nothing_is_sent_one_train() {
    let Some(busybox) = Busybox::here() else { return };
    let attempts = Attempts { successes: 1, settle_ms: 0, ..PATIENT };
    let address = loopback::serve_udp(loopback::V4, |_| true);
    let seen = busybox.observe(&[probe(Target::Loss { address }, attempts)]);
    let [attempt] = seen[0].attempts.as_slice() else { panic!("{seen:?}") };
    assert_eq!(attempt.outcome, Outcome::TimedOut);
    // Twelve datagrams and a second; three trains would take some seven seconds.
    assert!(attempt.millis < 6_000, "{attempt:?}");
}

#[test]
fn a_dns_server_is_asked_at_its_own_address_and_any_answer_counts() {
    let Some(busybox) = Busybox::here() else { return };
    let ask = |server| {
        let name = "kubernetes.default.svc.cluster.local.".to_owned();
        let attempts = Attempts { timeout_ms: 1_000, settle_ms: 0, ..PATIENT };
        probe(Target::DnsServer { server, name }, Attempts { successes: 1, ..attempts })
    };
    for ip in [loopback::V4, loopback::V6] {
        let seen = busybox.observe(&[ask(loopback::serve_dns(ip)), ask(loopback::closed_udp(ip))]);
        assert_eq!(seen[0].attempts[0].outcome, Outcome::Replied, "{ip}");
        let refused = &seen[1].attempts[0].outcome;
        assert!(matches!(refused, Outcome::DnsFailure { .. }), "{refused}");
    }
}

#[test]
fn a_probe_goes_on_until_every_backend_answered() {
    let Some(busybox) = Busybox::here() else { return };
    let attempts = Attempts { distinct: 3, bound: 20, ..PATIENT };
    let seen = busybox.observe(&[http(loopback::backends_in_turn(), attempts)]);
    let pods: Vec<_> = seen[0]
        .attempts
        .iter()
        .map(|attempt| match &attempt.outcome {
            Outcome::Answered(answer) => answer.pod.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(pods, ["nginx-1", "nginx-1", "nginx-2", "nginx-2", "nginx-3"]);
}

#[test]
fn a_probe_ends_at_its_bound() {
    let Some(busybox) = Busybox::here() else { return };
    let attempts = Attempts { distinct: 4, bound: 6, settle_ms: 0, ..PATIENT };
    let seen = busybox.observe(&[http(loopback::backends_in_turn(), attempts)]);
    assert_eq!(seen[0].attempts.len(), 7);
}

#[test]
fn a_sample_drawn_while_the_path_settles_is_drawn_anew() {
    let Some(busybox) = Busybox::here() else { return };
    let attempts = Attempts { distinct: 4, bound: 6, settle_ms: 600, ..PATIENT };
    let seen = busybox.observe(&[http(loopback::backends_in_turn(), attempts)]);
    let drawn = seen[0].attempts.len();
    assert!(drawn > 7, "{drawn}");
}

#[test]
fn a_sample_that_does_not_fill_while_the_path_settles_pauses_between_its_attempts() {
    let Some(busybox) = Busybox::here() else { return };
    let address =
        loopback::serve(loopback::V6, |stream, _| loopback::answer_as(&stream, "nginx-1", 0));
    let attempts = Attempts { distinct: 2, bound: 40, settle_ms: 2_000, ..PATIENT };
    let seen = busybox.observe(&[http(address, attempts)]);
    let drawn = seen[0].attempts.len();
    // A quarter of the bound at once, ten in a second, and the sample that counts.
    assert!((42..=11 + 20 + 42).contains(&drawn), "{drawn}");
}

#[test]
fn a_sample_that_takes_long_is_drawn_together_up_to_its_bound() {
    let Some(busybox) = Busybox::here() else { return };
    let address = loopback::serve(loopback::V6, |stream, _| {
        thread::sleep(Duration::from_millis(600));
        loopback::answer_as(&stream, "nginx-1", 0);
    });
    let attempts = Attempts { distinct: 2, bound: 20, settle_ms: 0, ..PATIENT };
    let begun = Instant::now();
    let seen = busybox.observe(&[http(address, attempts)]);
    let taken: u32 = seen[0].attempts.iter().map(|attempt| attempt.millis).sum();
    assert!((21..24).contains(&seen[0].attempts.len()), "{seen:?}");
    assert!(seen[0].attempts.iter().all(|attempt| attempt.outcome.succeeded()), "{seen:?}");
    assert!(begun.elapsed() < Duration::from_millis(taken.into()), "one after the other");
}

#[test]
fn attempts_of_one_process_are_told_one_by_one_up_to_the_first_that_fails() {
    let Some(busybox) = Busybox::here() else { return };
    for late in [false, true] {
        let address = loopback::serve(loopback::V6, move |stream, number| {
            if number < 4 {
                loopback::answer_as(&stream, "nginx-1", 0);
            } else if late {
                thread::sleep(Duration::from_millis(3_000));
            }
        });
        let attempts =
            Attempts { timeout_ms: 2_000, distinct: 2, bound: 40, settle_ms: 0, ..PATIENT };
        let seen = busybox.observe(&[http(address, attempts)]);
        let told: Vec<bool> =
            seen[0].attempts.iter().map(|attempt| attempt.outcome.succeeded()).collect();
        assert_eq!(told[..5], [true, true, true, true, false], "{seen:?}");
        let failed = &seen[0].attempts[4];
        assert_eq!(failed.outcome, if late { Outcome::TimedOut } else { Outcome::Reset });
        assert_eq!(failed.millis >= 2_000, late, "{seen:?}");
        // Another may be busy, but one that closes the connection is a fault.
        assert_eq!(seen[0].attempts.len() > 5, late, "{seen:?}");
    }
}

#[test]
fn one_of_several_attempts_at_once_that_runs_out_of_time_is_followed_by_more() {
    let Some(busybox) = Busybox::here() else { return };
    let address = loopback::serve(loopback::V6, |stream, number| {
        thread::sleep(Duration::from_millis(if number == 4 { 1_500 } else { 500 }));
        loopback::answer_as(&stream, "nginx-1", 0);
    });
    let attempts = Attempts { timeout_ms: 1_000, distinct: 2, bound: 6, settle_ms: 0, ..PATIENT };
    let seen = busybox.observe(&[http(address, attempts)]);
    let late = seen[0].attempts.iter().position(|attempt| !attempt.outcome.succeeded());
    assert!(late.is_some_and(|late| seen[0].attempts.len() - late > 6), "{seen:?}");
    let failed = seen[0].attempts.iter().filter(|attempt| !attempt.outcome.succeeded());
    assert_eq!(failed.count(), 1, "{seen:?}");
}

#[test]
fn failures_before_the_first_success_are_forgiven_and_none_after_it() {
    let Some(busybox) = Busybox::here() else { return };
    let probes = [http(loopback::settling(2, 9), PATIENT), http(loopback::settling(2, 1), PATIENT)];
    let seen = busybox.observe(&probes);
    let outcomes = |seen: &Observation| {
        seen.attempts.iter().map(|attempt| attempt.outcome.succeeded()).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(&seen[0]), [false, false, true, true]);
    assert_eq!(outcomes(&seen[1]), [false, false, true, false]);
}

#[test]
fn one_attempt_that_runs_out_of_time_after_a_success_is_followed_by_more() {
    let Some(busybox) = Busybox::here() else { return };
    let address = loopback::serve(loopback::V6, |stream, number| {
        if number == 1 {
            std::thread::sleep(Duration::from_millis(1_500));
        }
        loopback::answer_as(&stream, "nginx-1", 0);
    });
    let attempts = Attempts { timeout_ms: 1_000, ..PATIENT };
    let seen = busybox.observe(&[http(address, attempts)]);
    let outcomes: Vec<bool> =
        seen[0].attempts.iter().map(|attempt| attempt.outcome.succeeded()).collect();
    assert_eq!(outcomes, [[true, false].as_slice(), &[true; 8]].concat(), "{seen:?}");
}

#[test]
fn of_several_backends_a_whole_sample_follows_an_attempt_that_runs_out_of_time() {
    let Some(busybox) = Busybox::here() else { return };
    let address = loopback::serve(loopback::V6, |stream, number| {
        if number == 1 {
            std::thread::sleep(Duration::from_millis(1_500));
        }
        loopback::answer_as(&stream, ["nginx-1", "nginx-2"][number % 2], 0);
    });
    let attempts = Attempts { timeout_ms: 1_000, settle_ms: 0, distinct: 2, bound: 5, ..PATIENT };
    let seen = busybox.observe(&[http(address, attempts)]);
    let outcomes: Vec<bool> =
        seen[0].attempts.iter().map(|attempt| attempt.outcome.succeeded()).collect();
    assert_eq!(outcomes, [true, false, true, true, true, true, true], "{seen:?}");
}

#[test]
fn more_probes_than_run_at_once_are_all_carried_out() {
    let Some(busybox) = Busybox::here() else { return };
    let address = loopback::serve(loopback::V6, |stream, _| {
        loopback::answer_as(&stream, &"long-".repeat(40), 8000);
    });
    let probes: Vec<_> = (0..3 * script::PARALLEL)
        .map(|number| {
            let payload = 8000 - u32::try_from(number).unwrap();
            probe(Target::Http { address, payload }, PATIENT)
        })
        .collect();
    let seen = busybox.observe(&probes);
    assert_eq!(seen.len(), probes.len());
    assert!(seen.iter().all(|seen| seen.lost.is_none() && seen.attempts.len() == 2));
}

/// Requests of different sizes, all to one address.
fn requests(address: SocketAddr, sizes: Range<u32>) -> impl Iterator<Item = Probe> {
    let attempts = Attempts {
        timeout_ms: 2_500,
        patience_ms: 200,
        settle_ms: 2_000,
        distinct: 1,
        successes: 1,
        bound: 0,
    };
    sizes.map(move |size| probe(Target::Request { address, size }, attempts))
}

/// A listener that says nothing over the first so many connections.
fn silent_at_first(connections: usize) -> SocketAddr {
    loopback::serve(loopback::V6, move |stream, number| {
        if number < connections {
            thread::sleep(Duration::from_secs(60));
        }
        loopback::answer_as(&stream, "nginx-1", 0);
    })
}

/// Whether a probe had no answer, in an attempt of its whole time among others.
fn had_its_whole_time(seen: &Observation) -> bool {
    seen.attempts.iter().all(|attempt| attempt.outcome == Outcome::TimedOut)
        && seen.attempts.iter().any(|attempt| attempt.millis >= 2_500)
}

#[test]
fn of_those_that_are_held_up_alike_the_first_has_its_whole_time_and_the_others_a_brief_one() {
    let Some(busybox) = Busybox::here() else { return };
    let silent = silent_at_first(usize::MAX);
    let seen = busybox.observe(&requests(silent, 100..140).collect::<Vec<_>>());
    let whole = seen.iter().filter(|seen| had_its_whole_time(seen)).count();
    assert!((1..seen.len() / 2).contains(&whole), "{whole} had their whole time");
    for seen in &seen {
        assert!(seen.attempts.len() >= 2, "{seen:?}");
        let last = seen.attempts.last().unwrap();
        assert!(last.outcome == Outcome::TimedOut && last.millis >= 1_500, "{last:?}");
    }
}

#[test]
fn no_failure_that_may_be_tried_again_is_concluded_from_one_attempt() {
    let Some(busybox) = Busybox::here() else { return };
    let address = silent_at_first(usize::MAX);
    let attempts = Attempts { timeout_ms: 300, settle_ms: 10, ..PATIENT };
    let seen = busybox.observe(&[probe(Target::Http { address, payload: 100 }, attempts)]);
    assert_eq!(seen[0].attempts.len(), 2, "{seen:?}");
}

#[test]
fn all_have_their_whole_time_where_one_of_them_gets_through_in_the_end() {
    let Some(busybox) = Busybox::here() else { return };
    let (silent, slow) = (silent_at_first(usize::MAX), silent_at_first(1));
    let probes: Vec<_> = requests(silent, 100..120).chain(requests(slow, 120..121)).collect();
    let seen = busybox.observe(&probes);
    let (last, others) = seen.split_last().unwrap();
    assert!(last.attempts.last().unwrap().outcome.succeeded(), "{last:?}");
    assert!(last.attempts.len() > 1, "{last:?}");
    assert!(others.iter().all(had_its_whole_time), "{others:?}");
}

#[test]
fn a_stdin_that_ends_before_its_last_line_is_an_error() {
    let Some(busybox) = Busybox::here() else { return };
    let mut child = busybox
        .command("sh")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/probe.sh"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"dualstack-probe 7 4 8 1500 0\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

#[test]
fn another_version_of_the_protocol_is_an_error() {
    let Some(busybox) = Busybox::here() else { return };
    assert_eq!(busybox.script("dualstack-probe 4 4\n.\n").status.code(), Some(2));
}
