//! Whether a request that failed has changed anything.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Whether a request that failed has changed anything. Success needs no word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It has not: `false` in JSON.
    No,
    /// Nobody knows, because the commit was cut off: `"unknown"` in JSON. Every call has a repeat that is safe.
    Unknown,
}

impl Serialize for Applied {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::No => serializer.serialize_bool(false),
            Self::Unknown => serializer.serialize_str("unknown"),
        }
    }
}

impl<'de> Deserialize<'de> for Applied {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Whatever else a newer server may say, a caller is on the safe side with `unknown`.
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(if value == serde_json::Value::Bool(false) { Self::No } else { Self::Unknown })
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Applied {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
        // One type each: makers of clients give up on an enum of several types, and on all that refers to it.
        let no = ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([false]));
        let unknown = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["unknown"]));
        let description = "Whether a request has changed anything: `false`, or `\"unknown\"`.";
        Schema::from(OneOfBuilder::new().item(no).item(unknown).description(Some(description)).build()).into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Applied {}
