//! Idempotency keys: release one.

use std::sync::Arc;

use axum::extract::State;
use enginehouse_api::idempotency_keys::{ReleaseKeyQuery, ReleasedKey};
use enginehouse_core::access::role::Permission;

use super::app::App;
use super::json::Json;
use super::params::Query;
use super::problem::{KeyProblems, ProblemResponse};
use crate::dispatcher::actor::Actor;
use crate::dispatcher::release_key::ReleaseKey;

/// Release an idempotency key.
///
/// The event that has it stays as it is, but for its key; the next enqueue with the key makes a new event.
#[utoipa::path(delete, path = "/v1/idempotency-keys", tag = "events", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name()], "selectors": true }))), params(ReleaseKeyQuery), responses(
    (status = 200, description = "The key is free, and the event that had it is named.", body = ReleasedKey),
    KeyProblems,
))]
pub(super) async fn release_idempotency_key(
    State(app): State<App>,
    by: Actor,
    query: Query,
) -> Result<Json<ReleasedKey>, ProblemResponse> {
    let ReleaseKeyQuery { idempotency_key } = query.read(ReleaseKeyQuery::read)?;
    let event_id = app
        .dispatcher()
        .execute_for(&by, ReleaseKey { idempotency_key: Arc::from(&*idempotency_key), within: by.reach() })
        .await?;
    Ok(Json(ReleasedKey { idempotency_key, event_id }))
}
