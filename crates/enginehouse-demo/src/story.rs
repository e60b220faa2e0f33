//! What happens in the demo, from the first tile to the redriven one.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use enginehouse_api::changes::ChangeRequest;
use enginehouse_api::engines::{Engine, EnginesQuery};
use enginehouse_api::enqueue::BatchRequest;
use enginehouse_api::events::{Event, EventsQuery};
use enginehouse_api::page::PageQuery;
use enginehouse_client::Client;
use enginehouse_core::engine::EngineStatus;
use enginehouse_core::event::EventStatus;
use enginehouse_core::filter::EventFilter;
use enginehouse_core::ids::{EngineId, EventId};
use tokio::time::Instant;

use super::engine::HEARTBEAT_SECONDS;
use super::fleet::DemoFleet;
use super::output::ProgressOutput;
use super::recovery::{Recovery, locks};
use super::tiles::{EVENT_TYPE, SCENARIO_RUN, TilePayload};
use super::timing::{now, until};

/// An engine is killed after this part of the tiles.
const KILL_AFTER_PERCENT: u64 = 35;
/// How long the rendering may take before something must be wrong.
const LIMIT: Duration = Duration::from_secs(600);

/// Lets the engines render the tiles, kills one of them, and redrives the dead letter.
pub(super) async fn run(
    client: &Client,
    fleet: &mut DemoFleet,
    tiles: &[TilePayload],
    engines: u32,
    output: &ProgressOutput,
) -> anyhow::Result<Recovery> {
    set_policy(client, output).await?;
    for number in 0..engines {
        let (engine_id, setup) = fleet.start_engine(client.url(), number)?;
        let glass = if setup.glass { "can render glass, " } else { "" };
        let at_once = setup.max_concurrent;
        output
            .print(&format!("Engine {engine_id} starts: {glass}{at_once} at once, {} MiB of memory", setup.memory_mb));
    }
    until("every engine is registered", Duration::from_secs(30), async || {
        fleet.require_alive(None)?;
        Ok((client.engines(&EnginesQuery::default()).await?.items.len() == engines as usize).then_some(()))
    })
    .await?;
    let events = tiles.iter().map(TilePayload::to_event).collect::<anyhow::Result<Vec<_>>>()?;
    let glass = tiles.iter().filter(|tile| tile.glass).count();
    client.enqueue_batch(&BatchRequest { events, atomic: None }).await.context("the tiles cannot be enqueued")?;
    output.print(&format!(
        "{} tiles are queued, each an event; {glass} of them need an engine that can render glass",
        tiles.len()
    ));
    let began = now();
    let mut watcher = TileWatcher { client, output, tiles, seen: HashMap::new(), killed: None };
    let (killed, took) =
        until("every tile is rendered but the dead letter", LIMIT, async || watcher.poll(fleet).await).await?;
    redrive(client, output).await?;
    let rendering = now().saturating_duration_since(began);
    Ok(Recovery { killed: killed.engine_id, locks: killed.held.len(), took, rendering })
}

/// Shortened delays, so that nobody has to wait for half a minute to see a retry.
async fn set_policy(client: &Client, output: &ProgressOutput) -> anyhow::Result<()> {
    let settings = serde_json::from_value(serde_json::json!({
        "retry_policy": { "max_retries": 3, "retry_delay": { "initial": 0.5, "max": 2, "multiplier": 2 } },
        "visibility_timeout_seconds": 60,
    }))?;
    client.set_event_type(&EVENT_TYPE.parse()?, &settings).await.context("the retry policy cannot be set")?;
    let lost_after = HEARTBEAT_SECONDS * 3;
    output.print(&format!(
        "For the demo only, {EVENT_TYPE} is retried after 0.5, 1 and 2 s (30, 60 and 120 s by default), and an engine is \
         lost after {lost_after} s of silence (30 s by default)"
    ));
    Ok(())
}

/// Watches the tiles, and kills an engine when the time has come.
struct TileWatcher<'a> {
    client: &'a Client,
    output: &'a ProgressOutput,
    tiles: &'a [TilePayload],
    /// The failures and losses of each event, as last seen.
    seen: HashMap<EventId, (u32, u32)>,
    killed: Option<Killed>,
}

#[derive(Clone)]
struct Killed {
    engine_id: EngineId,
    at: Instant,
    held: Vec<EventId>,
    /// How long it took until no event was left with it.
    recovered_after: Option<Duration>,
}

impl TileWatcher<'_> {
    /// Prints what has changed. Answers the killed engine, and how long the recovery took, when only the dead letter is
    /// left to do.
    async fn poll(&mut self, fleet: &mut DemoFleet) -> anyhow::Result<Option<(Killed, Duration)>> {
        fleet.require_alive(self.killed.as_ref().map(|killed| &killed.engine_id))?;
        let run = self.client.scenario_run(&SCENARIO_RUN.parse()?).await?;
        let engines = self.client.engines(&EnginesQuery::default()).await?.items;
        self.output.progress(run.events.completed, &engines);
        let mut unfinished = self.events(EventStatus::Processing).await?;
        unfinished.extend(self.events(EventStatus::Queued).await?);
        for event in unfinished.iter().chain(&self.events(EventStatus::Failed).await?) {
            self.print_changes(event)?;
        }
        if self.killed.is_none() && run.events.completed * 100 >= self.tiles.len() as u64 * KILL_AFTER_PERCENT {
            self.kill(fleet, &engines).await?;
            return Ok(None);
        }
        self.note_recovery(&unfinished);
        if run.events.queued + run.events.processing > 0 {
            return Ok(None);
        }
        let Some(killed) = &self.killed else {
            bail!("the picture was done before an engine could be killed: ask for more --tiles");
        };
        Ok(killed.recovered_after.map(|took| (killed.clone(), took)))
    }

    async fn events(&self, status: EventStatus) -> anyhow::Result<Vec<Event>> {
        let scenario_run_id = Some(SCENARIO_RUN.parse()?);
        let filter = EventFilter { status: Some(status), scenario_run_id, ..EventFilter::default() };
        let query =
            EventsQuery { filter, page: PageQuery { limit: Some(1_000), cursor: None }, ..EventsQuery::default() };
        Ok(self.client.events(&query).await?.items)
    }

    fn print_changes(&mut self, event: &Event) -> anyhow::Result<()> {
        let (failures, losses) = self.seen.insert(event.event_id, (event.failures, event.losses)).unwrap_or_default();
        let number = TilePayload::read(&event.payload)?.number;
        if event.losses > losses {
            self.output
                .print(&format!("Tile {number} was lost with its engine and is queued again; no retry is spent"));
        }
        if event.failures > failures {
            let times = if event.failures == 1 { "once".to_owned() } else { format!("{} times", event.failures) };
            let what_next = match event.status {
                EventStatus::Failed => "no retry is left: it is a dead letter now".to_owned(),
                _ => format!("retry {} of 3 follows", event.retries),
            };
            self.output.print(&format!("Tile {number} has failed {times}; {what_next}"));
        }
        Ok(())
    }

    /// Kills an engine that can render glass while it holds locks. If none holds any now, the next poll tries again.
    async fn kill(&mut self, fleet: &mut DemoFleet, engines: &[Engine]) -> anyhow::Result<()> {
        let holds = |engine: &&Engine| engine.locks_held > 0 && engine.metadata.static_config.capabilities.len() > 1;
        let Some(victim) = engines.iter().filter(holds).max_by_key(|engine| engine.locks_held) else { return Ok(()) };
        fleet.kill(&victim.engine_id).await?;
        let at = now();
        // It may have claimed or settled events since `engines` was read. It cannot any more: ask again.
        let held_by = |event: &&Event| event.lock.as_ref().is_some_and(|lock| lock.engine_id == victim.engine_id);
        let processing = self.events(EventStatus::Processing).await?;
        let held: Vec<_> = processing.iter().filter(held_by).map(|event| event.event_id).collect();
        let engine_id = victim.engine_id.clone();
        self.output.print(&format!("Engine {engine_id} is killed with SIGKILL while it holds {}", locks(held.len())));
        self.killed = Some(Killed { engine_id, at, held, recovered_after: None });
        Ok(())
    }

    /// Notes when no event is left with the killed engine.
    fn note_recovery(&mut self, unfinished: &[Event]) {
        let Some(killed) = self.killed.as_mut().filter(|killed| killed.recovered_after.is_none()) else { return };
        let is_left = |event: &Event| {
            killed.held.contains(&event.event_id)
                && event.lock.as_ref().is_none_or(|lock| lock.engine_id == killed.engine_id)
        };
        if unfinished.iter().any(is_left) {
            return;
        }
        let took = now().saturating_duration_since(killed.at);
        killed.recovered_after = Some(took);
        self.output.print(&format!(
            "Everything that engine {} held is with other engines, {:.1} s after it was killed",
            killed.engine_id,
            took.as_secs_f64()
        ));
    }
}

/// Redrives the dead letter with a payload that is not poisoned.
async fn redrive(client: &Client, output: &ProgressOutput) -> anyhow::Result<()> {
    let dead = client.dead_letters(&Default::default()).await?.items;
    let [dead] = &dead[..] else { bail!("there should be one dead letter, and there are {}", dead.len()) };
    let tile = TilePayload { poison: false, ..TilePayload::read(&dead.payload)? };
    let request = ChangeRequest { payload: Some(tile.to_payload()?), ..ChangeRequest::default() };
    client.redrive(dead.event_id, &request).await.context("the dead letter cannot be redriven")?;
    output
        .print(&format!("Tile {}, a dead letter ({}), is redriven with a corrected payload", tile.number, dead.reason));
    until("the redriven tile is done", Duration::from_secs(60), async || {
        let event = client.event(dead.event_id).await?;
        match event.status {
            EventStatus::Completed => Ok(Some(())),
            EventStatus::Failed | EventStatus::Cancelled => bail!("the redriven tile is {}", event.status),
            EventStatus::Queued | EventStatus::Processing => Ok(None),
        }
    })
    .await?;
    let engines = client.engines(&EnginesQuery::default()).await?.items;
    let active = engines.iter().filter(|engine| engine.status == EngineStatus::Active).count();
    let run = client.scenario_run(&SCENARIO_RUN.parse()?).await?;
    output.progress(run.events.completed, &engines);
    output.print(&format!("The picture is complete; {active} of {} engines are active", engines.len()));
    Ok(())
}
