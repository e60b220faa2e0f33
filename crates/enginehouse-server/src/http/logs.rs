//! The logs of attempts: as they are, or as they grow.

use std::time::Duration;

use axum::extract::{Extension, State};
use axum::response::sse::{Event as StreamEvent, Sse};
use axum::response::{IntoResponse, Response};
use enginehouse_api::events::Attempt;
use enginehouse_api::logs::{AttemptLog, LogPart, LogQuery, LogResponse};
use enginehouse_api::problem::{Code, Problem};
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::event::AttemptOutcome;
use enginehouse_core::ids::EventId;
use enginehouse_core::report::LogTail;
use enginehouse_store::StoreError;
use futures_util::stream;

use super::app::App;
use super::history;
use super::json::Json;
use super::params::{Path, Query};
use super::problem::{ProblemResponse, ReadProblems};
use super::selected::check_visible;
use crate::log_followers::Follower;
use crate::timers::pause;

/// How often a log is looked at of which this server has heard nothing: another one may have, and the attempt may have ended.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// A look after a report does not come sooner after the one before.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
/// How many looks bring nothing until the caller is sent a comment, which shows whether it is there yet.
const QUIET_LOOKS: u32 = 5;
/// How often a store that is away is asked again.
const MAX_FAILURES: u32 = 30;

/// Show the ends of the logs of an event's attempts.
///
/// With `follow=true` the answer is a stream of server-sent events: `log` for what there is and what is appended, until the attempt
/// ends, and `end` with its outcome. At most 100 callers follow at once.
#[utoipa::path(get, path = "/v1/events/{event_id}/log", tag = "events", extensions(("x-permission" = json!({ "any_of": [Permission::EventsReadPayload.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event."), LogQuery),
    responses((status = 200, description = "The logs, oldest first; or the parts of one, each a `LogPart`.",
        content((LogResponse = "application/json"), (String = "text/event-stream"))), ReadProblems))]
pub(super) async fn get_event_log(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Path(event_id): Path<EventId>,
    query: Query,
) -> Result<Response, ProblemResponse> {
    let LogQuery { attempt, follow } = query.read(LogQuery::read)?;
    check_visible(&app, &principal, event_id).await?;
    let Some(attempts) = attempts(&app, event_id).await? else { return Err(app.no_event(event_id).await) };
    if let Some(number) = attempt
        && !attempts.iter().any(|(_, attempt)| attempt.attempt == number)
    {
        return Err(Problem::not_found(format_args!("attempt {number} of event {event_id}")).into());
    }
    if !follow {
        let serials = attempts.iter().filter(|(_, shown)| attempt.is_none_or(|number| shown.attempt == number));
        let mut logs = app.store().logs(event_id, None).await?;
        if attempt.is_some() {
            logs.clear();
            for (serial, _) in serials.clone() {
                logs.extend(app.store().logs(event_id, Some(*serial)).await?);
            }
        }
        let shown = logs.into_iter().filter_map(|(serial, tail)| {
            let (_, attempt) = serials.clone().find(|(of, _)| *of == serial)?;
            Some(attempt_log(attempt, tail))
        });
        return Ok(Json(LogResponse { event_id, logs: shown.collect() }).into_response());
    }
    let Some(follower) = app.log_followers().follow(event_id) else {
        let detail = "as many callers follow logs as may at once: 100";
        return Err(Problem { retry_after_seconds: Some(1), ..Problem::new(Code::Overloaded, detail) }.into());
    };
    let of = |number: Option<u32>| {
        attempts.iter().rev().find(|(_, shown)| number.is_none_or(|number| shown.attempt == number))
    };
    let serial = of(attempt).map(|(serial, _)| *serial);
    let state = FollowedLog {
        app,
        event_id,
        serial,
        follower,
        seen: 0,
        attempt: 0,
        failures: 0,
        is_over: false,
        is_first: true,
    };
    let parts = stream::unfold(state, |mut state| async move {
        let part = state.next().await?;
        Some((Ok::<_, std::convert::Infallible>(part), state))
    });
    Ok(Sse::new(parts).into_response())
}

fn attempt_log(attempt: &Attempt, tail: LogTail) -> AttemptLog {
    AttemptLog {
        attempt: attempt.attempt,
        engine_id: attempt.engine_id.clone(),
        outcome: attempt.outcome,
        total_bytes: tail.bytes,
        text: tail.text,
    }
}

/// The attempts of an event with the serials of their locks; none if there is no such event.
async fn attempts(app: &App, event_id: EventId) -> Result<Option<Vec<(i64, Attempt)>>, StoreError> {
    let found = app.store().history(event_id).await?;
    // Its history may be kept longer than the event, but nothing that was reported is.
    let is_kept = found.event.is_some();
    Ok(is_kept.then(|| history::attempts(found).0))
}

/// A log on its way to one caller. Dropped with the connection.
struct FollowedLog {
    app: App,
    event_id: EventId,
    /// Of which lock; none if the event was never claimed.
    serial: Option<i64>,
    follower: Follower,
    /// How many bytes of the log have been sent, or were not kept.
    seen: u64,
    attempt: u32,
    failures: u32,
    is_over: bool,
    is_first: bool,
}

impl FollowedLog {
    async fn next(&mut self) -> Option<StreamEvent> {
        if self.is_over {
            return None;
        }
        let mut quiet_looks = 0;
        loop {
            // Asked for before the look: a report in between would otherwise wait for the next one.
            let reported = std::sync::Arc::clone(&self.follower.reported);
            let mut reported = std::pin::pin!(reported.notified());
            reported.as_mut().enable();
            match self.look().await {
                Ok((text, end)) => {
                    self.failures = 0;
                    if !text.is_empty() {
                        self.is_first = false;
                        return Some(self.part("log", text, None));
                    }
                    if let Some(outcome) = end {
                        self.is_over = true;
                        return Some(self.part("end", String::new(), outcome));
                    }
                }
                Err(error) if self.failures < MAX_FAILURES => {
                    self.failures += 1;
                    tracing::debug!(event_id = %self.event_id, %error, "could not look at a log that is followed");
                }
                Err(_) => return None,
            }
            if self.app.is_going_down() {
                return None;
            }
            quiet_looks += 1;
            if std::mem::take(&mut self.is_first) || quiet_looks >= QUIET_LOOKS {
                // The first one tells that the stream has begun.
                return Some(StreamEvent::default().comment("nothing new"));
            }
            pause(MIN_INTERVAL).await;
            tokio::select! {
                () = reported => {}
                () = pause(LOOK_INTERVAL - MIN_INTERVAL) => {}
            }
        }
    }

    fn part(&self, name: &str, text: String, outcome: Option<AttemptOutcome>) -> StreamEvent {
        let part = LogPart { attempt: self.attempt, text, outcome };
        // It is made of texts and numbers: nothing that JSON cannot say.
        StreamEvent::default().event(name).data(serde_json::to_string(&part).unwrap_or_default())
    }

    /// What is new, and how the attempt has ended, if it has: nothing is appended after that.
    async fn look(&mut self) -> Result<(String, Option<Option<AttemptOutcome>>), StoreError> {
        let Some(serial) = self.serial else { return Ok((String::new(), Some(None))) };
        // Whether it has ended is read first.
        let attempts = attempts(&self.app, self.event_id).await?.unwrap_or_default();
        let attempt = attempts.into_iter().find(|(of, _)| *of == serial).map(|(_, attempt)| attempt);
        self.attempt = attempt.as_ref().map_or(self.attempt, |attempt| attempt.attempt);
        let end = match &attempt {
            Some(attempt) if attempt.ended_at.is_none() => None,
            Some(attempt) => Some(attempt.outcome),
            // It was released and left no trace, or its event is gone.
            None => Some(None),
        };
        let tail = self.app.store().logs(self.event_id, Some(serial)).await?.pop();
        let Some((_, tail)) = tail else { return Ok((String::new(), end)) };
        let new = tail.since(self.seen).to_owned();
        self.seen = tail.bytes;
        Ok((new, end))
    }
}
