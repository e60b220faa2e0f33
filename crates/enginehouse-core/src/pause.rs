//! A **pause**: somebody keeps the events of a queue, or of an event type, from being claimed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Since when something is paused, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub since: Timestamp,
    /// Why, in the words of whoever did it, if they gave any.
    pub reason: Option<String>,
}

impl Pause {
    /// Stands for a pause of which nobody can read since when it is.
    pub const UNREADABLE: Self = Self { since: Timestamp::MIN, reason: None };

    /// What is paused now. A pause of what is paused already goes on since then, and keeps its reason unless another one is given.
    pub fn begun(present: Option<&Self>, reason: Option<String>, now: Timestamp) -> Self {
        match present {
            Some(present) => Self { since: present.since, reason: reason.or_else(|| present.reason.clone()) },
            None => Self { since: now, reason },
        }
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "since {}", self.since)?;
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_of_what_is_paused_goes_on_and_may_be_given_another_reason() {
        let at = Timestamp::from_millis;
        let first = Pause::begun(None, Some("disk full".to_owned()), at(1_000));
        assert_eq!(first.to_string(), "since 1970-01-01T00:00:01.000Z: disk full");
        assert_eq!(Pause::begun(Some(&first), None, at(2_000)), first);
        let other = Pause::begun(Some(&first), Some("moving".to_owned()), at(2_000));
        assert_eq!(other, Pause { since: at(1_000), reason: Some("moving".to_owned()) });
        assert_eq!(Pause::begun(None, None, at(0)).to_string(), "since 1970-01-01T00:00:00.000Z");
    }
}
