//! Who fails more than others do.

use axum::extract::State;
use enginehouse_api::suspects::{SuspectList, SuspectView};
use enginehouse_core::access::role::Permission;

use super::app::App;
use super::json::Json;
use super::problem::{ListProblems, ProblemResponse};

/// How many suspects one answer names.
const MAX_SUSPECTS: usize = 100;

/// List engines and versions that fail more than others do at the same work, the surest first.
///
/// It is advice, by the attempts that this server has seen the end of since it was started.
#[utoipa::path(get, path = "/v1/suspects", tag = "house", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesRead.name()], "selectors": false }))),
    responses((status = 200, description = "Who is suspect.", body = SuspectList), ListProblems))]
pub(super) async fn list_suspects(State(app): State<App>) -> Result<Json<SuspectList>, ProblemResponse> {
    let now = app.metrics().store_now();
    let suspects = app.dispatcher().suspects().all(now);
    let left_out = suspects.len().saturating_sub(MAX_SUSPECTS) as u64;
    let mut named = Vec::with_capacity(suspects.len().min(MAX_SUSPECTS));
    for suspect in suspects.into_iter().take(MAX_SUSPECTS) {
        let mut view = SuspectView::from(suspect);
        if let Some(engine_id) = &view.engine_id {
            let found = app.store().engine(engine_id).await?.map(|(engine, _)| engine);
            view.quarantine = found.as_ref().and_then(|engine| engine.quarantine_at(now).cloned());
            let mut automatic = found.map(|engine| engine.automatic_quarantines).unwrap_or_default();
            automatic.retain(|of| of.over_at.is_none() && view.event_types.contains(&of.event_type));
            view.automatic_quarantines = automatic;
        }
        named.push(view);
    }
    Ok(Json(SuspectList { suspects: named, left_out, as_of: now }))
}
