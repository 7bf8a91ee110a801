//! Made-up runs, as a real cluster could have had them, for looking at reports.

#![allow(dead_code, reason = "each program that includes this file uses its own part of it")]
#![allow(clippy::unwrap_used, reason = "what is made up here is valid")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use dualstack::{
    cause::{Cause, Judged},
    check::{Blocked, Case, Failure, Status, Subject, Verdict},
    event::{Event, Finished, Phase, Started},
    exit::Exit,
    facts::Server,
    fixture::{Fixture, SelectedNode},
    net::IpFamily,
    probe::{Answer, Attempt, Attempts, Observation, Outcome, Probe, Target, Vantage},
    record::{PhaseTime, RECORD_VERSION, Record},
    suite::{OutsidePolicy, ProbeParameters, Suite},
};

/// What is wrong with the cluster.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// The IPv6 route from the second node to the first one's pods is missing.
    BrokenRoute,
    /// The same, and no cause explains it.
    Unexplained,
    /// Every exec is lost.
    Inconclusive,
    /// The operator pressed Ctrl-C while it probed.
    Interrupted,
}

/// A run on `nodes` nodes, of which one more took no part where `passed_over`.
pub(crate) struct Run {
    nodes: Vec<String>,
    trouble: Trouble,
    judged: Vec<Judged>,
    observations: Vec<Observation>,
}

/// The events of a made-up run.
pub(crate) fn events(nodes: usize, trouble: Trouble) -> Vec<Event> {
    let mut run = Run {
        nodes: (1..=nodes).map(|number| format!("n{number}")).collect(),
        trouble,
        judged: Vec::new(),
        observations: Vec::new(),
    };
    run.judge_everything();
    run.into_events()
}

/// The record of a made-up run.
pub(crate) fn record(nodes: usize, trouble: Trouble) -> Record {
    let finished = events(nodes, trouble).into_iter().find_map(|event| match event {
        Event::Finished(finished) => Some(finished.record.clone()),
        _ => None,
    });
    finished.unwrap()
}

fn address(family: IpFamily, node: usize, port: u16) -> SocketAddr {
    match family {
        IpFamily::V4 => format!("10.96.12.{}:{port}", node + 1),
        IpFamily::V6 => format!("[fd00:10:96::{:x}]:{port}", 0xa0 + node),
    }
    .parse()
    .unwrap()
}

impl Run {
    fn judge_everything(&mut self) {
        let nodes = self.nodes.clone();
        for family in IpFamily::ALL {
            for (index, node) in nodes.iter().enumerate() {
                let range = match family {
                    IpFamily::V4 => format!("10.244.{index}.0/24"),
                    IpFamily::V6 => format!("fd00:10:244:{index:x}::/64"),
                };
                self.pass(
                    "node::pod_cidrs",
                    Subject::Node { name: node.clone() },
                    Some(family),
                    range,
                );
            }
        }
        for (index, node) in nodes.iter().enumerate() {
            let subject = Subject::Pod { workload: "nginx".to_owned(), node: node.clone() };
            let addresses = format!("10.244.{index}.7, fd00:10:244:{index:x}::7");
            self.pass("pod::pod_ips", subject, None, addresses);
        }
        for (name, addresses) in [
            ("default", "10.96.12.1"),
            ("ipv4", "10.96.41.7"),
            ("ipv6", "fd00:10:96::5c1e"),
            ("prefer-dual-stack", "10.96.3.18, fd00:10:96::9a2"),
            ("require-dual-stack-ipv4-first", "10.96.77.2, fd00:10:96::e4"),
            ("require-dual-stack-ipv6-first", "fd00:10:96::71c, 10.96.8.200"),
        ] {
            let subject = Subject::Service { name: name.to_owned() };
            self.pass("service::cluster_ips", subject, None, addresses.to_owned());
        }
        for family in IpFamily::ALL {
            for from in 0..nodes.len() {
                for to in 0..nodes.len() {
                    self.path("service::cluster_ip_reachable", Some(from), to, family, 80);
                }
            }
        }
        for family in IpFamily::ALL {
            for to in 0..nodes.len() {
                self.path("node_port::from_outside", None, to, family, 31_207);
            }
        }
        for family in IpFamily::ALL {
            self.judged.push(Judged {
                case: Case {
                    check: "dns::records".to_owned(),
                    subject: Subject::Service { name: "prefer-dual-stack".to_owned() },
                    family: Some(family),
                    probes: Vec::new(),
                    blocked: Some(Blocked {
                        by: None,
                        reason: "the DNS pods can't be port-forwarded to".to_owned(),
                    }),
                },
                verdict: Verdict::skip(
                    "no right to create pods/portforward in kube-system, so full answers can't be read",
                ),
            });
        }
    }

    fn pass(&mut self, check: &str, subject: Subject, family: Option<IpFamily>, detail: String) {
        self.judged.push(Judged {
            case: Case {
                check: check.to_owned(),
                subject,
                family,
                probes: Vec::new(),
                blocked: None,
            },
            verdict: Verdict::pass(detail),
        });
    }

    fn path(&mut self, check: &str, from: Option<usize>, to: usize, family: IpFamily, port: u16) {
        let source = from.map_or_else(|| "outside".to_owned(), |from| self.nodes[from].clone());
        let probe = Probe {
            vantage: match from {
                Some(_) => Vantage::Pod { node: source.clone() },
                None => Vantage::Outside,
            },
            target: Target::Http { address: address(family, to, port), payload: 0 },
            attempts: Attempts {
                timeout_ms: 2_000,
                patience_ms: 300,
                settle_ms: 6_000,
                distinct: 1,
                successes: 2,
                bound: 2,
            },
        };
        let case = Case {
            check: check.to_owned(),
            subject: Subject::Path { from: source.clone(), to: self.nodes[to].clone() },
            family: Some(family),
            probes: vec![probe.clone()],
            blocked: None,
        };
        let cut = self.trouble == Trouble::Interrupted && from == Some(self.nodes.len() - 1);
        let broken = matches!(self.trouble, Trouble::BrokenRoute | Trouble::Unexplained)
            && family == IpFamily::V6
            && matches!((from, to), (Some(1), 0) | (Some(0), 1));
        let lost = self.trouble == Trouble::Inconclusive && from.is_some();
        let (attempts, lost, verdict) = if cut {
            (vec![], None, Verdict::inconclusive("not determined: interrupted by the operator"))
        } else if lost {
            let why =
                format!("the exec into busybox on {source} was lost: connection reset by peer");
            (vec![], Some(why.clone()), Verdict::inconclusive(why))
        } else if broken {
            let outcome = if from == Some(1) {
                Outcome::Unreachable { detail: "Network is unreachable".to_owned() }
            } else {
                Outcome::TimedOut
            };
            let attempts = vec![Attempt { millis: 2_000, outcome: outcome.clone() }; 3];
            (attempts, None, self.dead_path(&source, to, family, &outcome))
        } else {
            self.live_path(from, to, family)
        };
        self.observations.push(Observation { probe, attempts, lost });
        self.judged.push(Judged { case, verdict });
    }

    fn live_path(
        &self,
        from: Option<usize>,
        to: usize,
        family: IpFamily,
    ) -> (Vec<Attempt>, Option<String>, Verdict) {
        let millis = u32::try_from((from.unwrap_or(0) + 2 * to) % 4).unwrap() * 10;
        let answered = Attempt {
            millis,
            outcome: Outcome::Answered(Answer {
                pod: format!("nginx-{}", self.nodes[to]),
                server: address(family, to, 80).ip(),
                client: address(family, from.unwrap_or(99), 80).ip(),
                payload: 0,
            }),
        };
        if from == Some(2) && to == 0 && family == IpFamily::V4 {
            let refused = Attempt { millis: 0, outcome: Outcome::Refused };
            let verdict =
                Verdict::pass(format!("answered in {millis} ms, after 1 refusal")).after(3);
            return (vec![refused, answered.clone(), answered], None, verdict);
        }
        let verdict = Verdict::pass(format!("answered in {millis} ms")).after(2);
        (vec![answered.clone(), answered], None, verdict)
    }

    fn dead_path(&self, source: &str, to: usize, family: IpFamily, outcome: &Outcome) -> Verdict {
        let (target, address) = (&self.nodes[to], address(family, to, 80));
        Verdict::fail(
            format!("{outcome} 3 times"),
            Failure {
                what: format!(
                    "A pod on {source} can't reach the backend on {target} at http://{address}/ over \
                     {family}: three attempts in 6 s, each of them {outcome}."
                ),
                reproduce: vec![format!(
                    "kubectl exec -n dualstack-k3x9a busybox-{source} -- wget -qO- -T 2 http://{address}/"
                )],
                fix: vec![
                    format!("Compare `ip -6 route` on {source} and {target} with the podCIDRs of the other nodes."),
                    "Restart the CNI's agent on both nodes and look at its log.".to_owned(),
                ],
            },
        )
        .after(3)
    }

    fn causes(&self) -> Vec<Cause> {
        if self.trouble != Trouble::BrokenRoute {
            return Vec::new();
        }
        let explains = self
            .judged
            .iter()
            .filter(|judged| judged.verdict.status() == Status::Fail)
            .map(|judged| judged.case.name())
            .collect();
        vec![Cause {
            id: "route_missing".to_owned(),
            what: "There is no IPv6 way between the pods of n2 and those of n1: n2 has no route to \
                   fd00:10:244:0::/64."
                .to_owned(),
            why: "Whatever resolves to an IPv6 address first hangs until it falls back to IPv4, and \
                  IPv6-only clients get nothing."
                .to_owned(),
            evidence: vec![
                "from n2 to n1 the network is unreachable, at once, which is n2's own kernel speaking"
                    .to_owned(),
                "from n1 to n2 nothing comes back: the answer has no way home".to_owned(),
                "over IPv4 the same pairs answer".to_owned(),
                "every other pair of nodes answers over IPv6".to_owned(),
            ],
            reproduce: vec![
                "kubectl debug node/n2 -it --image=busybox -- ip -6 route get fd00:10:244:0::7".to_owned(),
                "kubectl get node n1 -o jsonpath='{.spec.podCIDRs}'".to_owned(),
            ],
            fix: vec![
                "Restart the CNI's agent on n2, which writes the routes: `kubectl -n kube-system \
                 delete pod -l app=kindnet --field-selector spec.nodeName=n2`."
                    .to_owned(),
                "If the route stays away, look in the agent's log for n1's podCIDR.".to_owned(),
            ],
            explains,
        }]
    }

    fn into_events(self) -> Vec<Event> {
        let causes = self.causes();
        let started = Started {
            run: "k3x9a".to_owned(),
            server: Server {
                context: Some("kubernetes-admin@testbed".to_owned()),
                url: "https://10.100.0.2:6443".to_owned(),
                version: "v1.36.2".to_owned(),
            },
            suite: "dual-stack".to_owned(),
            namespace: "dualstack-k3x9a".to_owned(),
        };
        let mut nodes: Vec<SelectedNode> = self
            .nodes
            .iter()
            .map(|name| SelectedNode { name: name.clone(), excluded: None })
            .collect();
        if nodes.len() > 3 {
            nodes.push(SelectedNode {
                name: "win-1".to_owned(),
                excluded: Some(
                    "it runs Windows, and the fixture's images are for Linux".to_owned(),
                ),
            });
        }
        let took = [
            (Phase::Connect, 0, 90),
            (Phase::Preflight, 90, 60),
            (Phase::Facts, 90, 110),
            (Phase::Deploy, 200, 380),
            (Phase::Ready, 580, 2_900),
            (Phase::Probe, 3_480, 740),
            (Phase::Judge, 4_220, 10),
            (Phase::Teardown, 4_230, 1_170),
        ];
        let interrupted = self.trouble == Trouble::Interrupted;
        let broken_off = interrupted.then(|| "interrupted by the operator".to_owned());
        let phases =
            took.map(|(phase, start_ms, millis)| PhaseTime { phase, start_ms, millis }).to_vec();
        let mut events = vec![Event::PhaseStarted(Phase::Connect)];
        events.push(Event::PhaseFinished(Phase::Connect, Duration::from_millis(90)));
        events.push(Event::Started(started.clone()));
        for (phase, _, millis) in &took[1..4] {
            events.push(Event::PhaseStarted(*phase));
            events.push(Event::PhaseFinished(*phase, Duration::from_millis(*millis)));
        }
        events.push(Event::NodesSelected(nodes.clone()));
        events.push(Event::Notice(
            "the run m2p7q died an hour ago and left 14 objects; `dualstack cleanup` removes them"
                .to_owned(),
        ));
        events.push(Event::PhaseStarted(Phase::Ready));
        for ready in 0..2 * self.nodes.len() {
            let what = format!(
                "{ready} of {} pods are ready; awaited: nginx on n1 (its image is being pulled)",
                2 * self.nodes.len()
            );
            events.push(Event::Waiting { phase: Phase::Ready, what });
        }
        events.push(Event::PhaseFinished(Phase::Ready, Duration::from_millis(2_900)));
        events.push(Event::Planned { cases: self.judged.len(), probes: self.observations.len() });
        events.push(Event::PhaseStarted(Phase::Probe));
        events.extend(self.judged.iter().cloned().map(Event::Judged));
        events.push(Event::PhaseFinished(Phase::Probe, Duration::from_millis(740)));
        events.extend(broken_off.iter().cloned().map(|error| Event::BrokenOff { error }));
        events.extend(causes.iter().cloned().map(Event::Cause));
        events.push(Event::PhaseStarted(Phase::Teardown));
        events.push(Event::PhaseFinished(Phase::Teardown, Duration::from_millis(1_170)));
        let exit = match self.trouble {
            Trouble::None => Exit::Passed,
            Trouble::BrokenRoute | Trouble::Unexplained => Exit::Failed,
            Trouble::Inconclusive => Exit::Inconclusive,
            Trouble::Interrupted => Exit::Interrupted,
        };
        let record = Record {
            version: RECORD_VERSION,
            dualstack: "0.1.0".to_owned(),
            started_at: "2026-11-21T08:30:00Z".parse().unwrap(),
            suite: Suite {
                name: "dual-stack".to_owned(),
                description: "Both families work everywhere.".to_owned(),
                families: IpFamily::ALL.to_vec(),
                primary: None,
                checks: vec!["node".to_owned()],
                probes: ProbeParameters::default(),
                outside: OutsidePolicy::Auto,
            },
            facts: None,
            fixture: Some(Fixture {
                run: started.run.clone(),
                namespace: started.namespace.clone(),
                nodes,
                backends: Vec::new(),
                probes: Vec::new(),
                host_probes: Vec::new(),
                services: Vec::new(),
            }),
            started,
            observations: self.observations,
            judged: self.judged,
            causes,
            broken_off,
            notices: Vec::new(),
            left_behind: if interrupted {
                vec!["Namespace dualstack-k3x9a: still terminating after 10 s".to_owned()]
            } else {
                Vec::new()
            },
            phases,
        };
        events.push(Event::Finished(Arc::new(Finished { exit, record })));
        events
    }
}
