//! The audit log: look, and read the chain.

use axum::extract::State;
use enginehouse_api::audit::{AuditChain, AuditChainQuery, AuditItem, AuditPage, AuditQuery};
use enginehouse_api::page::{ListKind, PageQuery};
use enginehouse_core::access::role::Permission;

use super::app::App;
use super::json::Json;
use super::params::{Query, listed};
use super::problem::{ListProblems, ProblemResponse};

/// List what people did, and what they were kept from, newest first.
///
/// Changes that engines make as they work are not in it: metrics and the histories of events have those.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", extensions(("x-permission" = json!({ "any_of": [Permission::AuditRead.name()], "selectors": false }))),
    params(AuditQuery, PageQuery),
    responses((status = 200, description = "A page of entries. It may be short and still have a successor.", body = AuditPage), ListProblems))]
pub(super) async fn list_audit(State(app): State<App>, query: Query) -> Result<Json<AuditPage>, ProblemResponse> {
    let (filter, page) = query.read(AuditQuery::read)?;
    let rows = app.store().audit(&filter, &page).await?;
    Ok(Json(listed(ListKind::Audit, rows, AuditItem::from)))
}

/// Read the audit log in the order of its chain, oldest first: to keep a copy, and to verify that nobody has changed it.
///
/// The hash of an entry covers what it says and the hash of the one before it. `enginehouse audit verify` compares them.
#[utoipa::path(get, path = "/v1/audit/chain", tag = "audit", extensions(("x-permission" = json!({ "any_of": [Permission::AuditRead.name()], "selectors": false }))),
    params(AuditChainQuery), responses((status = 200, description = "A part of the chain.", body = AuditChain), ListProblems))]
pub(super) async fn read_audit_chain(
    State(app): State<App>,
    query: Query,
) -> Result<Json<AuditChain>, ProblemResponse> {
    let range = query.read(AuditChainQuery::read)?;
    let page = app.store().audit_chain(range.after, range.limit).await?;
    Ok(Json(AuditChain {
        items: page.records.into_iter().map(AuditItem::from).collect(),
        head: page.ends.head.map(Into::into),
        deleted: page.ends.deleted.map(Into::into),
        unlinked: page.unlinked,
    }))
}
