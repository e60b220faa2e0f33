//! What tells a payload or result that was damaged where it lies: a checksum beside it, compared whenever it is handed out.

use enginehouse_core::json::RawJson;
use sha2::{Digest, Sha256};

use super::column::{Unexpected, raw_json};

/// The first eight bytes of the text's SHA-256, as `enginehouse.enqueue` in SQL has them too.
pub(super) fn checksum(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(digest);
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// JSON that is still what was written. Beside what somebody has written by hand there may be no checksum.
pub(super) fn checked_json(column: &'static str, text: &str, sum: Option<i64>) -> Result<RawJson, Unexpected> {
    if sum.is_some_and(|sum| sum != checksum(text)) {
        return Err(Unexpected::new(column, "it does not match its checksum"));
    }
    raw_json(column, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_makes_another_text() {
        let text = r#"{"tile":"12-7"}"#;
        assert_eq!(checked_json("payload", text, Some(checksum(text))).unwrap().as_str(), text);
        assert_eq!(checked_json("payload", text, None).unwrap().as_str(), text);
        let other = text.replace('7', "6");
        let error = checked_json("payload", &other, Some(checksum(text))).unwrap_err();
        assert_eq!(error.to_string(), "unexpected value in column payload: it does not match its checksum");
    }

    /// Files that were written stay readable.
    #[test]
    fn the_checksum_is_the_beginning_of_the_sha_256() {
        // `printf '{}' | sha256sum`
        assert_eq!(checksum("{}"), i64::from_be_bytes(0x4413_6fa3_55b3_678a_u64.to_be_bytes()));
    }
}
