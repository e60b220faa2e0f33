//! Who fails more than others do.

use enginehouse_core::blame::{Suspect, SuspectSubject};
use enginehouse_core::ids::{EngineId, EventId, EventType};
use enginehouse_core::quarantine::{AutomaticQuarantine, Quarantine};
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};
use utoipa::ToSchema;

/// Who fails more than others do at the same work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SuspectList {
    /// The surest first; at most 100.
    pub suspects: Vec<SuspectView>,
    /// How many more there are.
    pub left_out: u64,
    /// As of when, by the store's clock.
    pub as_of: Timestamp,
}

/// What a suspect is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SuspectKind {
    /// An engine, at several event types.
    Engine,
    /// An engine, at one event type.
    EngineAtType,
    /// A version of engines' software, at one event type.
    VersionAtType,
}

/// Somebody who fails more than others do, and what speaks for that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SuspectView {
    /// What it is.
    pub kind: SuspectKind,
    /// The engine; null if it is a version.
    #[schema(required = true)]
    pub engine_id: Option<EngineId>,
    /// The version of engines' software; null if it is an engine.
    #[schema(required = true)]
    pub engine_version: Option<String>,
    /// What it fails at.
    pub event_types: Vec<EventType>,
    /// One sentence that says it all.
    pub summary: String,
    /// Its first failure that counts.
    pub since: Timestamp,
    /// When it last ended an attempt.
    pub last_at: Timestamp,
    /// How probable it is that it fails more than others do, if one in a thousand goes bad.
    pub probability: f64,
    /// How many events it has failed or lost since then, of those that it was the first to try.
    pub failed: u64,
    /// How many of these it has lost: what an engine loses at one moment counts once.
    pub lost: u64,
    /// How many of them it has completed.
    pub completed: u64,
    /// How many events of these types others have failed or lost in the same time.
    pub failed_elsewhere: u64,
    /// How many others have completed.
    pub completed_elsewhere: u64,
    /// The last events that count against it; at most 5.
    pub evidence: Vec<EventId>,
    /// What the engine is kept from meanwhile, why and until when; null if it is in no quarantine, and if the suspect is a version.
    #[schema(required = true)]
    pub quarantine: Option<Quarantine>,
    /// Those that the server has put the engine in because of this, and that are not over.
    pub automatic_quarantines: Vec<AutomaticQuarantine>,
}

impl From<Suspect> for SuspectView {
    /// All but the quarantines of its engine, which the store knows.
    fn from(suspect: Suspect) -> Self {
        let summary = suspect.to_string();
        let Suspect { subject, since, last_at, probability, own, others, lost, evidence } = suspect;
        let (kind, engine_id, engine_version, event_types) = match subject {
            SuspectSubject::Engine { engine_id, event_types } => {
                (SuspectKind::Engine, Some(engine_id), None, event_types)
            }
            SuspectSubject::EngineAt { engine_id, event_type } => {
                (SuspectKind::EngineAtType, Some(engine_id), None, vec![event_type])
            }
            SuspectSubject::VersionAt { version, event_type } => {
                (SuspectKind::VersionAtType, None, Some(version), vec![event_type])
            }
        };
        Self {
            kind,
            engine_id,
            engine_version,
            event_types,
            summary,
            since,
            last_at,
            probability,
            failed: own.failed,
            lost,
            completed: own.completed,
            failed_elsewhere: others.failed,
            completed_elsewhere: others.completed,
            evidence,
            quarantine: None,
            automatic_quarantines: Vec::new(),
        }
    }
}
