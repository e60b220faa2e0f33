//! What the demo claims is checked against what the server says of every event.

use std::collections::BTreeSet;

use anyhow::Context as _;
use enginehouse_api::events::{Event, EventsQuery};
use enginehouse_client::Client;
use enginehouse_core::event::{AttemptOutcome, EventStatus};

use super::picture::Picture;
use super::scene::Scene;
use super::tiles::{Rendered, SCENARIO_RUN, Work};

/// How many tiles are rendered again, to be compared.
const RENDERED_AGAIN: usize = 2;

/// What was found.
pub(super) struct Proof {
    pub(super) picture: Picture,
    pub(super) tiles: usize,
    pub(super) attempts: u32,
    pub(super) failures: u32,
    pub(super) locks_lost: u32,
    pub(super) redrives: u32,
    /// What did not hold; nothing, if all did.
    pub(super) troubles: Vec<String>,
}

/// Reads every event of the run, and puts the picture together.
pub(super) async fn check(client: &Client, scene: &Scene, work: &[Work]) -> anyhow::Result<Proof> {
    let events = all_events(client).await?;
    let format = work.first().context("there are tiles")?.picture;
    let mut proof = Proof {
        picture: Picture::new(format.width, format.height),
        tiles: work.len(),
        attempts: 0,
        failures: 0,
        locks_lost: 0,
        redrives: 0,
        troubles: Vec::new(),
    };
    let mut numbers = BTreeSet::new();
    for event in &events {
        let asked = Work::read(&event.payload)?;
        if !numbers.insert(asked.number) {
            proof.troubles.push(format!("tile {} has two events", asked.number));
        }
        proof.check_event(client, event, &asked).await?;
    }
    if numbers.len() != work.len() {
        proof.troubles.push(format!("{} tiles were asked for, and {} are there", work.len(), numbers.len()));
    }
    if !proof.picture.is_complete() {
        proof.troubles.push("the picture has holes".to_owned());
    }
    for event in events.iter().step_by(events.len().div_ceil(RENDERED_AGAIN).max(1)) {
        proof.render_again(scene, event)?;
    }
    Ok(proof)
}

async fn all_events(client: &Client) -> anyhow::Result<Vec<Event>> {
    let mut events = Vec::new();
    let mut query =
        EventsQuery { scenario_run_id: Some(SCENARIO_RUN.parse()?), limit: Some(100), ..EventsQuery::default() };
    loop {
        let page = client.events(&query).await?;
        events.extend(page.items);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return Ok(events);
        }
    }
}

impl Proof {
    /// A tile completed exactly once if it is completed, and each of its other attempts ended in another way.
    async fn check_event(&mut self, client: &Client, event: &Event, asked: &Work) -> anyhow::Result<()> {
        let number = asked.number;
        self.attempts += event.attempt;
        self.failures += event.failures;
        self.redrives += event.redrives;
        let history = client.history(event.event_id).await?;
        let lost = history.attempts.iter().filter(|attempt| attempt.outcome == AttemptOutcome::Lost).count();
        self.locks_lost += u32::try_from(lost)?;
        if event.status != EventStatus::Completed {
            self.troubles.push(format!("tile {number} is {}", event.status));
            return Ok(());
        }
        if history.attempts.len() + 1 != event.attempt as usize {
            let others = history.attempts.len();
            self.troubles
                .push(format!("tile {number}: {} attempts, of which {others} did not complete it", event.attempt));
        }
        let Some(result) = &event.result else {
            self.troubles.push(format!("tile {number} has no result"));
            return Ok(());
        };
        self.picture.add(asked.tile, &Rendered::read(result)?.pixels()?)
    }

    fn render_again(&mut self, scene: &Scene, event: &Event) -> anyhow::Result<()> {
        let Some(result) = &event.result else { return Ok(()) };
        let asked = Work::read(&event.payload)?;
        if asked.render(scene, || true) != Some(Rendered::read(result)?.pixels()?) {
            self.troubles.push(format!("tile {} looks otherwise when it is rendered again", asked.number));
        }
        Ok(())
    }
}
