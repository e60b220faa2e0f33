//! Everything that can go wrong for a caller: problem documents (RFC 9457).

use std::fmt;

use enginehouse_core::applied::Applied;
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EventId;
use enginehouse_core::invalid::{FieldError, Invalid, InvalidKind};
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::TransitionRefused;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

/// What went wrong. A code is part of the API: never renamed, never reused.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Code {
    /// The request is malformed, or a field of it is wrong.
    InvalidRequest,
    /// Nothing has this id, or no call has this path.
    NotFound,
    /// The path has no such method.
    MethodNotAllowed,
    /// The body, or a part of it, is over its limit.
    TooLarge,
    /// The body is not of a type that the call reads.
    UnsupportedMediaType,
    /// The idempotency key belongs to a live event that was enqueued with another request.
    IdempotencyConflict,
    /// The lock token is not that of the event's current lock.
    LockLost,
    /// The event is not in a status that the call needs.
    WrongStatus,
    /// The engine has registered anew since.
    EngineSuperseded,
    /// The engine missed its heartbeats.
    EngineLost,
    /// No engine with this id is registered.
    EngineNotRegistered,
    /// Another process has the id, and lives.
    EngineAlive,
    /// The call needs a token that is valid now.
    Unauthenticated,
    /// The token does not permit it.
    Forbidden,
    /// The call is not of the process that has registered the engine.
    WrongSession,
    /// A browser sent the request from another site.
    CrossOrigin,
    /// The request is to a host that this server does not serve.
    MisdirectedRequest,
    /// The body is sent in a way that the server does not read.
    UnsupportedTransferCoding,
    /// More commands are waiting than the server takes.
    Overloaded,
    /// The token has its share of something.
    QuotaExceeded,
    /// There is as much of something as there may be.
    LimitReached,
    /// The store did not answer.
    StoreUnavailable,
    /// The server is about to stop.
    ShuttingDown,
    /// The request took too long to arrive.
    Timeout,
    /// The row that the request is about is damaged, or was written by somebody else.
    Unreadable,
    /// A mistake of the server.
    Internal,
}

impl Code {
    /// The word that stands in the document.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The HTTP status it is answered with. A body that is not JSON at all is answered with 400 instead of 422.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotFound | Self::EngineNotRegistered => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::IdempotencyConflict
            | Self::LockLost
            | Self::WrongStatus
            | Self::EngineSuperseded
            | Self::EngineLost
            | Self::EngineAlive => StatusCode::CONFLICT,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::WrongSession | Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::MisdirectedRequest => StatusCode::MISDIRECTED_REQUEST,
            Self::UnsupportedTransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::Overloaded | Self::QuotaExceeded | Self::LimitReached => StatusCode::TOO_MANY_REQUESTS,
            Self::StoreUnavailable | Self::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Unreadable | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What went wrong, in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::InvalidRequest => "Invalid request",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::TooLarge => "Too large",
            Self::UnsupportedMediaType => "Unsupported media type",
            Self::IdempotencyConflict => "Idempotency key in use",
            Self::LockLost => "Lock lost",
            Self::WrongStatus => "Wrong status",
            Self::EngineSuperseded => "Engine superseded",
            Self::EngineLost => "Engine lost",
            Self::EngineNotRegistered => "Engine not registered",
            Self::EngineAlive => "Engine alive",
            Self::Unauthenticated => "Unauthenticated",
            Self::Forbidden => "Forbidden",
            Self::WrongSession => "Wrong session",
            Self::CrossOrigin => "Cross-origin request",
            Self::MisdirectedRequest => "Misdirected request",
            Self::UnsupportedTransferCoding => "Unsupported transfer coding",
            Self::Overloaded => "Overloaded",
            Self::QuotaExceeded => "Quota exceeded",
            Self::LimitReached => "Limit reached",
            Self::StoreUnavailable => "Store unavailable",
            Self::ShuttingDown => "Shutting down",
            Self::Timeout => "Timeout",
            Self::Unreadable => "Unreadable row",
            Self::Internal => "Internal error",
        }
    }

    /// What the caller should do; also the first sentence of `docs/problems/<name>.md`.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::InvalidRequest => "Correct the fields that `errors` names, and send the request again.",
            Self::NotFound => "Check the id or path; a finished event is removed after its retention time.",
            Self::MethodNotAllowed => "Use a method that the `Allow` header names.",
            Self::TooLarge => "Send less at once, or keep the data elsewhere and enqueue where to find it.",
            Self::UnsupportedMediaType => {
                "Send the body as `Content-Type: application/json`, as it is or with `Content-Encoding: gzip`."
            }
            Self::IdempotencyConflict => {
                "Use a new idempotency key for different work, or repeat the first request as it was."
            }
            Self::LockLost => "Drop the result and stop working on the event: another attempt may be under way.",
            Self::WrongStatus => "Look at the event again and decide on its present status.",
            Self::EngineSuperseded => {
                "Stop: another process has registered under this engine id. Give each process an id of its own."
            }
            Self::EngineLost => "Send a heartbeat to come back, then claim again.",
            Self::EngineNotRegistered => "Register the engine, then repeat the call with its new epoch.",
            Self::EngineAlive => {
                "Wait until the engine is lost or deregistered, or take its id over with `takeover` and the token that it was registered with."
            }
            Self::MisdirectedRequest => {
                "Call the server by an address that it listens on, or add the name to its setting `allowed_hosts`."
            }
            Self::UnsupportedTransferCoding => {
                "Send the body with `Content-Length`, or with `Transfer-Encoding: chunked` and nothing else."
            }
            Self::Unauthenticated => {
                "Send a token that is valid now, as `Authorization: Bearer TOKEN`; `enginehouse token create` makes one."
            }
            Self::Forbidden => "Use a token that has the permission that `missing` names, on what `on` names.",
            Self::WrongSession => {
                "Send the `session_token` that the registration of this engine answered, as the header `Enginehouse-Session`."
            }
            Self::CrossOrigin => "Call the API from a program or from its own pages, not from another site.",
            Self::Overloaded => "Wait as long as `Retry-After` says, and repeat the request: nothing was done.",
            Self::QuotaExceeded => {
                "Wait as long as `Retry-After` says, and repeat the request with less at once: nothing was done."
            }
            Self::LimitReached => "Look at the field that `detail` names: it has too many values. Or raise the limit.",
            Self::StoreUnavailable => "Wait as long as `Retry-After` says, and repeat the request in its safe form.",
            Self::ShuttingDown => "Repeat the request when the server is back: nothing was done.",
            Self::Timeout => "Send the request again, and its whole body without a pause.",
            Self::Unreadable => {
                "Do not repeat the request: run `enginehouse doctor`, and repair or delete the row that it names."
            }
            Self::Internal => "Repeat the request; if it fails again, report the `request_id`.",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What went wrong, for programs and for people: `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A relative URI of the page that explains the code: `/problems/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What went wrong, in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong this time, in a sentence.
    pub detail: String,
    /// What went wrong, as a stable word for programs.
    pub code: Code,
    /// Every bad field of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Whether the request has changed anything: `false`, or `"unknown"`. Absent where it goes without saying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub applied: Option<Applied>,
    /// The event that is concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_id: Option<EventId>,
    /// Where that event is in its life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_status: Option<EventStatus>,
    /// The permission that the token does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub missing: Option<String>,
    /// What the permission would have to be on, such as `queue eu.render`; absent if it is missing altogether.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub on: Option<String>,
    /// What the token has its share of, such as `events_per_second`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub quota: Option<String>,
    /// How long to wait before a repeat, in seconds; also in the `Retry-After` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub retry_after_seconds: Option<u64>,
    /// Names the request in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request_id: Option<String>,
}

impl Problem {
    /// A problem with the status of its code.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{}", code.name()),
            title: code.title().to_owned(),
            status: code.status().as_u16(),
            detail: detail.into(),
            code,
            errors: Vec::new(),
            applied: None,
            event_id: None,
            event_status: None,
            missing: None,
            on: None,
            quota: None,
            retry_after_seconds: None,
            request_id: None,
        }
    }

    /// A body that is not JSON at all.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST.as_u16(), ..Self::new(Code::InvalidRequest, detail) }
    }

    /// Nothing has this id: `what` is such as `event 0193…`.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("there is no {what}"))
    }

    /// No engine with this id is registered.
    pub fn engine_not_registered(engine_id: &enginehouse_core::ids::EngineId) -> Self {
        Self::new(Code::EngineNotRegistered, format!("no engine {engine_id} is registered"))
    }

    /// The engine missed its heartbeats.
    pub fn engine_lost(engine_id: &enginehouse_core::ids::EngineId) -> Self {
        Self::new(Code::EngineLost, format!("engine {engine_id} missed its heartbeats"))
    }

    /// The engine has registered anew since.
    pub fn engine_superseded(engine_id: &enginehouse_core::ids::EngineId, epoch: i64, current: i64) -> Self {
        let detail = format!("engine {engine_id} is at epoch {current}, the request is of epoch {epoch}");
        Self::new(Code::EngineSuperseded, detail)
    }

    /// Another process has the id, and lives: until then, if nothing more is heard of it.
    pub fn engine_alive(engine_id: &enginehouse_core::ids::EngineId, until: Option<Timestamp>) -> Self {
        let detail = match until {
            Some(until) => {
                format!("engine {engine_id} is registered by another process, and counts as alive until {until}")
            }
            None => format!(
                "engine {engine_id} is registered by another process, and sends no heartbeats: it counts as alive until it is deregistered"
            ),
        };
        Self { applied: Some(Applied::No), ..Self::new(Code::EngineAlive, detail) }
    }

    /// The call is not of the process that has registered this engine, or does not prove it.
    pub fn wrong_session(engine_id: Option<&enginehouse_core::ids::EngineId>) -> Self {
        let detail = match engine_id {
            Some(engine_id) => format!("the call does not show the session of engine {engine_id}"),
            None => "the header Enginehouse-Session holds no session token".to_owned(),
        };
        Self { applied: Some(Applied::No), ..Self::new(Code::WrongSession, detail) }
    }

    /// Who calls has shown no token that opens anything now. Why is not said: it would tell somebody who guesses.
    pub fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, "this call needs a token that is valid now")
    }

    /// The token does not permit it: altogether, or not on this, such as `queue eu.render`.
    pub fn forbidden(missing: impl fmt::Display, on: Option<String>) -> Self {
        let detail = match &on {
            Some(on) => format!("the token does not permit {missing} on {on}"),
            None => format!("the token does not permit {missing}"),
        };
        Self { missing: Some(missing.to_string()), on, ..Self::new(Code::Forbidden, detail) }
    }

    /// The idempotency key belongs to `event_id`, which was enqueued with another request.
    pub fn idempotency_conflict(event_id: EventId) -> Self {
        let detail =
            format!("the idempotency key belongs to event {event_id}, which was enqueued with another request");
        Self { event_id: Some(event_id), ..Self::new(Code::IdempotencyConflict, detail) }
    }

    /// More commands are waiting than the server takes.
    pub fn overloaded(retry_after_seconds: u64) -> Self {
        Self {
            applied: Some(Applied::No),
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(Code::Overloaded, "more commands are waiting than the server takes")
        }
    }

    /// The token has its share of something, which `quota` names.
    pub fn quota_exceeded(quota: &str, detail: impl Into<String>, retry_after_seconds: u64) -> Self {
        Self {
            applied: Some(Applied::No),
            quota: Some(quota.to_owned()),
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(Code::QuotaExceeded, detail)
        }
    }

    /// There is as much of something as there may be: `detail` names the limit, and the field that varies.
    pub fn limit_reached(detail: impl Into<String>) -> Self {
        Self { applied: Some(Applied::No), ..Self::new(Code::LimitReached, detail) }
    }

    /// The store has no room. What takes none goes on.
    pub fn store_full(retry_after_seconds: u64) -> Self {
        Self {
            detail: "the disk is full, or the store has reached max_store_mb; nothing was done".to_owned(),
            ..Self::store_unavailable(Applied::No, retry_after_seconds)
        }
    }

    /// Somebody holds a row of the database that is needed.
    pub fn store_held(retry_after_seconds: u64) -> Self {
        Self {
            detail: "another transaction on the database holds what is needed; nothing was done".to_owned(),
            ..Self::store_unavailable(Applied::No, retry_after_seconds)
        }
    }

    /// The store did not answer.
    pub fn store_unavailable(applied: Applied, retry_after_seconds: u64) -> Self {
        let detail = match applied {
            Applied::No => "the store did not answer; nothing was done",
            Applied::Unknown => "the store did not confirm; the request may have been applied",
        };
        Self {
            applied: Some(applied),
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(Code::StoreUnavailable, detail)
        }
    }

    /// The server is about to stop.
    pub fn shutting_down() -> Self {
        Self {
            applied: Some(Applied::No),
            retry_after_seconds: Some(1),
            ..Self::new(Code::ShuttingDown, "the server is about to stop")
        }
    }

    /// This problem, about an event.
    #[must_use]
    pub fn about(self, event_id: EventId) -> Self {
        Self { event_id: Some(event_id), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for Problem {}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        let detail = invalid.to_string();
        let problem = match invalid.kind {
            InvalidKind::Malformed => Self::malformed(detail),
            InvalidKind::Fields => Self::new(Code::InvalidRequest, detail),
            InvalidKind::TooLarge => Self::new(Code::TooLarge, detail),
        };
        Self { errors: invalid.errors, ..problem }
    }
}

impl From<TransitionRefused> for Problem {
    fn from(refusal: TransitionRefused) -> Self {
        let (code, status) = match refusal {
            TransitionRefused::LockLost { status } => (Code::LockLost, status),
            TransitionRefused::WrongStatus { status, .. } => (Code::WrongStatus, status),
        };
        Self { event_status: Some(status), ..Self::new(code, refusal.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_code_has_a_name_of_its_own_a_title_and_advice() {
        let names: HashSet<_> = Code::VARIANTS.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::VARIANTS.len());
        for code in Code::VARIANTS {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
            assert!(code.advice().ends_with('.') && !code.title().is_empty(), "{code}");
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code}");
        }
    }

    #[test]
    fn a_problem_is_read_back_as_it_was_written() {
        let problem = Problem {
            request_id: Some("r".into()),
            ..Problem::store_unavailable(Applied::Unknown, 2).about(EventId(Default::default()))
        };
        let json = serde_json::to_value(&problem).unwrap();
        assert_eq!(json["type"], "/problems/store_unavailable");
        assert_eq!(json["applied"], "unknown");
        assert_eq!(serde_json::from_value::<Problem>(json).unwrap(), problem);
        assert_eq!(serde_json::to_value(Problem::overloaded(1)).unwrap()["applied"], false);
    }

    #[test]
    fn a_refused_settle_says_where_the_event_is() {
        let problem = Problem::from(TransitionRefused::LockLost { status: EventStatus::Completed });
        assert_eq!((problem.code, problem.status), (Code::LockLost, 409));
        assert_eq!(problem.event_status, Some(EventStatus::Completed));
    }

    #[test]
    fn every_bad_field_is_named() {
        let problem = Problem::from(Invalid::field("/priority", "must be between 0 and 9"));
        assert_eq!(problem.status, 422);
        assert_eq!(problem.errors[0].pointer, "/priority");
    }
}
