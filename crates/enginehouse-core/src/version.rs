//! Versions of engines' software, and the ranges that events ask for.
//!
//! A range is written as Cargo writes it, `>=1.4, <2`, but means what a person reads:
//!
//! - A bare version is exactly that: `1.2.0` is not 1.3.0. Who wants Cargo's meaning writes `^1.2.0`.
//! - A partial version stands for all versions that begin so, pre-releases included: `1.4` for 1.4.0-rc.1 and 1.4.9. So
//!   `<2` has no 2.0.0-rc.1.
//! - Pre-releases are ordered before their release and otherwise like any version: `>=1.0.0` has 2.0.0-rc.1.
//!
//! What engines call their version is read generously: `v1.2` is 1.2.0, and `2026.01.02` is 2026.1.2.

use std::fmt;
use std::str::FromStr;

use semver::{BuildMetadata, Comparator, Op, Prerelease, Version, VersionReq};

use crate::input::Textual;
use crate::limits::MAX_VERSION_LENGTH;

/// A range of semantic versions, kept in the words it was given in.
#[derive(Clone, Debug)]
pub struct VersionRequirement {
    text: String,
    /// All of them must hold.
    comparators: Vec<Comparator>,
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

    /// Whether what an engine calls its version lies in the range. What is no version lies in none.
    pub fn admits(&self, name: &str) -> bool {
        software_version(name).is_some_and(|version| self.comparators.iter().all(|one| holds(one, &version)))
    }
}

impl FromStr for VersionRequirement {
    type Err = NotAVersionRequirement;

    fn from_str(text: &str) -> Result<Self, NotAVersionRequirement> {
        if text.len() > MAX_VERSION_LENGTH {
            return Err(NotAVersionRequirement);
        }
        let VersionReq { mut comparators } = text.parse().map_err(|_| NotAVersionRequirement)?;
        for (comparator, written) in comparators.iter_mut().zip(text.split(',')) {
            // To the library, a bare version is one with a caret.
            if written.trim().starts_with(|first: char| first.is_ascii_digit()) {
                comparator.op = Op::Exact;
            }
        }
        Ok(Self { text: text.to_owned(), comparators })
    }
}

/// How a description of the API shows a field that holds a range, or null.
#[cfg(feature = "openapi")]
pub fn requirement_schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, SchemaType, Type};
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .format(Some(SchemaFormat::Custom("semver-range".to_owned())))
        .max_length(Some(MAX_VERSION_LENGTH))
        .examples([">=1.4, <2"])
        .into()
}

/// The version that an engine's word for it means; none if it is none.
pub fn software_version(name: &str) -> Option<Version> {
    let name = name.trim();
    let name = name.strip_prefix(['v', 'V']).unwrap_or(name);
    let end = name.find(['-', '+']).unwrap_or(name.len());
    let (numbers, rest) = name.split_at(end);
    let mut numbers = numbers.split('.');
    let mut number = || numbers.next().map(|digits| number_of(digits).ok_or(())).transpose().ok();
    let (major, minor, patch) = (number()??, number()?, number()?);
    let (pre, build) = rest.split_once('+').unwrap_or((rest, ""));
    if numbers.next().is_some() {
        return None;
    }
    Some(Version {
        major,
        minor: minor.unwrap_or(0),
        patch: patch.unwrap_or(0),
        pre: Prerelease::new(pre.strip_prefix('-').unwrap_or(pre)).ok()?,
        build: BuildMetadata::new(build).ok()?,
    })
}

/// Leading zeros do not matter: dates have them.
fn number_of(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

fn holds(comparator: &Comparator, version: &Version) -> bool {
    let Comparator { op, major, minor, patch, pre } = comparator;
    let (major, is_full) = (*major, patch.is_some());
    // The first version that is meant, and the first one behind all that begin so.
    let first = match (minor, patch) {
        (Some(minor), Some(patch)) => Version { pre: pre.clone(), ..Version::new(major, *minor, *patch) },
        _ => start(major, minor.unwrap_or(0), 0),
    };
    let behind = match minor {
        Some(minor) => start(major, minor.saturating_add(1), 0),
        None => start(major.saturating_add(1), 0, 0),
    };
    let order = version.cmp_precedence(&first);
    let is_below = |end: &Version| version.cmp_precedence(end).is_lt();
    match op {
        Op::Exact | Op::Wildcard if is_full => order.is_eq(),
        Op::Greater if is_full => order.is_gt(),
        Op::Greater => !is_below(&behind),
        Op::GreaterEq => order.is_ge(),
        Op::Less => order.is_lt(),
        Op::LessEq if is_full => order.is_le(),
        Op::LessEq => is_below(&behind),
        Op::Exact | Op::Wildcard | Op::Tilde => order.is_ge() && is_below(&behind),
        Op::Caret => order.is_ge() && is_below(&caret_end(major, *minor, *patch)),
        // The library may learn more operators; none of them is accepted before it is understood here.
        _ => false,
    }
}

/// Where the versions end that are compatible, as Cargo has it: those with the same leftmost number that is not zero.
fn caret_end(major: u64, minor: Option<u64>, patch: Option<u64>) -> Version {
    match (major, minor, patch) {
        (0, Some(0), Some(patch)) => start(0, 0, patch.saturating_add(1)),
        (0, Some(minor), _) => start(0, minor.saturating_add(1), 0),
        _ => start(major.saturating_add(1), 0, 0),
    }
}

/// The very first version that has these numbers: before all its pre-releases.
fn start(major: u64, minor: u64, patch: u64) -> Version {
    let first = Prerelease::new("0").unwrap_or(Prerelease::EMPTY);
    Version { pre: first, ..Version::new(major, minor, patch) }
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

    #[track_caller]
    fn check(range: &str, inside: &str, outside: &str) {
        let requirement: VersionRequirement = range.parse().unwrap();
        for version in inside.split_whitespace() {
            assert!(requirement.admits(version), "{version} in {range}");
        }
        for version in outside.split_whitespace() {
            assert!(!requirement.admits(version), "{version} not in {range}");
        }
    }

    #[test]
    fn a_range_admits_what_a_person_reads() {
        check("1.2.0", "1.2.0 1.2.0+build v1.2", "1.2.1 1.3.0 1.2.0-rc.1");
        check("1.2", "1.2.0 1.2.9 1.2.0-rc.1", "1.1.9 1.3.0 1.3.0-rc.1");
        check("1", "1.0.0 1.9.9", "0.9.9 2.0.0 2.0.0-rc.1");
        check("^1.2.0", "1.2.0 1.9.9", "1.1.9 2.0.0 2.0.0-rc.1 1.2.0-rc.1");
        check("^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0 1.0.0");
        check("^0.0.3", "0.0.3", "0.0.2 0.0.4 0.1.0");
        check("^0", "0.0.1 0.9.9", "1.0.0");
        check("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0 1.3.0-a");
        check("~1", "1.0.0 1.9.0", "2.0.0");
        check(">=1.4, <2", "1.4.0 1.9.3 1.4.0-rc.1 1.10.0-a", "1.3.9 2.0.0 2.0.0-rc.1 one");
        check(">=1.0.0", "1.0.0 2.0.0-rc.1 1.0.1-a", "1.0.0-rc.1 0.9.9");
        check("<2.0.0", "1.9.9 2.0.0-rc.1", "2.0.0");
        check(">1.4", "1.5.0 2.0.0", "1.4.9 1.4.0");
        check(">1.4.2", "1.4.3 1.4.3-a", "1.4.2 1.4.2-a");
        check("<=1.4", "1.4.9 1.0.0", "1.5.0 1.5.0-a");
        check("<=1.4.2", "1.4.2 1.4.2-a", "1.4.3-a");
        check("=1.2.3-rc.1", "1.2.3-rc.1", "1.2.3 1.2.3-rc.2");
        check("*", "0.0.1 9.9.9 1.0.0-a", "latest");
        check("1.*", "1.0.0 1.9.0-a", "2.0.0");
        check("1.2.*", "1.2.7", "1.3.0");
        check(" 1.2.0 , <2", "1.2.0", "1.2.1");
        check("2026.1.2", "2026.01.02 v2026.1.2", "2026.01.03");
        check("18446744073709551614", "18446744073709551614.0.0", "1.0.0");
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["newest", "", "1.2.3.4", "v1", "01"] {
            assert!(text.parse::<VersionRequirement>().is_err(), "{text}");
        }
        assert!("1,".repeat(100).parse::<VersionRequirement>().is_err());
        assert!(VersionRequirement::MUST_BE.contains(&MAX_VERSION_LENGTH.to_string()));
    }

    #[test]
    fn what_engines_call_their_version_is_read_generously() {
        let read = |name: &str| software_version(name).map(|version| version.to_string());
        for (name, want) in [
            ("1.2.3", "1.2.3"),
            ("v1.2", "1.2.0"),
            ("V7", "7.0.0"),
            ("2026.01.02", "2026.1.2"),
            (" 1.2-rc1+5a ", "1.2.0-rc1+5a"),
            ("1.2.3-a.b-c+d", "1.2.3-a.b-c+d"),
            ("0.0.0", "0.0.0"),
        ] {
            assert_eq!(read(name).as_deref(), Some(want), "{name}");
        }
        for name in
            ["", "v", "latest", "1.2.3.4", "1..2", "1.2.", "1.x", "-1", "1.2.3-", "1.2.3-é", "99999999999999999999"]
        {
            assert_eq!(read(name).as_deref().filter(|_| name != "1.2.3-"), None, "{name}");
        }
    }
}
