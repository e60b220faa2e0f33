//! Who calls: what a user interface asks before it offers anything.

use axum::extract::{Extension, State};
use enginehouse_api::whoami::WhoAmI;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use strum::VariantArray;

use super::app::App;
use super::json::Json;
use super::problem::ListProblems;

/// Show who you are: your token, and what it permits. Any token may ask.
#[utoipa::path(get, path = "/v1/whoami", tag = "tokens", operation_id = "whoami",
    extensions(("x-permission" = json!({ "any_of": Permission::VARIANTS.iter().map(|one| one.name()).collect::<Vec<_>>(), "selectors": true }))),
    responses((status = 200, description = "Who calls.", body = WhoAmI), ListProblems))]
pub(super) async fn whoami(State(app): State<App>, Extension(principal): Extension<Principal>) -> Json<WhoAmI> {
    let config = app.config();
    Json(WhoAmI {
        instance_name: config.instance_name.clone(),
        instance_color: config.instance_color,
        ..WhoAmI::of(&principal, env!("CARGO_PKG_VERSION"))
    })
}
