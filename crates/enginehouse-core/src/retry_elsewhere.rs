//! Which engine retries what another one has failed.
//!
//! A retry on the engine that has just failed an event tells little that is new: if the engine is to blame, it fails again.
//! On another one it succeeds, or shows that the event is to blame.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::EngineId;
use crate::time::Timestamp;

/// How long an event waits for another engine with [`RetryElsewhere::Prefer`], from when one that has failed it first asked for it.
pub const PREFERS_FOR: Duration = Duration::from_secs(30);
/// How many engines that have failed an event are remembered: the last.
pub const MAX_REMEMBERED: u32 = 16;

/// Whether an event that an engine has failed is retried by another one. A lost lock is no failure.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RetryElsewhere {
    /// By another one that is active and could run it, if it takes the event within 30 seconds; then by any.
    Prefer,
    /// Only by another one, however long it takes.
    Require,
    /// By whichever engine claims it first.
    Off,
}

impl RetryElsewhere {
    /// The word that stands in JSON and on the command line.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Engines that are not to have an event, because they have failed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedOn<'a> {
    pub engines: &'a [EngineId],
    /// Whether any engine may have it after a while.
    pub opens: bool,
    /// When that is, once one of these has asked for it.
    pub until: Option<Timestamp>,
}

impl<'a> FailedOn<'a> {
    /// Which of the engines that have failed an event are not to have it. `asked_at` is when one of them has first asked for it since;
    /// `others_fit` is asked whether an active engine beside them could run it.
    pub fn kept_from(
        mode: RetryElsewhere,
        engines: &'a [EngineId],
        asked_at: Option<Timestamp>,
        now: Timestamp,
        others_fit: impl FnOnce() -> bool,
    ) -> Option<Self> {
        let until = asked_at.map(|at| at + PREFERS_FOR);
        match mode {
            _ if engines.is_empty() => None,
            RetryElsewhere::Off => None,
            RetryElsewhere::Require => Some(Self { engines, opens: false, until: None }),
            RetryElsewhere::Prefer if until.is_some_and(|until| until <= now) || !others_fit() => None,
            RetryElsewhere::Prefer => Some(Self { engines, opens: true, until }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_ends_and_a_requirement_does_not() {
        let engines = ["sim-1".parse().unwrap()];
        let (asked, soon) = (Timestamp::from_millis(1_000), Timestamp::from_millis(30_999));
        let late = asked + PREFERS_FOR;
        let kept = |mode, asked_at, now, others_fit| {
            FailedOn::kept_from(mode, &engines, asked_at, now, || others_fit).map(|kept| (kept.opens, kept.until))
        };
        for (mode, asked_at, now, others_fit, expected) in [
            (RetryElsewhere::Prefer, None, late, true, Some((true, None))),
            (RetryElsewhere::Prefer, Some(asked), soon, true, Some((true, Some(late)))),
            (RetryElsewhere::Prefer, Some(asked), late, true, None),
            (RetryElsewhere::Prefer, None, soon, false, None),
            (RetryElsewhere::Require, Some(asked), late, true, Some((false, None))),
            (RetryElsewhere::Require, None, soon, false, Some((false, None))),
            (RetryElsewhere::Off, None, soon, true, None),
        ] {
            assert_eq!(kept(mode, asked_at, now, others_fit), expected, "{mode:?} {asked_at:?} {now} {others_fit}");
        }
        assert_eq!(FailedOn::kept_from(RetryElsewhere::Require, &[], None, soon, || true), None);
    }
}
