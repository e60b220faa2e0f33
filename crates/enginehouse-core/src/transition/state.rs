//! The part of an event that changes during its life.

use std::sync::Arc;

use crate::event::{AttemptError, DeadLetterReason, EventStatus};
use crate::ids::EngineId;
use crate::json::RawJson;
use crate::lock::{Lock, LockToken};
use crate::retry::Tally;
use crate::time::Timestamp;

/// The part of an event that changes during its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventState {
    pub status: EventStatus,
    /// The number of the present attempt, or of the last one; 0 before the first.
    pub attempt: u32,
    pub tally: Tally,
    pub redrives: u32,
    /// From when on it may be claimed, while queued.
    pub available_at: Timestamp,
    /// When it is cancelled if it is queued then.
    pub expires_at: Option<Timestamp>,
    /// The serial of its newest lock; 0 before the first. It only rises.
    pub lock_serial: i64,
    /// Its lock; some exactly while processing.
    pub lock: Option<Lock>,
    /// The serial of the newest lock whose holder has reported on its attempt.
    pub reported_lock_serial: Option<i64>,
    /// How its newest lock was settled, so that a repeat of that settle answers the same.
    pub settled: Option<Settled>,
    /// Whether it is to be cancelled when its lock ends.
    pub cancel_requested: bool,
    /// The engine that claimed it last.
    pub engine_id: Option<EngineId>,
    /// The version of its software that this engine had registered with when it claimed.
    pub engine_software_version: Option<Arc<str>>,
    /// When that engine claimed it.
    pub claimed_at: Option<Timestamp>,
    /// When it finished; some exactly in a final status.
    pub finished_at: Option<Timestamp>,
    pub result: Option<RawJson>,
    pub last_error: Option<AttemptError>,
    /// Why it is a dead letter, if it is one that nobody has resolved.
    pub dead_letter: Option<DeadLetterReason>,
}

impl EventState {
    /// Whether it is to be cancelled because it is queued still: nobody is given it any more.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.status == EventStatus::Queued && self.expires_at.is_some_and(|at| at <= now)
    }

    /// An event that was just enqueued.
    pub fn enqueued(available_at: Timestamp) -> Self {
        Self {
            status: EventStatus::Queued,
            attempt: 0,
            tally: Tally::default(),
            redrives: 0,
            available_at,
            expires_at: None,
            lock_serial: 0,
            lock: None,
            reported_lock_serial: None,
            settled: None,
            cancel_requested: false,
            engine_id: None,
            engine_software_version: None,
            claimed_at: None,
            finished_at: None,
            result: None,
            last_error: None,
            dead_letter: None,
        }
    }
}

/// The code of the last error of an event that has expired.
pub const EXPIRED: &str = "expired";

/// How a lock was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    pub token: LockToken,
    pub by: SettledBy,
}

/// The calls that end a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SettledBy {
    Complete,
    Fail,
    Release,
}
