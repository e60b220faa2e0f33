//! What a browser proves itself with: a cookie that holds a token, sealed.
//!
//! A person shows a token once, to log in. From then on the browser sends a cookie, of which its owner cannot read the token back,
//! which nobody can make last longer, and which needs no table. Its key is the hash that the store keeps of the token's secret, and
//! what it seals is that secret:
//!
//! - Whoever has the cookie, and not the store, learns nothing of the secret, and cannot change when the session ends.
//! - Whoever can read the store, and has no cookie, can make none: they would need the secret whose hash they see.
//! - Whoever revokes the token, or rotates it so that the old secret is taken no more, ends the session on every server.

use std::fmt::Write as _;
use std::str::FromStr;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::secret::{AccessToken, Accessor, SECRET_LENGTH, SecretHash};
use crate::time::Timestamp;

/// How long a session lasts, if its token does not end before.
pub const MAX_BROWSER_SESSION: Duration = Duration::from_secs(8 * 3_600);

const PREFIX: &str = "ehb1";
const MAC_LENGTH: usize = 32;

/// A session as a cookie has it. Nothing of it is known to be true before it was opened.
#[derive(Clone)]
pub struct BrowserSession {
    accessor: Accessor,
    expires_at: Timestamp,
    /// No two sessions have the same, so that none shows what another one holds.
    nonce: u64,
    sealed: [u8; SECRET_LENGTH],
    mac: [u8; MAC_LENGTH],
}

/// A text that is no session. It is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no session of Enginehouse")]
pub struct NotASession;

impl BrowserSession {
    /// A session for the bearer of a token.
    pub fn seal(token: &AccessToken, expires_at: Timestamp, nonce: u64) -> Self {
        let mut sealed = [0; SECRET_LENGTH];
        sealed.iter_mut().zip(token.secret().bytes()).for_each(|(to, byte)| *to = byte);
        let accessor = token.accessor().clone();
        let mut session = Self { accessor, expires_at, nonce, sealed, mac: [0; MAC_LENGTH] };
        let key = token.hash();
        session.sealed = session.mixed(&key);
        session.mac = session.expected_mac(&key);
        session
    }

    /// Whose token it holds, as it says itself.
    pub fn accessor(&self) -> &Accessor {
        &self.accessor
    }

    /// When it ends, as it says itself.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The token in it, if it is one with such a hash, and the session is as it was made.
    pub fn open(&self, key: &SecretHash) -> Option<AccessToken> {
        let is_as_it_was_made: bool = self.expected_mac(key).ct_eq(&self.mac).into();
        let secret = String::from_utf8(self.mixed(key).to_vec()).unwrap_or_default();
        let token = AccessToken::of_parts(self.accessor.clone(), secret);
        // A mac can be made by whoever reads the store; a secret with this hash cannot.
        let is_the_secret: bool = token.hash().is(key).into();
        (is_as_it_was_made & is_the_secret).then_some(token)
    }

    /// The text of the cookie.
    pub fn reveal(&self) -> String {
        let Self { accessor, sealed, mac, .. } = self;
        let (expires_at, nonce) = (self.expires_at.as_millis(), self.nonce);
        format!("{PREFIX}_{accessor}_{expires_at}_{nonce:016x}_{}_{}", hex(sealed), hex(mac))
    }

    /// What is sealed, unsealed, or the other way round: both mix it with the same stream.
    fn mixed(&self, key: &SecretHash) -> [u8; SECRET_LENGTH] {
        let blocks = [0, 1].map(|block| self.hash(key, b"seal", &[block]));
        let mut mixed = self.sealed;
        mixed.iter_mut().zip(blocks.as_flattened()).for_each(|(byte, stream)| *byte ^= stream);
        mixed
    }

    fn expected_mac(&self, key: &SecretHash) -> [u8; MAC_LENGTH] {
        self.hash(key, b"mac.", &self.sealed)
    }

    /// The keyed hash of what is to hold of this session, for one use of it.
    fn hash(&self, key: &SecretHash, used_for: &[u8; 4], what: &[u8]) -> [u8; MAC_LENGTH] {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return [0; MAC_LENGTH] };
        mac.update(used_for);
        mac.update(self.accessor.as_str().as_bytes());
        mac.update(&self.expires_at.as_millis().to_be_bytes());
        mac.update(&self.nonce.to_be_bytes());
        mac.update(what);
        mac.finalize().into_bytes().into()
    }
}

impl FromStr for BrowserSession {
    type Err = NotASession;

    fn from_str(text: &str) -> Result<Self, NotASession> {
        let mut parts = text.split('_');
        let mut next = || parts.next().ok_or(NotASession);
        let (prefix, accessor, expires_at, nonce) = (next()?, next()?, next()?, next()?);
        let (sealed, mac) = (next()?, next()?);
        let session = Self {
            accessor: accessor.parse().map_err(|_| NotASession)?,
            expires_at: Timestamp::from_millis(expires_at.parse().map_err(|_| NotASession)?),
            nonce: u64::from_str_radix(nonce, 16).map_err(|_| NotASession)?,
            sealed: unhex(sealed)?,
            mac: unhex(mac)?,
        };
        // One session has one text.
        if prefix == PREFIX && session.reveal() == text { Ok(session) } else { Err(NotASession) }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // A string takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex<const N: usize>(text: &str) -> Result<[u8; N], NotASession> {
    if text.len() != 2 * N || !text.is_ascii() {
        return Err(NotASession);
    }
    let mut bytes = [0; N];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).map_err(|_| NotASession)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const END: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn session() -> (AccessToken, BrowserSession) {
        let token = AccessToken::made(7, [3; 32]);
        let session = BrowserSession::seal(&token, END, 11);
        (token, session)
    }

    #[test]
    fn the_token_of_a_session_is_found_with_its_hash_alone() {
        let (token, session) = session();
        let text = session.reveal();
        let read: BrowserSession = text.parse().unwrap();
        assert_eq!((read.accessor(), read.expires_at()), (token.accessor(), END));
        assert_eq!(read.open(&token.hash()).unwrap().reveal(), token.reveal());
        assert!(read.open(&AccessToken::made(7, [4; 32]).hash()).is_none());
        assert!(read.open(&SecretHash::from_bytes([0; 32])).is_none());
        let secret = token.reveal()[17..60].to_owned();
        assert!(!text.contains(&secret) && !text.contains(&hex(secret.as_bytes())));
        assert_ne!(BrowserSession::seal(&token, END, 12).sealed, session.sealed);
    }

    /// Somebody who reads the store has the hash, and can make a mac with it; but no secret.
    #[test]
    fn whoever_knows_the_hash_alone_makes_no_session() {
        let (token, mut session) = session();
        session.sealed = [b'a'; SECRET_LENGTH];
        session.sealed = session.mixed(&token.hash());
        session.mac = session.expected_mac(&token.hash());
        assert!(session.open(&token.hash()).is_none());
    }

    #[test]
    fn whoever_has_a_session_makes_none_that_lasts_longer() {
        let (token, mut session) = session();
        session.expires_at = END + Duration::from_secs(1);
        assert!(session.open(&token.hash()).is_none());
    }

    proptest! {
        #[test]
        fn another_character_anywhere_opens_nothing(place in 0usize..200, to in "[ -~]") {
            let (token, session) = session();
            let text = session.reveal();
            let place = place % text.len();
            let mut changed = text.clone();
            changed.replace_range(place..=place, &to);
            let opened = changed.parse::<BrowserSession>().ok().and_then(|session| session.open(&token.hash()));
            prop_assert_eq!(opened.is_some(), changed == text);
        }

        #[test]
        fn no_text_makes_it_panic(text in "(ehb1_)?[_a-z2-7é]{0,80}") {
            prop_assert!(text.parse::<BrowserSession>().is_err());
        }
    }
}
