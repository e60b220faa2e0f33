//! The page that a problem's `type` names: what happened, and what to do.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use enginehouse_api::problem::Code;
use http::header;

use super::problem::ProblemResponse;

/// One page, as Markdown.
pub(super) async fn page_of(Path(code): Path<String>) -> Response {
    match code.parse::<Code>() {
        Ok(code) => ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], page(code)).into_response(),
        Err(_) => ProblemResponse::new(Code::NotFound, format!("there is no problem {code:?}")).into_response(),
    }
}

/// The page of a code, as it lies in the repository.
const fn page(code: Code) -> &'static str {
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
    use strum::VariantArray;

    use super::*;

    #[test]
    fn every_code_has_a_page_of_its_own_that_begins_with_what_to_do() {
        let list = include_str!("../../../../docs/problems/README.md");
        for code in Code::VARIANTS {
            assert!(page(*code).starts_with(&format!("{}\n\n# {}\n", code.advice(), code.name())), "{code}");
            assert!(list.contains(&format!("| [{code}]({code}.md) |")), "{code} is on the list");
        }
    }
}
