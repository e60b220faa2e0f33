//! The audit log: what people did, and what they were kept from.
//!
//! Each entry says when, by which request, who, from where, what, to what, and how it ended. It never holds a payload, a result or
//! a secret. Entries are linked to a [`chain`] of hashes, so that whoever changes the log afterwards is found out.

pub mod chain;
mod entry;

pub use self::chain::AuditRecord;
pub use self::entry::{AuditEntry, AuditFilter, AuditOutcome};
