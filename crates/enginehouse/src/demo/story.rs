//! What happens in the demo, from the first tile to the redriven one.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use enginehouse_api::dead_letters::RedriveRequest;
use enginehouse_api::engines::{Engine, EnginesQuery};
use enginehouse_api::enqueue::BatchRequest;
use enginehouse_api::events::{Event, EventsQuery};
use enginehouse_client::Client;
use enginehouse_core::engine::EngineStatus;
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::{EngineId, EventId};
use tokio::time::Instant;

use super::engine::HEARTBEAT_SECONDS;
use super::fleet::Fleet;
use super::show::Show;
use super::tiles::{EVENT_TYPE, SCENARIO_RUN, Work};
use super::{now, seconds, until};

/// When an engine is killed: after this part of the tiles.
const KILL_AFTER_PERCENT: u64 = 35;
/// How long all of it may take before something must be wrong.
const LIMIT: Duration = Duration::from_secs(600);

/// What came of it.
pub(super) struct Told {
    /// The engine that was killed, how many locks it held, and how long it took until others had its events.
    pub(super) killed: EngineId,
    pub(super) locks_recovered: usize,
    pub(super) recovery: Duration,
    /// From the first tile to the last, the redriven one included.
    pub(super) rendering: Duration,
}

/// Lets the engines render, come to harm, and recover.
pub(super) async fn tell(
    client: &Client,
    fleet: &mut Fleet,
    work: &[Work],
    engines: u32,
    show: &Show,
) -> anyhow::Result<Told> {
    set_policy(client, show).await?;
    for number in 0..engines {
        let (engine_id, abilities) = fleet.start_engine(client.url(), number)?;
        let glass = if abilities.glass { "can do glass, " } else { "" };
        let at_once = abilities.max_concurrent;
        show.say(&format!("Engine {engine_id} starts: {glass}{at_once} at once, {} MiB", abilities.memory_mb));
    }
    until("every engine is registered", Duration::from_secs(30), async || {
        fleet.require_alive(None)?;
        Ok((client.engines(&EnginesQuery::default()).await?.items.len() == engines as usize).then_some(()))
    })
    .await?;
    let events = work.iter().map(Work::to_event).collect::<anyhow::Result<Vec<_>>>()?;
    let glass = work.iter().filter(|work| work.glass).count();
    client.enqueue_batch(&BatchRequest { events }).await.context("the tiles cannot be enqueued")?;
    show.say(&format!("{} tiles wait, each an event; {glass} of them need an engine that can do glass", work.len()));
    let mut watch = Watch { client, show, work, seen: HashMap::new(), killed: None, recovered: None, began: now() };
    let (killed, locks) =
        until("the picture is done but for its dead letter", LIMIT, async || watch.look(fleet).await).await?;
    let (_, recovery) = watch.recovered.context("the killed engine's events came back")?;
    redrive(client, show).await?;
    Ok(Told { killed, locks_recovered: locks, recovery, rendering: now().saturating_duration_since(watch.began) })
}

/// Shortened delays, so that nobody has to wait for half a minute to see a retry.
async fn set_policy(client: &Client, show: &Show) -> anyhow::Result<()> {
    let settings = serde_json::from_value(serde_json::json!({
        "retry_policy": { "max_retries": 3, "retry_delay": { "initial": 0.5, "max": 2, "multiplier": 2 } },
        "visibility_timeout_seconds": 60,
    }))?;
    client.set_event_type(&EVENT_TYPE.parse()?, &settings).await.context("the retry policy cannot be set")?;
    let lost_after = HEARTBEAT_SECONDS * 3;
    show.say(&format!(
        "For the demo only, {EVENT_TYPE} is retried after 0.5, 1 and 2 s (30, 60 and 120 s by default), and an engine is \
         lost after {lost_after} s of silence (30 s by default)"
    ));
    Ok(())
}

/// Watches the tiles, and kills an engine when the time has come.
struct Watch<'a> {
    client: &'a Client,
    show: &'a Show,
    work: &'a [Work],
    /// Failures and losses of each event, as last seen.
    seen: HashMap<EventId, (u32, u32)>,
    killed: Option<Killed>,
    recovered: Option<(usize, Duration)>,
    began: Instant,
}

struct Killed {
    engine_id: EngineId,
    at: Instant,
    held: Vec<EventId>,
}

impl Watch<'_> {
    /// Looks once. Answers the killed engine and its locks when nothing is left to be done but for the dead letter.
    async fn look(&mut self, fleet: &mut Fleet) -> anyhow::Result<Option<(EngineId, usize)>> {
        fleet.require_alive(self.killed.as_ref().map(|killed| &killed.engine_id))?;
        let run = self.client.scenario_run(&SCENARIO_RUN.parse()?).await?;
        let engines = self.client.engines(&EnginesQuery::default()).await?.items;
        self.show.progress(run.events.completed, &engines);
        let mut unfinished = self.events(EventStatus::Processing).await?;
        unfinished.extend(self.events(EventStatus::Queued).await?);
        for event in unfinished.iter().chain(&self.events(EventStatus::Failed).await?) {
            self.tell_changes(event)?;
        }
        if self.killed.is_none() && run.events.completed * 100 >= self.work.len() as u64 * KILL_AFTER_PERCENT {
            self.kill(fleet, &engines).await?;
            return Ok(None);
        }
        self.look_for_recovery(&unfinished);
        let is_done = run.events.queued + run.events.processing == 0;
        match (&self.killed, &self.recovered) {
            (Some(killed), Some((locks, _))) if is_done => Ok(Some((killed.engine_id.clone(), *locks))),
            (_, _) if is_done => bail!("the picture was done before an engine could be killed: ask for more --tiles"),
            _ => Ok(None),
        }
    }

    async fn events(&self, status: EventStatus) -> anyhow::Result<Vec<Event>> {
        let query = EventsQuery {
            status: Some(status),
            scenario_run_id: Some(SCENARIO_RUN.parse()?),
            limit: Some(1_000),
            ..EventsQuery::default()
        };
        Ok(self.client.events(&query).await?.items)
    }

    fn tell_changes(&mut self, event: &Event) -> anyhow::Result<()> {
        let (failures, losses) = self.seen.insert(event.event_id, (event.failures, event.losses)).unwrap_or_default();
        let number = Work::read(&event.payload)?.number;
        if event.losses > losses {
            self.show.say(&format!("Tile {number} is back: its engine was lost, the lock recovered, no retry spent"));
        }
        if event.failures > failures {
            let what_next = match event.status {
                EventStatus::Failed => "no retry is left: it is a dead letter now".to_owned(),
                _ => format!("retry {} of 3 follows", event.retries),
            };
            self.show.say(&format!("Tile {number} has failed ({} times now); {what_next}", event.failures));
        }
        Ok(())
    }

    /// Kills an engine that can do glass while it holds locks: if none does at the moment, another look will tell.
    async fn kill(&mut self, fleet: &mut Fleet, engines: &[Engine]) -> anyhow::Result<()> {
        let holds = |engine: &&Engine| engine.locks_held > 0 && engine.metadata.static_config.capabilities.len() > 1;
        let Some(victim) = engines.iter().filter(holds).max_by_key(|engine| engine.locks_held) else { return Ok(()) };
        fleet.kill(&victim.engine_id).await?;
        let at = now();
        let held_by = |event: &&Event| event.lock.as_ref().is_some_and(|lock| lock.engine_id == victim.engine_id);
        // What it took or settled since the last look is not known: ask once more, now that it is dead.
        let processing = self.events(EventStatus::Processing).await?;
        let held: Vec<_> = processing.iter().filter(held_by).map(|event| event.event_id).collect();
        self.show.say(&format!(
            "Engine {} is killed with SIGKILL while it holds {} locks",
            victim.engine_id,
            held.len()
        ));
        self.killed = Some(Killed { engine_id: victim.engine_id.clone(), at, held });
        Ok(())
    }

    /// Notes when the last event of the killed engine has left its hands.
    fn look_for_recovery(&mut self, unfinished: &[Event]) {
        let Some(killed) = self.killed.as_ref().filter(|_| self.recovered.is_none()) else { return };
        let is_stuck = |event: &Event| {
            killed.held.contains(&event.event_id)
                && event.lock.as_ref().is_none_or(|lock| lock.engine_id == killed.engine_id)
        };
        if unfinished.iter().any(is_stuck) {
            return;
        }
        let recovery = now().saturating_duration_since(killed.at);
        self.show.say(&format!(
            "All {} events of engine {} are with other engines, {:.1} s after it was killed",
            killed.held.len(),
            killed.engine_id,
            recovery.as_secs_f64()
        ));
        self.recovered = Some((killed.held.len(), recovery));
    }
}

/// Takes the poison out of the dead letter, and has it rendered after all.
async fn redrive(client: &Client, show: &Show) -> anyhow::Result<()> {
    let dead = client.dead_letters(&Default::default()).await?.items;
    let [dead] = &dead[..] else { bail!("there should be one dead letter, and there are {}", dead.len()) };
    let mut work = Work::read(&dead.payload)?;
    work.poison = false;
    let request = RedriveRequest { payload: Some(work.to_payload()?) };
    client.redrive(dead.event_id, &request).await.context("the dead letter cannot be redriven")?;
    show.say(&format!("Tile {} is redriven with its payload mended: {}", work.number, dead.reason));
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
    show.progress(run.events.completed, &engines);
    show.say(&format!("The picture is complete; {active} of {} engines are active", engines.len()));
    Ok(())
}

/// How long ago something began, for a line of the story.
pub(super) fn stamp(began: Instant) -> String {
    format!("{:5.1} s", seconds(began))
}
