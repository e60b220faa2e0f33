//! A refused input: every bad field, by JSON pointer.

use std::fmt;

/// One bad field of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Where the field is: a JSON pointer (RFC 6901); empty for the whole input.
    pub pointer: String,
    /// What is wrong with it, and what would be right.
    pub detail: String,
}

/// An input that was refused as a whole. Nothing of it was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Invalid {
    /// Every bad field; never empty.
    pub errors: Vec<FieldError>,
    /// Whether size is all that is wrong.
    pub is_too_large: bool,
}

impl Invalid {
    /// A refusal because of these fields, of which there is at least one.
    pub const fn fields(errors: Vec<FieldError>) -> Self {
        Self { errors, is_too_large: false }
    }

    /// A refusal because of one field.
    pub fn field(pointer: impl Into<String>, detail: impl fmt::Display) -> Self {
        Self { errors: vec![FieldError { pointer: pointer.into(), detail: detail.to_string() }], is_too_large: false }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, error) in self.errors.iter().enumerate() {
            let comma = if place == 0 { "" } else { "; " };
            if error.pointer.is_empty() {
                write!(f, "{comma}{}", error.detail)?;
            } else {
                write!(f, "{comma}{}: {}", error.pointer, error.detail)?;
            }
        }
        Ok(())
    }
}

/// Collects the bad fields of one input, so that all are named at once.
#[derive(Debug, Default)]
pub struct Check {
    at: String,
    errors: Vec<FieldError>,
    /// How many of them are too large, and nothing else.
    too_large: usize,
}

impl Check {
    /// Checks an input that is itself at `pointer` of a larger one.
    pub fn at(pointer: impl Into<String>) -> Self {
        Self { at: pointer.into(), ..Self::default() }
    }

    /// Notes a bad field. `pointer` begins with `/`, or is empty for the input itself.
    pub fn refuse(&mut self, pointer: &str, detail: impl fmt::Display) {
        self.errors.push(FieldError { pointer: format!("{}{pointer}", self.at), detail: detail.to_string() });
    }

    /// Notes a field that is over its size.
    pub fn too_large(&mut self, pointer: &str, max_bytes: usize, size: usize) {
        self.refuse(pointer, format_args!("at most {max_bytes} bytes, was {size}"));
        self.too_large += 1;
    }

    /// Notes a bad field unless `holds`.
    pub fn require(&mut self, holds: bool, pointer: &str, detail: impl fmt::Display) {
        if !holds {
            self.refuse(pointer, detail);
        }
    }

    /// Notes a number outside of `min..=max`.
    pub fn range<N: PartialOrd + fmt::Display>(&mut self, pointer: &str, value: N, min: N, max: N) {
        // Written so that NaN is refused as well.
        let within = value >= min && value <= max;
        self.require(within, pointer, format_args!("must be between {min} and {max}, was {value}"));
    }

    /// Keeps what parses; notes what does not.
    pub fn parsed<T, E: fmt::Display>(&mut self, pointer: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.refuse(pointer, error)).ok()
    }

    /// Notes what another check of a part of the input found.
    pub fn include(&mut self, other: Invalid) {
        self.too_large += if other.is_too_large { other.errors.len() } else { 0 };
        self.errors.extend(other.errors);
    }

    /// `value`, unless a bad field was noted.
    ///
    /// # Errors
    /// Every bad field that was noted.
    pub fn finish<T>(self, value: T) -> Result<T, Invalid> {
        if self.errors.is_empty() {
            return Ok(value);
        }
        let is_too_large = self.too_large == self.errors.len();
        Err(Invalid { errors: self.errors, is_too_large })
    }
}

/// Escapes one key for use in a JSON pointer (RFC 6901 section 3).
pub fn pointer_key(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_field_is_named_with_its_pointer() {
        let mut check = Check::at("/events/3");
        check.range("/priority", 12, 0, 9);
        check.range("/delay_seconds", f64::NAN, 0.0, 1.0);
        check.require(true, "/payload", "never shown");
        let refused = check.finish(()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "/events/3/priority: must be between 0 and 9, was 12; \
             /events/3/delay_seconds: must be between 0 and 1, was NaN"
        );
    }

    #[test]
    fn a_key_is_escaped_for_a_pointer() {
        assert_eq!(pointer_key("a/b~c"), "a~1b~0c");
    }
}
