//! Why a call has no answer.

use std::time::Duration;

use enginehouse_api::problem::{Code, Problem};
use enginehouse_core::applied::Applied;

/// Why a call has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No answer came from the server.
    #[error("no answer from {url}: {reason}")]
    Unreachable {
        url: String,
        reason: String,
        /// Whether the request may have arrived all the same.
        maybe_applied: bool,
        timed_out: bool,
    },
    #[error(transparent)]
    Problem(Box<Problem>),
    /// Something answered, but not as an Enginehouse server does.
    #[error("unexpected answer with status {status}: {reason}")]
    Unexpected { status: u16, reason: String },
}

impl Error {
    /// The code of the problem, if the server named one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Problem(problem) => Some(problem.code),
            Self::Unreachable { .. } | Self::Unexpected { .. } => None,
        }
    }

    /// Whether the same call may well succeed later, with no change on either side.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Problem(problem) => matches!(problem.status, 408 | 429 | 503),
            // A proxy that stands in for a server which is away.
            Self::Unexpected { status, .. } => matches!(status, 429 | 502..=504),
        }
    }

    /// Whether the call may have changed something although it failed.
    pub fn maybe_applied(&self) -> bool {
        match self {
            Self::Unreachable { maybe_applied, .. } => *maybe_applied,
            Self::Problem(problem) => match problem.applied {
                Some(applied) => applied == Applied::Unknown,
                None => problem.status >= 500,
            },
            Self::Unexpected { status, .. } => *status >= 500 || *status < 300,
        }
    }

    /// How long the server asks to wait before a repeat.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem(problem) => problem.retry_after_seconds.map(Duration::from_secs),
            Self::Unreachable { .. } | Self::Unexpected { .. } => None,
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}
