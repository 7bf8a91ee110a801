//! The last stage of a run: carrying its probes out, once more around what failed, and a look at the
//! nodes that failures point at.

mod balancing;
mod changes;
mod in_turn;
mod policies;
mod second_look;

use std::collections::{BTreeSet, HashSet};

use tokio::sync::mpsc;

use super::{
    super::{SnapshotPolicy, diagnostics, gateways, rules, second_round, snapshots},
    Abort, Session,
};
use crate::{
    check::{DynCheck, Need, Reading, Stage, World},
    event::Event,
    facts::{self, Fact},
    fixture::Live,
    probe::{self, Aim, Egress, Observation, Probe, ProbeId, Vantage},
    record::Phase,
    snapshot::NodeDiagnostics,
    suite::EgressPolicy,
};

impl Session {
    pub(super) async fn probe(&mut self, live: &Live) -> Result<(), Abort> {
        // It listens for as long as it is probed.
        let egress = self.open_egress().await;
        self.fixture.egress.clone_from(&egress.destinations);
        self.reach(Stage::Probed);
        let probes = self.ledger.wanted();
        self.events.send(Event::Planned { cases: self.ledger.cases(), probes: probes.len() });
        self.first_round_beside_gateways(probes, live).await;
        self.probe_again().await;
        if self.ledger.failed().next().is_some() {
            self.fixture.removed = live.removed(&self.fixture).await;
            live.reread_manual_slices(&mut self.fixture);
        }
        if !self.fixture.removed.is_empty() {
            return Err(Abort::Removed(self.fixture.removed.clone()));
        }
        self.look_at_nodes().await;
        Ok(())
    }

    /// Where something failed: how the nodes that it points at look from inside. It proves causes, and
    /// never changes a verdict.
    async fn look_at_nodes(&mut self) {
        let (nodes, addresses) =
            snapshots::wanted(self.world(), &self.ledger, self.options.snapshot);
        if nodes.is_empty() {
            return;
        }
        if self.fixture.host_probes.is_empty() {
            self.notice(
                "node diagnostics were not read, because that needs host-network pods: causes are based only on \
                 paths, pods and logs"
                    .to_owned(),
            );
        }
        let mut asked = snapshots::of_dns(self.world(), &self.ledger);
        asked.retain(|node| !nodes.contains(node));
        let asked = [nodes.clone(), asked].concat();
        let looking = self.stopwatch.begin(Phase::Snapshot);
        let (client, fixture) = (&self.cluster.client, &self.fixture);
        let hosts = async {
            if fixture.host_probes.is_empty() {
                return Vec::new();
            }
            snapshots::take(client, fixture, &nodes, &addresses).await
        };
        let filters = async {
            if self.options.snapshot == SnapshotPolicy::Rules {
                rules::take(client, self.world(), &nodes).await
            } else {
                Vec::new()
            }
        };
        (
            self.facts.snapshots,
            self.facts.inside_pods,
            self.facts.diagnostics,
            self.facts.rulesets,
        ) = tokio::join!(
            hosts,
            snapshots::take_pods(client, fixture, &nodes, &addresses),
            diagnostics::diagnostics(&self.cluster, &self.facts, &asked, self.started_at),
            filters
        );
        self.stopwatch.end(looking);
        let unlisted = self.facts.rulesets.iter().filter_map(|ruleset| {
            let why = ruleset.incomplete.as_ref()?;
            Some(format!(
                "the packet filter's rules of {} were not read to the end: {why}",
                ruleset.node
            ))
        });
        let unlisted: Vec<String> = unlisted.collect();
        unlisted.into_iter().for_each(|it| self.notice(it));
        let unread: BTreeSet<&str> =
            self.facts.diagnostics.iter().flat_map(NodeDiagnostics::missing).collect();
        let unread: Vec<String> =
            unread.into_iter().map(|it| format!("{it} (no evidence from there)")).collect();
        unread.into_iter().for_each(|it| self.notice(it));
    }

    /// Carries probes out, and meanwhile looks whether the nodes' default gateways are there, if the way out is
    /// to be looked at.
    async fn first_round_beside_gateways(&mut self, probes: Vec<(ProbeId, Probe)>, live: &Live) {
        let (client, fixture) = (self.cluster.client.clone(), self.fixture.clone());
        let wanted = self.wants_egress();
        let gateways = async {
            if wanted { gateways::take(&client, &fixture).await } else { Default::default() }
        };
        let (found, ()) = tokio::join!(gateways, self.first_round(probes, live));
        (self.facts.gateways, self.facts.deprecated) = found;
    }

    async fn first_round(&mut self, probes: Vec<(ProbeId, Probe)>, live: &Live) {
        if self.balancing {
            self.probe_beside_balancing(probes, live).await;
        } else {
            self.carry_out(probes, Some(live)).await;
        }
    }

    /// Whether the way out of the cluster is to be looked at.
    fn wants_egress(&self) -> bool {
        let wants = |check: &&dyn DynCheck| check.promise().needs.contains(&Need::Egress);
        self.options.suite.egress != EgressPolicy::Off && self.options.checks.iter().any(wants)
    }

    /// What pods are to connect to outside the cluster, if a check wants it.
    async fn open_egress(&self) -> Egress {
        let suite = &self.options.suite;
        if !self.wants_egress() {
            return Egress::default();
        }
        let server = self.options.egress_server.as_ref();
        Egress::open(&self.started.run, &suite.families, &self.facts, server).await
    }

    /// Where not every pair of nodes was tried and something failed: tries what tells how far it
    /// goes.
    async fn probe_again(&mut self) {
        let again = second_round(self.world(), &self.ledger);
        if again.is_empty() {
            return;
        }
        let paths: usize = again.values().map(Vec::len).sum();
        self.notice(format!(
            "something failed, and not every pair of nodes was probed: a second round probes {paths} more paths \
             around it, from {} nodes",
            again.len()
        ));
        self.fixture.mesh.again = again;
        let Self { ledger, facts, fixture, options, .. } = self;
        let judged = ledger.plan_again(World { facts, fixture, suite: &options.suite });
        self.tell(judged);
        let probes = self.ledger.wanted();
        self.events.send(Event::Planned { cases: self.ledger.cases(), probes: probes.len() });
        self.carry_out(probes, None).await;
    }

    async fn carry_out(&mut self, probes: Vec<(ProbeId, Probe)>, live: Option<&Live>) {
        let probing = self.stopwatch.begin(Phase::Probe);
        let of_others: HashSet<ProbeId> =
            probes.iter().filter(|(_, probe)| is_of_others(probe)).map(|(id, _)| *id).collect();
        let mut held_back = Vec::new();
        let (sink, mut observed) = mpsc::unbounded_channel();
        let (client, fixture) = (self.cluster.client.clone(), self.fixture.clone());
        let (guarded, probes): (Vec<_>, Vec<_>) = probes.into_iter().partition(is_guarded);
        let turns = |(_, probe): &(ProbeId, Probe)| probe.aim.turn().is_some();
        let (changing, probes): (Vec<_>, Vec<_>) = probes.into_iter().partition(turns);
        let balances =
            |(_, probe): &(ProbeId, Probe)| matches!(probe.aim, Aim::LoadBalancer { .. });
        let (balanced, probes): (Vec<_>, Vec<_>) = probes.into_iter().partition(balances);
        let waits = |(_, probe): &(ProbeId, Probe)| {
            probe.attempts.measures_time() || matches!(probe.aim, Aim::Name { .. })
        };
        let (late, probes): (Vec<_>, Vec<_>) = probes.into_iter().partition(waits);
        let carrying_out = async {
            // Policies are on pods of their own, so that they disturb nothing else.
            let policies = policies::carry_out(&client, &fixture, live, guarded, &sink);
            let changes = changes::carry_out(&client, &fixture, live, changing, &sink);
            tokio::join!(probe::carry_out(&client, &fixture, probes, &sink), policies, changes);
            // Its addresses come last of all, and proxies need time to learn of them.
            probe::carry_out(&client, &fixture, balanced, &sink).await;
            // Many probes at once hinder each other, which would be measured. And DNS keeps for some
            // seconds that a headless Service has no pods yet, if it is asked too early.
            probe::carry_out(&client, &fixture, late, &sink).await;
            drop(sink);
        };
        let recording = async {
            while let Some((id, observation)) = observed.recv().await {
                if of_others.contains(&id) || self.deserves_a_second_look(id, &observation) {
                    held_back.push((id, observation));
                } else {
                    self.observed(id, observation);
                }
            }
        };
        tokio::join!(carrying_out, recording);
        self.look_again(&mut held_back).await;
        self.reread_dns(&held_back).await;
        self.reread_targets(&held_back).await;
        for (id, observation) in held_back {
            self.observed(id, observation);
        }
        self.stopwatch.end(probing);
    }

    /// Where DNS pods did not answer: whether they are still those that were asked. One that was
    /// replaced meanwhile says nothing of the cluster.
    async fn reread_dns(&mut self, held_back: &[(ProbeId, Observation)]) {
        let failed = |held: &(ProbeId, Observation)| {
            failed(held) && self.ledger.probe(held.0).is_some_and(asks_dns_pods)
        };
        if !held_back.iter().any(failed) {
            return;
        }
        let now = facts::cluster_dns(&self.cluster).await;
        if let (Some(before), Ok(Fact::Known { value: now, .. })) =
            (self.facts.cluster_dns.known(), now)
        {
            self.fixture.dns_away.extend(before.away(&now));
            self.fixture.dns_away.sort_unstable();
            self.fixture.dns_away.dedup();
        }
    }

    /// Where something went wrong at Services of the operator's: whether they are still those that were
    /// read.
    async fn reread_targets(&mut self, held_back: &[(ProbeId, Observation)]) {
        let world = self.world();
        let wrong = |(id, observation): &(ProbeId, Observation)| {
            let probe = self.ledger.probe(*id).filter(|probe| probe.aim.target().is_some());
            let reading = probe.map(|probe| Reading::of(world, probe, Some(observation)));
            reading.is_some_and(|reading| reading.symptom().is_some())
        };
        if !held_back.iter().any(wrong) {
            return;
        }
        let names = &self.options.suite.targets;
        let Ok(now) = facts::targets(&self.cluster, names).await else { return };
        let changed = now.into_iter().filter(|it| self.facts.target(&it.name) != Some(it));
        let changed = changed.map(|target| target.name);
        let known = std::mem::take(&mut self.fixture.targets_changed);
        let all: BTreeSet<_> = known.into_iter().chain(changed).collect();
        self.fixture.targets_changed = all.into_iter().collect();
    }
}

/// Whether it is tried while a NetworkPolicy of the run's own holds.
const fn is_guarded((_, probe): &(ProbeId, Probe)) -> bool {
    probe.aim.is_guarded()
}

/// Whether it was not carried out to an end that is good.
fn failed((_, observation): &(ProbeId, Observation)) -> bool {
    let answered = observation.attempts.last().is_some_and(|it| it.outcome.succeeded());
    observation.lost.is_some() || !answered
}

/// Whether a probe's fate is that of pods which others may replace at any time.
const fn is_of_others(probe: &Probe) -> bool {
    asks_dns_pods(probe) || probe.aim.target().is_some()
}

/// Whether a probe's fate is that of the cluster's DNS pods.
const fn asks_dns_pods(probe: &Probe) -> bool {
    matches!(probe.aim, Aim::DnsService | Aim::DnsPod { .. })
        || matches!(probe.vantage, Vantage::DnsPod { .. })
}
