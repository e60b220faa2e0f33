//! The exclusive, time-limited right of one engine to process one event.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::EngineId;
use crate::input::Textual;
use crate::time::Timestamp;

/// What stands before the engine's id in the name of a holder.
pub const HOLDER_PREFIX: &str = "processing_by_";

/// Proves that its bearer holds the lock. Opaque to clients.
///
/// The serial only rises over the event's whole life (retries, redrives and restores included), so that an
/// old token is never current again; the secret keeps one who only knows the event from guessing the token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LockToken {
    /// Which lock on this event it is, counted from 1.
    pub serial: i64,
    /// 128 random bits.
    pub secret: u128,
}

/// A text that no server has given out as a lock token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}", LockToken::MUST_BE)]
pub struct NotALockToken;

impl Textual for LockToken {
    const MUST_BE: &'static str = "a lock token: send the token of the claim's answer as it is";
    const MAY_BE_SHOWN: bool = false;
}

impl fmt::Display for LockToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:032x}", self.serial, self.secret)
    }
}

impl fmt::Debug for LockToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The secret never reaches a log.
        write!(f, "LockToken({})", self.serial)
    }
}

impl FromStr for LockToken {
    type Err = NotALockToken;

    fn from_str(text: &str) -> Result<Self, NotALockToken> {
        let (serial, secret) = text.split_once('-').ok_or(NotALockToken)?;
        if secret.len() != 32 {
            return Err(NotALockToken);
        }
        let token = Self {
            serial: serial.parse().map_err(|_| NotALockToken)?,
            secret: u128::from_str_radix(secret, 16).map_err(|_| NotALockToken)?,
        };
        // One spelling each: no sign, no leading zero, no capitals.
        if token.serial > 0 && token.to_string() == text { Ok(token) } else { Err(NotALockToken) }
    }
}

impl Serialize for LockToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LockToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for LockToken {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[1-9][0-9]{0,17}-[0-9a-f]{32}$"))
            .description(Some("Proves that its bearer holds a lock. Opaque: send it back as it came."))
            .examples([serde_json::json!("1-0123456789abcdef0123456789abcdef")])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for LockToken {}

/// Within which time the holder of a lock has to report progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressLimit {
    pub timeout: Duration,
    /// When the attempt is stuck, unless progress is reported before.
    pub due_at: Timestamp,
}

/// A lock that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// What its holder must show.
    pub token: LockToken,
    pub engine_id: EngineId,
    /// The holder's epoch when it claimed.
    pub engine_epoch: i64,
    pub claimed_at: Timestamp,
    /// When it is lost unless renewed.
    pub expires_at: Timestamp,
    /// How far a renewal reaches.
    pub visibility_timeout: Duration,
    /// How long after `claimed_at` it ends whatever its holder does.
    pub max_processing: Option<Duration>,
    /// How long the holder may go without reporting progress, and when it will have gone so long.
    pub progress_limit: Option<ProgressLimit>,
    /// How many heartbeats in a row have left it out.
    pub unlisted_heartbeats: u8,
}

impl Lock {
    /// The holder as the seed writes it: `processing_by_{engine_id}`.
    pub fn holder(&self) -> String {
        format!("{HOLDER_PREFIX}{}", self.engine_id)
    }

    /// When `wait` from `now` ends, but never past `claimed_at + max_processing`, nor past the end of the time for progress.
    pub fn reaching(&self, now: Timestamp, wait: Duration) -> Timestamp {
        let ends = [self.times_out_at(), self.progress_limit.map(|limit| limit.due_at)];
        ends.into_iter().flatten().fold(now + wait, Timestamp::min)
    }

    /// The lock from when on its holder has reported progress. A lock that ended with the time for it lasts longer.
    #[must_use]
    pub fn progressed(&self, now: Timestamp) -> Self {
        let mut lock = self.clone();
        if let Some(ProgressLimit { timeout, .. }) = self.progress_limit {
            lock.progress_limit = Some(ProgressLimit { timeout, due_at: now + timeout });
            lock.expires_at = self.expires_at.max(lock.reaching(now, self.visibility_timeout));
        }
        lock
    }

    /// Whether the holder has gone too long without reporting progress.
    pub fn is_stuck(&self, now: Timestamp) -> bool {
        self.progress_limit.is_some_and(|limit| limit.due_at <= now)
    }

    /// When the attempt has used up its `max_processing`.
    pub fn times_out_at(&self) -> Option<Timestamp> {
        self.max_processing.map(|max| self.claimed_at + max)
    }

    /// Whether the attempt has used up its `max_processing`.
    pub fn is_timed_out(&self, now: Timestamp) -> bool {
        self.times_out_at().is_some_and(|end| end <= now)
    }

    /// Whether the holder has lost it for want of time.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_spelling() {
        let token = LockToken { serial: 7, secret: 0xabc };
        let text = "7-00000000000000000000000000000abc";
        assert_eq!(token.to_string(), text);
        assert_eq!(text.parse(), Ok(token));
        for forged in [
            "",
            "7",
            "7-abc",
            "+7-00000000000000000000000000000abc",
            "07-00000000000000000000000000000abc",
            "0-00000000000000000000000000000abc",
            "7-00000000000000000000000000000ABC",
            "7-+0000000000000000000000000000abc",
        ] {
            assert_eq!(forged.parse::<LockToken>(), Err(NotALockToken), "{forged}");
        }
    }

    #[test]
    fn a_secret_is_not_shown_by_debug() {
        assert_eq!(format!("{:?}", LockToken { serial: 7, secret: 0xabc }), "LockToken(7)");
    }
}
