//! The access log: one line for each request once it is answered.
//!
//! Whether it is written is for the log's filter to say (`log_requests`), which knows its lines by their target. If it is not,
//! a request costs one look at an atomic; the macro evaluates nothing else.

use std::time::Duration;

use enginehouse_api::problem::Code;
use http::{Method, StatusCode};

use crate::budget::ClientAddress;

/// The target of its lines.
pub const ACCESS_LOG: &str = "enginehouse::requests";
/// Who calls, if nothing says so.
const ANONYMOUS: &str = "anonymous";
/// How much of a path is logged. The longest that a call has is shorter.
const MAX_PATH: usize = 500;

/// A request and how it was answered.
pub(super) struct AnsweredRequest<'a> {
    pub(super) request_id: &'a str,
    /// The accessor of the caller's token, or the name in their certificate.
    pub(super) principal: Option<&'a str>,
    pub(super) address: ClientAddress,
    pub(super) method: &'a Method,
    /// As it was asked for, without the query, which may hold what a user wrote.
    pub(super) path: &'a str,
    /// The path as the router has it, without ids.
    pub(super) route: &'a str,
    pub(super) status: StatusCode,
    /// The code of the problem that was answered.
    pub(super) code: Option<Code>,
    /// From its headers until its answer was made; a claim's wait included.
    pub(super) took: Duration,
}

impl AnsweredRequest<'_> {
    pub(super) fn log(&self) {
        tracing::info!(
            target: ACCESS_LOG,
            request_id = self.request_id,
            principal = self.principal.unwrap_or(ANONYMOUS),
            address = %self.address,
            method = self.method.as_str(),
            // A path is ASCII.
            path = self.path.get(..MAX_PATH).unwrap_or(self.path),
            route = self.route,
            status = self.status.as_u16(),
            code = self.code.map(Code::name),
            duration_seconds = self.took.as_micros() as f64 / 1e6,
            "request"
        );
    }
}
