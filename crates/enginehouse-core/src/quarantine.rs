//! A **quarantine**: somebody keeps an engine from events, or from those of some types, without stopping it.

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
}
