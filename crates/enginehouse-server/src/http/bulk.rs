//! Redriving and discarding all dead letters that match: page by page, each page one command.
//!
//! The pages run in a task of their own, so that a caller who hangs up leaves nothing half done. What becomes a dead letter
//! while they run is left alone: otherwise an event that fails at once would be redriven for ever.

use std::time::Duration;

use enginehouse_api::dead_letters::{BulkDiscardRequest, BulkRedriveRequest};
use enginehouse_api::problem::Problem;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::applied::Applied;
use enginehouse_core::filter::DeadLetterFilter;
use enginehouse_core::time::Timestamp;

use super::app::App;
use super::problem::ProblemResponse;
use crate::dispatcher::actor::Actor;
use crate::dispatcher::dead_letters::{DiscardPage, RedrivePage};

/// How many dead letters one command takes: the writer is never held for long.
const PAGE: u32 = 500;

/// Redrives all that match. Answers how many.
pub(super) async fn redrive(app: App, by: Actor, request: BulkRedriveRequest) -> Result<u64, ProblemResponse> {
    let (filter, _) = until_now(&app, &by, request.filter).await?;
    let spacing = request.rate_per_second.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate));
    let pages = async move {
        let mut redriven = 0;
        loop {
            let left = request.limit.unwrap_or(u64::MAX) - redriven;
            let limit = u32::try_from(left).unwrap_or(u32::MAX).min(PAGE);
            // The n-th event waits for n places, whichever page it is on.
            let delay = request.rate_per_second.map_or(Duration::ZERO, |rate| {
                Duration::try_from_secs_f64(redriven as f64 / rate).unwrap_or(Duration::MAX)
            });
            let page = RedrivePage { filter: filter.clone(), limit, spacing, delay };
            let count = app
                .dispatcher()
                .execute_for(&by, page)
                .await
                .map_err(|error| broken_off(error.into(), redriven, "redriven"))?;
            redriven += u64::from(count);
            if count < limit || request.limit == Some(redriven) {
                return Ok(redriven);
            }
        }
    };
    tokio::spawn(pages).await.unwrap_or_else(|error| Err(ProblemResponse::internal(error.to_string())))
}

/// Discards all that match. Answers how many.
pub(super) async fn discard(app: App, by: Actor, request: BulkDiscardRequest) -> Result<u64, ProblemResponse> {
    let (filter, _) = until_now(&app, &by, request.filter).await?;
    let pages = async move {
        let mut discarded = 0;
        loop {
            let page = DiscardPage { filter: filter.clone(), limit: PAGE, reason: request.reason.clone() };
            let count = app
                .dispatcher()
                .execute_for(&by, page)
                .await
                .map_err(|error| broken_off(error.into(), discarded, "discarded"))?;
            discarded += u64::from(count);
            if count < PAGE {
                return Ok(discarded);
            }
        }
    };
    tokio::spawn(pages).await.unwrap_or_else(|error| Err(ProblemResponse::internal(error.to_string())))
}

/// The filter, but only for what is a dead letter by now and what the caller may see; and the moment that says so.
pub(super) async fn until_now(
    app: &App,
    by: &Principal,
    filter: DeadLetterFilter,
) -> Result<(DeadLetterFilter, Timestamp), ProblemResponse> {
    // A look at what is due brings the store's time.
    app.dispatcher().sweep().await?;
    let now = app.metrics().last_commit_at() + Duration::from_millis(1);
    let before = filter.dead_lettered_before.map_or(now, |before| before.min(now));
    Ok((DeadLetterFilter { dead_lettered_before: Some(before), within: by.reach(), ..filter }, before))
}

/// A page failed behind others that did not.
fn broken_off(problem: ProblemResponse, done: u64, what: &str) -> ProblemResponse {
    if done == 0 {
        return problem;
    }
    problem.with(|document| Problem {
        detail: format!("{}; {done} dead letters were {what} before", document.detail),
        applied: Some(Applied::Unknown),
        ..document
    })
}
