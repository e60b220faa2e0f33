//! Where the `type` of a problem leads: to its page among the documents or, for programs, to the same in short.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use enginehouse_api::problem::Code;
use enginehouse_core::invalid::shortened;
use http::{HeaderMap, header};
use serde::Serialize;
use strum::VariantArray;

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

/// All problems.
pub(super) async fn list(headers: HeaderMap) -> Response {
    let kinds = || ProblemKinds { items: Code::VARIANTS.iter().copied().map(ProblemKind::of).collect() };
    shown(&headers, "./docs/problems/", kinds)
}

/// One of them.
pub(super) async fn page_of(headers: HeaderMap, Path(code): Path<String>) -> Response {
    match code.parse::<Code>() {
        Ok(code) => shown(&headers, &format!("../docs/problems/{code}.html"), || ProblemKind::of(code)),
        Err(_) => {
            let detail = format!("there is no problem {:?}; /problems lists them", shortened(&code));
            ProblemResponse::new(Code::NotFound, detail).into_response()
        }
    }
}

/// The way to a page, or what a program gets that asks for JSON.
fn shown<T: Serialize>(headers: &HeaderMap, page: &str, for_programs: impl FnOnce() -> T) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let answer = match accept.contains("application/json") && !accept.contains("text/html") {
        true => Json(for_programs()).into_response(),
        false => Redirect::temporary(page).into_response(),
    };
    ([(header::VARY, "accept")], answer).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_of_its_own_that_says_what_to_do() {
        let read = |name: &str| {
            let path = format!("{}/../../docs/problems/{name}.md", env!("CARGO_MANIFEST_DIR"));
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        let list = read("README");
        for code in Code::VARIANTS {
            let page = read(code.name());
            let (name, status) = (code.name(), code.status().as_u16());
            assert!(page.starts_with(&format!("# {name}\n\nStatus {status}")), "{code}");
            assert!(page.contains(&format!("\n\n**What to do.** {}\n", code.advice())), "{code}");
            assert!(list.contains(&format!("| [{code}]({code}.md) | {status}")), "{code} is on the list");
            assert!(list.contains(&format!("| {} |\n", code.advice())), "{code} is on the list");
        }
    }
}
