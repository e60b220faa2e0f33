//! The pages that the `type` of a problem leads to: what happened, and what to do. For programs, the same in short.

use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};
use enginehouse_api::problem::Code;
use enginehouse_core::invalid::shortened;
use http::{HeaderMap, header};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd};
use serde::Serialize;
use strum::VariantArray;

use super::html;
use super::json::Json;
use super::problem::ProblemResponse;

/// A kind of problem, for programs.
#[derive(Serialize)]
struct ProblemKind {
    r#type: String,
    code: Code,
    title: &'static str,
    status: u16,
    /// What the caller should do.
    advice: &'static str,
}

/// All of them.
#[derive(Serialize)]
struct ProblemKinds {
    items: Vec<ProblemKind>,
}

impl ProblemKind {
    fn of(code: Code) -> Self {
        let (title, status, advice) = (code.title(), code.status().as_u16(), code.advice());
        Self { r#type: format!("/problems/{code}"), code, title, status, advice }
    }
}

/// The list of all problems.
pub(super) async fn list(headers: HeaderMap) -> Response {
    let kinds = || ProblemKinds { items: Code::VARIANTS.iter().copied().map(ProblemKind::of).collect() };
    shown(&headers, "Problems", include_str!("../../../../docs/problems/README.md"), kinds)
}

/// The page of one.
pub(super) async fn page_of(headers: HeaderMap, Path(code): Path<String>) -> Response {
    match code.parse::<Code>() {
        Ok(code) => shown(&headers, code.name(), markdown_of(code), || ProblemKind::of(code)),
        Err(_) => {
            let detail = format!("there is no problem {:?}; /problems lists them", shortened(&code));
            ProblemResponse::new(Code::NotFound, detail).into_response()
        }
    }
}

/// A page, or what a program gets that asks for JSON.
fn shown<T: Serialize>(headers: &HeaderMap, title: &str, markdown: &str, for_programs: impl FnOnce() -> T) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let answer = match accept.contains("application/json") && !accept.contains("text/html") {
        true => Json(for_programs()).into_response(),
        false => Html(html::page(title, &rendered(markdown))).into_response(),
    };
    ([(header::VARY, "accept")], answer).into_response()
}

/// A page of the repository as HTML, with links that lead somewhere here.
fn rendered(markdown: &str) -> String {
    let mut unserved = None;
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).map(|event| match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => match address_of(&dest_url) {
            Some(address) => Event::Start(Tag::Link { link_type, dest_url: address.into(), title, id }),
            None => {
                unserved = Some(dest_url);
                Event::Text(CowStr::Borrowed(""))
            }
        },
        Event::End(TagEnd::Link) => match unserved.take() {
            Some(file) => Event::Text(format!(" ({})", file.replace("../", "docs/")).into()),
            None => Event::End(TagEnd::Link),
        },
        other => other,
    });
    let mut page = String::new();
    pulldown_cmark::html::push_html(&mut page, events);
    page
}

/// Where the server has what a page of `docs/problems` links to, if it does.
fn address_of(link: &str) -> Option<String> {
    let code = link.strip_suffix(".md")?.parse::<Code>().ok()?;
    Some(format!("/problems/{code}"))
}

/// The page of a code, as it lies in the repository.
const fn markdown_of(code: Code) -> &'static str {
    match code {
        Code::InvalidRequest => include_str!("../../../../docs/problems/invalid_request.md"),
        Code::NotFound => include_str!("../../../../docs/problems/not_found.md"),
        Code::MethodNotAllowed => include_str!("../../../../docs/problems/method_not_allowed.md"),
        Code::TooLarge => include_str!("../../../../docs/problems/too_large.md"),
        Code::UnsupportedMediaType => include_str!("../../../../docs/problems/unsupported_media_type.md"),
        Code::IdempotencyConflict => include_str!("../../../../docs/problems/idempotency_conflict.md"),
        Code::LockLost => include_str!("../../../../docs/problems/lock_lost.md"),
        Code::WrongStatus => include_str!("../../../../docs/problems/wrong_status.md"),
        Code::EngineSuperseded => include_str!("../../../../docs/problems/engine_superseded.md"),
        Code::EngineLost => include_str!("../../../../docs/problems/engine_lost.md"),
        Code::EngineNotRegistered => include_str!("../../../../docs/problems/engine_not_registered.md"),
        Code::CrossOrigin => include_str!("../../../../docs/problems/cross_origin.md"),
        Code::Overloaded => include_str!("../../../../docs/problems/overloaded.md"),
        Code::LimitReached => include_str!("../../../../docs/problems/limit_reached.md"),
        Code::StoreUnavailable => include_str!("../../../../docs/problems/store_unavailable.md"),
        Code::ShuttingDown => include_str!("../../../../docs/problems/shutting_down.md"),
        Code::Timeout => include_str!("../../../../docs/problems/timeout.md"),
        Code::Unreadable => include_str!("../../../../docs/problems/unreadable.md"),
        Code::Internal => include_str!("../../../../docs/problems/internal.md"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_of_its_own_that_says_what_to_do() {
        let list = include_str!("../../../../docs/problems/README.md");
        for code in Code::VARIANTS {
            let page = markdown_of(*code);
            let (name, status) = (code.name(), code.status().as_u16());
            assert!(page.starts_with(&format!("# {name}\n\nStatus {status}")), "{code}");
            assert!(page.contains(&format!("\n\n**What to do.** {}\n", code.advice())), "{code}");
            assert!(list.contains(&format!("| [{code}]({code}.md) | {status}")), "{code} is on the list");
            assert!(list.contains(&format!("| {} |\n", code.advice())), "{code} is on the list");
        }
    }

    #[test]
    fn what_the_server_does_not_have_is_named_and_not_linked() {
        let html = rendered("[the list](internal.md) and [operations](../operations.md#health)");
        assert_eq!(
            html.trim(),
            "<p><a href=\"/problems/internal\">the list</a> and operations (docs/operations.md#health)</p>"
        );
    }
}
