//! What makes two events the same to dispatch.
//!
//! Events that no engine could tell apart share a lane. An engine either may serve a lane or may not, so a
//! claim looks at lanes, of which there are few, and never at a backlog that needs some other engine.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::ids::{Capability, EventType, LaneId, QueueName};
use crate::input::Textual;
use crate::limits::MAX_VERSION_LENGTH;

/// Everything of an event that decides which engine may have it, and in which order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneKey {
    pub queue: QueueName,
    pub event_type: EventType,
    /// 0 (first) to 9 (last).
    pub priority: u8,
    /// What the engine must be capable of.
    pub required_capabilities: BTreeSet<Capability>,
    /// Memory that the engine must have free, in MiB.
    pub required_memory_mb: Option<u64>,
    /// The range that the engine's version must lie in.
    pub engine_version: Option<VersionRequirement>,
}

/// A lane that a store knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Its number in that store.
    pub lane_id: LaneId,
    pub key: LaneKey,
}

/// A range of semantic versions, as Cargo writes them (`>=1.4, <2`), kept in the words it was given in.
#[derive(Clone, Debug)]
pub struct VersionRequirement {
    text: String,
    range: semver::VersionReq,
}

/// A text that is not a range of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}", VersionRequirement::MUST_BE)]
pub struct NotAVersionRequirement;

impl Textual for VersionRequirement {
    // The number is `MAX_VERSION_LENGTH`.
    const MUST_BE: &'static str = "a range of semantic versions such as \">=1.4, <2\", of at most 128 characters";
}

impl VersionRequirement {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a version lies in the range. What is not a semantic version lies in none.
    pub fn admits(&self, version: &str) -> bool {
        semver::Version::parse(version).is_ok_and(|version| self.range.matches(&version))
    }
}

impl FromStr for VersionRequirement {
    type Err = NotAVersionRequirement;

    fn from_str(text: &str) -> Result<Self, NotAVersionRequirement> {
        if text.len() > MAX_VERSION_LENGTH {
            return Err(NotAVersionRequirement);
        }
        let range = text.parse().map_err(|_| NotAVersionRequirement)?;
        Ok(Self { text: text.to_owned(), range })
    }
}

impl PartialEq for VersionRequirement {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for VersionRequirement {}

impl PartialOrd for VersionRequirement {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for VersionRequirement {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl std::hash::Hash for VersionRequirement {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for VersionRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_admits_versions_within_it() {
        let range: VersionRequirement = ">=1.4, <2".parse().unwrap();
        assert!(range.admits("1.4.0") && range.admits("1.9.3"));
        for outside in ["1.3.9", "2.0.0", "1.4", "one", ""] {
            assert!(!range.admits(outside), "{outside}");
        }
        assert!("newest".parse::<VersionRequirement>().is_err());
        assert!("1,".repeat(100).parse::<VersionRequirement>().is_err());
        assert!(VersionRequirement::MUST_BE.contains(&MAX_VERSION_LENGTH.to_string()));
    }
}
