//! How long ago something was, as people write it: `5m`, `1h30m`, `2d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The longest that a filter may ask for: ten years.
const MAX_AGE: Duration = Duration::from_secs(3_650 * 86_400);
/// From the longest to the shortest, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A duration of whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Age(pub(super) Duration);

/// A text that is not an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be whole numbers with units, such as 5m, 1h30m or 2d: d, h, m, s, ms; at most 3650d")]
pub(super) struct NotAnAge;

impl FromStr for Age {
    type Err = NotAnAge;

    fn from_str(text: &str) -> Result<Self, NotAnAge> {
        let (mut rest, mut millis, mut next_unit) = (text, 0_u64, 0);
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, behind) = rest.split_at(digits);
            let letters = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
            let (unit, behind) = behind.split_at(letters);
            // Each unit once, the longest first.
            let place = UNITS.iter().skip(next_unit).position(|(name, _)| *name == unit).ok_or(NotAnAge)? + next_unit;
            let number: u64 = number.parse().map_err(|_| NotAnAge)?;
            let length = number.checked_mul(UNITS[place].1).ok_or(NotAnAge)?;
            millis = millis.checked_add(length).ok_or(NotAnAge)?;
            (rest, next_unit) = (behind, place + 1);
        }
        let age = Duration::from_millis(millis);
        if next_unit > 0 && age <= MAX_AGE { Ok(Self(age)) } else { Err(NotAnAge) }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, length) in UNITS {
            if left >= length {
                write!(f, "{}{unit}", left / length)?;
                left %= length;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_units() {
        for (text, seconds, written) in [
            ("5m", 300.0, "5m"),
            ("90s", 90.0, "1m30s"),
            ("1h30m", 5_400.0, "1h30m"),
            ("2d", 172_800.0, "2d"),
            ("1s5ms", 1.005, "1s5ms"),
            ("0s", 0.0, "0s"),
            ("3650d", 315_360_000.0, "3650d"),
        ] {
            let age: Age = text.parse().unwrap();
            assert_eq!((age.0.as_secs_f64(), age.to_string().as_str()), (seconds, written), "{text}");
        }
        for text in ["", "5", "m", "5 m", "5m5h", "5m5m", "1.5h", "-5m", "3651d", "99999999999999999999d", "5é", "5x"]
        {
            assert_eq!(text.parse::<Age>(), Err(NotAnAge), "{text:?}");
        }
    }
}
