//! What a command did not do, why, and what to do about it: three lines, or a problem document.

use std::fmt::Display;
use std::io::Write;

use enginehouse_api::problem::{Code, Problem};
use enginehouse_client::Error;
use serde_json::json;

use super::hints::{Subject, hint};
use super::terminal_text::{self, indented};
use crate::exit_codes::Exit;

/// Why a command did not do what it was asked to.
#[derive(Clone, Debug)]
pub(crate) struct CliError {
    pub(crate) exit: Exit,
    /// What was not done, as a sentence.
    pub(crate) what: String,
    pub(crate) why: String,
    /// What to do about it.
    pub(crate) hint: String,
    /// The server's problem document, if it answered with one.
    pub(super) problem: Option<Box<Problem>>,
}

impl CliError {
    /// An error that is not the server's.
    pub(crate) fn new(exit: Exit, what: impl Into<String>, why: impl Display, hint: impl Into<String>) -> Self {
        Self { exit, what: what.into(), why: why.to_string(), hint: hint.into(), problem: None }
    }

    /// A call that has no answer. `what` is what it was for, such as `could not list events`.
    pub(crate) fn call(what: impl Into<String>, error: Error) -> Self {
        Self::call_about(Subject::Other, what, error)
    }

    /// The same for a call about one thing that a person has named.
    pub(crate) fn call_about(subject: Subject, what: impl Into<String>, error: Error) -> Self {
        let why = error.to_string();
        match error {
            Error::Unreachable { timed_out, .. } => Self::new(
                if timed_out { Exit::Timeout } else { Exit::Unreachable },
                what,
                why,
                "check that `enginehouse serve` is running there, or name another place with --url or ENGINEHOUSE_URL",
            ),
            Error::Unexpected { status: 401 | 403 | 407, .. } => Self::new(
                Exit::Forbidden,
                what,
                why,
                "name a token that what stands before the server accepts in ENGINEHOUSE_TOKEN_FILE or ENGINEHOUSE_TOKEN",
            ),
            Error::Unexpected { .. } => Self::new(
                Exit::Failed,
                what,
                why,
                "check that --url or ENGINEHOUSE_URL names an Enginehouse server of a matching version",
            ),
            Error::Problem(problem) => Self {
                exit: exit_for(problem.code),
                what: what.into(),
                why: problem.detail.clone(),
                hint: hint(subject, problem.code).to_owned(),
                problem: Some(problem),
            },
        }
    }

    /// Three lines for people.
    pub(crate) fn text(&self) -> String {
        // Behind `error: `, and so on.
        let [what, why, hint] = [&self.what, &self.why, &self.hint].map(|text| indented(text, 7));
        format!("error: {what}\n  why: {why}\n  try: {hint}")
    }

    /// Shows it on stderr.
    pub(crate) fn show(&self, as_json: bool) {
        let text = if as_json { terminal_text::json(self.document().to_string()) } else { self.text() };
        // Without stderr there is nowhere else to write to.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// The server's problem document, or one of the same shape.
    fn document(&self) -> serde_json::Value {
        match &self.problem {
            Some(problem) => json!(problem),
            None => json!({
                "title": self.what,
                "detail": self.why,
                "code": match self.exit {
                    Exit::Invalid => "invalid_request",
                    Exit::Unreachable => "unreachable",
                    Exit::Timeout => "timeout",
                    Exit::Partly => "partly_done",
                    Exit::Refused => "refused",
                    _ => "failed",
                },
                "advice": self.hint,
            }),
        }
    }
}

const fn exit_for(code: Code) -> Exit {
    match code {
        Code::InvalidRequest | Code::TooLarge => Exit::Invalid,
        Code::NotFound | Code::EngineNotRegistered => Exit::NotFound,
        Code::IdempotencyConflict
        | Code::LockLost
        | Code::WrongStatus
        | Code::EngineSuperseded
        | Code::EngineLost
        | Code::EngineAlive => Exit::Conflict,
        Code::Unauthenticated | Code::Forbidden | Code::WrongSession | Code::CrossOrigin | Code::MisdirectedRequest => {
            Exit::Forbidden
        }
        Code::Overloaded | Code::QuotaExceeded | Code::StoreUnavailable | Code::ShuttingDown => Exit::Unreachable,
        Code::LimitReached => Exit::Failed,
        Code::Timeout => Exit::Timeout,
        Code::UnsupportedMediaType
        | Code::UnsupportedTransferCoding
        | Code::MethodNotAllowed
        | Code::Unreadable
        | Code::Internal => Exit::Failed,
    }
}

/// Ends the process in good order if the reader of stdout has gone, as `head` does: that is no failure.
pub(crate) fn written(result: std::io::Result<()>) -> Result<(), CliError> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(Exit::Done as i32),
        Err(error) => Err(CliError::new(Exit::Failed, "could not write the output", error, "look at where it goes")),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn what_the_server_says_is_shown_as_it_is() {
        let error = CliError::call("could not show it", Error::from(Problem::not_found("event x")));
        assert_eq!(error.exit, Exit::NotFound);
        assert_eq!(error.document()["code"], "not_found");
        assert_eq!(error.why, "there is no event x");
    }

    #[test]
    fn every_code_has_an_exit_status_of_its_kind() {
        for code in Code::VARIANTS {
            assert_ne!(exit_for(*code), Exit::Done, "{code}");
            assert_eq!(exit_for(*code) == Exit::NotFound, code.status() == 404, "{code}");
        }
    }
}
