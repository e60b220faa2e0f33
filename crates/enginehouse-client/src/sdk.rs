//! An engine in a few lines: typed handlers over [`EngineLoop`](crate::EngineLoop), set up by the environment.
//!
//! The names are those of the SDKs in other languages, so that who knows one knows all.

mod context;
mod engine;
mod environment;
mod handler;
mod handler_error;
mod span;
mod test_attempt;

pub use context::Context;
pub use engine::{Engine, RunError};
pub use environment::EnvironmentError;
pub use handler::{Handler, State};
pub use handler_error::{HandlerError, Reject, Release, Retry};
pub use test_attempt::{TestAttempt, TriedAttempt};
