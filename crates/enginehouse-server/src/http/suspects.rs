//! Who fails more than others do.

use axum::extract::State;
use enginehouse_api::suspects::{SuspectList, SuspectView};

use super::app::App;
use super::json::Json;
use super::problem::{ListProblems, ProblemResponse};

/// How many suspects one answer names.
const MAX_SUSPECTS: usize = 100;

/// List engines and versions that fail more than others do at the same work, the surest first.
///
/// It is advice, by the attempts that this server has seen the end of since it was started.
#[utoipa::path(get, path = "/v1/suspects", tag = "house",
    responses((status = 200, description = "Who is suspect.", body = SuspectList), ListProblems))]
pub(super) async fn list_suspects(State(app): State<App>) -> Result<Json<SuspectList>, ProblemResponse> {
    let now = app.metrics().store_now();
    let suspects = app.dispatcher().suspects().all(now);
    let left_out = suspects.len().saturating_sub(MAX_SUSPECTS) as u64;
    let suspects = suspects.into_iter().take(MAX_SUSPECTS).map(SuspectView::from).collect();
    Ok(Json(SuspectList { suspects, left_out, as_of: now }))
}
