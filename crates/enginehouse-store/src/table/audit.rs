//! What operators did. The store numbers the entries.

use enginehouse_core::time::Timestamp;

use super::column::{Unexpected, columns, raw_json};
use crate::rows::AuditEntry;

columns! {
    pub(crate) struct AuditColumns<'a> {
        at: Timestamp as Time,
        action: &'a str as Text,
        target: &'a str as Text,
        detail: &'a str as Json,
    }
}

impl<'a> AuditColumns<'a> {
    pub(crate) fn of(entry: &'a AuditEntry) -> Self {
        let AuditEntry { at, action, target, detail } = entry;
        Self { at: *at, action, target, detail: detail.as_str() }
    }

    pub(crate) fn into_entry(self) -> Result<AuditEntry, Unexpected> {
        Ok(AuditEntry {
            at: self.at,
            action: self.action.to_owned(),
            target: self.target.to_owned(),
            detail: raw_json("detail", self.detail)?,
        })
    }
}
