//! What the audit log is told beside changes: calls that were denied, and tokens that are used from where they were not before.
//!
//! Neither is written while its call waits. It is gathered in memory, of which it takes a bounded amount, and written together.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use enginehouse_core::access::secret::Accessor;
use enginehouse_core::audit::{AuditEntry, AuditOutcome};
use enginehouse_core::time::Timestamp;

use super::actor::Actor;
use super::context::TransactionContext;
use super::operation::Operation;
use super::reply::OperationResult;
use crate::budget::ClientAddress;

/// The action of the entry that says from which address a token was used for the first time.
const FIRST_USE: &str = "token.first_use";

/// That a token was used from an address that this server has not seen it from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FirstUse {
    pub(crate) accessor: Accessor,
    pub(crate) address: ClientAddress,
    pub(crate) at: Timestamp,
}

/// Write these down.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteAuditNotes {
    pub(crate) denials: Vec<AuditEntry>,
    pub(crate) first_uses: Vec<FirstUse>,
}

#[async_trait(?Send)]
impl Operation for WriteAuditNotes {
    type Answer = ();

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<()> {
        context.audit_entries.extend(self.denials.iter().cloned());
        let mut known: HashMap<&Accessor, HashSet<String>> = HashMap::new();
        for FirstUse { accessor, address, at } in &self.first_uses {
            // Another server may have seen it, or this one before it was started anew.
            if !known.contains_key(accessor) {
                let noted = context.transaction.token_addresses(accessor).await?;
                known.insert(accessor, noted.into_iter().collect());
            }
            let address = address.to_string();
            if known.get_mut(accessor).is_some_and(|known| known.insert(address.clone())) {
                let entry = Actor::SERVER.entry(
                    *at,
                    (FIRST_USE, accessor.to_string()),
                    AuditOutcome::Done,
                    &serde_json::json!({}),
                );
                let principal = accessor.to_string();
                context.audit_entries.push(AuditEntry { principal, address: Some(address), ..entry });
            }
        }
        Ok(Ok(()))
    }
}
