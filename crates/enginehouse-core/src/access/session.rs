//! An engine's session: what a process proves with that it is the one that has registered.
//!
//! Ids and epochs of engines are readable, and a token of role engine is shared by a fleet. So a registration answers a session
//! token, `ehs1_<secret>_<checksum>`, that nobody else is shown. Its SHA-256 stands in the engine's row, which every call of an
//! engine reads anyway; the next registration replaces it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::secret::{SECRET_LENGTH, SecretHash, base62, checksum};

const PREFIX: &str = "ehs1";

/// What the process of an engine shows with each of its calls. Its `Display` and its JSON are the whole text; `Debug` shows
/// nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

/// A text that is no session token. It is not shown: it may be nearly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no session token: one begins with ehs1_ and is 55 characters long")]
pub struct NotASessionToken;

impl SessionToken {
    /// A new one of these random bits, which nobody must be able to guess.
    pub fn made(secret: [u8; 32]) -> Self {
        Self(base62(&secret, SECRET_LENGTH))
    }

    /// What is kept of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash::from_bytes(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl FromStr for SessionToken {
    type Err = NotASessionToken;

    fn from_str(text: &str) -> Result<Self, NotASessionToken> {
        let (body, given) = text.rsplit_once('_').ok_or(NotASessionToken)?;
        let secret = body.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('_')).ok_or(NotASessionToken)?;
        let is_secret = secret.len() == SECRET_LENGTH && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_secret && given == checksum(body) { Ok(Self(secret.to_owned())) } else { Err(NotASessionToken) }
    }
}

impl fmt::Display for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = format!("{PREFIX}_{}", self.0);
        write!(f, "{body}_{}", checksum(&body))
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(..)")
    }
}

impl Serialize for SessionToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for SessionToken {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^ehs1_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$"))
            .description(Some("What the process of an engine proves itself with, as the header `Enginehouse-Session`."))
            .examples([Self::made([0; 32]).to_string()])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for SessionToken {}

/// What a caller has shown of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionProof {
    /// Nothing, and nothing is asked for: without access tokens, everybody may do everything. It is also the server itself.
    #[default]
    NotAskedFor,
    /// Nothing, although it is asked for.
    Missing,
    /// A session token of this hash.
    Shown(SecretHash),
}

impl SessionProof {
    /// Whether it is enough for what the engine of this session may do.
    pub fn admits(&self, session: Option<&SecretHash>) -> bool {
        match self {
            Self::NotAskedFor => true,
            Self::Missing => false,
            Self::Shown(_) => self.is_of(session),
        }
    }

    /// Whether it is this very session.
    pub fn is_of(&self, session: Option<&SecretHash>) -> bool {
        matches!((self, session), (Self::Shown(shown), Some(session)) if shown == session)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_session_token_has_one_spelling_and_never_shows_its_secret() {
        let token = SessionToken::made([0xff; 32]);
        let text = token.to_string();
        assert_eq!((text.len(), &text[..6]), (55, "ehs1_y"), "{text}");
        let read: SessionToken = text.parse().unwrap();
        assert_eq!((read.to_string(), read.hash() == token.hash()), (text.clone(), true));
        assert!(!format!("{token:?} {:?}", token.hash()).contains(&text[5..48]));
        assert_eq!(serde_json::to_value(&token).unwrap(), text);
    }

    #[test]
    fn a_session_is_proved_by_its_own_token_alone() {
        let (own, other) = (SessionToken::made([1; 32]).hash(), SessionToken::made([2; 32]).hash());
        for (proof, admits, is_of) in [
            (SessionProof::NotAskedFor, true, false),
            (SessionProof::Missing, false, false),
            (SessionProof::Shown(other), false, false),
            (SessionProof::Shown(own), true, true),
        ] {
            assert_eq!((proof.admits(Some(&own)), proof.is_of(Some(&own))), (admits, is_of), "{proof:?}");
            assert!(!proof.is_of(None) && proof.admits(None) == (proof == SessionProof::NotAskedFor), "{proof:?}");
        }
    }

    proptest! {
        #[test]
        fn another_character_anywhere_makes_it_no_session_token(secret: [u8; 32], place in 0usize..55, to in "[ -~]") {
            let text = SessionToken::made(secret).to_string();
            prop_assert!(text.parse::<SessionToken>().is_ok());
            let mut changed = text.clone();
            changed.replace_range(place..=place, &to);
            prop_assert_eq!(changed.parse::<SessionToken>().is_ok(), changed == text);
        }

        #[test]
        fn no_text_makes_it_panic(text in "(ehs1)?[_a-z2-7é]{0,80}") {
            prop_assert!(text.parse::<SessionToken>().is_err());
        }
    }
}
