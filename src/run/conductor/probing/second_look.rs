//! A second look at paths that failed, where there is evidence that the cluster was still following the
//! run's own changes, or too busy to answer. Without such evidence a failure stands as it is, and costs
//! nothing more.

mod ways;

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1;
use kube::{Api, api::ListParams};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout, timeout_at},
};

use self::ways::{Ways, leads_to_any};
use super::super::Session;
use crate::{
    check::{Kind, Reading, State, World, words},
    probe::{self, Observation, Probe, ProbeId, Target, held_up},
};

/// For how long paths are looked at again at most in a whole run, as long as more of them come to life.
const LONGEST: Duration = Duration::from_secs(90);

/// What a run keeps of its time at least, to look at the nodes and to judge.
const KEPT: Duration = Duration::from_secs(20);

/// For how long a kube-proxy that was only just started is waited for at most.
const STARTING: Duration = Duration::from_secs(60);

/// How old a kube-proxy is that may not have written all its rules yet, in seconds.
const YOUNG: i64 = 90;

/// For how long paths settle that are looked at again for a young kube-proxy alone, in milliseconds: they had
/// their whole time before.
const SHORT: u32 = 1_500;

/// How long the API server may take to tell of kube-proxy's pods.
const LIMIT: Duration = Duration::from_secs(2);

/// A path that came to life so long after it was first tried, in milliseconds, shows a cluster that
/// is still settling; elsewhere a proxy takes a second or two.
const LATE: u64 = 4_000;

/// Whether a path that came to life shows that others may, too. A refusal that comes late does not; nor what
/// is answered by one of several backends, some of which may be dead, or by a way that loses packets.
fn came_late(world: World<'_>, ways: &Ways<'_>, reading: &Reading<'_>) -> bool {
    let probe = reading.probe;
    if is_refusal(probe) || ways.lose(probe) || leads_to_any(world, probe) {
        return false;
    }
    let before = reading.attempts.iter().take(reading.settling);
    let waited: u64 = before.map(|attempt| u64::from(attempt.millis)).sum();
    reading.settling < reading.attempts.len() && waited >= LATE
}

/// Whether it is a refusal that a probe waits for.
const fn is_refusal(probe: &Probe) -> bool {
    matches!(probe.target, Target::Closed { .. })
}

/// Until when paths may be looked at again in a run that ends at a deadline, and that spent some time on it
/// before.
fn until(now: Instant, deadline: Instant, spent: Duration) -> Instant {
    let budget = now + LONGEST.saturating_sub(spent);
    let kept = deadline.checked_sub(KEPT).unwrap_or(now);
    budget.min(kept)
}

/// What is looked at once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// All that failed.
    All,
    /// What a kube-proxy may repair that is only just there: not what is dead between pods themselves, too. Ways
    /// between pods come to life in a young cluster as well, and what they explain is wanted then.
    Proxied,
    /// Connections that had to be refused, from where other Services do answer. Kernels send a pod no more than
    /// some six refusals at once, and one a second thereafter (`icmp_ratelimit`); what proxies refuse to
    /// others of its probes while they learn of our pods uses them up.
    Refusals,
}

/// What speaks for failures that go away by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// Pods, or this machine, that were kept from the processor, or paths that came to life late.
    Settling,
    /// A kube-proxy that is only just there, and nothing else.
    YoungProxy,
}

/// What pods of kube-proxy say of themselves.
#[derive(Debug, PartialEq, Eq)]
enum Proxies {
    /// Some of them are only just being started.
    Starting,
    /// All that are there are ready, and some became so of late.
    Young,
    /// Nothing speaks for waiting.
    Old,
}

fn judge_proxies(pods: &[v1::Pod], now: Timestamp) -> Proxies {
    let mut found = Proxies::Old;
    for pod in pods {
        let Some(status) = &pod.status else { continue };
        let of = |time: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Time| {
            now.as_second() - time.0.as_second()
        };
        let age = status.start_time.as_ref().map_or(0, of);
        let restarts = status.container_statuses.iter().flatten().any(|it| it.restart_count > 0);
        // One that crashes is no younger for it.
        if age > YOUNG || restarts {
            continue;
        }
        let conditions = status.conditions.iter().flatten();
        let ready = conditions.into_iter().any(|it| it.type_ == "Ready" && it.status == "True");
        if !ready {
            return Proxies::Starting;
        }
        found = Proxies::Young;
    }
    found
}

impl Session {
    /// Whether a probe failed in a way in which paths fail that aren't there yet, or are too slow.
    pub(super) fn deserves_a_second_look(&self, id: ProbeId, observation: &Observation) -> bool {
        let Some(probe) = self.ledger.probe(id) else { return false };
        let reading = Reading::of(self.world(), probe, Some(observation));
        let may_heal = matches!(&reading.state, State::Bad(symptom)
            if matches!(symptom.kind,
                Kind::TimedOut | Kind::Refused | Kind::Unreachable | Kind::Unanswered));
        may_heal && probe.can_be_repeated() && !reading.answers_again()
    }

    /// Where something speaks for it, tries again what failed, and adds what is seen to what was: until
    /// nothing more comes to life, or for as long as that is worth waiting for and the run has time.
    pub(super) async fn look_again(&mut self, held_back: &mut [(ProbeId, Observation)]) {
        let begun = Instant::now();
        let until = until(begun, self.deadline, self.looking_again);
        let (mut rounds, mut recovered) = (0, 0);
        let mut wanted = Scope::All;
        loop {
            let failed = self.failed(held_back, wanted);
            if failed.is_empty() || Instant::now() >= until {
                break;
            }
            if rounds == 0 && wanted == Scope::All {
                match self.may_yet_recover(held_back, until).await {
                    Some(Reason::Settling) => {}
                    Some(Reason::YoungProxy) => {
                        wanted = Scope::Proxied;
                        continue;
                    }
                    None => {
                        wanted = Scope::Refusals;
                        continue;
                    }
                }
            }
            let before = failed.len();
            // What is not done by then stays as it was seen before.
            let _ = timeout_at(until, self.try_again(held_back, &failed, wanted)).await;
            rounds += 1;
            self.fixture.looked_again |= wanted != Scope::Refusals;
            let left = failed.into_iter().filter(|&place| {
                let (id, observation) = &held_back[place];
                self.deserves_a_second_look(*id, observation)
            });
            let gained = before - left.count();
            recovered += gained;
            if gained == 0 {
                break;
            }
        }
        self.looking_again += begun.elapsed();
        // Refusals that come late are no sign of anything.
        if rounds > 0 && wanted != Scope::Refusals {
            let tried = words::times(rounds);
            let seconds = begun.elapsed().as_secs();
            let answered = match recovered {
                0 => "nothing".to_owned(),
                paths => words::count(paths, "path"),
            };
            self.notice(format!(
                "the cluster was too busy, or still applying changes: failed probes were retried {tried}, for \
                 {seconds} s, and {answered} recovered"
            ));
        }
    }

    /// The places of what failed and is wanted.
    fn failed(&self, held_back: &[(ProbeId, Observation)], wanted: Scope) -> Vec<usize> {
        let failed: Vec<(usize, &Probe)> = held_back
            .iter()
            .enumerate()
            .filter(|(_, (id, observation))| self.deserves_a_second_look(*id, observation))
            .filter_map(|(place, (id, _))| Some((place, self.ledger.probe(*id)?)))
            .collect();
        let start = |probe: &Probe| (probe.vantage.clone(), probe.family());
        let services = |probe: &Probe| probe.aim.needs_proxy() && !is_refusal(probe);
        let dead: HashSet<_> = failed
            .iter()
            .filter(|(_, probe)| services(probe))
            .map(|(_, probe)| start(probe))
            .collect();
        let ways = Ways::of(self.seen(held_back));
        let is_wanted = |probe: &Probe| match wanted {
            Scope::All => true,
            Scope::Proxied => !ways.explain(self.world(), probe),
            Scope::Refusals => is_refusal(probe) && !dead.contains(&start(probe)),
        };
        failed.iter().filter(|(_, probe)| is_wanted(probe)).map(|(place, _)| *place).collect()
    }

    /// All that was tried, with what came of it.
    fn seen<'s>(
        &'s self,
        held_back: &'s [(ProbeId, Observation)],
    ) -> impl Iterator<Item = (&'s Probe, &'s Observation)> {
        let held_back =
            held_back.iter().filter_map(|(id, seen)| Some((self.ledger.probe(*id)?, seen)));
        self.ledger.observed_probes().chain(held_back)
    }

    /// What speaks for a failure that goes away by itself.
    async fn may_yet_recover(
        &self,
        held_back: &[(ProbeId, Observation)],
        until: Instant,
    ) -> Option<Reason> {
        let world = self.world();
        let ways = Ways::of(self.seen(held_back));
        if self.seen(held_back).any(|(probe, seen)| {
            held_up(probe, seen).is_some()
                || came_late(world, &ways, &Reading::of(world, probe, Some(seen)))
        }) {
            return Some(Reason::Settling);
        }
        let until = until.min(Instant::now() + STARTING);
        loop {
            match self.proxies().await {
                Proxies::Old => return None,
                Proxies::Starting if Instant::now() < until => {
                    sleep(Duration::from_secs(1)).await;
                }
                Proxies::Young | Proxies::Starting => return Some(Reason::YoungProxy),
            }
        }
    }

    /// How far kube-proxy's pods are. Who may not list them learns nothing, and waits for nothing.
    async fn proxies(&self) -> Proxies {
        let api: Api<v1::Pod> = Api::namespaced(self.cluster.client.clone(), "kube-system");
        let parameters = ListParams::default().labels("k8s-app=kube-proxy");
        match timeout(LIMIT, api.list(&parameters)).await {
            Ok(Ok(pods)) => judge_proxies(&pods.items, self.cluster.clock.now()),
            Ok(Err(_)) | Err(_) => Proxies::Old,
        }
    }

    async fn try_again(
        &mut self,
        held_back: &mut [(ProbeId, Observation)],
        failed: &[usize],
        wanted: Scope,
    ) {
        let mut places = BTreeMap::new();
        let mut probes = Vec::new();
        for &place in failed {
            let id = held_back[place].0;
            if let Some(probe) = self.ledger.probe(id) {
                let mut probe = probe.clone();
                if wanted == Scope::Proxied {
                    probe.attempts.settle_ms = probe.attempts.settle_ms.min(SHORT);
                }
                probes.push((id, probe));
                places.insert(id, place);
            }
        }
        let (sink, mut observed) = mpsc::unbounded_channel();
        let (client, fixture) = (self.cluster.client.clone(), self.fixture.clone());
        let carrying_out = async {
            probe::carry_out(&client, &fixture, probes, &sink).await;
            drop(sink);
        };
        let recording = async {
            while let Some((id, again)) = observed.recv().await {
                // What was lost on the way adds nothing.
                if let (Some(&place), None) = (places.get(&id), &again.lost) {
                    held_back[place].1.attempts.extend(again.attempts);
                }
            }
        };
        tokio::join!(carrying_out, recording);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        lab::Lab,
        probe::{Aim, Attempt, Attempts, Outcome, Vantage},
    };

    fn pod(started: &str, ready: &str, restarts: u32) -> v1::Pod {
        serde_json::from_value(json!({
            "metadata": {"name": "kube-proxy-x"},
            "status": {
                "startTime": started,
                "conditions": [{"type": "Ready", "status": ready}],
                "containerStatuses": [{
                    "name": "kube-proxy", "image": "", "imageID": "", "ready": ready == "True",
                    "restartCount": restarts,
                }],
            },
        }))
        .unwrap()
    }

    #[test]
    fn only_a_kube_proxy_that_was_just_started_and_does_not_crash_is_waited_for() {
        let now = "2026-11-26T10:02:00Z".parse().unwrap();
        let (long_ago, of_late) = ("2026-11-26T09:00:00Z", "2026-11-26T10:01:30Z");
        let judge = |pods: &[v1::Pod]| judge_proxies(pods, now);
        assert_eq!(judge(&[pod(long_ago, "True", 0)]), Proxies::Old);
        assert_eq!(judge(&[pod(long_ago, "True", 0), pod(of_late, "True", 0)]), Proxies::Young);
        assert_eq!(judge(&[pod(of_late, "False", 0), pod(long_ago, "True", 0)]), Proxies::Starting);
        assert_eq!(judge(&[pod(of_late, "False", 2)]), Proxies::Old);
        assert_eq!(judge(&[pod(long_ago, "False", 0)]), Proxies::Old);
    }

    #[tokio::test]
    async fn both_rounds_of_a_run_look_again_within_one_budget_and_leave_time_to_judge() {
        let now = Instant::now();
        let seconds = Duration::from_secs;
        assert_eq!(until(now, now + seconds(600), seconds(0)), now + seconds(90));
        assert_eq!(until(now, now + seconds(600), seconds(70)), now + seconds(20));
        assert_eq!(until(now, now + seconds(600), seconds(120)), now);
        assert_eq!(until(now, now + seconds(50), seconds(0)), now + seconds(30));
        assert!(until(now, now + seconds(10), seconds(0)) <= now);
    }

    #[test]
    fn a_path_that_comes_to_life_late_shows_a_cluster_that_is_settling() {
        let lab = Lab::dual();
        let probe = Probe {
            vantage: Vantage::Outside,
            aim: Aim::Node { node: "n1".to_owned() },
            target: Target::Tcp { address: ([10, 0, 0, 1], 80).into() },
            attempts: Attempts {
                timeout_ms: 3_000,
                patience_ms: 500,
                settle_ms: 6_000,
                distinct: 1,
                successes: 1,
                bound: 0,
            },
        };
        let late = |failed: &[u32], ends_well: bool| {
            let failed = failed.iter().map(|&millis| (millis, Outcome::TimedOut));
            let last = ends_well.then_some((10, Outcome::Connected));
            let attempts =
                failed.chain(last).map(|(millis, outcome)| Attempt { millis, outcome }).collect();
            let seen = Observation { attempts, lost: None };
            came_late(lab.world(), &Ways::default(), &Reading::of(lab.world(), &probe, Some(&seen)))
        };
        assert!(late(&[500, 1_000, 2_000, 3_000], true));
        assert!(!late(&[500, 1_000], true));
        assert!(!late(&[500, 1_000, 2_000, 3_000], false));
    }
}
