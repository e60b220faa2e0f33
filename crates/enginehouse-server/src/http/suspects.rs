//! Who fails more than others do.

use axum::extract::{Extension, State};
use enginehouse_api::suspects::{SuspectList, SuspectView};
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::blame::SuspectSubject;

use super::app::App;
use super::json::Json;
use super::problem::{ListProblems, ProblemResponse};

/// How many suspects one answer names.
const MAX_SUSPECTS: usize = 100;

/// List engines and versions that fail more than others do at the same work, the surest first.
///
/// It is advice, by the attempts that this server has seen the end of since it was started.
#[utoipa::path(get, path = "/v1/suspects", tag = "house", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesRead.name()], "selectors": true }))),
    responses((status = 200, description = "Who is suspect.", body = SuspectList), ListProblems))]
pub(super) async fn list_suspects(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<SuspectList>, ProblemResponse> {
    let (now, within) = (app.metrics().store_now(), principal.reach());
    let mut suspects = app.dispatcher().suspects().all(now);
    suspects.retain(|suspect| is_within(&within, &suspect.subject));
    let left_out = suspects.len().saturating_sub(MAX_SUSPECTS) as u64;
    let mut named = Vec::with_capacity(suspects.len().min(MAX_SUSPECTS));
    for suspect in suspects.into_iter().take(MAX_SUSPECTS) {
        let mut view = SuspectView::from(suspect);
        if within.limit_lanes() {
            // They may be of any queue.
            view.evidence.clear();
        }
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

/// Whether selectors reach a suspect, and every event type at which it is one.
pub(super) fn is_within(within: &Selectors, subject: &SuspectSubject) -> bool {
    match subject {
        SuspectSubject::Engine { engine_id, event_types } => {
            within.admit_engine(engine_id) && event_types.iter().all(|event_type| within.admit_event_type(event_type))
        }
        SuspectSubject::EngineAt { engine_id, event_type } => {
            within.admit_engine(engine_id) && within.admit_event_type(event_type)
        }
        SuspectSubject::VersionAt { event_type, .. } => within.admit_event_type(event_type),
    }
}
