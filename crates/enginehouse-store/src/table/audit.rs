//! What people did, and the chain that it is linked to. The store numbers the entries.

use std::borrow::Cow;

use enginehouse_core::audit::chain::{ChainEnds, ChainHash, ChainLink};
use enginehouse_core::audit::{AuditEntry, AuditOutcome, AuditRecord};
use enginehouse_core::time::Timestamp;

use super::column::{Cells, ColumnGroup, ColumnValue, Unexpected, columns, raw_json};

columns! {
    pub(crate) struct AuditColumns<'a> {
        at: Timestamp as Time,
        request_id: Option<Cow<'a, str>> as Text,
        principal: &'a str as Text,
        address: Option<Cow<'a, str>> as Text,
        action: &'a str as Text,
        target: &'a str as Text,
        outcome: AuditOutcome as Text,
        detail: &'a str as Json,
    }
}

impl<'a> AuditColumns<'a> {
    pub(crate) fn of(entry: &'a AuditEntry) -> Self {
        let AuditEntry { at, request_id, principal, address, action, target, outcome, detail } = entry;
        let (request_id, address) = (request_id.as_deref(), address.as_deref());
        Self {
            at: *at,
            request_id: request_id.map(Cow::Borrowed),
            principal,
            address: address.map(Cow::Borrowed),
            action,
            target,
            outcome: *outcome,
            detail: detail.as_str(),
        }
    }

    pub(crate) fn into_entry(self) -> Result<AuditEntry, Unexpected> {
        Ok(AuditEntry {
            at: self.at,
            request_id: self.request_id.map(Cow::into_owned),
            principal: self.principal.to_owned(),
            address: self.address.map(Cow::into_owned),
            action: self.action.to_owned(),
            target: self.target.to_owned(),
            outcome: self.outcome,
            detail: raw_json("detail", self.detail)?,
        })
    }
}

columns! {
    /// The place of an entry in the chain.
    pub(crate) struct AuditLinkColumns<'a> {
        position: Option<i64> as Long,
        hash: Option<&'a [u8]> as Bytes,
    }
}

impl<'a> AuditLinkColumns<'a> {
    pub(crate) fn of(link: &'a ChainLink) -> Self {
        Self { position: Some(link.position), hash: Some(link.hash.as_bytes()) }
    }

    /// The link; none if the entry was not linked yet.
    pub(crate) fn into_link(self) -> Result<Option<ChainLink>, Unexpected> {
        let Some((position, hash)) = self.position.zip(self.hash) else { return Ok(None) };
        let bytes = hash.try_into().map_err(|_| Unexpected::new("hash", "not 32 bytes"))?;
        Ok(Some(ChainLink { position, hash: ChainHash::from_bytes(bytes) }))
    }
}

columns! {
    /// An end of the chain.
    pub(crate) struct ChainEndColumns<'a> {
        name: &'a str as Text,
        position: i64 as Long,
        hash: [u8; 32] as Bytes,
    }
}

impl<'a> ChainEndColumns<'a> {
    pub(crate) fn of(name: &'a str, link: &ChainLink) -> Self {
        Self { name, position: link.position, hash: *link.hash.as_bytes() }
    }

    pub(crate) fn into_link(self) -> ChainLink {
        ChainLink { position: self.position, hash: ChainHash::from_bytes(self.hash) }
    }

    /// Whether it is the newest entry, and which one it is.
    pub(crate) fn into_end(self) -> (bool, ChainLink) {
        (self.name == HEAD, self.into_link())
    }
}

/// The ends of the chain from their rows, of which each says whether it is the newest entry.
pub(crate) fn chain_ends(rows: Vec<(bool, ChainLink)>) -> ChainEnds {
    let mut ends = ChainEnds::default();
    for (is_head, link) in rows {
        if is_head { ends.head = Some(link) } else { ends.deleted = Some(link) }
    }
    ends
}

/// The row of the newest entry.
pub(crate) const HEAD: &str = "head";
/// The row of the newest entry that was deleted.
pub(crate) const DELETED: &str = "deleted";

/// Reads an entry as it is kept: its number, what it says, and its link.
///
/// # Errors
/// What is wrong with the row.
pub(crate) fn read_record<'a, C: Cells<'a>>(cells: &mut C) -> Result<AuditRecord, C::Error> {
    let audit_id = i64::from_cell(cells.next_cell()?).map_err(|what| Unexpected { column: "audit_id", what })?;
    let entry = AuditColumns::read(cells)?.into_entry()?;
    let link = AuditLinkColumns::read(cells)?.into_link()?;
    Ok(AuditRecord { audit_id, entry, link })
}
