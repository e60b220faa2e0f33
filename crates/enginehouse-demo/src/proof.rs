//! Checks what the demo claims against the server's own record of every event.

use std::collections::BTreeSet;

use anyhow::Context as _;
use enginehouse_api::events::{Event, EventsQuery};
use enginehouse_api::page::PageQuery;
use enginehouse_client::Client;
use enginehouse_core::event::{AttemptOutcome, EventStatus};
use enginehouse_core::filter::EventFilter;

use super::picture::Picture;
use super::scene::Scene;
use super::tiles::{SCENARIO_RUN, TilePayload, TileResult};

/// How many tiles are rendered a second time, to compare them.
const RENDERED_TWICE: usize = 2;

/// The picture, put together from the results of all events, and what their histories add up to.
pub(super) struct Proof {
    pub(super) picture: Picture,
    pub(super) tiles: usize,
    pub(super) completed: usize,
    pub(super) attempts: u32,
    pub(super) failures: u32,
    pub(super) locks_lost: u32,
    pub(super) redrives: u32,
    /// What the records contradict. Empty if everything the demo claims is true.
    pub(super) objections: Vec<String>,
}

pub(super) async fn check(client: &Client, scene: &Scene, tiles: &[TilePayload]) -> anyhow::Result<Proof> {
    let events = all_events(client).await?;
    let format = tiles.first().context("there are tiles")?.picture;
    let mut proof = Proof {
        picture: Picture::new(format.width, format.height),
        tiles: tiles.len(),
        completed: 0,
        attempts: 0,
        failures: 0,
        locks_lost: 0,
        redrives: 0,
        objections: Vec::new(),
    };
    let mut numbers = BTreeSet::new();
    for event in &events {
        let payload = TilePayload::read(&event.payload)?;
        if !numbers.insert(payload.number) {
            proof.objections.push(format!("tile {} has two events", payload.number));
        }
        proof.check_event(client, event, &payload).await?;
    }
    if numbers.len() != tiles.len() {
        proof.objections.push(format!("{} tiles were enqueued, and {} are there", tiles.len(), numbers.len()));
    }
    if !proof.picture.is_complete() {
        proof.objections.push("the picture has holes".to_owned());
    }
    for event in events.iter().step_by(events.len().div_ceil(RENDERED_TWICE).max(1)) {
        proof.render_twice(scene, event)?;
    }
    Ok(proof)
}

async fn all_events(client: &Client) -> anyhow::Result<Vec<Event>> {
    let mut events = Vec::new();
    let filter = EventFilter { scenario_run_id: Some(SCENARIO_RUN.parse()?), ..EventFilter::default() };
    let mut query =
        EventsQuery { filter, page: PageQuery { limit: Some(100), cursor: None }, ..EventsQuery::default() };
    loop {
        let page = client.events(&query).await?;
        events.extend(page.items);
        query.page.cursor = page.next_cursor;
        if query.page.cursor.is_none() {
            return Ok(events);
        }
    }
}

impl Proof {
    /// A tile completed exactly once if its event is completed and each earlier attempt ended in another way.
    async fn check_event(&mut self, client: &Client, event: &Event, payload: &TilePayload) -> anyhow::Result<()> {
        let number = payload.number;
        self.attempts += event.attempt;
        self.failures += event.failures;
        self.redrives += event.redrives;
        let history = client.history(event.event_id).await?;
        let lost = history.attempts.iter().filter(|attempt| attempt.outcome == Some(AttemptOutcome::Lost)).count();
        self.locks_lost += u32::try_from(lost)?;
        if event.status != EventStatus::Completed {
            self.objections.push(format!("tile {number} is {}", event.status));
            return Ok(());
        }
        self.completed += 1;
        let completions = history.attempts.iter().filter(|attempt| attempt.outcome == Some(AttemptOutcome::Completed));
        if (completions.count(), history.attempts.len()) != (1, event.attempt as usize) {
            let shown = history.attempts.len();
            self.objections.push(format!("tile {number}: {} attempts, of which history shows {shown}", event.attempt));
        }
        let Some(result) = &event.result else {
            self.objections.push(format!("tile {number} has no result"));
            return Ok(());
        };
        self.picture.add(payload.tile, &TileResult::read(result)?.pixels()?)
    }

    fn render_twice(&mut self, scene: &Scene, event: &Event) -> anyhow::Result<()> {
        let Some(result) = &event.result else { return Ok(()) };
        let payload = TilePayload::read(&event.payload)?;
        if payload.render(scene, || true) != Some(TileResult::read(result)?.pixels()?) {
            self.objections.push(format!("tile {} looks different when it is rendered again", payload.number));
        }
        Ok(())
    }
}
