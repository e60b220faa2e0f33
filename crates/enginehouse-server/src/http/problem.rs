//! What went wrong, on its way to the caller: every refusal and failure becomes a problem document here.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use enginehouse_api::problem::{Code, Problem};
use enginehouse_core::access::role::Permission;
use enginehouse_core::engine::SuccessionRefused;
use enginehouse_core::invalid::Invalid;
use enginehouse_store::StoreError;
use http::StatusCode;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response as Described, ResponseBuilder};

use crate::access::quotas::QuotaExceeded;
use crate::access::token_changes::TokenRefused;
use crate::budget::NoRoom;
use crate::dispatcher::reply::{DispatchError, KeyConflict, Refusal};

/// After how many seconds a caller may try again whom a passing failure has met.
const RETRY_AFTER_SECONDS: u64 = 1;

/// A problem document and, for the log alone, what lies behind it.
///
/// As a response it has no body yet: `request::observe` knows the request's id, writes the document with it, and logs
/// what is the server's own trouble, once.
#[derive(Clone, Debug)]
pub(crate) struct ProblemResponse(Box<(Problem, Option<String>)>);

impl ProblemResponse {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    /// A mistake of the server, whose cause is for the log alone.
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        let document = Problem::new(Code::Internal, "the server made a mistake; its log has the details");
        Self(Box::new((document, Some(cause.into()))))
    }

    /// A problem with something that the store or the system said.
    fn caused_by(document: Problem, cause: &dyn Error) -> Self {
        Self(Box::new((document, Some(cause.to_string()))))
    }

    pub(crate) fn document(&self) -> &Problem {
        &self.0.0
    }

    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.1.as_deref()
    }

    pub(crate) fn into_document(self) -> Problem {
        self.0.0
    }

    /// This problem with a changed document.
    #[must_use]
    pub(crate) fn with(self, change: impl FnOnce(Problem) -> Problem) -> Self {
        let (document, cause) = *self.0;
        Self(Box::new((change(document), cause)))
    }

    pub(crate) fn overloaded() -> Self {
        let detail = "more requests wait than the server takes of this kind (setting max_waiting_requests)".to_owned();
        Problem { detail, ..Problem::overloaded(RETRY_AFTER_SECONDS) }.into()
    }

    pub(crate) fn too_large(what: &str, max: usize) -> Self {
        Self::new(Code::TooLarge, format!("{what} is larger than {max} bytes"))
    }
}

impl From<Problem> for ProblemResponse {
    fn from(document: Problem) -> Self {
        Self(Box::new((document, None)))
    }
}

/// There is no room for what the call takes: it says of what, and which setting there is for it.
impl From<NoRoom> for ProblemResponse {
    fn from(full: NoRoom) -> Self {
        if let Some(exceeded) = full.of_token() {
            return exceeded.into();
        }
        Problem { detail: full.refuse(), ..Problem::overloaded(RETRY_AFTER_SECONDS) }.into()
    }
}

/// The refusal is counted here: whoever waits instead is not refused.
impl From<QuotaExceeded> for ProblemResponse {
    fn from(exceeded: QuotaExceeded) -> Self {
        let QuotaExceeded { usage, quota, detail, retry_after } = exceeded;
        usage.refused(quota);
        let seconds = retry_after.as_millis().div_ceil(1_000).max(1);
        Problem::quota_exceeded(quota, detail, u64::try_from(seconds).unwrap_or(RETRY_AFTER_SECONDS)).into()
    }
}

impl From<Invalid> for ProblemResponse {
    fn from(invalid: Invalid) -> Self {
        Problem::from(invalid).into()
    }
}

impl From<Refusal> for ProblemResponse {
    fn from(refusal: Refusal) -> Self {
        let document = match refusal {
            Refusal::NoSuchEvent(missing) => {
                Problem { detail: missing.to_string(), ..Problem::not_found("event").about(missing.event_id) }
            }
            Refusal::NoSuchKey(_) => Problem { detail: refusal.to_string(), ..Problem::not_found("idempotency key") },
            Refusal::Unreadable(row) => Problem::new(Code::Unreadable, row.to_string()),
            Refusal::NoMoreLanes { .. }
            | Refusal::NoMoreEngines { .. }
            | Refusal::NoMoreSettings { .. }
            | Refusal::NoMorePausedRuns { .. }
            | Refusal::TooManyOperations { .. }
            | Refusal::QueueFull { .. } => Problem::limit_reached(refusal.to_string()),
            Refusal::EngineNotRegistered(engine_id) => Problem::engine_not_registered(&engine_id),
            Refusal::RegistersTooOften { ref engine_id, retry_after } => {
                let document = Problem::overloaded(whole_seconds(retry_after));
                let detail =
                    format!("engine {engine_id} registers more than once a second: is its id that of another process?");
                Problem { detail, ..document }
            }
            Refusal::IdIsTaken { engine_id, why: SuccessionRefused::Alive { until } } => {
                Problem::engine_alive(&engine_id, until)
            }
            Refusal::IdIsTaken { engine_id, why: SuccessionRefused::TooOften { retry_after } } => {
                let detail = format!(
                    "engine {engine_id} is taken over more than five times a minute: do several processes share its id?"
                );
                Problem { detail, ..Problem::overloaded(whole_seconds(retry_after)) }
            }
            Refusal::WrongSession(engine_id) => Problem::wrong_session(Some(&engine_id)),
            Refusal::NoSuchOperation(_) => Problem { detail: refusal.to_string(), ..Problem::not_found("operation") },
            Refusal::AlreadySo => Problem::new(Code::WrongStatus, refusal.to_string()),
            Refusal::EngineLost(engine_id) => Problem::engine_lost(&engine_id),
            Refusal::EngineSuperseded { engine_id, epoch, current } => {
                Problem::engine_superseded(&engine_id, epoch, current)
            }
            Refusal::Invalid { event_id, why } => Problem::from(why).about(event_id),
            Refusal::Event { event_id, why } => Problem::from(why).about(event_id),
            Refusal::Forbidden { missing, on } => Problem::forbidden(missing, Some(on)),
            Refusal::Token(refused) => of_token(&refused),
            Refusal::EventIsHeld(event_id) => Problem::store_held(RETRY_AFTER_SECONDS).about(event_id),
            Refusal::IdempotencyConflict(conflicts) => idempotency_conflict(&conflicts),
        };
        document.into()
    }
}

/// A wait in seconds, rounded up.
fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(RETRY_AFTER_SECONDS)
}

/// A token that was not changed.
fn of_token(refused: &TokenRefused) -> Problem {
    let detail = refused.to_string();
    match refused {
        TokenRefused::NoSuchToken(accessor) => Problem::not_found(format_args!("token {accessor}")),
        TokenRefused::NameTaken { .. } => Invalid::field("/name", detail).into(),
        TokenRefused::CertificateTaken { .. } => Invalid::field("/certificate_name", detail).into(),
        TokenRefused::TooMany => Problem::limit_reached(detail),
        TokenRefused::Revoked(_) => Problem::new(Code::WrongStatus, detail),
        TokenRefused::ReachesFurther => {
            let on = "what its selectors do not reach".to_owned();
            Problem { detail, ..Problem::forbidden(Permission::TokensWrite, Some(on)) }
        }
    }
}

impl From<StoreError> for ProblemResponse {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Corrupt(_) | StoreError::Bug(_) => Self::internal(error.to_string()),
            StoreError::Unreadable(row) => Problem::new(Code::Unreadable, row.to_string()).into(),
            StoreError::Conflict(_) | StoreError::Held { .. } => {
                Self::caused_by(Problem::store_held(RETRY_AFTER_SECONDS), &error)
            }
            StoreError::Full(_) => Self::caused_by(Problem::store_full(RETRY_AFTER_SECONDS), &error),
            StoreError::Unavailable { applied, .. } => {
                Self::caused_by(Problem::store_unavailable(*applied, RETRY_AFTER_SECONDS), &error)
            }
        }
    }
}

/// The events of the request that have an idempotency key which is in use; none of another failure.
pub(super) fn conflict(failure: &DispatchError) -> Option<&[KeyConflict]> {
    match failure {
        DispatchError::Refused(Refusal::IdempotencyConflict(conflicts)) => Some(conflicts),
        _ => None,
    }
}

/// Says of one key whose it is, and of several how many there are.
fn idempotency_conflict(conflicts: &[KeyConflict]) -> Problem {
    let Some(first) = conflicts.first() else { return Problem::new(Code::Internal, "a conflict of no keys") };
    let problem = Problem::idempotency_conflict(first.event_id);
    match conflicts.len() {
        1 => problem,
        many => Problem { detail: format!("{many} idempotency keys belong to events of other requests"), ..problem },
    }
}

impl From<DispatchError> for ProblemResponse {
    fn from(error: DispatchError) -> Self {
        match error {
            DispatchError::Refused(refusal) => refusal.into(),
            DispatchError::Store(error) => error.into(),
            DispatchError::Overloaded => Self::overloaded(),
            DispatchError::QuotaExceeded(exceeded) => (*exceeded).into(),
            DispatchError::ShuttingDown => Problem::shutting_down().into(),
        }
    }
}

impl IntoResponse for ProblemResponse {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.document().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Describes the problems that a kind of call may answer with: a type each, to be named among its responses.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident: $($code:ident)+;)+) => { $(
        $(#[$doc])*
        pub(crate) struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Described>> {
                described(&[$(Code::$code),+])
            }
        }
    )+ };
}

problems! {
    /// Of calls that read a list or everything.
    ListProblems: InvalidRequest Internal StoreUnavailable;
    /// Of calls that read one thing.
    ReadProblems: InvalidRequest NotFound Internal Unreadable StoreUnavailable;
    /// Of calls that change something that need not be there.
    WriteProblems: InvalidRequest LimitReached TooLarge UnsupportedMediaType Timeout CrossOrigin Overloaded Internal Unreadable StoreUnavailable ShuttingDown;
    /// Of calls that register an engine.
    RegisterProblems: InvalidRequest WrongSession EngineAlive LimitReached TooLarge UnsupportedMediaType Timeout CrossOrigin Overloaded Internal Unreadable StoreUnavailable ShuttingDown;
    /// Of calls that settle many events.
    SettleManyProblems: InvalidRequest WrongSession LimitReached TooLarge UnsupportedMediaType Timeout CrossOrigin Overloaded Internal Unreadable StoreUnavailable ShuttingDown;
    /// Of calls that enqueue.
    EnqueueProblems: InvalidRequest IdempotencyConflict LimitReached TooLarge UnsupportedMediaType Timeout CrossOrigin Overloaded Internal Unreadable StoreUnavailable ShuttingDown;
    /// Of calls of operators about one event.
    ActProblems: InvalidRequest NotFound WrongStatus TooLarge UnsupportedMediaType Timeout CrossOrigin Overloaded Internal Unreadable StoreUnavailable ShuttingDown;
    /// Of calls that may put one event into another lane.
    ChangeProblems: InvalidRequest NotFound WrongStatus LimitReached TooLarge UnsupportedMediaType Timeout CrossOrigin Overloaded Internal Unreadable StoreUnavailable ShuttingDown;
    /// Of calls of operators about one idempotency key.
    KeyProblems: InvalidRequest NotFound CrossOrigin Overloaded Internal Unreadable StoreUnavailable ShuttingDown;
    /// Of calls that change a scenario run.
    RunProblems: InvalidRequest NotFound LimitReached TooLarge UnsupportedMediaType Timeout CrossOrigin Overloaded Internal Unreadable StoreUnavailable ShuttingDown;
    /// Of calls about one token.
    TokenProblems: InvalidRequest NotFound WrongStatus TooLarge UnsupportedMediaType Timeout CrossOrigin Overloaded Internal Unreadable StoreUnavailable ShuttingDown;
    /// Of calls that settle one event.
    SettleProblems: InvalidRequest WrongSession NotFound LockLost TooLarge UnsupportedMediaType Timeout CrossOrigin Overloaded Internal Unreadable StoreUnavailable ShuttingDown;
    /// Of calls about one engine.
    EngineProblems: InvalidRequest EngineNotRegistered TooLarge UnsupportedMediaType Timeout CrossOrigin Overloaded Internal Unreadable StoreUnavailable ShuttingDown;
    /// Of calls about one engine, in an epoch if the caller names one.
    OneEpochProblems: InvalidRequest WrongSession EngineNotRegistered EngineSuperseded TooLarge UnsupportedMediaType Timeout CrossOrigin Overloaded Internal Unreadable StoreUnavailable ShuttingDown;
    /// Of calls of an engine itself.
    EpochProblems: InvalidRequest WrongSession EngineNotRegistered EngineSuperseded EngineLost TooLarge UnsupportedMediaType Timeout CrossOrigin Overloaded Internal Unreadable StoreUnavailable ShuttingDown;
    /// Of the check whether the server is ready.
    ReadinessProblems: StoreUnavailable ShuttingDown Internal;
}

/// One response for each status, with the codes that it may bear.
pub(super) fn described(codes: &[Code]) -> BTreeMap<String, RefOr<Described>> {
    let mut lines_by_status: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for code in codes {
        let line = format!("`{}`: {}", code.name(), code.advice());
        if *code == Code::InvalidRequest {
            // A body that is not JSON at all.
            lines_by_status.entry(StatusCode::BAD_REQUEST.as_str().to_owned()).or_default().push(line.clone());
        }
        lines_by_status.entry(code.status().as_str().to_owned()).or_default().push(line);
    }
    lines_by_status.into_iter().map(|(status, lines)| (status, problem(lines.join("\n\n")).into())).collect()
}

/// A response that is a problem.
pub(super) fn problem(description: String) -> Described {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}
