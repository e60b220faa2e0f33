//! Who calls, and whether they may: decided before anything of the body is read.
//!
//! What a call needs stands where it is declared, as `x-permission` of its description. A call without it is permitted to nobody.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use enginehouse_api::problem::Problem;
use enginehouse_core::access::certificate_name::CertificateName;
use enginehouse_core::access::event_token::EventToken;
use enginehouse_core::access::principal::{CommandGrant, Principal};
use enginehouse_core::access::role::Permission;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::ids::EngineId;
use enginehouse_core::invalid::shortened;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Method, header};
use tokio_util::sync::CancellationToken;

use super::app::App;
use super::budgets::CallOrigin;
use super::known_routes::RequiredAccess;
use super::problem::ProblemResponse;
use super::{same_origin, session_cookie};
use crate::access::quotas::QuotaGuard;
use crate::access::token_cache::{AdmittedCaller, Credentials, Unauthenticated};
use crate::peer::Peer;
use crate::trusted_proxies::TrustedProxies;

/// What is asked of whoever shows nothing that opens.
pub(super) const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer error=\"invalid_token\"");

/// Reads the tokens, if they were not read before: the first request of a server does.
pub(super) async fn know_tokens(app: &App) -> Result<(), ProblemResponse> {
    // It brings the store's time, by which tokens are judged.
    app.dispatcher().sweep().await?;
    Ok(app.tokens().load(app.store()).await?)
}

/// Who makes a call that needs something; none if it needs nothing.
pub(super) fn admit(
    request: &mut Request,
    origin: &mut CallOrigin,
    needs: RequiredAccess<'_>,
    app: &App,
) -> Result<Option<AdmittedCaller>, ProblemResponse> {
    let (any_of, keeps_to_selectors) = match needs {
        RequiredAccess::Nothing => return Ok(None),
        RequiredAccess::AnyOf(permissions, keeps_to_selectors) => (permissions, keeps_to_selectors),
    };
    let caller = match request.extensions_mut().remove::<Arc<CommandGrant>>() {
        Some(grant) => {
            AdmittedCaller { principal: Principal::Command(grant), over: CancellationToken::new(), usage: None }
        }
        None => {
            let now = app.metrics().store_now();
            let session = session_cookie::shown(request);
            let caller = match (bearer(request.headers()), &session) {
                // What a person has put there by hand counts, and not what a browser adds to it.
                (None, Some(session)) => {
                    same_origin::check_session(request)?;
                    app.tokens().caller_of_session(session, origin.ip, now)
                }
                (token, _) => {
                    let certificate = certificate(request, app.trusted_proxies());
                    app.tokens().caller(Credentials { token, certificate, address: origin.ip }, now)
                }
            };
            caller.map_err(|why| refused(&why, origin, app))?
        }
    };
    request.headers_mut().remove(header::AUTHORIZATION);
    request.headers_mut().remove(header::COOKIE);
    // Also for whoever is refused: logs and the audit log name them.
    request.extensions_mut().insert(caller.principal.clone());
    if !any_of.iter().any(|permission| caller.principal.may(*permission)) {
        app.metrics().access_refused("forbidden");
        let missing = any_of.first().copied().map_or("", Permission::name);
        tracing::debug!(principal = %caller.principal, missing, "a token does not permit a call");
        return Err(Problem::forbidden(missing, None).into());
    }
    if let Some(selectors) = caller.principal.selectors()
        && let Err(refused) = check_reach(selectors, any_of, keeps_to_selectors, request)
    {
        app.metrics().access_refused("forbidden");
        return Err(refused);
    }
    if let Principal::Command(grant) = &caller.principal
        && path_part(request, "/v1/events/{event_id}").and_then(|id| id.parse().ok()) != Some(grant.event_id)
    {
        app.metrics().access_refused("forbidden");
        return Err(
            Problem::forbidden(Permission::AttemptsSettle, Some("an event that is not its own".to_owned())).into()
        );
    }
    origin.token.clone_from(&caller.usage);
    Ok(Some(caller))
}

/// Whether a call shows what is meant to be the token of an attempt.
pub(super) fn shows_event_token(request: &Request) -> bool {
    bearer(request.headers()).is_some_and(EventToken::is_meant_by)
}

/// Looks whether a call shows the token of an attempt that is under way, or that it has settled: then it is of its command. The
/// store is asked, which no other call needs before it is admitted; so an address that shows many wrong ones is not looked up.
pub(super) async fn know_command(request: &mut Request, origin: &CallOrigin, app: &App) -> Result<(), ProblemResponse> {
    let Some(Ok(token)) = bearer(request.headers()).map(str::parse::<EventToken>) else { return Ok(()) };
    if app.tokens().is_open() || app.failed_logins().is_over(origin.address()) {
        return Ok(());
    }
    let Some(record) = app.store().event(token.event_id()).await? else { return Ok(()) };
    let state = record.event.state;
    let lock = state.lock.map(|lock| lock.token).or(state.settled.map(|settled| settled.token));
    let (Some(lock), Some(engine_id)) = (lock, state.engine_id) else { return Ok(()) };
    let session = app.store().engine(&engine_id).await?.and_then(|(engine, _)| engine.session);
    if session.is_some_and(|session| token.is_of(&session, lock)) {
        request.extensions_mut().insert(Arc::new(CommandGrant { event_id: token.event_id(), lock }));
    }
    Ok(())
}

/// Refuses a call that tells of everything to a token with selectors, and one about an engine that they do not reach.
fn check_reach(
    selectors: &Selectors,
    any_of: &[Permission],
    keeps_to_selectors: bool,
    request: &Request,
) -> Result<(), ProblemResponse> {
    let missing = any_of.first().copied().map_or("", Permission::name);
    if !keeps_to_selectors {
        return Err(Problem::forbidden(missing, Some("everything: the token has selectors".to_owned())).into());
    }
    let Some(engine_id) = engine_of(request) else { return Ok(()) };
    match engine_id.parse::<EngineId>() {
        Ok(engine_id) if selectors.admit_engine(&engine_id) => Ok(()),
        // Only a registration is of an engine that need not be there.
        Ok(engine_id) if request.method() != Method::PUT => Err(Problem::engine_not_registered(&engine_id).into()),
        _ => Err(Problem::forbidden(missing, Some(format!("engine {}", shortened(engine_id)))).into()),
    }
}

/// The engine in the path of a call, as it is written there.
fn engine_of(request: &Request) -> Option<&str> {
    path_part(request, "/v1/engines/{engine_id}")
}

/// What stands in the path of a call where its route has an id, if the route begins so.
fn path_part<'a>(request: &'a Request, route: &str) -> Option<&'a str> {
    request.extensions().get::<MatchedPath>()?.as_str().strip_prefix(route)?;
    request.uri().path().split('/').nth(3)
}

/// The name in the certificate of a client that sends nothing else. That of a proxy says nothing of its clients.
fn certificate<'a>(request: &'a Request, proxies: &TrustedProxies) -> Option<&'a CertificateName> {
    let peer: &Peer = request.extensions().get()?;
    let counts = !request.headers().contains_key(header::AUTHORIZATION) && !proxies.trust(peer.ip);
    peer.certificate_name.as_ref().filter(|_| counts)
}

/// What stands behind `Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whoever has a token that is not for their address is told what they would be told without one.
pub(super) fn refused(why: &Unauthenticated, origin: &CallOrigin, app: &App) -> ProblemResponse {
    if let Unauthenticated::NotFromThere(accessor) = why {
        app.metrics().access_refused("address_not_allowed");
        tracing::debug!(principal = %accessor, address = %origin.address(), "a token is not for the address that it is used from");
    }
    if app.failed_logins().is_too_many(origin.address()) {
        app.metrics().access_refused("throttled");
        let detail = "this address sends many tokens that are not valid".to_owned();
        return Problem { detail, ..Problem::overloaded(1) }.into();
    }
    if *why == Unauthenticated::NoToken {
        app.metrics().access_refused("unauthenticated");
    }
    Problem::unauthenticated().into()
}

/// An answer that goes on, ended when its caller is no caller any more. Until its end it keeps its part of a share.
pub(super) fn ending(response: Response, over: CancellationToken, share: Option<QuotaGuard>) -> Response {
    let (parts, body) = response.into_parts();
    let parts_of_body = body.into_data_stream().take_until(over.cancelled_owned());
    let parts_of_body = parts_of_body.inspect(move |_| {
        let _until_the_end = &share;
    });
    Response::from_parts(parts, Body::from_stream(parts_of_body))
}
