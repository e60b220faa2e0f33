//! Who calls, and whether they may: decided before anything of the body is read.
//!
//! What a call needs stands where it is declared, as `x-permission` of its description. A call without it is permitted to nobody.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use enginehouse_api::problem::Problem;
use enginehouse_core::access::role::Permission;
use futures_util::StreamExt;
use http::{HeaderMap, header};
use tokio_util::sync::CancellationToken;

use super::app::App;
use super::budgets::CallOrigin;
use super::known_routes::Needs;
use super::problem::ProblemResponse;
use crate::access::token_cache::Caller;

/// Reads the tokens, if they were not read before: the first request of a server does.
pub(super) async fn know_tokens(app: &App) -> Result<(), ProblemResponse> {
    // It brings the store's time, by which tokens are judged.
    app.dispatcher().sweep().await?;
    Ok(app.tokens().load(app.store()).await?)
}

/// Who makes a call that needs something; none if it needs nothing.
pub(super) fn admit(
    request: &mut Request,
    origin: CallOrigin,
    needs: Needs<'_>,
    app: &App,
) -> Result<Option<Caller>, ProblemResponse> {
    let any_of = match needs {
        Needs::Nothing => return Ok(None),
        Needs::AnyOf(permissions) => permissions,
    };
    let shown = bearer(request.headers());
    let caller = app.tokens().caller(shown, app.metrics().store_now()).map_err(|_| refused(origin, app))?;
    request.headers_mut().remove(header::AUTHORIZATION);
    if !any_of.iter().any(|permission| caller.principal.may(*permission)) {
        app.metrics().access_refused("forbidden");
        let missing = any_of.first().copied().map_or("", Permission::name);
        tracing::debug!(principal = %caller.principal, missing, "a token does not permit a call");
        return Err(Problem::forbidden(missing, None).into());
    }
    request.extensions_mut().insert(caller.principal.clone());
    Ok(Some(caller))
}

/// What stands behind `Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn refused(origin: CallOrigin, app: &App) -> ProblemResponse {
    if app.failed_logins().is_too_many(origin.address) {
        app.metrics().access_refused("throttled");
        let detail = "this address sends many tokens that are not valid".to_owned();
        return Problem { detail, ..Problem::overloaded(1) }.into();
    }
    app.metrics().access_refused("unauthenticated");
    Problem::unauthenticated().into()
}

/// An answer that goes on, ended when its caller is no caller any more.
pub(super) fn ending(response: Response, over: CancellationToken) -> Response {
    let (parts, body) = response.into_parts();
    let parts_of_body = body.into_data_stream().take_until(over.cancelled_owned());
    Response::from_parts(parts, Body::from_stream(parts_of_body))
}
