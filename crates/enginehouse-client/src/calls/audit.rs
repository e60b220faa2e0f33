//! Calls about the audit log.

use enginehouse_api::audit::{AuditChain, AuditChainQuery, AuditItem, AuditQuery};
use enginehouse_api::page::Page;

use super::Client;
use crate::error::Error;

impl Client {
    /// One page of what people did, newest first.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditItem>, Error> {
        self.list("/v1/audit", query).await
    }

    /// A part of the chain of the audit log, oldest first.
    pub async fn audit_chain(&self, query: &AuditChainQuery) -> Result<AuditChain, Error> {
        self.list("/v1/audit/chain", query).await
    }
}
