//! The text of a token: `eh1_<accessor>_<secret>_<checksum>`.
//!
//! The accessor is public: it names the token in logs, lists and the audit log. The secret has 256 random bits, so its SHA-256 is
//! all that is kept of it: there is nothing to guess that a slow hash would have to protect. Prefix and checksum are for programs
//! that look for secrets in places where none should be; the number after `eh` is there to change the format by.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::input::Textual;

const PREFIX: &str = "eh1";
const ACCESSOR_LENGTH: usize = 12;
/// 256 bits at 62 values a character.
pub(super) const SECRET_LENGTH: usize = 43;
/// 32 bits at 62 values a character.
const CHECKSUM_LENGTH: usize = 6;
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The public part of a token, which names it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Accessor(Arc<str>);

/// A text that is not an accessor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}", Accessor::MUST_BE)]
pub struct NotAnAccessor;

impl Accessor {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn made(random: u64) -> Self {
        let digit = |place| char::from(BASE32[(random >> (5 * place) & 31) as usize]);
        Self((0..ACCESSOR_LENGTH).map(digit).collect::<String>().into())
    }
}

impl Textual for Accessor {
    const MUST_BE: &'static str = "the accessor of a token: 12 characters of a-z and 2-7";
    /// Somebody may have sent the whole token.
    const MAY_BE_SHOWN: bool = false;
}

impl FromStr for Accessor {
    type Err = NotAnAccessor;

    fn from_str(text: &str) -> Result<Self, NotAnAccessor> {
        let is_one = text.len() == ACCESSOR_LENGTH && text.bytes().all(|byte| BASE32.contains(&byte));
        if is_one { Ok(Self(text.into())) } else { Err(NotAnAccessor) }
    }
}

impl fmt::Display for Accessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Accessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Accessor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Accessor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Accessor {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[a-z2-7]{12}$"))
            .description(Some("The public part of a token, which names it."))
            .examples(["k3jq7xw2m5ab"])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Accessor {}

/// What is kept of a secret.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it is the same, in a time that does not tell how much of it is.
    pub fn is(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.is(other).into()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// A token as its bearer has it. It is shown once, when it is made.
#[derive(Clone)]
pub struct AccessToken {
    accessor: Accessor,
    secret: String,
}

/// A text that is not a token. It is not shown: it may be nearly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no token of Enginehouse: one begins with eh1_ and is 67 characters long")]
pub struct NotAnAccessToken;

impl AccessToken {
    /// A new token of these random bits, which nobody must be able to guess.
    pub fn made(accessor: u64, secret: [u8; 32]) -> Self {
        Self::with_accessor(Accessor::made(accessor), secret)
    }

    /// A new secret for a token that is there.
    pub fn with_accessor(accessor: Accessor, secret: [u8; 32]) -> Self {
        Self { accessor, secret: base62(&secret, SECRET_LENGTH) }
    }

    pub fn accessor(&self) -> &Accessor {
        &self.accessor
    }

    /// What is kept of its secret.
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.secret.as_bytes()).into())
    }

    /// The token of these parts. What is no secret makes one that opens nothing.
    pub(super) fn of_parts(accessor: Accessor, secret: String) -> Self {
        Self { accessor, secret }
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// The whole text, for its bearer alone.
    pub fn reveal(&self) -> String {
        let Self { accessor, secret } = self;
        let text = format!("{PREFIX}_{accessor}_{secret}");
        let checksum = checksum(&text);
        format!("{text}_{checksum}")
    }
}

impl FromStr for AccessToken {
    type Err = NotAnAccessToken;

    fn from_str(text: &str) -> Result<Self, NotAnAccessToken> {
        let (body, given) = text.rsplit_once('_').ok_or(NotAnAccessToken)?;
        let mut parts = body.split('_');
        let mut next = || parts.next().ok_or(NotAnAccessToken);
        let (prefix, accessor, secret) = (next()?, next()?, next()?);
        let is_secret = secret.len() == SECRET_LENGTH && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if prefix != PREFIX || !is_secret || parts.next().is_some() || given != checksum(body) {
            return Err(NotAnAccessToken);
        }
        Ok(Self { accessor: accessor.parse().map_err(|_| NotAnAccessToken)?, secret: secret.to_owned() })
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessToken({})", self.accessor)
    }
}

pub(super) fn checksum(text: &str) -> String {
    base62(&crc32fast::hash(text.as_bytes()).to_be_bytes(), CHECKSUM_LENGTH)
}

/// A number, its highest byte first, as so many digits.
pub(super) fn base62(number: &[u8], digits: usize) -> String {
    let mut number = number.to_vec();
    let mut text = vec![0; digits];
    for digit in text.iter_mut().rev() {
        let mut rest = 0;
        for byte in &mut number {
            let value = rest * 256 + u32::from(*byte);
            // Less than 256, for what is left of a division by 62 is less than 62.
            *byte = (value / 62) as u8;
            rest = value % 62;
        }
        *digit = BASE62[rest as usize];
    }
    text.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_has_one_spelling_and_never_shows_its_secret() {
        let token = AccessToken::made(0x0123_4567_89ab_cdef, [0xff; 32]);
        let text = token.reveal();
        // As another program has made it: a format is not changed by mistake.
        assert_eq!(text, "eh1_pptx2e6mf2ic_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1_2shaKK");
        let read: AccessToken = text.parse().unwrap();
        assert_eq!((read.reveal(), read.hash() == token.hash()), (text.clone(), true));
        let shown = format!("{token:?} {:?}", token.hash());
        assert!(!shown.contains(&text[17..60]), "{shown}");
    }

    #[test]
    fn numbers_are_written_with_all_their_digits() {
        for (number, text) in [(&[0, 0, 0, 0][..], "000000"), (&[0, 0, 0, 61], "00000z"), (&[0, 0, 1, 0], "000048")] {
            assert_eq!(base62(number, CHECKSUM_LENGTH), text);
        }
        assert_eq!(base62(&u32::MAX.to_be_bytes(), 6), "4gfFC3");
    }

    proptest! {
        #[test]
        fn a_token_is_read_as_it_was_written(accessor: u64, secret: [u8; 32]) {
            let token = AccessToken::made(accessor, secret);
            let read: AccessToken = token.reveal().parse().unwrap();
            prop_assert_eq!(read.reveal(), token.reveal());
            prop_assert_eq!(read.accessor(), token.accessor());
        }

        #[test]
        fn another_character_anywhere_makes_it_no_token(secret: [u8; 32], place in 0usize..67, to in "[ -~]") {
            let text = AccessToken::made(7, secret).reveal();
            let mut changed = text.clone();
            changed.replace_range(place..=place, &to);
            prop_assert_eq!(changed.parse::<AccessToken>().is_ok(), changed == text);
        }

        #[test]
        fn no_text_makes_it_panic(text in "(eh1)?[_a-z2-7é]{0,80}") {
            prop_assert!(text.parse::<AccessToken>().is_err());
        }
    }
}
