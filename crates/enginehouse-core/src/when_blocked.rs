//! What becomes of events that nobody can run for a while.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::input::Value;
use crate::limits::MAX_BLOCKED;
use crate::read_fields;
use crate::verdict::{Verdict, WaitingVerdict};

/// What an event type or a queue wants done about events that nobody can run for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhenBlocked {
    /// After how many seconds in which an event was due and its verdict was one of these; 1 to 2,592,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_592_000))]
    pub after_seconds: u64,
    /// With which verdicts; `impossible` and `blocked` if absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<WaitingVerdict>, min_items = 1, max_items = 4))]
    pub verdicts: VerdictSet,
    /// What is done.
    pub action: BlockedAction,
}

/// What is done about events that nobody can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BlockedAction {
    /// The log and a metric say so.
    Alert,
    /// They fail, and are dead letters: a person is to look.
    DeadLetter,
    /// They are cancelled.
    Cancel,
}

impl BlockedAction {
    /// The word that stands in JSON and on the command line.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A set of verdicts: a list in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerdictSet(u8);

impl VerdictSet {
    fn of(verdicts: impl IntoIterator<Item = WaitingVerdict>) -> Self {
        Self(verdicts.into_iter().fold(0, |set, verdict| set | bit(verdict)))
    }

    pub fn contains(self, verdict: Verdict) -> bool {
        self.iter().any(|one| Verdict::from(one) == verdict)
    }

    /// Those in it, the worst first.
    pub fn iter(self) -> impl Iterator<Item = WaitingVerdict> {
        WaitingVerdict::VARIANTS.iter().copied().filter(move |verdict| self.0 & bit(*verdict) != 0)
    }

    fn read(value: Value<'_>) -> Option<Self> {
        Some(Self::of(value.list(1..=WaitingVerdict::VARIANTS.len(), |value| value.word())?))
    }
}

fn bit(verdict: WaitingVerdict) -> u8 {
    1 << (verdict as u8)
}

impl Default for VerdictSet {
    fn default() -> Self {
        Self::of([WaitingVerdict::Impossible, WaitingVerdict::Blocked])
    }
}

impl FromIterator<WaitingVerdict> for VerdictSet {
    fn from_iter<T: IntoIterator<Item = WaitingVerdict>>(verdicts: T) -> Self {
        Self::of(verdicts)
    }
}

impl Serialize for VerdictSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for VerdictSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(Vec::<WaitingVerdict>::deserialize(deserializer)?))
    }
}

impl WhenBlocked {
    /// Reads what a caller wants.
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            after_seconds: required(|value| value.whole(1..=MAX_BLOCKED.as_secs())),
            verdicts: given(VerdictSet::read),
            action: required(|value| value.word()),
        );
        Some(Self { after_seconds: after_seconds?, verdicts: verdicts.unwrap_or_default(), action: action? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::read_json;

    #[test]
    fn what_is_not_given_is_what_a_person_has_to_change() {
        let read = |json: &str| read_json(json.as_bytes(), WhenBlocked::read).map_err(|refused| refused.to_string());
        let set = read(r#"{"after_seconds":60,"action":"cancel"}"#).unwrap();
        assert_eq!(
            serde_json::to_string(&set).unwrap(),
            r#"{"after_seconds":60,"verdicts":["impossible","blocked"],"action":"cancel"}"#
        );
        let set = read(r#"{"after_seconds":60,"verdicts":["runnable"],"action":"alert"}"#).unwrap();
        assert!(set.verdicts.contains(Verdict::Runnable) && !set.verdicts.contains(Verdict::Blocked));
        assert_eq!(serde_json::from_str::<WhenBlocked>(&serde_json::to_string(&set).unwrap()).unwrap(), set);
        for (json, refused) in [
            (r#"{"action":"alert"}"#, "/after_seconds: required, but missing"),
            (
                r#"{"after_seconds":0,"action":"alert"}"#,
                "/after_seconds: must be a whole number between 1 and 2592000, was 0",
            ),
            (r#"{"after_seconds":1,"action":"cry"}"#, "/action: must be alert, dead_letter or cancel, was \"cry\""),
            (
                r#"{"after_seconds":1,"verdicts":["running"],"action":"alert"}"#,
                "/verdicts/0: must be impossible, blocked, waiting or runnable, was \"running\"",
            ),
        ] {
            assert_eq!(read(json).unwrap_err(), refused);
        }
    }
}
