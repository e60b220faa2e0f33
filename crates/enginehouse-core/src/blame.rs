//! Which engines, and which versions of their software, fail more than others do at the same work.
//!
//! Failures and losses of a subject are weighed against how the same event type fared elsewhere *in the same time*: so a
//! broken dependency, with which all fail, blames nobody. The test is Page's CUSUM of 1954, which is Wald's sequential
//! likelihood ratio test begun anew wherever it speaks for the subject: "it fails as often as the others do" against "it fails a
//! good part of what the others complete". A subject is suspect from a ratio of [`ODDS`] on. By Doob's inequality a sound one gets
//! there within *n* outcomes with a probability of at most *n* / [`ODDS`], where the others' rate is known; tests measure it where it is
//! learnt.
//!
//! - A **run** begins with a failure and ends when the ratio is in the subject's favour again. Only runs take memory: what
//!   completes and has none is a number in its event type's totals. So an outcome costs a few look-ups, whatever there is.
//! - Only the first attempt at an event counts: those that come back are a choice of bad ones. A retry that fails on another engine
//!   shows that the event is to blame, and what it had counted is taken back. Within one version that clears the engine, not the
//!   version.
//! - A version is suspect only if it stays so without the worst of its engines; its engines are not named beside it then.

mod run;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use self::run::{BaseRate, FADES_AFTER, FailureRun, MAX_EVIDENCE, ODDS, ODDS_OF_REST, VersionFailureRun, probability};
pub use self::run::{Ending, JudgedAttempt, OutcomeCounts, Suspect, SuspectSubject};
use crate::ids::{EngineId, EventId, EventType};
use crate::time::Timestamp;

/// How soon a run with a single failure is over once memory is short.
const SINGLE_FADES_AFTER: Duration = Duration::from_secs(600);
/// How long after a search for runs that are over brought nothing the next one comes.
const NEXT_CLEANING: Duration = Duration::from_secs(60);

/// Most event types that are judged.
const MAX_TYPES: usize = 10_000;
/// Most versions of an event type's engines that have a run.
const MAX_VERSIONS: usize = 10;
/// Most runs of engines: some 20 MB.
const MAX_RUNS: usize = 65_536;
/// How many failed events are remembered until somebody else has tried them.
const MAX_OPEN_FAILURES: usize = 65_536;
/// What is known of an event type.
#[derive(Clone, Debug, Default)]
struct TypeRecord {
    totals: OutcomeCounts,
    base: BaseRate,
    last_at: Option<Timestamp>,
    engines: HashMap<EngineId, FailureRun>,
    versions: HashMap<Arc<str>, VersionFailureRun>,
}

impl TypeRecord {
    fn suspect_version(&self, version: Option<&Arc<str>>) -> Option<&VersionFailureRun> {
        self.versions.get(version?).filter(|run| run.is_suspect(self.totals))
    }
}

/// A failure that counts, until another engine has tried the event.
#[derive(Clone, Debug)]
struct OpenFailure {
    engine_id: EngineId,
    version: Option<Arc<str>>,
    at: Timestamp,
    /// It has failed on another engine, and on another version.
    blames: SelfBlame,
}

/// How far an event is to blame itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SelfBlame {
    No,
    /// Its version may be to blame yet.
    ForEngine,
    ForVersion,
}

/// What is remembered of outcomes. Its size is bounded, whatever there is of events, engines and versions.
#[derive(Debug, Default)]
pub struct Blame {
    types: HashMap<EventType, TypeRecord>,
    runs: usize,
    open: HashMap<EventId, OpenFailure>,
    /// In the order in which they came; some are gone.
    open_order: VecDeque<EventId>,
    clean_from: Option<Timestamp>,
}

impl Blame {
    /// Takes in the end of an attempt.
    pub fn record(&mut self, outcome: &JudgedAttempt<'_>) {
        if !self.make_room(outcome) {
            return;
        }
        let failed = outcome.ending != Ending::Completed;
        if outcome.failed_before {
            match failed {
                true => self.failed_again(outcome),
                false => _ = self.open.remove(&outcome.event_id),
            }
            return;
        }
        let Some(record) = self.types.get_mut(outcome.event_type) else { return };
        if outcome.ending == Ending::Lost
            && record.engines.get(outcome.engine_id).is_some_and(|run| run.last_loss_at == Some(outcome.at))
        {
            return;
        }
        let room = self.runs < MAX_RUNS;
        self.runs -= record.engines.len();
        if record.engines.get(outcome.engine_id).is_some_and(|run| run.version.as_ref() != outcome.version) {
            // What another version has done is nothing to this one.
            record.engines.remove(outcome.engine_id);
        }
        if failed && room && !record.engines.contains_key(outcome.engine_id) {
            let run = FailureRun::begin(record.totals, record.base, outcome);
            record.engines.insert(outcome.engine_id.clone(), run);
        }
        if let Some(version) = outcome.version
            && failed
            && !record.versions.contains_key(version)
            && record.versions.len() < MAX_VERSIONS
        {
            let run = VersionFailureRun::begin(record.totals, record.base, outcome);
            record.versions.insert(Arc::clone(version), run);
        }
        record.last_at = Some(outcome.at);
        record.totals.add(outcome.ending);
        record.base.add(outcome.ending);
        let totals = record.totals;
        if let Some(run) = record.engines.get_mut(outcome.engine_id) {
            run.add(outcome);
            if run.is_over(totals) {
                record.engines.remove(outcome.engine_id);
            }
        }
        if let Some(version) = outcome.version
            && let Some(run) = record.versions.get_mut(version)
        {
            run.add(outcome);
            if run.run.is_over(totals) {
                record.versions.remove(version);
            }
        }
        self.runs += record.engines.len();
        if failed {
            self.remember(outcome);
        }
    }

    /// An event has failed that had failed before: whatever it is, it counts once at most.
    fn failed_again(&mut self, outcome: &JudgedAttempt<'_>) {
        // Of one that nobody remembers, nobody knows where it failed.
        let Some(first) = self.open.get_mut(&outcome.event_id) else { return };
        if first.engine_id == *outcome.engine_id {
            return;
        }
        let Some(record) = self.types.get_mut(outcome.event_type) else { return };
        let same_version = first.version.as_ref() == outcome.version;
        if first.blames == SelfBlame::No {
            first.blames = SelfBlame::ForEngine;
            if let Some(run) = record.engines.get_mut(&first.engine_id)
                && run.since <= first.at
            {
                run.take_back(outcome.event_id);
                if run.is_over(record.totals) {
                    record.engines.remove(&first.engine_id);
                    self.runs -= 1;
                }
            }
        }
        if first.blames == SelfBlame::ForEngine && !same_version {
            first.blames = SelfBlame::ForVersion;
            if let Some(version) = first.version.as_deref()
                && let Some(run) = record.versions.get_mut(version)
                && run.run.since <= first.at
            {
                run.take_back(outcome.event_id, &first.engine_id);
                if run.run.is_over(record.totals) {
                    record.versions.remove(version);
                }
            }
        }
    }

    fn remember(&mut self, outcome: &JudgedAttempt<'_>) {
        while self.open_order.len() >= MAX_OPEN_FAILURES {
            if let Some(oldest) = self.open_order.pop_front() {
                self.open.remove(&oldest);
            }
        }
        let failure = OpenFailure {
            engine_id: outcome.engine_id.clone(),
            version: outcome.version.cloned(),
            at: outcome.at,
            blames: SelfBlame::No,
        };
        self.open.insert(outcome.event_id, failure);
        self.open_order.push_back(outcome.event_id);
    }

    /// Makes sure that there is room for an outcome. Answers whether its event type is judged.
    fn make_room(&mut self, outcome: &JudgedAttempt<'_>) -> bool {
        let is_known = self.types.contains_key(outcome.event_type);
        let is_full = self.runs >= MAX_RUNS || (!is_known && self.types.len() >= MAX_TYPES);
        if is_full && self.clean_from.is_none_or(|at| at <= outcome.at) {
            self.clean(outcome.at);
            self.clean_from = Some(outcome.at + NEXT_CLEANING);
        }
        if !is_known && self.types.len() < MAX_TYPES {
            self.types.insert(outcome.event_type.clone(), TypeRecord::default());
        }
        is_known || self.types.contains_key(outcome.event_type)
    }

    /// Forgets runs that say nothing any more, and event types that nobody has heard of for long.
    fn clean(&mut self, now: Timestamp) {
        let keeps =
            |run: &FailureRun| !run.has_faded(now) && (run.own.failed > 1 || run.last_at + SINGLE_FADES_AFTER > now);
        for record in self.types.values_mut() {
            record.engines.retain(|_, run| keeps(run));
            record.versions.retain(|_, run| keeps(&run.run));
        }
        self.types.retain(|_, record| record.last_at.is_some_and(|at| at + FADES_AFTER > now));
        self.runs = self.types.values().map(|record| record.engines.len()).sum();
    }

    /// What speaks against an engine at an event type: its own failures, or those of its version if it has part in them.
    pub fn against(&self, event_type: &EventType, engine_id: &EngineId, version: Option<&Arc<str>>) -> Option<Suspect> {
        let record = self.types.get(event_type)?;
        if let (Some(run), Some(version)) = (record.suspect_version(version), version)
            && run.has_failed(engine_id)
        {
            let subject = SuspectSubject::VersionAt { version: version.to_string(), event_type: event_type.clone() };
            return Some(run.run.suspect(subject, record.totals));
        }
        let run = record.engines.get(engine_id).filter(|run| run.is_suspect(record.totals))?;
        let subject = SuspectSubject::EngineAt { engine_id: engine_id.clone(), event_type: event_type.clone() };
        Some(run.suspect(subject, record.totals))
    }

    /// Forgets what speaks against an engine at an event type: it has shown that it can do it.
    pub fn clear(&mut self, event_type: &EventType, engine_id: &EngineId) {
        if let Some(record) = self.types.get_mut(event_type) {
            self.runs -= usize::from(record.engines.remove(engine_id).is_some());
        }
    }

    /// Everybody who is suspect now, the surest first.
    pub fn suspects<'a>(&'a self, now: Timestamp) -> Vec<Suspect> {
        let mut suspects = Vec::new();
        // By engine, with what has more than a single failure to it.
        let mut by_engine: HashMap<&'a EngineId, Vec<(&'a EventType, &'a TypeRecord, &'a FailureRun)>> = HashMap::new();
        for (event_type, record) in &self.types {
            let mut blamed = HashSet::new();
            for (version, run) in &record.versions {
                if run.is_suspect(record.totals) && !run.run.has_faded(now) {
                    let subject =
                        SuspectSubject::VersionAt { version: version.to_string(), event_type: event_type.clone() };
                    suspects.push(run.run.suspect(subject, record.totals));
                    blamed.insert(version);
                }
            }
            for (engine_id, run) in record.engines.iter().filter(|(_, run)| !run.has_faded(now)) {
                let of_blamed = run.version.as_ref().is_some_and(|version| blamed.contains(version));
                if !of_blamed && run.evidence_against(record.totals).is_some_and(|log_ratio| log_ratio > 0.0) {
                    by_engine.entry(engine_id).or_default().push((event_type, record, run));
                }
            }
        }
        for (engine_id, runs) in by_engine {
            suspects.extend(suspects_of(engine_id, &runs));
        }
        suspects.sort_by(|one, other| {
            other.probability.total_cmp(&one.probability).then_with(|| one.subject.cmp(&other.subject))
        });
        suspects
    }
}

/// An engine that fails at several event types is suspect as a whole; at one, there. As with versions, one is not enough.
fn suspects_of(engine_id: &EngineId, runs: &[(&EventType, &TypeRecord, &FailureRun)]) -> Vec<Suspect> {
    let ratios = || runs.iter().map(|(_, record, run)| run.log_ratio(run.own, record.totals));
    let sum: f64 = ratios().sum();
    let rest = sum - ratios().fold(0.0, f64::max);
    // Each further event type is one more way in which chance could have got there.
    let needed = ODDS.ln() + runs.len().saturating_sub(1) as f64 * 10_f64.ln();
    if sum < needed || rest < ODDS_OF_REST.ln() {
        let at = |(event_type, record, run): &(&EventType, &TypeRecord, &FailureRun)| {
            let (engine_id, event_type) = (engine_id.clone(), (*event_type).clone());
            run.suspect(SuspectSubject::EngineAt { engine_id, event_type }, record.totals)
        };
        return runs.iter().filter(|(_, record, run)| run.is_suspect(record.totals)).map(at).collect();
    }
    let mut runs = runs.to_vec();
    runs.sort_by_key(|(event_type, ..)| *event_type);
    let event_types = runs.iter().map(|(event_type, ..)| (*event_type).clone()).collect();
    let mut whole = Suspect {
        subject: SuspectSubject::Engine { engine_id: engine_id.clone(), event_types },
        since: Timestamp::MAX,
        last_at: Timestamp::MIN,
        probability: probability(sum),
        own: OutcomeCounts::default(),
        others: OutcomeCounts::default(),
        lost: 0,
        evidence: Vec::new(),
    };
    for (_, record, run) in runs {
        whole.since = whole.since.min(run.since);
        whole.last_at = whole.last_at.max(run.last_at);
        whole.lost += run.lost;
        let others = run.others(record.totals);
        for (sum, part) in [(&mut whole.own, run.own), (&mut whole.others, others)] {
            sum.failed += part.failed;
            sum.completed += part.completed;
        }
        whole.evidence.extend(run.evidence.iter().rev().take(MAX_EVIDENCE));
    }
    whole.evidence.truncate(MAX_EVIDENCE);
    vec![whole]
}

#[cfg(test)]
mod tests;
