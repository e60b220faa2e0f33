//! A **quarantine**: an engine is kept from events, or from those of some types, without stopping it.
//!
//! A person puts an engine in one ([`Quarantine`]), or the server does where that is asked for ([`QuarantineMode::Enforce`]): an
//! engine that is suspect ([`crate::blame`]) is kept from events of one type for a while ([`AutomaticQuarantine`]), and then tried
//! with a single one. If it completes that, the quarantine is over. If not, the next one is twice as long. This is the ejection of
//! outliers that load balancers have, with a probe in place of full traffic.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::EventType;
use crate::time::Timestamp;

/// What keeps an engine from events, and until when. What it holds when it begins, it may finish.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quarantine {
    /// Why, in the words of whoever did it.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself; null if somebody has to lift it.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub until: Option<Timestamp>,
    /// The event types that it is for; all if there are none.
    pub event_types: Vec<EventType>,
}

impl Quarantine {
    /// Whether it holds still.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }

    /// Whether it is for events of a type.
    pub fn covers(&self, event_type: &EventType) -> bool {
        self.event_types.is_empty() || self.event_types.contains(event_type)
    }
}

/// What is done about engines that fail more than others do at the same work.
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
pub enum QuarantineMode {
    /// Nothing is counted, and nobody is suspect.
    Off,
    /// They are named as suspects.
    Advise,
    /// They are named, and kept from such events for a while.
    Enforce,
}

impl QuarantineMode {
    /// The word that stands in JSON and on the command line.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// How long the first automatic quarantine lasts.
const FIRST: Duration = Duration::from_secs(60);
/// How long one lasts at most.
const LONGEST: Duration = Duration::from_secs(3_600);
/// For how long after it is over a quarantine counts for the length of the next one.
const COUNTS_FOR: Duration = LONGEST;

/// Of so many engines that could run an event, at most one is in an automatic quarantine.
pub const ONE_OF: usize = 5;

/// A suspect engine is kept from events of one type for a while, and then tried with one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AutomaticQuarantine {
    pub event_type: EventType,
    /// What speaks against the engine.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// From when on the engine is given one event of the type at a time, until it completes one.
    pub until: Timestamp,
    /// How often it was quarantined for this type in a row. Each time is twice as long as the one before: from 1 to 60 minutes.
    pub times: u32,
    /// When it has completed an event again; null while it has not.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub over_at: Option<Timestamp>,
}

impl AutomaticQuarantine {
    /// One that begins now. `before` is the engine's last one for the type.
    pub fn begin(event_type: EventType, reason: String, before: Option<&Self>, now: Timestamp) -> Self {
        let counts = before.filter(|before| !before.is_forgotten(now));
        let times = counts.map_or(1, |before| before.times.saturating_add(1));
        let lasts = FIRST.saturating_mul(2_u32.saturating_pow(times - 1)).min(LONGEST);
        Self { event_type, reason, since: now, until: now + lasts, times, over_at: None }
    }

    /// The next one: the engine has failed the event that it was tried with.
    #[must_use]
    pub fn renewed(&self, now: Timestamp) -> Self {
        Self::begin(self.event_type.clone(), self.reason.clone(), Some(self), now)
    }

    /// The engine has completed the event that it was tried with.
    #[must_use]
    pub fn over(self, now: Timestamp) -> Self {
        Self { over_at: Some(now), ..self }
    }

    /// Whether it keeps the engine from all events of its type.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.over_at.is_none() && self.until > now
    }

    /// Whether the engine is tried with one event of its type at a time.
    pub fn is_probing_at(&self, now: Timestamp) -> bool {
        self.over_at.is_none() && self.until <= now
    }

    /// Whether it is over for so long that it says nothing any more.
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        self.over_at.is_some_and(|over_at| over_at + COUNTS_FOR <= now)
    }
}

/// An automatic quarantine as it keeps an engine from events at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnforcedQuarantine {
    pub event_type: EventType,
    pub reason: String,
    /// Until when; none while the engine holds the event that it is tried with.
    pub until: Option<Timestamp>,
}

/// What an engine's automatic quarantines keep it from now, if it holds an event of the types for which `holds` says so.
pub fn enforced(
    quarantines: &[AutomaticQuarantine],
    now: Timestamp,
    holds: impl Fn(&EventType) -> bool,
) -> Vec<EnforcedQuarantine> {
    let keeps = |quarantine: &&AutomaticQuarantine| {
        quarantine.holds_at(now) || quarantine.is_probing_at(now) && holds(&quarantine.event_type)
    };
    let of = |quarantine: &AutomaticQuarantine| EnforcedQuarantine {
        event_type: quarantine.event_type.clone(),
        reason: quarantine.reason.clone(),
        until: quarantine.holds_at(now).then_some(quarantine.until),
    };
    quarantines.iter().filter(keeps).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_for_the_types_that_it_names_and_ends_when_it_says() {
        let now = Timestamp::from_millis(1_000_000);
        let (render, encode): (EventType, EventType) = ("render".parse().unwrap(), "encode".parse().unwrap());
        let all = Quarantine { reason: "fan".to_owned(), since: now, until: None, event_types: Vec::new() };
        assert!(all.covers(&render) && all.holds_at(Timestamp::MAX));
        let some = Quarantine { until: Some(now + Duration::from_secs(1)), event_types: vec![render.clone()], ..all };
        assert!(some.covers(&render) && !some.covers(&encode));
        assert!(some.holds_at(now) && !some.holds_at(now + Duration::from_secs(1)));
    }
    #[test]
    fn an_automatic_one_grows_from_one_minute_to_an_hour_and_begins_anew_once_it_is_forgotten() {
        let mut now = Timestamp::from_millis(1_000_000);
        let minutes = |quarantine: &AutomaticQuarantine| quarantine.until.since(quarantine.since).as_secs() / 60;
        let mut quarantine = AutomaticQuarantine::begin("render".parse().unwrap(), "fails".to_owned(), None, now);
        let mut seen = vec![minutes(&quarantine)];
        for _ in 0..7 {
            assert!(quarantine.holds_at(now) && !quarantine.is_probing_at(now));
            now = quarantine.until;
            assert!(!quarantine.holds_at(now) && quarantine.is_probing_at(now));
            quarantine = quarantine.renewed(now);
            seen.push(minutes(&quarantine));
        }
        assert_eq!(seen, [1, 2, 4, 8, 16, 32, 60, 60]);
        let over = quarantine.over(now);
        assert!(!over.holds_at(now) && !over.is_probing_at(now));
        let again =
            |now| minutes(&AutomaticQuarantine::begin(over.event_type.clone(), String::new(), Some(&over), now));
        assert_eq!((again(now + LONGEST - Duration::from_secs(1)), again(now + LONGEST)), (60, 1));
    }

    #[test]
    fn after_its_end_it_keeps_an_engine_only_while_that_holds_an_event_of_the_type() {
        let now = Timestamp::from_millis(1_000_000);
        let quarantine = AutomaticQuarantine::begin("render".parse().unwrap(), "fails".to_owned(), None, now);
        let until =
            |at, holds| enforced(std::slice::from_ref(&quarantine), at, |_| holds).first().map(|kept| kept.until);
        assert_eq!([until(now, false), until(now, true)], [Some(Some(quarantine.until)); 2]);
        assert_eq!([until(quarantine.until, false), until(quarantine.until, true)], [None, Some(None)]);
    }
}
