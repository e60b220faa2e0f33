//! What is in the store once all is over.

use anyhow::{Context, Result};
use enginehouse_api::events::{Event, EventCounts, EventsQuery};
use enginehouse_api::page::PageQuery;
use enginehouse_client::Client;
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EventId;

/// An event as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FinalEvent {
    pub(crate) event_id: EventId,
    pub(crate) key: Option<String>,
    pub(crate) payload: String,
    pub(crate) status: EventStatus,
    pub(crate) result: Option<String>,
}

/// The events, and how many of them there are by the server's own count.
#[derive(Clone, Debug, Default)]
pub(crate) struct FinalState {
    pub(crate) events: Vec<FinalEvent>,
    pub(crate) counts: EventCounts,
}

impl FinalState {
    pub(crate) async fn of(client: &Client) -> Result<Self> {
        let mut events = Vec::new();
        let mut query = EventsQuery { page: PageQuery { limit: Some(1_000), cursor: None }, ..EventsQuery::default() };
        loop {
            let page = client.events(&query).await.context("events cannot be listed")?;
            events.extend(page.items.into_iter().map(FinalEvent::from));
            match page.next_cursor {
                Some(cursor) => query.page.cursor = Some(cursor),
                None => break,
            }
        }
        let counts = client.stats().await.context("there are no statistics")?.events;
        Ok(Self { events, counts })
    }
}

impl FinalEvent {
    /// Whether it is over, as long as no operator redrives it.
    pub(crate) const fn has_ended(&self) -> bool {
        !matches!(self.status, EventStatus::Queued | EventStatus::Processing)
    }
}

impl From<Event> for FinalEvent {
    fn from(event: Event) -> Self {
        Self {
            event_id: event.event_id,
            key: event.idempotency_key,
            payload: event.payload.as_str().to_owned(),
            status: event.status,
            result: event.result.map(|result| result.as_str().to_owned()),
        }
    }
}
