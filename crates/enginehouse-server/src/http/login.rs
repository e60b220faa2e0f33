//! Logging in with a browser: a person shows a token once, and the browser has a session from then on.
//!
//! The pages are plain HTML. What a person wrote, or is called, stands in them with its signs escaped.

use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use enginehouse_api::problem::Code;
use http::{HeaderValue, Method, StatusCode, header};

use super::app::App;
use super::body;
use super::problem::ProblemResponse;
use super::same_origin::SEC_FETCH_SITE;
use super::session_cookie::{self, CookieKind};
use super::visitor::Visitor;
use super::way_up::way_up;
use super::{auth, html};
use crate::access::token_cache::NewSession;

/// Most bytes of what is sent to log in.
const MAX_FORM: usize = 8 * 1024;
/// Most bytes of the address of a page that is gone back to.
const MAX_NEXT: usize = 2_000;

/// Where a browser goes that asks for a page which needs a token: there it logs in, and comes back.
pub(super) fn way_to_log_in(request: &Request) -> Option<String> {
    let accepts_pages = || {
        let accept = request.headers().get(header::ACCEPT)?.to_str().ok()?;
        accept.contains("text/html").then_some(())
    };
    if request.method() != Method::GET || request.headers().contains_key(header::AUTHORIZATION) {
        return None;
    }
    accepts_pages()?;
    let next = request.uri().path_and_query()?.as_str();
    let up = way_up(request.uri().path());
    Some(format!("{up}login?{}", form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish()))
}

/// The page on which one logs in, or out.
pub(super) async fn page(State(app): State<App>, request: Request) -> Result<Response, ProblemResponse> {
    let next = next_of(request.uri().query().unwrap_or_default().as_bytes());
    let visitor = Visitor::of(&request, &app);
    let visitor = visitor.await?;
    if let (Visitor::LoggedIn(_), Some(next)) = (&visitor, &next) {
        return Ok(see_other(next));
    }
    // Coming from another site, a browser keeps the cookie back. If the page asks again by itself, it comes from this site.
    let is_from_elsewhere = request.headers().get(SEC_FETCH_SITE).is_some_and(|site| site == "cross-site");
    let again = is_from_elsewhere.then(|| format!("./login?{}", request.uri().query().unwrap_or_default()));
    let next = next.as_deref().unwrap_or("/");
    Ok(Html(html::login_page(&visitor, next, None, again.as_deref())).into_response())
}

/// Logs in.
pub(super) async fn log_in(State(app): State<App>, request: Request) -> Result<Response, ProblemResponse> {
    check_form(&request)?;
    let origin = body::caller(&request)?;
    let kind = CookieKind::of(&request);
    let form = body::read(request, MAX_FORM, &app).await?;
    if !app.tokens().is_loaded() {
        auth::know_tokens(&app).await?;
    }
    let next = next_of(&form.bytes).unwrap_or_else(|| "/".to_owned());
    let now = app.metrics().store_now();
    if app.tokens().is_open() {
        return Ok(see_other(&next));
    }
    let refuse = |status: StatusCode, why: &str| {
        (status, Html(html::login_page(&Visitor::Unknown, &next, Some(why), None))).into_response()
    };
    let Some(kind) = kind else { return Ok(refuse(StatusCode::FORBIDDEN, NOT_OVER_HTTP)) };
    let token = field(&form.bytes, "token").unwrap_or_default();
    match app.tokens().log_in(token.trim(), origin.ip, app.random_bits(), now) {
        Ok(NewSession { cookie, life }) => {
            let mut answer = see_other(&next);
            let cookie = kind.set(&cookie, life).ok_or_else(|| ProblemResponse::internal("a session is no header"))?;
            answer.headers_mut().append(header::SET_COOKIE, cookie);
            Ok(answer)
        }
        Err(why) => {
            let problem = auth::refused(&why, &origin, &app).into_document();
            let (status, why) = match problem.code {
                Code::Unauthenticated => (StatusCode::UNAUTHORIZED, NOT_VALID),
                _ => (StatusCode::TOO_MANY_REQUESTS, TOO_MANY),
            };
            let mut answer = refuse(status, why);
            match problem.retry_after_seconds {
                Some(seconds) => answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds)),
                None => answer.headers_mut().insert(header::WWW_AUTHENTICATE, auth::CHALLENGE),
            };
            Ok(answer)
        }
    }
}

/// Has the browser forget its session.
pub(super) async fn log_out() -> Response {
    let mut answer = see_other("/login");
    for cookie in session_cookie::forgotten() {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

const NOT_VALID: &str = "This token opens nothing here: it is mistyped, expired, revoked, or of another server.";
const TOO_MANY: &str = "This address has sent many tokens that are not valid. Try again in a moment.";
const NOT_OVER_HTTP: &str = "Nobody can log in over plain HTTP across a network: the token could be read on its way. Call the server by https://.";

/// Leads to a page of this server, which is below whatever path a proxy has put the page on which one logs in.
fn see_other(next: &str) -> Response {
    Redirect::to(&format!(".{next}")).into_response()
}

/// A form of a browser and nothing else, so that no script of another site can send one without being asked for.
fn check_form(request: &Request) -> Result<(), ProblemResponse> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM)) {
        return Ok(());
    }
    Err(ProblemResponse::new(Code::UnsupportedMediaType, format!("the content-type has to be {FORM}")))
}

const FORM: &str = "application/x-www-form-urlencoded";

fn field(form: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(form).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// The page to go back to: one of this server, whatever a browser makes of it, and not the one that leads away from it.
fn next_of(form: &[u8]) -> Option<String> {
    let next = field(form, "next")?;
    // Browsers take a backslash for a slash, and leave out tabs and line breaks.
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_local = next.starts_with('/') && !next.starts_with("//");
    let leads_back = ["/login", "/logout"].iter().any(|path| next.split('?').next() == Some(path));
    (is_plain && is_local && !leads_back && next.len() <= MAX_NEXT).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_back_to_a_page_of_this_server_alone() {
        for (next, want) in [
            ("/docs/", true),
            ("/v1/events?status=failed&limit=5", true),
            ("/", true),
            ("", false),
            ("docs/", false),
            ("https://evil.example/", false),
            ("//evil.example/", false),
            ("/\\evil.example/", false),
            ("/\t/evil.example/", false),
            ("\n//evil.example/", false),
            ("/é", false),
            ("javascript:alert(1)", false),
            ("/login?next=/", false),
            ("/logout", false),
        ] {
            let form = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
            assert_eq!(next_of(form.as_bytes()).as_deref(), want.then_some(next), "{next:?}");
        }
        assert_eq!(next_of(format!("next=/{}", "a".repeat(MAX_NEXT)).as_bytes()), None);
        assert_eq!(next_of(b"token=x"), None);
    }
}
