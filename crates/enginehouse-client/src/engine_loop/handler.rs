//! What a handler is given, and what it answers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use enginehouse_api::events::Event;
use enginehouse_api::settle::{SettleOutcome, Settlement};
use enginehouse_core::access::event_token::EventToken;
use enginehouse_core::access::secret::SecretHash;
use enginehouse_core::event::AttemptError;
use enginehouse_core::json::RawJson;
use enginehouse_core::lock::LockToken;
use enginehouse_core::report::{AttemptReport, AttemptUsage};
use tokio_util::sync::CancellationToken;

use super::report_buffer::{CheckpointTooLarge, ReportBuffer};

/// An event under this engine's lock.
#[derive(Clone, Debug)]
pub struct ClaimedEvent {
    event: Arc<Event>,
    /// Proves that this engine holds the lock.
    pub token: LockToken,
    /// The session in which it was claimed.
    session: Option<SecretHash>,
}

impl ClaimedEvent {
    pub(crate) fn new(event: Event) -> Option<Self> {
        let token = event.lock.as_ref().and_then(|lock| lock.token);
        if token.is_none() {
            // The server releases it by itself, because no heartbeat lists its lock.
            tracing::error!(event_id = %event.event_id, "a claimed event came without its lock token");
        }
        Some(Self { token: token?, session: None, event: Arc::new(event) })
    }

    /// The same, claimed in a session.
    pub(super) fn in_session(self, session: Option<SecretHash>) -> Self {
        Self { session, ..self }
    }

    /// A token for a program that works on this event: with it, it may report on this attempt and settle it, and nothing else, as
    /// long as the lock lasts. None from a server that knows of no sessions.
    pub fn event_token(&self) -> Option<EventToken> {
        Some(EventToken::made(&self.session?, self.event_id, self.token))
    }
}

impl std::ops::Deref for ClaimedEvent {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

impl ClaimedEvent {
    /// How long the attempt may take from its claim on; none if it may take as long as it likes.
    pub(super) fn time_limit(&self) -> Option<Duration> {
        let lock = self.lock.as_ref()?;
        Some(lock.times_out_at?.since(lock.claimed_at))
    }
}

/// Why a handler should stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The attempt has taken longer than `max_processing_seconds`, and so the server has failed it. The handler's result is
    /// dropped.
    TimedOut,
    /// The lock is lost: another engine may have the event. The handler's result is dropped.
    LockLost,
    /// The event is cancelled. A completion still counts; any other outcome releases the event.
    Cancelled,
    /// The engine shuts down. A completion still counts; any other outcome releases the event.
    ShuttingDown,
}

/// Tells a handler when to stop, and takes what it reports of its attempt.
///
/// Reports cost no call of their own. They go along with the next heartbeat, which is sent once an interval, and the last of them
/// with the settle: of usage, progress and checkpoint the newest counts, and of the log as much is kept as the server keeps.
#[derive(Clone, Debug, Default)]
pub struct HandlerContext {
    stop: CancellationToken,
    reason: Arc<OnceLock<StopReason>>,
    pub(super) reports: Arc<ReportBuffer>,
}

impl HandlerContext {
    /// Ends when the handler should stop.
    pub async fn stopped(&self) -> StopReason {
        self.stop.cancelled().await;
        // The reason is set before the token is cancelled.
        self.stop_reason().unwrap_or(StopReason::ShuttingDown)
    }

    /// Why the handler should stop; none as long as it should not.
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.reason.get().copied()
    }

    /// Is cancelled when the handler should stop.
    pub fn token(&self) -> &CancellationToken {
        &self.stop
    }

    /// Reports how far the attempt is: in percent, in words, or both. With `progress_timeout_seconds`, an attempt that does not
    /// for so long is stuck.
    pub fn progress(&self, percent: Option<f64>, message: Option<&str>) {
        self.reports.progress(percent, message);
    }

    /// Reports what the attempt has used since it began.
    pub fn usage(&self, usage: AttemptUsage) {
        self.reports.usage(usage);
    }

    /// Keeps what another attempt needs to continue from here: it finds it in [`Event::previous`].
    ///
    /// # Errors
    /// It has more than 16 KiB.
    pub fn checkpoint(&self, checkpoint: RawJson) -> Result<(), CheckpointTooLarge> {
        self.reports.checkpoint(checkpoint)
    }

    /// Appends to the log of the attempt, of which the last 64 KiB are kept.
    pub fn log(&self, text: &str) {
        self.reports.log(text);
    }

    /// Says where the whole log is: a URL that begins with `http://` or `https://`.
    pub fn log_url(&self, url: impl Into<String>) {
        self.reports.log_url(url.into());
    }

    /// What was reported and is not under way to the server yet: for tests of handlers. It is taken away.
    pub fn pending_report(&self) -> AttemptReport {
        self.reports.last()
    }

    pub(crate) fn stop(&self, reason: StopReason) {
        // The first reason stands.
        self.reason.get_or_init(|| reason);
        self.stop.cancel();
    }
}

/// How a handler ends.
#[derive(Clone, Debug)]
pub enum HandlerOutcome {
    Complete {
        /// Any JSON of at most 256 KiB.
        result: Option<RawJson>,
    },
    Fail {
        error: AttemptError,
        /// Whether another attempt may help.
        retryable: bool,
        /// How long to wait before it, instead of the policy's delay.
        retry_after_seconds: Option<f64>,
        /// Whether a person should look if this was the last attempt.
        dead_letter: bool,
    },
    /// The event is released; the attempt is not counted.
    Release {
        /// How long nobody may claim it.
        delay_seconds: Option<f64>,
    },
}

impl HandlerOutcome {
    /// A failure that may be retried.
    pub fn failed(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Fail {
            error: AttemptError { code: Some(code.into()), message: message.into(), details: None },
            retryable: true,
            retry_after_seconds: None,
            dead_letter: false,
        }
    }

    pub(super) fn settlement(self, event: &ClaimedEvent, report: AttemptReport) -> Settlement {
        let new = |outcome| Settlement { report, ..Settlement::new(event.event_id, event.token, outcome) };
        match self {
            Self::Complete { result } => Settlement { result, ..new(SettleOutcome::Complete) },
            Self::Fail { error, retryable, retry_after_seconds, dead_letter } => Settlement {
                error: Some(error),
                retryable: Some(retryable),
                retry_after_seconds,
                dead_letter: Some(dead_letter),
                ..new(SettleOutcome::Fail)
            },
            Self::Release { delay_seconds } => Settlement { delay_seconds, ..new(SettleOutcome::Release) },
        }
    }
}

/// How many events an engine has settled, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineSummary {
    pub completed: u64,
    /// Attempts that failed: those that took too long, and those that will be retried, too.
    pub failed: u64,
    pub released: u64,
    /// Events whose lock it lost, or whose settle the server refused.
    pub lost: u64,
}

impl EngineSummary {
    pub(super) fn count(&mut self, settled: Option<SettleOutcome>) {
        *match settled {
            Some(SettleOutcome::Complete) => &mut self.completed,
            Some(SettleOutcome::Fail) => &mut self.failed,
            Some(SettleOutcome::Release | SettleOutcome::Extend) => &mut self.released,
            None => &mut self.lost,
        } += 1;
    }
}
