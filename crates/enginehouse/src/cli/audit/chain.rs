//! The chain of the audit log from its beginning to its end, by a server or from the store itself.

use std::sync::Arc;

use enginehouse_api::audit::AuditChainQuery;
use enginehouse_client::Client;
use enginehouse_core::audit::AuditRecord;
use enginehouse_core::audit::chain::ChainEnds;
use enginehouse_core::limits::MAX_PAGE;
use enginehouse_store::Store;

use super::super::cli_error::CliError;
use super::super::offline_store::{OfflineStoreArgs, store_failed};
use super::super::server_and_output::Common;

/// Reads a chain a page at a time.
pub(super) struct ChainReader {
    source: ChainSource,
    /// The position up to which it was read.
    after: i64,
    ends: ChainEnds,
    unlinked: u64,
}

enum ChainSource {
    Server(Box<Client>),
    Store(Arc<dyn Store>),
}

impl ChainReader {
    pub(super) async fn open(common: &Common, place: &OfflineStoreArgs, after: i64) -> Result<Self, CliError> {
        let source = match place.open().await? {
            Some(store) => {
                // Without a server, nobody else does.
                store.link_audit().await.map_err(store_failed)?;
                ChainSource::Store(store)
            }
            None => ChainSource::Server(Box::new(Client::clone(&common.client))),
        };
        Ok(Self { source, after, ends: ChainEnds::default(), unlinked: 0 })
    }

    /// The next entries; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<AuditRecord>>, CliError> {
        let records = match &self.source {
            ChainSource::Server(client) => {
                let query = AuditChainQuery { after: Some(self.after), limit: Some(MAX_PAGE.into()) };
                let failed = |error| CliError::call("could not read the audit log", error);
                let page = client.audit_chain(&query).await.map_err(failed)?;
                (self.ends, self.unlinked) = (page.ends(), page.unlinked);
                page.items.into_iter().map(AuditRecord::from).collect::<Vec<_>>()
            }
            ChainSource::Store(store) => {
                let page = store.audit_chain(self.after, MAX_PAGE).await.map_err(store_failed)?;
                (self.ends, self.unlinked) = (page.ends, page.unlinked);
                page.records
            }
        };
        let Some(last) = records.iter().rev().find_map(|record| record.link) else { return Ok(None) };
        self.after = last.position;
        Ok(Some(records))
    }

    /// What was answered last of the ends of the chain.
    pub(super) fn ends(&self) -> ChainEnds {
        self.ends
    }

    /// How many entries were not linked yet, as was answered last.
    pub(super) fn unlinked(&self) -> u64 {
        self.unlinked
    }
}
