//! One precision everywhere, and no clock.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::input::Textual;

/// A moment, in whole milliseconds of UTC since 1970-01-01.
///
/// Written as RFC 3339 with three decimals (`2026-11-23T10:00:00.000Z`); read from any RFC 3339
/// offset. Runs from 1970 to the last days of the year 9999, and saturates there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00.000Z.
    pub const MIN: Self = Self(0);
    /// 9999-12-30T22:00:00.000Z: the last moment that every offset of RFC 3339 can write.
    pub const MAX: Self = Self(253_402_207_200_000);

    /// The moment `millis` milliseconds after 1970-01-01, clamped to the range.
    pub const fn from_millis(millis: i64) -> Self {
        if millis < Self::MIN.0 {
            Self::MIN
        } else if millis > Self::MAX.0 {
            Self::MAX
        } else {
            Self(millis)
        }
    }

    /// Milliseconds since 1970-01-01.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    /// Saturates at [`Timestamp::MAX`]. A part of a millisecond is rounded up, so that nothing comes
    /// earlier than was asked.
    fn add(self, wait: Duration) -> Self {
        let part = u128::from(!wait.subsec_nanos().is_multiple_of(1_000_000));
        let millis = i64::try_from(wait.as_millis() + part).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    /// Saturates at [`Timestamp::MIN`].
    fn sub(self, back: Duration) -> Self {
        let millis = i64::try_from(back.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_sub(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The range of this type lies within jiff's, so the fallback is never taken.
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{moment:.3}")
    }
}

/// A text that is not a moment of RFC 3339 between 1970 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}", Timestamp::MUST_BE)]
pub struct NotATimestamp;

impl Textual for Timestamp {
    const MUST_BE: &'static str = "an RFC 3339 time between 1970 and 9999, such as 2026-11-23T10:00:00Z";
}

impl FromStr for Timestamp {
    type Err = NotATimestamp;

    fn from_str(text: &str) -> Result<Self, NotATimestamp> {
        // jiff reads more than RFC 3339: no minutes, no separators, the name of a zone.
        if !is_rfc_3339(text) {
            return Err(NotATimestamp);
        }
        let moment: jiff::Timestamp = text.parse().map_err(|_| NotATimestamp)?;
        let millis = moment.as_millisecond();
        if (Self::MIN.0..=Self::MAX.0).contains(&millis) { Ok(Self(millis)) } else { Err(NotATimestamp) }
    }
}

/// Whether a text has the form `2026-11-23T10:00:00.123456789+01:00`, with `t` or a space for the `T`, any fraction of up
/// to nine digits or none, and `Z` or `z` for an offset of zero.
fn is_rfc_3339(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let Some((date_time, rest)) = shape.split_at_checked("0000-00-00T00:00:00".len()) else { return false };
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => {
            let offset = fraction.trim_start_matches('0');
            if !(1..=9).contains(&(fraction.len() - offset.len())) {
                return false;
            }
            offset
        }
        None => rest,
    };
    matches!(date_time, "0000-00-00T00:00:00" | "0000-00-00t00:00:00" | "0000-00-00 00:00:00")
        && (matches!(offset, "Z" | "z") || matches!(offset, "+00:00" | "-00:00") && text[text.len() - 5..] < *"24")
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A moment between 1970 and 9999 (RFC 3339). Answers are in UTC, with milliseconds."))
            .examples(["2026-11-23T10:00:00.000Z"])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Timestamp {}

/// A length of time for people, in its two largest units: `40 s`, `3 min 20 s`, `2 h`, `5 d 1 h`.
pub fn in_words(length: Duration) -> String {
    let seconds = length.as_secs();
    let units = [("d", seconds / 86_400), ("h", seconds / 3_600 % 24), ("min", seconds / 60 % 60), ("s", seconds % 60)];
    let shown: Vec<_> = units
        .into_iter()
        .skip_while(|(_, count)| *count == 0)
        .take(2)
        .filter(|(_, count)| *count > 0)
        .map(|(unit, count)| format!("{count} {unit}"))
        .collect();
    if shown.is_empty() { format!("{} ms", length.as_millis()) } else { shown.join(" ") }
}

/// Whole and part seconds as a `Duration`, for values that were validated to be finite and not negative.
/// Anything else, and anything too large, saturates.
pub fn seconds(value: f64) -> Duration {
    if value.is_nan() || value <= 0.0 {
        return Duration::ZERO;
    }
    Duration::try_from_secs_f64(value).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_with_three_decimals_and_read_back() {
        for text in ["1970-01-01T00:00:00.000Z", "2026-11-23T10:20:30.007Z", "9999-12-30T22:00:00.000Z"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn any_offset_is_read_and_finer_precision_is_cut() {
        let read: Timestamp = "2026-11-23T12:00:00.1239+02:00".parse().unwrap();
        assert_eq!(read.to_string(), "2026-11-23T10:00:00.123Z");
    }

    #[test]
    fn what_is_not_a_moment_is_refused() {
        for text in ["", "now", "2026-11-23", "2026-11-23T10:00:00", "1969-12-31T23:59:59Z", "1700000000"] {
            assert_eq!(text.parse::<Timestamp>(), Err(NotATimestamp), "{text}");
        }
    }

    #[test]
    fn what_is_a_moment_elsewhere_but_not_in_rfc_3339_is_refused() {
        for text in [
            "2026-11-23T10:00Z",
            "2026-11-23T10Z",
            "20261123T100000Z",
            "2026-11-23T10:00:00,5Z",
            "2026-11-23T10:00:00.Z",
            "2026-11-23T10:00:00.1234567890Z",
            "2026-11-23T10:00:00+02",
            "2026-11-23T10:00:00+0200",
            "2026-11-23T10:00:00+24:00",
            "2026-11-23T10:00:00+02:00:00",
            "2026-11-23T10:00:00+02:00[Europe/Berlin]",
            "+002026-11-23T10:00:00Z",
            "2026-11-23T10:00:00Z ",
            "2026-11-23T10:00:00é",
            "2026-11-23T10:00:00Zé",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(NotATimestamp), "{text}");
        }
        for text in ["2026-11-23 10:00:00z", "2026-11-23t11:00:00.000000000+01:00", "2026-11-23T10:00:00-00:00"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), "2026-11-23T10:00:00.000Z", "{text}");
        }
        let leap: Timestamp = "2026-12-31T23:59:60.5Z".parse().unwrap();
        assert_eq!(leap.to_string(), "2026-12-31T23:59:59.500Z");
    }

    #[test]
    fn arithmetic_saturates_and_never_comes_early() {
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::MIN - Duration::MAX, Timestamp::MIN);
        assert_eq!(Timestamp::MIN + Duration::from_nanos(1), Timestamp::from_millis(1));
        assert_eq!(Timestamp::from_millis(5).since(Timestamp::from_millis(9)), Duration::ZERO);
    }

    #[test]
    fn seconds_saturate() {
        assert_eq!(seconds(f64::NAN), Duration::ZERO);
        assert_eq!(seconds(-1.0), Duration::ZERO);
        assert_eq!(seconds(0.25), Duration::from_millis(250));
        assert_eq!(seconds(f64::INFINITY), Duration::MAX);
    }
}
