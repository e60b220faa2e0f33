//! The dashboard: one page of HTML, and the scripts and styles that it loads. All of it is in the binary.
//!
//! The page is a client of the API like any other: it asks with the browser's session, and what its visitor may do is decided
//! where calls are. It is the same page at each of its addresses; its script reads from the address what to show. Files are
//! referred to from the `base` of the page, which leads up to where the server is: so it works behind a proxy that puts it below
//! a path, without being told of it.

use axum::extract::{Path, Request};
use axum::response::{IntoResponse, Response};
use enginehouse_api::problem::Code;
use enginehouse_core::invalid::shortened;
use http::{HeaderMap, Method, StatusCode, header};

use super::problem::ProblemResponse;
use super::way_up::way_up;

/// A file that the build of the dashboard has written: made from `ui/`, by `cargo xtask ui`.
#[derive(Debug)]
struct BuiltFile {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

// `INDEX`, `INDEX_HASH` and `ASSETS`.
include!("../../../../ui/dist/files.rs");

/// What the addresses of the dashboard begin with, besides `/` itself.
const SECTIONS: [&str; 11] = [
    "engines",
    "scenario-runs",
    "events",
    "queues",
    "event-types",
    "dead-letters",
    "operations",
    "audit",
    "tokens",
    "system",
    "suspects",
];
/// What stands in the page for its way up.
const BASE: &str = "<base href=\"./\">";

/// Whether it is an address of the dashboard.
pub(super) fn is_page(path: &str) -> bool {
    path == "/"
        || path.strip_prefix('/').and_then(|path| path.split('/').next()).is_some_and(|first| SECTIONS.contains(&first))
}

/// Whether a browser asks for a page of the dashboard by an address that no route has. A program that mistypes the path of a call
/// is to be told so.
pub(super) fn is_asked_for(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
        && is_page(request.uri().path())
        && accepted(request.headers()).is_some_and(|accepted| accepted.contains("text/html"))
}

/// What is at `/`: the dashboard, for all that do not say that they want something else.
pub(super) async fn first_page(request: Request) -> Response {
    let is_wanted = accepted(request.headers())
        .is_none_or(|accepted| ["text/html", "text/*", "*/*"].iter().any(|kind| accepted.contains(kind)));
    if is_wanted {
        return page(&request);
    }
    let detail = "what is here is the dashboard, as text/html; the calls begin with /v1/, and /openapi.json lists them";
    ProblemResponse::new(Code::NotFound, detail).into_response()
}

/// The page, whose way up to the server fits its address.
pub(super) fn page(request: &Request) -> Response {
    let up = way_up(request.uri().path());
    let tag = format!("\"{INDEX_HASH}-{}\"", up.matches("../").count());
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, tag.clone()),
        (header::VARY, "accept".to_owned()),
    ];
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, INDEX.replacen(BASE, &format!("<base href=\"{up}\">"), 1)).into_response()
}

/// A script, a style or a picture. Its name has a hash of what it holds, so browsers keep it for good.
pub(super) async fn asset(Path(file): Path<String>) -> Response {
    match ASSETS.iter().find(|asset| asset.name == file) {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, asset.content_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (headers, asset.bytes).into_response()
        }
        None => {
            let detail = format!("the dashboard of this server has no file {}: load its page anew", shortened(&file));
            ProblemResponse::new(Code::NotFound, detail).into_response()
        }
    }
}

fn accepted(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ACCEPT)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_leads_up_to_the_server() {
        assert_eq!(INDEX.matches(BASE).count(), 1);
        for (path, want) in
            [("/", "./"), ("/events", "./"), ("/events/", "../"), ("/events/a%2Fb", "../"), ("/queues/a/b", "../../")]
        {
            let request = Request::builder().uri(path).body(axum::body::Body::empty()).unwrap();
            let answer = page(&request);
            let tag = answer.headers()[header::ETAG].to_str().unwrap().to_owned();
            assert!(is_page(path) && tag.ends_with(&format!("-{}\"", want.matches("..").count())), "{path}: {tag}");
        }
        for path in ["/v1/events", "/eventsy", "/docs/", "/login", "//events"] {
            assert!(!is_page(path), "{path}");
        }
    }
}
