//! What people read: the documents, and the pages that show the description of the API. Nothing here needs the internet.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use enginehouse_api::problem::Code;
use enginehouse_core::invalid::shortened;
use enginehouse_docs::page;
use http::header;
use utoipa::openapi::OpenApi;

use super::app::App;
use super::login;
use super::problem::ProblemResponse;
use super::visitor::Visitor;
use super::way_up::way_up;
use super::{dashboard, description, html};

/// The pages.
pub(super) fn pages(openapi: &OpenApi) -> Router<App> {
    let text: Arc<str> = description::text(openapi).into();
    let described = move || async move { ([(header::CONTENT_TYPE, "application/json")], text.to_string()) };
    // Without `none`, Swagger UI sends the description to a validator on the internet.
    let config = utoipa_swagger_ui::Config::from("../../openapi.json")
        .validator_url("none")
        .display_operation_id(true)
        .display_request_duration(true)
        .try_it_out_enabled(false);
    Router::new()
        .route("/", get(dashboard::first_page))
        .route("/assets/{file}", get(dashboard::asset))
        .route("/login", get(login::page).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/openapi.json", get(described))
        .route("/problems", get(super::problem_pages::list))
        .route("/problems/{code}", get(super::problem_pages::page_of))
        .route("/docs", get(|| async { Redirect::permanent("./docs/") }))
        .route("/docs/", get(|State(app): State<App>, request: Request| document(app, String::new(), request)))
        .route(
            "/docs/{*path}",
            get(|State(app): State<App>, Path(path): Path<String>, request: Request| document(app, path, request)),
        )
        // By itself it would lead there by a path that no proxy is in front of.
        .route("/docs/api", get(|| async { Redirect::permanent("./api/") }))
        .nest("/docs/api/", utoipa_swagger_ui::SwaggerUi::new("/").config(config).into())
        // Its own look, but for our colours.
        .route("/docs/api/index.css", get(|| async { file("calls.css") }))
}

/// A page of the documents, or what it shows. They are for everybody, also while the store is away; who has logged in is shown
/// as such.
async fn document(app: App, path: String, request: Request) -> Response {
    let found = page(&path).filter(|page| page.content_type.starts_with("text/html"));
    let Some(Ok(text)) = found.map(|page| std::str::from_utf8(page.bytes)) else { return file(&path) };
    let visitor = Visitor::of(&request, &app).await.unwrap_or(Visitor::Unknown);
    let shown = Html(html::with_session(text, &visitor, &way_up(request.uri().path())));
    match visitor {
        Visitor::LoggedIn(_) => ([(header::CACHE_CONTROL, "no-store")], shown).into_response(),
        Visitor::Anyone | Visitor::Unknown => shown.into_response(),
    }
}

/// A file of the documents as it is.
fn file(path: &str) -> Response {
    match page(path) {
        Some(page) => ([(header::CONTENT_TYPE, page.content_type)], page.bytes).into_response(),
        None => ProblemResponse::new(Code::NotFound, format!("there is no page {}", shortened(path))).into_response(),
    }
}

/// What a browser may do with an answer: nothing, but for pages, and least of all for the one that needs scripts. No page may be
/// shown within another one.
pub(super) fn policy_of(path: &str) -> &'static str {
    if path.starts_with("/docs/api") {
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    } else if path.starts_with("/docs") {
        "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    } else if dashboard::is_page(path) {
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'self'; \
         form-action 'self'; frame-ancestors 'none'"
    } else if is_made_anew(path) {
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    } else {
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }
}

/// Whether it is the path of a page that says who has logged in. No cache may keep it.
pub(super) fn is_made_anew(path: &str) -> bool {
    matches!(path, "/login" | "/logout")
}

/// What a browser says of the page that it comes from. The page on which one logs in says it to this server, which finds out
/// by it whether a proxy does TLS.
pub(super) fn referrer_policy_of(path: &str) -> &'static str {
    if path == "/login" { "same-origin" } else { "no-referrer" }
}
