//! What a bench leaves behind: no engine, and no event that is to be worked on, unless it is asked to keep them.

use std::sync::Arc;

use enginehouse_api::events::{CancelRequest, EventsQuery};
use enginehouse_api::page::PageQuery;
use enginehouse_api::problem::Code;
use enginehouse_client::{Client, Error};
use enginehouse_core::event::EventStatus;
use enginehouse_core::filter::EventFilter;
use enginehouse_core::ids::EventId;
use enginehouse_core::limits::MAX_PAGE;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::names::BenchNames;

/// How many calls are under way at once: the server commits them together.
const CALLS_AT_ONCE: usize = 64;
/// How many bytes of payloads a page of events may have.
const PAGE_BYTES: u64 = 8 * 1024 * 1024;

/// What was done.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct CleanUp {
    pub(super) engines_deregistered: u64,
    pub(super) events_cancelled: u64,
}

/// Deregisters the engines of the run, which releases what they hold.
pub(super) async fn deregister(client: &Client, names: &BenchNames, engines: u32) -> Result<u64, Error> {
    let calls = (0..engines).map(|number| {
        let (client, engine_id) = (client.clone(), names.engine_id(number));
        async move { is_done(client.deregister(&engine_id, None).await) }
    });
    all(calls).await
}

/// Cancels the events of the run that are queued, and those whose engine could not be deregistered.
pub(super) async fn cancel(client: &Client, names: &BenchNames, payload_bytes: u32) -> Result<u64, Error> {
    let limit = (PAGE_BYTES / u64::from(payload_bytes)).clamp(1, MAX_PAGE.into());
    let mut cancelled = 0;
    for status in [EventStatus::Queued, EventStatus::Processing] {
        let filter = EventFilter {
            status: Some(status),
            event_type: Some(names.event_type.clone()),
            queue: Some(names.queue.clone()),
            ..EventFilter::default()
        };
        let mut query =
            EventsQuery { filter, page: PageQuery { limit: Some(limit), cursor: None }, ..EventsQuery::default() };
        loop {
            let page = client.events(&query).await?;
            cancelled += all(page.items.iter().map(|event| cancel_one(client.clone(), event.event_id))).await?;
            query.page.cursor = page.next_cursor;
            if query.page.cursor.is_none() {
                break;
            }
        }
    }
    Ok(cancelled)
}

async fn cancel_one(client: Client, event_id: EventId) -> Result<bool, Error> {
    is_done(client.cancel(event_id, CancelRequest { force: true }).await.map(drop))
}

/// Whether a call did it. If nothing was there to do it to, it was done before.
fn is_done(answer: Result<(), Error>) -> Result<bool, Error> {
    match answer {
        Ok(()) => Ok(true),
        Err(error) => match error.code() {
            Some(Code::NotFound | Code::EngineNotRegistered | Code::WrongStatus) => Ok(false),
            _ => Err(error),
        },
    }
}

/// Makes all of these calls, some at once. Answers how many did something.
async fn all(
    calls: impl Iterator<Item = impl Future<Output = Result<bool, Error>> + Send + 'static>,
) -> Result<u64, Error> {
    let at_once = Arc::new(Semaphore::new(CALLS_AT_ONCE));
    let mut under_way = JoinSet::new();
    for call in calls {
        let at_once = Arc::clone(&at_once);
        under_way.spawn(async move {
            let _permit = at_once.acquire_owned().await;
            call.await
        });
    }
    let mut done = 0;
    while let Some(answer) = under_way.join_next().await {
        match answer {
            Ok(answer) => done += u64::from(answer?),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
    Ok(done)
}
