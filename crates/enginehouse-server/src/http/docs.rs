//! What people read: the documents, and the pages that show the description of the API. Nothing here needs the internet.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use enginehouse_api::problem::Code;
use enginehouse_core::invalid::shortened;
use enginehouse_docs::page;
use http::header;
use utoipa::openapi::OpenApi;

use super::app::App;
use super::description;
use super::problem::ProblemResponse;

/// The pages.
pub(super) fn pages(openapi: &OpenApi) -> Router<App> {
    let text: Arc<str> = description::text(openapi).into();
    let described = move || async move { ([(header::CONTENT_TYPE, "application/json")], text.to_string()) };
    // Without `none`, Swagger UI sends the description to a validator on the internet.
    let config = utoipa_swagger_ui::Config::from("/openapi.json")
        .validator_url("none")
        .display_operation_id(true)
        .display_request_duration(true)
        .try_it_out_enabled(false);
    Router::new()
        .route("/", get(|| async { Html(INDEX) }))
        .route("/openapi.json", get(described))
        .route("/problems", get(super::problem_pages::list))
        .route("/problems/{code}", get(super::problem_pages::page_of))
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(|| async { document("") }))
        .route("/docs/{*path}", get(|Path(path): Path<String>| async move { document(&path) }))
        .merge(utoipa_swagger_ui::SwaggerUi::new("/docs/api").config(config))
        // Its own look, but for our colours.
        .route("/docs/api/index.css", get(|| async { document("calls.css") }))
}

/// A page of the documents, or what it shows.
fn document(path: &str) -> Response {
    match page(path) {
        Some(page) => ([(header::CONTENT_TYPE, page.content_type)], page.bytes).into_response(),
        None => ProblemResponse::new(Code::NotFound, format!("there is no page {}", shortened(path))).into_response(),
    }
}

/// What a browser may do with an answer: nothing, but for the page that needs scripts.
pub(super) fn policy_of(path: &str) -> &'static str {
    if path.starts_with("/docs/api") {
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    } else if path.starts_with("/docs") {
        "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    } else {
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }
}

const INDEX: &str = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Enginehouse</title></head>
<body>
<h1>Enginehouse</h1>
<ul>
<li><a href="/docs/">/docs</a>: how to use it and how to run it</li>
<li><a href="/docs/api/">/docs/api</a>: every call, to read and to try</li>
<li><a href="/openapi.json">/openapi.json</a>: the same, for programs</li>
<li><a href="/problems">/problems</a>: what can go wrong, and what to do about it</li>
<li><a href="/v1/stats">/v1/stats</a>: what is in the store now</li>
<li><a href="/metrics">/metrics</a>: for Prometheus</li>
<li><a href="/healthz">/healthz</a> and <a href="/readyz">/readyz</a>: alive, and ready to serve</li>
</ul>
</body>
</html>
"#;
