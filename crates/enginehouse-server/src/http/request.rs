//! What happens to every request, whatever it asks: it gets an id, is counted, and its problem is written and logged.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use enginehouse_api::problem::{Code, Problem};
use enginehouse_core::access::certificate_name::CertificateName;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::secret::Accessor;
use enginehouse_core::invalid::shortened;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tracing::Instrument;

use super::access_log::AnsweredRequest;
use super::actor::RequestId;
use super::answer;
use super::app::App;
use super::auth;
use super::budgets::{CallOrigin, Traffic};
use super::content_coding::AnswerCoding;
use super::docs;
use super::known_routes::{KnownRoutes, RequiredAccess};
use super::login;
use super::problem::ProblemResponse;
use super::same_origin;
use crate::access::quotas::QuotaGuard;
use crate::access::token_cache::AdmittedCaller;
use crate::dispatcher::actor::Actor;
use crate::log_limit::LogLimit;
use crate::peer::Peer;
use crate::timers::Timer;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
/// Longest id that is taken from a request.
const MAX_REQUEST_ID: usize = 64;
/// The route of a request that no call has the path of.
const NO_ROUTE: &str = "none";

/// Why a request is refused before anything else is looked at: an extension of the request, that the connection has put there.
#[derive(Clone, Debug)]
pub(crate) struct EarlyRefusal(Box<Problem>);

impl EarlyRefusal {
    pub(crate) fn new(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

/// Wraps every call.
///
/// It is one layer, for each takes memory as long as a claim waits.
pub(super) async fn observe(
    State((app, routes)): State<(App, KnownRoutes)>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Timer::now();
    let request_id: Arc<str> = given_id(request.headers()).unwrap_or_else(|| app.next_request_id()).into();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    // Shared, and no text of its own: it is kept as long as a claim waits.
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let mut caller = CallOrigin::of(&request, route, app.trusted_proxies());
    request.extensions_mut().insert(RequestId(Arc::clone(&request_id)));
    let certificate_name = request.extensions().get::<Peer>().and_then(|peer| peer.certificate_name.clone());
    let coding = AnswerCoding::asked_for(&request);
    let span = tracing::debug_span!("request", %request_id, %method, route);
    // Whether the process lives is for everybody, and asks the store for nothing.
    let is_free = routes.needs(&method, route) == RequiredAccess::Nothing;
    let mut known = match is_free || app.tokens().is_loaded() {
        true => Ok(()),
        false => Box::pin(auth::know_tokens(&app)).await,
    };
    if known.is_ok() && !is_free && auth::shows_event_token(&request) {
        known = Box::pin(auth::know_command(&mut request, &caller, &app)).await;
    }
    let (mut principal, mut over, mut share) = (Principal::Anyone, None, None);
    let (mut response, log_in) = match known.and_then(|()| admit(&mut request, &mut caller, &app, &routes)) {
        Ok((admitted, taken)) => {
            share = taken;
            request.extensions_mut().insert(caller.clone());
            if let Some(AdmittedCaller { principal: who, over: ends, .. }) = admitted {
                (principal, over) = (who, Some(ends));
            }
            let answering = next.run(request).instrument(span);
            let response = match &over {
                Some(over) => tokio::select! {
                    response = answering => response,
                    // Dropped, as if its client had hung up: what it has asked for already is carried out.
                    () = over.cancelled() => ProblemResponse::from(Problem::unauthenticated()).into_response(),
                },
                None => answering.await,
            };
            (response, None)
        }
        Err(refused) => {
            principal = request.extensions().get().cloned().unwrap_or_default();
            (refused.into_response(), login::way_to_log_in(&request).filter(|_| routes.have_pages()))
        }
    };
    if let Some(over) = over
        && response.body().size_hint().exact().is_none()
    {
        response = auth::ending(response, over, share.take());
    }
    drop(share);
    let mut response = Box::pin(answer::with_room(response, &caller, coding, &app)).await;
    let problem = response.extensions_mut().remove::<ProblemResponse>();
    let code = problem.as_ref().map(|problem| problem.document().code);
    if let Some(problem) = problem {
        log(app.metrics().log_limit(), &problem, &request_id, &method, route);
        let document = problem.document();
        if matches!(document.code, Code::Forbidden | Code::WrongSession) {
            let address = Some(caller.address().to_string().into());
            let actor = Actor { principal: principal.clone(), request_id: Some(Arc::clone(&request_id)), address };
            let (missing, call) =
                (document.missing.as_deref().unwrap_or(document.code.name()), format!("{method} {path}"));
            app.denials().note(&actor, missing, call, document.on.as_deref(), app.metrics().store_now());
        }
        response = match log_in.filter(|_| code == Some(Code::Unauthenticated)) {
            Some(log_in) => Redirect::to(&log_in).into_response(),
            None => written(problem, response, &request_id),
        };
    }
    add_headers(response.headers_mut(), &request_id, &path);
    let took = Timer::now().saturating_duration_since(began);
    let (address, status) = (caller.address(), response.status());
    app.metrics().answered(route, &method, status, took);
    let (request_id, method, path, route) = (&request_id, &method, &path, route);
    let principal =
        principal.accessor().map(Accessor::as_str).or(certificate_name.as_ref().map(CertificateName::as_str));
    AnsweredRequest { request_id, principal, address, method, path, route, status, code, took }.log();
    response
}

/// What no handler needs to look at.
fn admit(
    request: &mut Request,
    caller: &mut CallOrigin,
    app: &App,
    routes: &KnownRoutes,
) -> Result<(Option<AdmittedCaller>, Option<QuotaGuard>), ProblemResponse> {
    if let Some(EarlyRefusal(problem)) = request.extensions_mut().remove() {
        return Err((*problem).into());
    }
    same_origin::check(request)?;
    let route = request.extensions().get::<MatchedPath>().cloned();
    let needs = routes.needs(request.method(), route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str));
    let admitted = auth::admit(request, caller, needs, app)?;
    let share = caller.begin()?;
    if caller.traffic != Traffic::Control {
        app.budgets().admit(caller)?;
    }
    routes.check_query(request)?;
    Ok((admitted, share))
}

/// The id that a request brings along, if it may stand in a log as it is.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    let is_sane = (1..=MAX_REQUEST_ID).contains(&given.len()) && given.bytes().all(is_plain);
    is_sane.then(|| given.to_owned())
}

/// Logs the server's own trouble, once. While it lasts, every request meets it.
fn log(limit: &LogLimit, problem: &ProblemResponse, request_id: &str, method: &Method, route: &str) {
    let document = problem.document();
    let cause = problem.cause().unwrap_or_default();
    match document.code {
        code @ (Code::Internal | Code::StoreUnavailable) => {
            let Some(left_out) = limit.admit(code.name(), cause) else { return };
            match code {
                Code::Internal => tracing::error!(request_id, %method, route, cause, left_out, "a request failed"),
                _ => tracing::warn!(request_id, %method, route, cause, left_out, "a request met no store"),
            }
        }
        code => tracing::debug!(request_id, %method, route, %code, "a request was refused"),
    }
}

/// The problem as a document, with the headers that the response had.
fn written(problem: ProblemResponse, response: Response, request_id: &str) -> Response {
    let document = Problem { request_id: Some(request_id.to_owned()), ..problem.into_document() };
    let (mut parts, _) = response.into_parts();
    if let Some(seconds) = document.retry_after_seconds {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if document.code == Code::Timeout {
        // Whatever may still come of the body, nobody waits for it.
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if document.code == Code::Unauthenticated {
        parts.headers.insert(header::WWW_AUTHENTICATE, auth::CHALLENGE);
    }
    if document.code == Code::UnsupportedMediaType {
        parts.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    // A problem holds nothing that JSON cannot say.
    let mut body = serde_json::to_vec(&document).unwrap_or_default();
    body.push(b'\n');
    Response::from_parts(parts, Body::from(body))
}

fn add_headers(headers: &mut HeaderMap, request_id: &str, path: &str) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(docs::referrer_policy_of(path)));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(docs::policy_of(path)));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    if !path.starts_with("/v1/") {
        headers.insert(CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin"));
    }
    if docs::is_made_anew(path) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// A handler panicked: a mistake of the server, and of this request alone.
pub(super) fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let why = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let why = why.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    ProblemResponse::internal(format!("a handler panicked: {why}")).into_response()
}

pub(super) async fn no_such_method(request: Request) -> ProblemResponse {
    let (path, method) = (shortened(request.uri().path()), shortened(request.method().as_str()));
    ProblemResponse::new(Code::MethodNotAllowed, format!("{path} has no method {method}"))
}
