//! The audit log: what people did, and what they were kept from.

use enginehouse_core::audit::chain::{ChainEnds, ChainLink};
use enginehouse_core::audit::{AuditEntry, AuditFilter, AuditOutcome, AuditRecord};
use enginehouse_core::filter::PageRequest;
use enginehouse_core::input::Value;
use enginehouse_core::json::RawJson;
use enginehouse_core::limits::{DEFAULT_PAGE, MAX_LABEL_LENGTH};
use enginehouse_core::read_fields;
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::page::{ListKind, Page, PageQuery, page_request, read_cursor, read_limit};

/// Something that somebody did, or was kept from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditItem {
    /// The number that it was given when it was written.
    pub audit_id: i64,
    /// When.
    pub at: Timestamp,
    /// The id of the request, as the access log has it; null if nobody has sent one.
    #[schema(required = true)]
    pub request_id: Option<String>,
    /// Who: the accessor of a token, `anyone` where there are no tokens, `store` for whoever has opened the store itself, or `server`
    /// for what it does by itself.
    pub principal: String,
    /// From which address the request came.
    #[schema(required = true)]
    pub address: Option<String>,
    /// What, such as `queue.pause`; of a call that was denied, the permission that is missing.
    pub action: String,
    /// To which event, engine, event type, queue or token, by its id or name; of something that was denied, the call.
    pub target: String,
    /// Whether it was done.
    pub outcome: AuditOutcome,
    /// Anything more, as an object: of settings, what they were before and are after. Never a payload or a secret.
    pub detail: RawJson,
    /// Its place in the chain, from 1; null until it is linked, which follows within a few seconds.
    #[schema(required = true)]
    pub position: Option<i64>,
    /// Its hash, over what it says and the hash of the entry before it.
    #[schema(required = true, min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    pub hash: Option<String>,
}

impl From<AuditRecord> for AuditItem {
    fn from(record: AuditRecord) -> Self {
        let AuditRecord { audit_id, entry, link } = record;
        let AuditEntry { at, request_id, principal, address, action, target, outcome, detail } = entry;
        Self {
            audit_id,
            at,
            request_id,
            principal,
            address,
            action,
            target,
            outcome,
            detail,
            position: link.map(|link| link.position),
            hash: link.map(|link| link.hash.to_string()),
        }
    }
}

impl From<AuditItem> for AuditRecord {
    /// A hash that is none makes an entry that is not linked, which nobody finds in the chain.
    fn from(item: AuditItem) -> Self {
        let AuditItem { audit_id, at, request_id, principal, address, action, target, outcome, detail, position, hash } =
            item;
        let hash = hash.and_then(|hash| hash.parse().ok());
        Self {
            audit_id,
            entry: AuditEntry { at, request_id, principal, address, action, target, outcome, detail },
            link: position.zip(hash).map(|(position, hash)| ChainLink { position, hash }),
        }
    }
}

/// One page of a list of them.
pub type AuditPage = Page<AuditItem>;

/// Which entries of the audit log to list. Newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only what they did: the accessor of a token, `anyone`, `store` or `server`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 256, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub principal: Option<String>,
    /// Only this action, or those that begin with it up to a dot or a colon: `token` is `token.create` and `token.revoke`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 256, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub action: Option<String>,
    /// Only what was done to this event, engine, event type, queue or token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 256, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub target: Option<String>,
    /// Only what was done, or only what was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AuditOutcome>,
    /// Only from this moment on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Only before this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    #[serde(flatten)]
    #[param(ignore)]
    pub page: PageQuery,
}

impl AuditQuery {
    pub fn read(value: Value<'_>) -> Option<(AuditFilter, PageRequest)> {
        read_fields!(value;
            principal: optional(|value| value.line(1..=MAX_LABEL_LENGTH)),
            action: optional(|value| value.line(1..=MAX_LABEL_LENGTH)),
            target: optional(|value| value.line(1..=MAX_LABEL_LENGTH)),
            outcome: optional(|value| value.word()),
            from: optional(|value| value.parsed()),
            until: optional(|value| value.parsed()),
            limit: optional(read_limit),
            cursor: optional(|value| read_cursor(value, ListKind::Audit)),
        );
        Some((AuditFilter { principal, action, target, outcome, from, until }, page_request(limit, cursor)))
    }
}

/// From where on to read the chain of the audit log, and how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditChainQuery {
    /// The position behind which to begin; from the oldest entry that is kept if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub after: Option<i64>,
    /// Most entries of the answer; 1 to 1,000, 50 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1_000)]
    pub limit: Option<u64>,
}

/// A part of a chain that was asked for, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainRange {
    pub after: i64,
    pub limit: u32,
}

impl AuditChainQuery {
    pub fn read(value: Value<'_>) -> Option<ChainRange> {
        read_fields!(value;
            after: optional(|value| value.whole(0..=9_007_199_254_740_991_i64)),
            limit: optional(read_limit),
        );
        Some(ChainRange { after: after.unwrap_or(0), limit: limit.unwrap_or(DEFAULT_PAGE) })
    }
}

/// A place in the chain of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditLink {
    /// Counts from 1, without a gap.
    pub position: i64,
    /// The hash of the entry there.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    pub hash: String,
}

impl From<ChainLink> for AuditLink {
    fn from(ChainLink { position, hash }: ChainLink) -> Self {
        Self { position, hash: hash.to_string() }
    }
}

impl AuditLink {
    /// The link; none if its hash is none.
    pub fn link(&self) -> Option<ChainLink> {
        Some(ChainLink { position: self.position, hash: self.hash.parse().ok()? })
    }
}

/// Entries of the audit log in the order of the chain, with what the store says of its ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditChain {
    /// Entries from behind `after` on. Once they reach `head`, no more follow.
    pub items: Vec<AuditItem>,
    /// The newest entry that is linked; null if there never was one. Keep a copy of its hash where nobody who may write to the store
    /// can change it.
    #[schema(required = true)]
    pub head: Option<AuditLink>,
    /// The newest that was deleted because its retention was over: from it the chain goes on. Null if none was.
    #[schema(required = true)]
    pub deleted: Option<AuditLink>,
    /// How many entries are not linked yet.
    pub unlinked: u64,
}

impl AuditChain {
    pub fn ends(&self) -> ChainEnds {
        let link = |link: &Option<AuditLink>| link.as_ref().and_then(AuditLink::link);
        ChainEnds { head: link(&self.head), deleted: link(&self.deleted) }
    }
}
