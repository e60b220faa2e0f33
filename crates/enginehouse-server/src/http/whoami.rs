//! Who calls: what a user interface asks before it offers anything.

use axum::extract::Extension;
use enginehouse_api::whoami::WhoAmI;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use strum::VariantArray;

use super::json::Json;
use super::problem::ListProblems;

/// Show who you are: your token, and what it permits. Any token may ask.
#[utoipa::path(get, path = "/v1/whoami", tag = "tokens", operation_id = "whoami",
    extensions(("x-permission" = json!({ "any_of": Permission::VARIANTS.iter().map(|one| one.name()).collect::<Vec<_>>(), "selectors": true }))),
    responses((status = 200, description = "Who calls.", body = WhoAmI), ListProblems))]
pub(super) async fn whoami(Extension(principal): Extension<Principal>) -> Json<WhoAmI> {
    Json(WhoAmI::of(&principal, env!("CARGO_PKG_VERSION")))
}
