//! The token of one attempt: `ehe1_<event>_<proof>_<checksum>`.
//!
//! The process of an engine may hand it to the command that works on an event. It permits to report on that attempt and to settle
//! it, and nothing else, for as long as the attempt has its lock. It is not kept anywhere: its proof is an HMAC of the event and
//! its lock under the hash of the engine's session, so the engine makes it, and the server recognizes it by what it keeps anyway.
//! When the lock ends or the engine registers anew, the proof is of something that is gone.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::secret::{SECRET_LENGTH, SecretHash, base62, checksum};
use crate::ids::EventId;
use crate::lock::LockToken;

const PREFIX: &str = "ehe1";
/// So that no other use of the same key ever has the same message.
const PURPOSE: &[u8] = b"enginehouse event token 1\0";

/// What a command may report on its attempt with, and settle it. Its `Display` is the whole text; `Debug` shows no proof.
#[derive(Clone, PartialEq, Eq)]
pub struct EventToken {
    event_id: EventId,
    proof: String,
}

/// A text that is no token of an attempt. It is not shown: it may be nearly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no token of an attempt: one begins with ehe1_ and is 88 characters long")]
pub struct NotAnEventToken;

impl EventToken {
    /// The token of the attempt that has this lock on an event, by the hash of its engine's session.
    pub fn made(session: &SecretHash, event_id: EventId, lock: LockToken) -> Self {
        Self { event_id, proof: base62(hash(session, event_id, lock).as_bytes(), SECRET_LENGTH) }
    }

    /// Whether a text is meant to be one, good or not.
    pub fn is_meant_by(text: &str) -> bool {
        text.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with('_'))
    }

    /// The event of its attempt.
    pub fn event_id(&self) -> EventId {
        self.event_id
    }

    /// Whether it is that of the attempt which has this lock. Takes the same time whatever it is.
    pub fn is_of(&self, session: &SecretHash, lock: LockToken) -> bool {
        let own = Self::made(session, self.event_id, lock);
        subtle::ConstantTimeEq::ct_eq(self.proof.as_bytes(), own.proof.as_bytes()).into()
    }
}

fn hash(session: &SecretHash, event_id: EventId, lock: LockToken) -> SecretHash {
    let mut mac = Hmac::<Sha256>::new_from_slice(session.as_bytes()).expect("a key of any length will do");
    mac.update(PURPOSE);
    mac.update(event_id.0.as_bytes());
    mac.update(&lock.serial.to_be_bytes());
    mac.update(&lock.secret.to_be_bytes());
    SecretHash::from_bytes(mac.finalize().into_bytes().into())
}

impl FromStr for EventToken {
    type Err = NotAnEventToken;

    fn from_str(text: &str) -> Result<Self, NotAnEventToken> {
        let (body, given) = text.rsplit_once('_').ok_or(NotAnEventToken)?;
        let mut parts = body.split('_');
        let mut next = || parts.next().ok_or(NotAnEventToken);
        let (prefix, event, proof) = (next()?, next()?, next()?);
        let is_proof = proof.len() == SECRET_LENGTH && proof.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if prefix != PREFIX || !is_proof || parts.next().is_some() || given != checksum(body) {
            return Err(NotAnEventToken);
        }
        let event_id = uuid::Uuid::try_parse(event).map_err(|_| NotAnEventToken)?;
        // One spelling each: no braces, no capitals.
        if event_id.as_simple().to_string() != event {
            return Err(NotAnEventToken);
        }
        Ok(Self { event_id: EventId(event_id), proof: proof.to_owned() })
    }
}

impl fmt::Display for EventToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = format!("{PREFIX}_{}_{}", self.event_id.0.as_simple(), self.proof);
        write!(f, "{body}_{}", checksum(&body))
    }
}

impl fmt::Debug for EventToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventToken({})", self.event_id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::access::session::SessionToken;

    fn lock(serial: i64, secret: u128) -> LockToken {
        LockToken { serial, secret }
    }

    #[test]
    fn a_token_is_of_one_event_one_lock_and_one_session() {
        let event_id = EventId(uuid::Uuid::from_u128(7));
        let (session, other) = (SessionToken::made([1; 32]).hash(), SessionToken::made([2; 32]).hash());
        let token = EventToken::made(&session, event_id, lock(1, 5));
        assert!(token.is_of(&session, lock(1, 5)));
        for (session, lock) in [(session, lock(2, 5)), (session, lock(1, 6)), (other, lock(1, 5))] {
            assert!(!token.is_of(&session, lock));
        }
        let of_another = EventToken { event_id: EventId(uuid::Uuid::from_u128(8)), ..token.clone() };
        assert!(!of_another.is_of(&session, lock(1, 5)));
        let text = token.to_string();
        // As another program has made it: a format is not changed by mistake.
        assert_eq!(text, "ehe1_00000000000000000000000000000007_vX10PR50OCB8HwSquOx2RYIdCTZVYgWRwXhZARp5XBp_1eamSW");
        assert_eq!(text.parse::<EventToken>(), Ok(token.clone()));
        assert!(EventToken::is_meant_by(&text) && !EventToken::is_meant_by("eh1_x"));
        assert!(!format!("{token:?}").contains(&text[38..81]));
    }

    proptest! {
        #[test]
        fn another_character_anywhere_makes_it_no_token(event: u128, secret: u128, place in 0usize..88, to in "[ -~]") {
            let event_id = EventId(uuid::Uuid::from_u128(event));
            let text = EventToken::made(&SessionToken::made([3; 32]).hash(), event_id, lock(1, secret)).to_string();
            let mut changed = text.clone();
            changed.replace_range(place..=place, &to);
            prop_assert_eq!(changed.parse::<EventToken>().is_ok(), changed == text);
        }
    }
}
