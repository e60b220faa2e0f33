//! Access tokens: what callers prove themselves with.

use std::time::Duration;

use enginehouse_core::access::certificate_name::CertificateName;
use enginehouse_core::access::network::Network;
use enginehouse_core::access::role::Role;
use enginehouse_core::access::secret::Accessor;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::access::token::{TokenRecord, TokenStatus, read_life};
use enginehouse_core::ids::TokenName;
use enginehouse_core::input::Value;
use enginehouse_core::limits::MAX_TOKEN_OVERLAP;
use enginehouse_core::read_fields;
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::page::Page;

/// A token to be made. [`TokenDraft`](enginehouse_core::access::token::TokenDraft) reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTokenRequest {
    /// What people call it. No other token that is not revoked may have the name.
    pub name: TokenName,
    /// What it is for.
    pub role: Role,
    /// Whether an operator may read payloads, results and error details, too. No other role takes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_payloads: bool,
    /// On what it may act; on everything if absent.
    #[serde(default, skip_serializing_if = "Selectors::is_empty")]
    pub selectors: Selectors,
    /// From where it may be used: addresses and networks; from anywhere if absent. With them, it is not used by way of a Unix
    /// socket, unless a trusted proxy says from where.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, min_items = 1, max_items = 100)]
    pub allowed_addresses: Vec<Network>,
    /// The name in the certificates of clients, whose calls need no other token then. Such a token has no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_name: Option<CertificateName>,
    /// From when on it is valid; from now on if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// How long it is valid from then on: 30 days for an admin and 90 for all others if absent, ten years at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 60, maximum = 315_360_000)]
    pub expires_in_seconds: Option<u64>,
}

/// A new secret for a token. The body may be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateTokenRequest {
    /// For how long the present secret is taken, too; a day if absent, 90 at most, 0 for not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 7_776_000)]
    pub overlap_seconds: Option<u64>,
    /// How long the token is valid from now on; as long as a new one of its role if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 60, maximum = 315_360_000)]
    pub expires_in_seconds: Option<u64>,
}

/// A rotation that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    pub overlap: Duration,
    pub life: Option<Duration>,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { overlap: Duration::from_secs(86_400), life: None }
    }
}

impl RotateTokenRequest {
    pub fn read(value: Value<'_>) -> Option<Rotation> {
        read_fields!(value;
            overlap_seconds: optional(|value| value.whole(0..=MAX_TOKEN_OVERLAP.as_secs())),
            expires_in_seconds: optional(read_life),
        );
        let overlap = overlap_seconds.map_or(Rotation::default().overlap, Duration::from_secs);
        Some(Rotation { overlap, life: expires_in_seconds })
    }
}

/// What is kept of a token: nothing of its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Names it: the part of the token behind `eh1_`, which is no secret.
    pub accessor: Accessor,
    /// What people call it.
    pub name: TokenName,
    /// What it is for.
    pub role: Role,
    /// Whether it is an operator's that may read payloads, results and error details, too.
    pub read_payloads: bool,
    /// On what it may act.
    pub selectors: Selectors,
    /// From where it may be used; from anywhere if empty.
    #[serde(default)]
    #[schema(required = true, max_items = 100)]
    pub allowed_addresses: Vec<Network>,
    /// The name in the certificates that open it instead of a text.
    #[serde(default)]
    #[schema(required = true)]
    pub certificate_name: Option<CertificateName>,
    /// Whether it opens anything now.
    pub status: TokenStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it: the accessor of a token, or `store` for whoever had the store itself.
    pub created_by: String,
    /// From when on it is valid.
    #[schema(required = true)]
    pub not_before: Option<Timestamp>,
    /// Until when it is valid.
    pub expires_at: Timestamp,
    /// When its secret was last used, a minute more or less.
    #[schema(required = true)]
    pub last_used_at: Option<Timestamp>,
    /// When it was last given a new secret.
    #[schema(required = true)]
    pub rotated_at: Option<Timestamp>,
    /// Until when the secret from before that is taken, too.
    #[schema(required = true)]
    pub previous_secret_until: Option<Timestamp>,
    /// When that one was last used: null once nobody does any more.
    #[schema(required = true)]
    pub previous_secret_used_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(required = true)]
    pub revoked_at: Option<Timestamp>,
    /// Who revoked it.
    #[schema(required = true)]
    pub revoked_by: Option<String>,
}

impl TokenView {
    pub fn of(token: TokenRecord, now: Timestamp) -> Self {
        let status = token.status(now);
        Self {
            accessor: token.accessor,
            name: token.name,
            role: token.role,
            read_payloads: token.reads_payloads,
            selectors: token.selectors,
            allowed_addresses: token.allowed_addresses,
            certificate_name: token.certificate_name,
            status,
            created_at: token.created_at,
            created_by: token.created_by,
            not_before: token.not_before,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            rotated_at: token.rotated_at,
            previous_secret_until: token.previous.map(|previous| previous.expires_at),
            previous_secret_used_at: token.previous.and_then(|previous| previous.last_used_at),
            revoked_at: token.revoked_at,
            revoked_by: token.revoked_by,
        }
    }
}

/// One page of a list of them.
pub type TokenPage = Page<TokenView>;

/// A token with its text, which is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// What its bearer sends, as `Authorization: Bearer`. Nobody can show it again. Null if certificates open it.
    #[schema(required = true)]
    pub token: Option<String>,
    /// What is kept of it.
    pub kept: TokenView,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewToken({})", self.kept.accessor)
    }
}
