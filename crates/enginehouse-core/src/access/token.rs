//! What is kept of a token, and whether it is one still.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::certificate_name::CertificateName;
use super::network::Network;
use super::role::Role;
use super::secret::{Accessor, SecretHash};
use super::selector::Selectors;
use crate::ids::TokenName;
use crate::input::Value;
use crate::limits::{MAX_ALLOWED_ADDRESSES, MAX_TOKEN_LIFE, MIN_TOKEN_LIFE};
use crate::read_fields;
use crate::time::Timestamp;

/// How long a token lasts of which nobody says so.
pub const DEFAULT_LIFE: Duration = Duration::from_secs(90 * 86_400);
/// The same of one that may do everything.
pub const DEFAULT_ADMIN_LIFE: Duration = Duration::from_secs(30 * 86_400);
/// How long before its end a token is warned about.
pub const WARNED_BEFORE: Duration = Duration::from_secs(14 * 86_400);

/// What is kept of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    pub accessor: Accessor,
    pub name: TokenName,
    pub role: Role,
    /// Whether an operator may read payloads, results and what errors say, too.
    pub reads_payloads: bool,
    pub selectors: Selectors,
    /// From where it may be used; from anywhere if empty.
    pub allowed_addresses: Vec<Network>,
    /// The name of the clients whose certificates open it. Then no secret does.
    pub certificate_name: Option<CertificateName>,
    /// Of a token that certificates open, that of a secret which nobody has been told.
    pub secret: SecretHash,
    /// The secret from before the last rotation, as long as it is taken.
    pub previous: Option<PreviousSecret>,
    pub created_at: Timestamp,
    /// Who made it: the accessor of a token, or that somebody had the store.
    pub created_by: String,
    /// From when on it is one.
    pub not_before: Option<Timestamp>,
    pub expires_at: Timestamp,
    /// When its secret was last used, give or take a minute.
    pub last_used_at: Option<Timestamp>,
    pub rotated_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub revoked_by: Option<String>,
}

/// A secret that a rotation has replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviousSecret {
    pub secret: SecretHash,
    /// Until when it is taken.
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// Whether a token opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TokenStatus {
    Active,
    /// Its time has not come.
    Waiting,
    Expired,
    Revoked,
}

/// Which of its secrets a caller has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownSecret {
    Current,
    /// That from before the last rotation.
    Previous,
}

impl TokenRecord {
    pub fn status(&self, now: Timestamp) -> TokenStatus {
        if self.revoked_at.is_some() {
            TokenStatus::Revoked
        } else if self.expires_at <= now {
            TokenStatus::Expired
        } else if self.not_before.is_some_and(|from| from > now) {
            TokenStatus::Waiting
        } else {
            TokenStatus::Active
        }
    }

    /// Which secret this is, if it opens the token now. Takes the same time whichever it is, and if it is none.
    pub fn verify(&self, shown: &SecretHash, now: Timestamp) -> Option<ShownSecret> {
        let is_current = self.secret.is(shown);
        let previous = self.previous.as_ref();
        let is_previous = previous.map_or(&self.secret, |previous| &previous.secret).is(shown);
        let previous_holds = previous.is_some_and(|previous| previous.expires_at > now);
        if self.status(now) != TokenStatus::Active || self.certificate_name.is_some() {
            None
        } else if is_current.into() {
            Some(ShownSecret::Current)
        } else {
            (previous_holds && is_previous.into()).then_some(ShownSecret::Previous)
        }
    }

    /// Whether it may be used from there. No address stands for a Unix socket: a token for some networks is not for it.
    pub fn admits_address(&self, address: Option<IpAddr>) -> bool {
        let is_from_there = |address| self.allowed_addresses.iter().any(|network| network.contains(address));
        self.allowed_addresses.is_empty() || address.is_some_and(is_from_there)
    }

    /// The token with another secret. The present one is taken for so long.
    #[must_use]
    pub fn rotated(&self, secret: SecretHash, overlap: Duration, life: Option<Duration>, now: Timestamp) -> Self {
        let previous = PreviousSecret {
            secret: self.secret,
            expires_at: (now + overlap).min(self.expires_at),
            last_used_at: self.last_used_at,
        };
        Self {
            secret,
            previous: (!overlap.is_zero()).then_some(previous),
            expires_at: now + life.unwrap_or_else(|| default_life(self.role)),
            last_used_at: None,
            rotated_at: Some(now),
            ..self.clone()
        }
    }
}

/// How long a token of a role lasts of which nobody says so.
pub fn default_life(role: Role) -> Duration {
    if role == Role::Admin { DEFAULT_ADMIN_LIFE } else { DEFAULT_LIFE }
}

/// A token that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenDraft {
    pub name: TokenName,
    pub role: Role,
    pub reads_payloads: bool,
    pub selectors: Selectors,
    pub allowed_addresses: Vec<Network>,
    pub certificate_name: Option<CertificateName>,
    pub not_before: Option<Timestamp>,
    /// How long it lasts from now, or from `not_before`.
    pub life: Duration,
}

impl TokenDraft {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            name: required(|value| value.parsed()),
            role: required(|value| value.word::<Role>()),
            read_payloads: or_default(|value| value.boolean()),
            selectors: or_default(Selectors::read),
            allowed_addresses: or_default(read_addresses),
            certificate_name: optional(|value| value.parsed()),
            not_before: optional(|value| value.parsed()),
            expires_in_seconds: optional(read_life),
        );
        let (role, reads_payloads) = (role?, read_payloads?);
        if reads_payloads && !role.may_be_given_payloads() {
            value.refuse_field(
                "read_payloads",
                format_args!("must be absent: an operator may be given it, and no other role, was {role}"),
            );
            return None;
        }
        Some(Self {
            name: name?,
            role,
            reads_payloads,
            selectors: selectors?,
            allowed_addresses: allowed_addresses?,
            certificate_name,
            not_before,
            life: expires_in_seconds.unwrap_or_else(|| default_life(role)),
        })
    }

    /// The token itself.
    pub fn made(self, accessor: Accessor, secret: SecretHash, by: String, now: Timestamp) -> TokenRecord {
        let Self { name, role, reads_payloads, selectors, allowed_addresses, certificate_name, not_before, life } =
            self;
        TokenRecord {
            accessor,
            name,
            role,
            reads_payloads,
            selectors,
            allowed_addresses,
            certificate_name,
            secret,
            previous: None,
            created_at: now,
            created_by: by,
            not_before,
            expires_at: not_before.map_or(now, |from| from.max(now)) + life,
            last_used_at: None,
            rotated_at: None,
            revoked_at: None,
            revoked_by: None,
        }
    }
}

/// Reads from where a token may be used. An empty list would be a riddle: from nowhere, or from anywhere?
pub fn read_addresses(value: Value<'_>) -> Option<Vec<Network>> {
    value.list(1..=MAX_ALLOWED_ADDRESSES, |value| value.parsed())
}

/// Reads how long a token lasts, in seconds.
pub fn read_life(value: Value<'_>) -> Option<Duration> {
    value.whole(MIN_TOKEN_LIFE.as_secs()..=MAX_TOKEN_LIFE.as_secs()).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::secret::AccessToken;

    const DAY: Duration = Duration::from_secs(86_400);

    fn draft(text: &str) -> Result<TokenDraft, crate::invalid::Invalid> {
        crate::input::read_json(text.as_bytes(), TokenDraft::read)
    }

    #[test]
    fn a_token_lasts_as_long_as_its_role_unless_somebody_says_so() {
        for (text, days) in [
            (r#"{"name":"a","role":"producer"}"#, 90),
            (r#"{"name":"a","role":"admin"}"#, 30),
            (r#"{"name":"a","role":"admin","expires_in_seconds":86400}"#, 1),
        ] {
            assert_eq!(draft(text).unwrap().life, DAY * days, "{text}");
        }
        for bad in [
            r#"{"name":"a"}"#,
            r#"{"name":"a","role":"root"}"#,
            r#"{"name":"a b","role":"viewer"}"#,
            r#"{"name":"a","role":"viewer","expires_in_seconds":59}"#,
            r#"{"name":"a","role":"viewer","expires_in_seconds":315360001}"#,
            r#"{"name":"a","role":"viewer","read_payloads":true}"#,
            r#"{"name":"a","role":"viewer","allowed_addresses":[]}"#,
            r#"{"name":"a","role":"viewer","allowed_addresses":["10.0.0.1/8"]}"#,
        ] {
            assert!(draft(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_is_used_from_where_it_may_be() {
        let token = |addresses: &str| {
            let text = format!(r#"{{"name":"a","role":"viewer"{addresses}}}"#);
            let token = AccessToken::made(1, [1; 32]);
            draft(&text).unwrap().made(token.accessor().clone(), token.hash(), "test".to_owned(), Timestamp::MIN)
        };
        let (inside, outside) = (Some([10, 1, 2, 3].into()), Some([192, 0, 2, 8].into()));
        let anywhere = token("");
        assert!([inside, outside, None].into_iter().all(|address| anywhere.admits_address(address)));
        let bound = token(r#","allowed_addresses":["10.0.0.0/8","192.0.2.7"]"#);
        assert!(bound.admits_address(inside) && bound.admits_address(Some([192, 0, 2, 7].into())));
        assert!(!bound.admits_address(outside) && !bound.admits_address(None), "a Unix socket is no address");
        let rotated = bound.rotated(bound.secret, DAY, None, Timestamp::MIN);
        assert_eq!(rotated.allowed_addresses, bound.allowed_addresses);
    }

    #[test]
    fn only_an_active_token_opens_and_only_by_a_secret_that_is_taken() {
        let now = Timestamp::from_millis(1_000_000_000);
        let (first, second, other) = (
            AccessToken::made(1, [1; 32]).hash(),
            AccessToken::made(1, [2; 32]).hash(),
            AccessToken::made(1, [3; 32]).hash(),
        );
        let accessor = AccessToken::made(1, [1; 32]).accessor().clone();
        let token = draft(r#"{"name":"a","role":"viewer"}"#).unwrap().made(accessor, first, "test".to_owned(), now);
        assert_eq!(token.verify(&first, now), Some(ShownSecret::Current));
        assert_eq!(token.verify(&other, now), None);
        assert_eq!(token.verify(&first, now + DAY * 90), None, "it has expired");
        let rotated = token.rotated(second, DAY, None, now + DAY);
        let verify = |secret, at| rotated.verify(secret, now + at);
        assert_eq!(verify(&second, DAY), Some(ShownSecret::Current));
        assert_eq!(verify(&first, DAY * 2 - Duration::from_millis(1)), Some(ShownSecret::Previous));
        assert_eq!((verify(&first, DAY * 2), verify(&other, DAY)), (None, None));
        assert_eq!(rotated.expires_at, now + DAY * 91);
        let at_once = token.rotated(second, Duration::ZERO, Some(DAY), now);
        assert_eq!((at_once.verify(&first, now), at_once.expires_at), (None, now + DAY));
        let late = TokenRecord { not_before: Some(now + DAY), ..token.clone() };
        assert_eq!((late.status(now), late.verify(&first, now)), (TokenStatus::Waiting, None));
        let by_certificate = TokenRecord { certificate_name: Some("a.example".parse().unwrap()), ..token.clone() };
        assert_eq!((by_certificate.status(now), by_certificate.verify(&first, now)), (TokenStatus::Active, None));
        let revoked = TokenRecord { revoked_at: Some(now), ..token };
        assert_eq!((revoked.status(now), revoked.verify(&first, now)), (TokenStatus::Revoked, None));
    }
}
