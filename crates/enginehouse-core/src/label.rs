//! One label of an event, as whoever looks for events names it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::ids::Capability;
use crate::input::Textual;
use crate::limits::MAX_LABEL_LENGTH;

/// A label and its value: `KEY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    key: String,
    value: String,
}

/// A text that is not a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}", Label::MUST_BE)]
pub struct NotALabel;

impl Label {
    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether it is one of these labels, which are a JSON object of strings.
    ///
    /// # Errors
    /// They are no such object.
    pub fn is_in(&self, labels: &str) -> Result<bool, serde_json::Error> {
        let labels: BTreeMap<String, String> = serde_json::from_str(labels)?;
        Ok(labels.get(&self.key).is_some_and(|value| *value == self.value))
    }
}

impl Textual for Label {
    const MUST_BE: &'static str = "a label and its value, such as customer=acme";
}

impl FromStr for Label {
    type Err = NotALabel;

    fn from_str(text: &str) -> Result<Self, NotALabel> {
        let (key, value) = text.split_once('=').ok_or(NotALabel)?;
        let is_value = value.chars().count() <= MAX_LABEL_LENGTH && !value.chars().any(char::is_control);
        // Labels have keys by the rule for names, of which a capability is one.
        if key.parse::<Capability>().is_err() || !is_value {
            return Err(NotALabel);
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_name_and_any_line() {
        let label: Label = "team=a=b \u{e9}".parse().unwrap();
        assert_eq!((label.key(), label.value(), label.to_string().as_str()), ("team", "a=b \u{e9}", "team=a=b \u{e9}"));
        assert!(label.is_in(r#"{"team":"a=b \u00e9","x":"y"}"#).unwrap());
        assert!(!label.is_in(r#"{"team":"a"}"#).unwrap() && label.is_in("[]").is_err());
        assert!("team=".parse::<Label>().is_ok());
        let too_long = format!("team={}", "x".repeat(257));
        for text in ["", "team", "=a", "a b=c", "team=a\n", too_long.as_str()] {
            assert_eq!(text.parse::<Label>(), Err(NotALabel), "{text:?}");
        }
    }
}
