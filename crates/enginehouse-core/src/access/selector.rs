//! On what a token may act: names, or beginnings of names.
//!
//! There is no other wildcard and no pattern language: names are dotted or dashed from the left, and what is compared in a time
//! that nobody can make long is nothing that a caller can attack.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::{EngineId, EventType, QueueName};
use crate::input::{Textual, Value};
use crate::lane::LaneKey;
use crate::limits::{MAX_NAME_LENGTH, MAX_SELECTORS};
use crate::read_fields;

/// A name, or all names that begin so: `render` or `eu.*`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Selector {
    text: Arc<str>,
    is_prefix: bool,
}

/// A text that is not a selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}", Selector::MUST_BE)]
pub struct NotASelector;

impl Selector {
    /// Whether it stands for this name.
    pub fn admits(&self, name: &str) -> bool {
        if self.is_prefix { name.starts_with(&*self.text) } else { *name == *self.text }
    }

    /// It as a pattern of SQL's `like`, in which `\\` takes the meaning from a sign. As a pattern of `glob`, it is what it is: no
    /// name has a sign that means something there.
    pub fn like_pattern(&self) -> String {
        let name = self.text.replace('_', "\\_");
        if self.is_prefix { name + "%" } else { name }
    }

    /// Whether it stands for all that another one stands for.
    pub fn covers(&self, other: &Self) -> bool {
        if self.is_prefix { other.text.starts_with(&*self.text) } else { self == other }
    }
}

impl Textual for Selector {
    const MUST_BE: &'static str = "a name, or the beginning of names and an asterisk, such as render or eu.*";
}

impl FromStr for Selector {
    type Err = NotASelector;

    fn from_str(text: &str) -> Result<Self, NotASelector> {
        if text.len() > MAX_NAME_LENGTH {
            return Err(NotASelector);
        }
        let (name, is_prefix) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
        // What begins like a name is one.
        let name: QueueName = name.parse().map_err(|_| NotASelector)?;
        Ok(Self { text: name.as_str().into(), is_prefix })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text, if self.is_prefix { "*" } else { "" })
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Selector {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(MAX_NAME_LENGTH))
            .pattern(Some("^[A-Za-z0-9][A-Za-z0-9._:-]*\\*?$"))
            .description(Some("A name, or the beginning of names and an asterisk."))
            .examples(["eu.*"])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Selector {}

/// On what a token may act. An empty list is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Selectors {
    /// The queues of events; all if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false, min_items = 1, max_items = 100))]
    pub queues: Vec<Selector>,
    /// The types of events; all if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false, min_items = 1, max_items = 100))]
    pub event_types: Vec<Selector>,
    /// The engines, by their ids; all if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false, min_items = 1, max_items = 100))]
    pub engines: Vec<Selector>,
    /// What an engine may say that it is capable of; anything if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false, min_items = 1, max_items = 100))]
    pub capabilities: Vec<Selector>,
}

impl Selectors {
    pub fn read(value: Value<'_>) -> Option<Self> {
        // A list without a name would be a riddle: nothing, or everything?
        let list = |value: Value<'_>| value.list(1..=MAX_SELECTORS, |value| value.parsed::<Selector>());
        read_fields!(value;
            queues: or_default(list),
            event_types: or_default(list),
            engines: or_default(list),
            capabilities: or_default(list),
        );
        let (queues, event_types, engines) = (queues?, event_types?, engines?);
        Some(Self { queues, event_types, engines, capabilities: capabilities? })
    }

    /// Whether they limit nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn admit_queue(&self, queue: &QueueName) -> bool {
        admit(&self.queues, queue.as_str())
    }

    pub fn admit_event_type(&self, event_type: &EventType) -> bool {
        admit(&self.event_types, event_type.as_str())
    }

    pub fn admit_engine(&self, engine_id: &EngineId) -> bool {
        admit(&self.engines, engine_id.as_str())
    }

    /// Whether an engine may say that it is capable of this.
    pub fn admit_capability(&self, capability: &str) -> bool {
        admit(&self.capabilities, capability)
    }

    /// Whether they admit the events of a lane.
    pub fn admit_lane(&self, lane: &LaneKey) -> bool {
        self.admit(lane.queue.as_str(), lane.event_type.as_str())
    }

    /// Whether they admit the events of a queue and type, as these are written.
    pub fn admit(&self, queue: &str, event_type: &str) -> bool {
        admit(&self.queues, queue) && admit(&self.event_types, event_type)
    }

    /// Whether they limit which events.
    pub fn limit_lanes(&self) -> bool {
        !self.queues.is_empty() || !self.event_types.is_empty()
    }

    /// Whether they admit all that others admit.
    pub fn cover(&self, others: &Self) -> bool {
        let covers = |own: &[Selector], others: &[Selector]| {
            own.is_empty() || (!others.is_empty() && others.iter().all(|other| own.iter().any(|one| one.covers(other))))
        };
        covers(&self.queues, &others.queues)
            && covers(&self.event_types, &others.event_types)
            && covers(&self.engines, &others.engines)
            && covers(&self.capabilities, &others.capabilities)
    }
}

fn admit(selectors: &[Selector], name: &str) -> bool {
    selectors.is_empty() || selectors.iter().any(|selector| selector.admits(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn selector(text: &str) -> Selector {
        text.parse().unwrap()
    }

    #[test]
    fn a_selector_is_a_name_or_its_beginning() {
        for (text, admitted, refused) in [
            ("render", &["render"][..], &["render.eu", "rende", "Render"][..]),
            ("eu.*", &["eu.", "eu.render", "eu.*x"], &["eu", "us.eu.", "EU.x"]),
        ] {
            let selector = selector(text);
            assert_eq!(selector.to_string(), text);
            admitted.iter().for_each(|name| assert!(selector.admits(name), "{text} {name}"));
            refused.iter().for_each(|name| assert!(!selector.admits(name), "{text} {name}"));
        }
        for text in ["", "*", "a**", "*a", "a b", ".*", "a/*", "a?"] {
            assert_eq!(text.parse::<Selector>(), Err(NotASelector), "{text:?}");
        }
    }

    #[test]
    fn an_empty_list_limits_nothing_and_cannot_be_sent() {
        let read = |text: &str| crate::input::read_json(text.as_bytes(), Selectors::read);
        assert!(read("{}").unwrap().is_empty());
        assert!(read(r#"{"queues":[]}"#).is_err());
        let some = read(r#"{"queues":["eu.*"],"engines":["sim-*"]}"#).unwrap();
        assert!(some.limit_lanes() && some.admit_queue(&"eu.x".parse().unwrap()));
        assert!(some.admit_event_type(&"any".parse().unwrap()) && !some.admit_engine(&"gpu-1".parse().unwrap()));
        assert!(!Selectors { queues: Vec::new(), ..some }.limit_lanes());
        let capable = read(r#"{"capabilities":["gpu","cuda-*"]}"#).unwrap();
        let admitted = ["gpu", "cuda-12", "gpu-2", "tpu"].map(|capability| capable.admit_capability(capability));
        assert_eq!(admitted, [true, true, false, false]);
        assert!(!capable.is_empty() && !capable.limit_lanes() && !capable.cover(&Selectors::default()));
    }

    proptest! {
        /// Whoever gives away what it covers gives away nothing that it does not have.
        #[test]
        fn what_is_covered_is_admitted(
            own in prop::collection::vec("[ab]{1,3}[*]?", 0..3),
            others in prop::collection::vec("[ab]{1,3}[*]?", 0..3),
            name in "[ab]{1,5}",
        ) {
            let selectors = |texts: &[String]| Selectors {
                queues: texts.iter().map(|text| selector(text)).collect(),
                ..Selectors::default()
            };
            let (own, others) = (selectors(&own), selectors(&others));
            let name = name.parse().unwrap();
            prop_assert!(!own.cover(&others) || !others.admit_queue(&name) || own.admit_queue(&name));
            prop_assert!(own.cover(&own));
        }
    }
}
