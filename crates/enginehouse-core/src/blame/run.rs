//! A time in which a subject has failed more than it should, and how much that says.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::ids::{EngineId, EventId, EventType};
use crate::time::Timestamp;

/// From which likelihood ratio on a subject is suspect.
pub(super) const ODDS: f64 = 1e7;
/// How probable it is of any subject, before anything is known of it, that it goes bad.
const PRIOR: f64 = 1e-3;
/// How many events others have to complete during a run before it says anything.
const MIN_COMPLETED_ELSEWHERE: u64 = 5;
/// So many completions in a row end a run, whatever was before it: what was bad has been mended.
pub(super) const MENDED_AFTER: u32 = 12;
/// From which ratio on the rest of a version without its worst engine, or of an engine without its worst event type, is bad too.
pub(super) const ODDS_OF_REST: f64 = 1e4;
/// How many outcomes elsewhere what was seen before the run is worth at most.
const BASE_WEIGHT: f64 = 20.0;
/// What share of the events that others complete bad subjects fail: those that fail some, and those that fail nearly all.
const BAD_SHARES: [f64; 2] = [0.5, 0.95];
/// No rate of failures elsewhere is taken for lower, or for higher.
const USUAL_RATES: (f64, f64) = (0.02, 0.98);
/// What an event type's outcomes before any was seen are taken for: one failure in ten.
const PRIOR_FAILED: f64 = 1.0;
const PRIOR_OUTCOMES: f64 = 10.0;
/// At so many outcomes, those of an event type are halved: older ones count less and less.
const MAX_BASE_OUTCOMES: f64 = 2_000.0;

/// A run of which nothing was heard for so long is over.
pub(super) const FADES_AFTER: Duration = Duration::from_secs(86_400);
/// How many engines of a version are told apart.
const MAX_VERSION_ENGINES: usize = 16;
/// How many events are named as evidence: the last.
pub(super) const MAX_EVIDENCE: usize = 5;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Completed,
    /// By the engine's word, or by a time limit.
    Failed,
    /// The lock was lost while the engine held it. What an engine loses at one moment is one loss.
    Lost,
}

/// The end of an attempt.
#[derive(Clone, Copy, Debug)]
pub struct JudgedAttempt<'a> {
    pub event_id: EventId,
    pub event_type: &'a EventType,
    pub engine_id: &'a EngineId,
    /// What the engine calls its version.
    pub version: Option<&'a Arc<str>>,
    pub ending: Ending,
    /// Whether an earlier attempt at the event had failed or was lost.
    pub failed_before: bool,
    pub at: Timestamp,
}

/// How attempts ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    /// Lost ones included.
    pub failed: u64,
    pub completed: u64,
}

impl OutcomeCounts {
    pub(super) fn add(&mut self, ending: Ending) {
        match ending {
            Ending::Completed => self.completed += 1,
            Ending::Failed | Ending::Lost => self.failed += 1,
        }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            failed: self.failed.saturating_sub(other.failed),
            completed: self.completed.saturating_sub(other.completed),
        }
    }
}

/// Who is suspect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SuspectSubject {
    /// An engine, whatever it does.
    Engine { engine_id: EngineId, event_types: Vec<EventType> },
    /// An engine at one event type.
    EngineAt { engine_id: EngineId, event_type: EventType },
    /// A version at one event type.
    VersionAt { version: String, event_type: EventType },
}

/// Somebody who fails more than others do, and what speaks for that.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    pub subject: SuspectSubject,
    /// Its first failure that counts.
    pub since: Timestamp,
    /// Its last outcome.
    pub last_at: Timestamp,
    /// How probable it is that it fails more than others do.
    pub probability: f64,
    /// Since then.
    pub own: OutcomeCounts,
    /// What the others did in the same time.
    pub others: OutcomeCounts,
    /// How many of its failures were losses.
    pub lost: u64,
    /// The last events that count against it.
    pub evidence: Vec<EventId>,
}

impl fmt::Display for SuspectSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine { engine_id, .. } => write!(f, "engine {engine_id}"),
            Self::EngineAt { engine_id, event_type } => write!(f, "engine {engine_id} at {event_type}"),
            Self::VersionAt { version, event_type } => write!(f, "version {version} at {event_type}"),
        }
    }
}

impl fmt::Display for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, own, others, .. } = self;
        let of = |counts: &OutcomeCounts| counts.failed + counts.completed;
        write!(f, "{subject} failed {} of {} events", own.failed, of(own))?;
        write!(f, ", others {} of {} in the same time", others.failed, of(others))
    }
}

/// A time in which a subject has failed more than it should.
#[derive(Clone, Debug)]
pub(super) struct FailureRun {
    pub(super) since: Timestamp,
    pub(super) last_at: Timestamp,
    pub(super) own: OutcomeCounts,
    /// The engine's version.
    pub(super) version: Option<Arc<str>>,
    /// The totals of its event type before it began.
    totals_before: OutcomeCounts,
    /// How often its event type failed before it began.
    base_rate: f64,
    /// How many outcomes elsewhere that is worth.
    base_weight: f64,
    completed_in_a_row: u32,
    pub(super) lost: u64,
    pub(super) last_loss_at: Option<Timestamp>,
    pub(super) evidence: VecDeque<EventId>,
}

impl FailureRun {
    /// Begins one before an outcome, with what its event type has seen so far.
    pub(super) fn begin(totals: OutcomeCounts, base: BaseRate, outcome: &JudgedAttempt<'_>) -> Self {
        Self {
            since: outcome.at,
            last_at: outcome.at,
            own: OutcomeCounts::default(),
            version: outcome.version.cloned(),
            totals_before: totals,
            base_rate: base.rate(),
            base_weight: (base.outcomes + PRIOR_OUTCOMES).min(BASE_WEIGHT),
            completed_in_a_row: 0,
            lost: 0,
            last_loss_at: None,
            evidence: VecDeque::new(),
        }
    }

    pub(super) fn add(&mut self, outcome: &JudgedAttempt<'_>) {
        self.own.add(outcome.ending);
        self.last_at = outcome.at;
        if outcome.ending == Ending::Completed {
            self.completed_in_a_row += 1;
            return;
        }
        self.completed_in_a_row = 0;
        if outcome.ending == Ending::Lost {
            self.lost += 1;
            self.last_loss_at = Some(outcome.at);
        }
        if self.evidence.len() == MAX_EVIDENCE {
            self.evidence.pop_front();
        }
        self.evidence.push_back(outcome.event_id);
    }

    pub(super) fn take_back(&mut self, event_id: EventId) {
        self.own.failed = self.own.failed.saturating_sub(1);
        self.evidence.retain(|evidence| *evidence != event_id);
    }

    pub(super) fn others(&self, totals: OutcomeCounts) -> OutcomeCounts {
        totals.minus(self.totals_before).minus(self.own)
    }

    /// The logarithm of how much more likely the counts are of a bad subject than of a sound one.
    pub(super) fn log_ratio(&self, own: OutcomeCounts, totals: OutcomeCounts) -> f64 {
        let others = self.others(totals);
        let outcomes = (others.failed + others.completed) as f64;
        let usual = (others.failed as f64 + self.base_weight * self.base_rate) / (outcomes + self.base_weight);
        let usual = usual.clamp(USUAL_RATES.0, USUAL_RATES.1);
        // Half of the odds are on a subject of each kind.
        let ratios = BAD_SHARES.map(|share| {
            let bad = usual + share * (1.0 - usual);
            own.failed as f64 * (bad / usual).ln() + own.completed as f64 * (1.0 - share).ln()
        });
        let most = ratios[0].max(ratios[1]);
        most + ratios.map(|ratio| (ratio - most).exp() / 2.0).iter().sum::<f64>().ln()
    }

    pub(super) fn is_over(&self, totals: OutcomeCounts) -> bool {
        self.completed_in_a_row >= MENDED_AFTER || self.own.failed == 0 || self.log_ratio(self.own, totals) <= 0.0
    }

    pub(super) fn has_faded(&self, now: Timestamp) -> bool {
        self.last_at + FADES_AFTER <= now
    }

    /// The logarithm of the ratio, if others have done enough meanwhile for it to say something.
    pub(super) fn evidence_against(&self, totals: OutcomeCounts) -> Option<f64> {
        (self.others(totals).completed >= MIN_COMPLETED_ELSEWHERE).then(|| self.log_ratio(self.own, totals))
    }

    pub(super) fn is_suspect(&self, totals: OutcomeCounts) -> bool {
        self.evidence_against(totals).is_some_and(|log_ratio| log_ratio >= ODDS.ln())
    }

    pub(super) fn suspect(&self, subject: SuspectSubject, totals: OutcomeCounts) -> Suspect {
        Suspect {
            subject,
            since: self.since,
            last_at: self.last_at,
            probability: probability(self.log_ratio(self.own, totals)),
            own: self.own,
            others: self.others(totals),
            lost: self.lost,
            evidence: self.evidence.iter().copied().collect(),
        }
    }
}

/// How probable it is that a subject is bad.
pub(super) fn probability(log_ratio: f64) -> f64 {
    let log_odds = log_ratio + (PRIOR / (1.0 - PRIOR)).ln();
    1.0 / (1.0 + (-log_odds).exp())
}

/// A run of a version, and what its engines have to do with it.
#[derive(Clone, Debug)]
pub(super) struct VersionFailureRun {
    pub(super) run: FailureRun,
    /// The engines that have failed, up to a limit.
    engines: Vec<(EngineId, OutcomeCounts)>,
}

impl VersionFailureRun {
    pub(super) fn begin(totals: OutcomeCounts, base: BaseRate, outcome: &JudgedAttempt<'_>) -> Self {
        Self { run: FailureRun::begin(totals, base, outcome), engines: Vec::new() }
    }

    pub(super) fn add(&mut self, outcome: &JudgedAttempt<'_>) {
        self.run.add(outcome);
        let has_room = self.engines.len() < MAX_VERSION_ENGINES;
        match self.engines.iter_mut().find(|(engine_id, _)| engine_id == outcome.engine_id) {
            Some((_, counts)) => counts.add(outcome.ending),
            None if outcome.ending != Ending::Completed && has_room => {
                let mut counts = OutcomeCounts::default();
                counts.add(outcome.ending);
                self.engines.push((outcome.engine_id.clone(), counts));
            }
            None => {}
        }
    }

    pub(super) fn take_back(&mut self, event_id: EventId, engine_id: &EngineId) {
        self.run.take_back(event_id);
        if let Some((_, counts)) = self.engines.iter_mut().find(|(id, _)| id == engine_id) {
            counts.failed = counts.failed.saturating_sub(1);
        }
    }

    pub(super) fn has_failed(&self, engine_id: &EngineId) -> bool {
        self.engines.iter().any(|(id, counts)| id == engine_id && counts.failed > 0)
    }

    /// Whether it is the version, and not one engine of it.
    pub(super) fn is_suspect(&self, totals: OutcomeCounts) -> bool {
        let worst = self.engines.iter().map(|(_, counts)| *counts).max_by_key(|counts| counts.failed);
        let rest = self.run.own.minus(worst.unwrap_or_default());
        self.run.is_suspect(totals) && self.run.log_ratio(rest, totals) >= ODDS_OF_REST.ln()
    }
}

/// How often events of a type fail, older ones counting less.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BaseRate {
    failed: f64,
    outcomes: f64,
}

impl BaseRate {
    pub(super) fn add(&mut self, ending: Ending) {
        if self.outcomes >= MAX_BASE_OUTCOMES {
            (self.failed, self.outcomes) = (self.failed / 2.0, self.outcomes / 2.0);
        }
        self.outcomes += 1.0;
        self.failed += f64::from(u8::from(ending != Ending::Completed));
    }

    pub(super) fn rate(self) -> f64 {
        (self.failed + PRIOR_FAILED) / (self.outcomes + PRIOR_OUTCOMES)
    }
}
