//! What things are called: a newtype for each kind of name.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::input::Textual;
use crate::limits::MAX_NAME_LENGTH;
use crate::time::Timestamp;

/// What a name must be. The number is `MAX_NAME_LENGTH`.
const NAME: &str =
    "a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning with a letter or digit";

/// A text that is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {NAME}")]
pub struct NotAName;

/// The rule for every name: it stands in URLs, logs, columns and file names without being quoted.
fn check_name(text: &str) -> Result<(), NotAName> {
    let mut bytes = text.bytes();
    let first = bytes.next().ok_or(NotAName)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-');
    if first.is_ascii_alphanumeric() && bytes.all(allowed) && text.len() <= MAX_NAME_LENGTH {
        Ok(())
    } else {
        Err(NotAName)
    }
}

macro_rules! name_types {
    ($($(#[doc = $doc:literal])+ $name:ident = $example:literal)+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAName;

            fn from_str(text: &str) -> Result<Self, NotAName> {
                check_name(text)?;
                Ok(Self(text.into()))
            }
        }

        impl Textual for $name {
            const MUST_BE: &'static str = NAME;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                name_schema(concat!($($doc),+).trim(), $example)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    )+ };
}

name_types! {
    /// Names one engine. Chosen by its operator, or made by the server.
    EngineId = "renderer-1"
    /// Groups engines that are the same program.
    EngineType = "renderer"
    /// Says what kind of work an event is.
    EventType = "frame.render"
    /// Names a stream of events; `default` when none is named.
    QueueName = "default"
    /// Groups events, and the engines that work on them.
    ScenarioRunId = "film-42"
    /// Something that an engine can do and an event may need.
    Capability = "gpu"
    /// Names one access token, for people.
    TokenName = "ci"
}

/// What every name matches.
#[cfg(feature = "openapi")]
pub(crate) const NAME_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._:-]*$";

#[cfg(feature = "openapi")]
fn name_schema(description: &str, example: &str) -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    use utoipa::openapi::schema::{ObjectBuilder, Type};
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_NAME_LENGTH))
        .pattern(Some(NAME_PATTERN))
        .description(Some(description))
        .examples([example])
        .into()
}

impl EngineId {
    /// A new id that tells people what kind of engine it is.
    pub fn made(engine_type: &EngineType, random: u64) -> Self {
        let kind = &engine_type.as_str()[..engine_type.as_str().len().min(180)];
        Self(format!("{kind}-{random:016x}").into())
    }
}

impl QueueName {
    /// The queue of an event that names none.
    pub fn default_queue() -> Self {
        Self("default".into())
    }
}

/// Names one event: a UUID of version 7 (RFC 9562), so that ids sort by the time of enqueue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub uuid::Uuid);

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for EventId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("uuid".to_owned())))
            .description(Some("Names one event: a UUID of version 7 (RFC 9562)."))
            .examples(["0193f2a0-7c4e-7000-8000-000000000000"])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for EventId {}

impl EventId {
    /// When it was made, if it is a UUID of version 7.
    pub fn made_at(self) -> Option<Timestamp> {
        let is_one = self.0.get_version_num() == 7 && self.0.get_variant() == uuid::Variant::RFC4122;
        let millis = i64::try_from(self.0.as_u128() >> 80).ok();
        millis.filter(|_| is_one).map(Timestamp::from_millis)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not the id of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}", EventId::MUST_BE)]
pub struct NotAnEventId;

impl FromStr for EventId {
    type Err = NotAnEventId;

    /// Reads the hyphenated form only, so that an event has one spelling.
    fn from_str(text: &str) -> Result<Self, NotAnEventId> {
        uuid::fmt::Hyphenated::from_str(text).map(|id| Self(id.into_uuid())).map_err(|_| NotAnEventId)
    }
}

impl Textual for EventId {
    const MUST_BE: &'static str = "the id of an event: a UUID such as 0193f2a0-0000-7000-8000-000000000000";
}

/// Names one operation: a UUID of version 7 (RFC 9562), so that ids sort by the time at which operations were created.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(pub uuid::Uuid);

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for OperationId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("uuid".to_owned())))
            .description(Some("Names one operation: a UUID of version 7 (RFC 9562)."))
            .examples(["0193f2a0-7c4e-7000-8000-000000000001"])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for OperationId {}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not the id of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}", OperationId::MUST_BE)]
pub struct NotAnOperationId;

impl FromStr for OperationId {
    type Err = NotAnOperationId;

    /// Reads the hyphenated form only, so that an operation has one spelling.
    fn from_str(text: &str) -> Result<Self, NotAnOperationId> {
        uuid::fmt::Hyphenated::from_str(text).map(|id| Self(id.into_uuid())).map_err(|_| NotAnOperationId)
    }
}

impl Textual for OperationId {
    const MUST_BE: &'static str = "the id of an operation: a UUID such as 0193f2a0-0000-7000-8000-000000000001";
}

/// Numbers a lane within one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_words_that_need_no_quoting() {
        for good in ["a", "cuda-12", "frame.render", "sim_3", "eu:west", "0193f2a0-0000-7000-8000-000000000000"] {
            assert!(good.parse::<EngineId>().is_ok(), "{good}");
        }
        let too_long = "x".repeat(MAX_NAME_LENGTH + 1);
        for bad in ["", ".", "..", "-a", "_a", "a b", "a/b", "a\n", "a\u{0}", "é", "a%2e", too_long.as_str()] {
            assert_eq!(bad.parse::<EngineId>(), Err(NotAName), "{bad:?}");
        }
    }

    #[test]
    fn the_words_for_a_name_state_its_limit() {
        assert!(NAME.contains(&format!("1 to {MAX_NAME_LENGTH} characters")));
    }

    #[test]
    fn an_event_id_has_one_spelling() {
        let text = "0193f2a0-0000-7000-8000-000000000000";
        assert_eq!(text.parse::<EventId>().unwrap().to_string(), text);
        assert!("0193f2a0000070008000000000000000".parse::<EventId>().is_err());
        assert!("{0193f2a0-0000-7000-8000-000000000000}".parse::<EventId>().is_err());
    }
}
