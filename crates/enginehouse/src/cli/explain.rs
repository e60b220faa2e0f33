//! `enginehouse event explain` and `engine explain`: why something waits, one sentence first.

use enginehouse_api::explain::{
    EngineExplanation, EventExplanation, ExplainQuery, ExplainedGate, HeldEvent, KeptFrom, NearEngineView, WaitingLane,
    WouldOpen,
};
use enginehouse_core::explain::Passage;
use enginehouse_core::ids::{EngineId, EventId};
use serde::Serialize;

use super::cli_error::CliError;
use super::hints::Subject;
use super::output::{Listed, one, or_dash, whole_list};
use super::server_and_output::Common;
use super::times::{TimeArgs, Times};

/// Says why an event waits, and how far it gets with an engine, if one is named.
pub(super) async fn event(
    common: &Common,
    event_id: EventId,
    engine_id: Option<EngineId>,
    time: TimeArgs,
) -> Result<(), CliError> {
    let times = &time.times(common)?;
    let about = if engine_id.is_some() { Subject::Engine } else { Subject::Event };
    let found = common.client.explain_event(event_id, &ExplainQuery { engine_id }).await;
    let why =
        found.map_err(|error| CliError::call_about(about, format!("could not explain event {event_id}"), error))?;
    let id = event_id.to_string();
    if !common.format().is_table() {
        return one(common, &why, &id, &[]);
    }
    one(common, &why, &id, &event_fields(&why, times))?;
    if !why.gates.is_empty() {
        println_blank();
        whole_list(common, times, why.gates)?;
    }
    let mut nearest = why.engines.map(|engines| engines.nearest).unwrap_or_default();
    if let Some(asked) = why.asked_engine {
        nearest.retain(|near| near.engine_id != asked.engine_id);
        nearest.insert(0, asked);
    }
    let busy = nearest.iter().filter(|near| near.fits_when_empty);
    let held: Vec<_> = busy.flat_map(|near| held_by(&near.engine_id, &near.holds)).collect();
    if !nearest.is_empty() {
        println_blank();
        whole_list(common, times, nearest)?;
    }
    if !held.is_empty() {
        println_blank();
        whole_list(common, times, held)?;
    }
    Ok(())
}

fn event_fields(why: &EventExplanation, times: &Times) -> Vec<(&'static str, String)> {
    let mut fields = vec![("why", format!("{}: {}", why.verdict, why.summary))];
    if !why.smallest_change.is_empty() {
        fields.push(("smallest change", steps(&why.smallest_change)));
    }
    fields.push(("event", format!("{} of type {} in queue {}", why.status, why.event_type, why.queue)));
    fields.extend(why.since.map(|since| ("since", times.show(since))));
    if let Some(engines) = &why.engines {
        let counts = format!(
            "{} registered, {} fit when empty, {} fit now",
            engines.registered, engines.fit_when_empty, engines.fit_now
        );
        fields.push(("engines", counts));
        let free = |free: &enginehouse_api::explain::FreeEngine| match free.last_claim_at {
            Some(at) => format!("{} (claimed {})", free.engine_id, times.show(at)),
            None => format!("{} (has not claimed)", free.engine_id),
        };
        if !engines.free.is_empty() {
            fields.push(("free", engines.free.iter().map(free).collect::<Vec<_>>().join(", ")));
        }
    }
    if let Some(held) = &why.held_back_engine {
        let words = format!(
            "{} since {}, expected to have room {}",
            held.engine_id,
            times.show(held.since),
            times.show(held.opens_at)
        );
        fields.push(("held back", words));
    }
    if let Some(position) = &why.position {
        let ahead =
            format!("{} of its kind, {} of better priorities", position.ahead_in_lane, position.ahead_by_priority);
        fields.push(("before it", ahead));
    }
    fields.push(("as of", times.show(why.as_of)));
    fields
}

/// Says what an engine could claim, and what keeps it from more.
pub(super) async fn engine(common: &Common, engine_id: &EngineId, time: TimeArgs) -> Result<(), CliError> {
    let times = &time.times(common)?;
    let found = common.client.explain_engine(engine_id).await;
    let why = found.map_err(|error| {
        CliError::call_about(Subject::Engine, format!("could not explain engine {engine_id}"), error)
    })?;
    if !common.format().is_table() {
        return one(common, &why, engine_id.as_str(), &[]);
    }
    one(common, &why, engine_id.as_str(), &engine_fields(&why, times))?;
    if !why.holds.is_empty() {
        println_blank();
        whole_list(common, times, held_by(engine_id, &why.holds))?;
    }
    if !why.claimable.is_empty() {
        println_blank();
        whole_list(common, times, why.claimable)?;
    }
    if !why.kept_from.is_empty() {
        println_blank();
        whole_list(common, times, why.kept_from)?;
    }
    if !why.would_open.is_empty() {
        println_blank();
        whole_list(common, times, why.would_open)?;
    }
    Ok(())
}

fn engine_fields(why: &EngineExplanation, times: &Times) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("why", why.summary.clone()),
        ("engine", why.status.to_string()),
        ("locks", format!("{} of {}", why.held, why.max_concurrent_events)),
        ("memory", format!("{} of {} MiB promised", why.held_memory_mb, or_dash(why.memory_limit_mb.as_ref()))),
        ("last claim", times.or_dash(why.last_claim_at)),
    ];
    if let Some(starving) = &why.held_back_for {
        let words = format!(
            "event {} since {}, expected to have room {}",
            starving.event_id,
            times.show(starving.since),
            times.show(starving.opens_at)
        );
        fields.push(("held back for", words));
    }
    fields.push(("as of", times.show(why.as_of)));
    fields
}

/// An event in the hands of an engine.
#[derive(Serialize)]
struct HeldByEngine {
    engine_id: EngineId,
    event: HeldEvent,
}

fn held_by(engine_id: &EngineId, holds: &[HeldEvent]) -> Vec<HeldByEngine> {
    holds.iter().map(|event| HeldByEngine { engine_id: engine_id.clone(), event: event.clone() }).collect()
}

fn steps(changes: &[enginehouse_api::explain::ChangeView]) -> String {
    changes.iter().map(|step| step.detail.as_str()).collect::<Vec<_>>().join("; then ")
}

/// Between two parts of an answer for people.
#[expect(clippy::print_stdout, reason = "an empty line needs no format")]
fn println_blank() {
    println!();
}

impl Listed for ExplainedGate {
    const HEADER: &'static [&'static str] = &["GATE", "STATE", "DETAIL", "OPENS"];

    fn row(&self, times: &Times) -> Vec<String> {
        let state: &str = match self.state {
            Passage::Open => "open",
            Passage::Closed => "CLOSED",
            Passage::NotReached => "-",
        };
        vec![self.gate.clone(), state.to_owned(), self.detail.clone(), times.or_dash(self.opens_at)]
    }

    fn id(&self) -> String {
        self.gate.clone()
    }
}

impl Listed for NearEngineView {
    const HEADER: &'static [&'static str] = &["ENGINE", "STATUS", "KEPT BY", "CHANGE"];

    fn row(&self, _: &Times) -> Vec<String> {
        let fails: Vec<_> = self.fails.iter().map(|fails| fails.detail.as_str()).collect();
        let change = if self.change.is_empty() { "-".to_owned() } else { steps(&self.change) };
        let fails = if fails.is_empty() { "nothing of its own".to_owned() } else { fails.join("; ") };
        vec![self.engine_id.to_string(), self.status.to_string(), fails, change]
    }

    fn id(&self) -> String {
        self.engine_id.to_string()
    }
}

impl Listed for HeldByEngine {
    const HEADER: &'static [&'static str] = &["ENGINE", "HOLDS", "TYPE", "SINCE"];

    fn row(&self, times: &Times) -> Vec<String> {
        let Self { engine_id, event } = self;
        let HeldEvent { event_id, event_type, claimed_at } = event;
        vec![engine_id.to_string(), event_id.to_string(), event_type.to_string(), times.show(*claimed_at)]
    }

    fn id(&self) -> String {
        self.engine_id.to_string()
    }
}

impl Listed for WaitingLane {
    const HEADER: &'static [&'static str] = &["COULD CLAIM", "QUEUE", "PRIORITY", "EVENTS", "OLDEST"];

    fn row(&self, times: &Times) -> Vec<String> {
        vec![
            self.event_type.to_string(),
            self.queue.to_string(),
            self.priority.to_string(),
            self.queued.to_string(),
            times.or_dash(self.oldest_available_at),
        ]
    }

    fn id(&self) -> String {
        self.event_type.to_string()
    }
}

impl Listed for KeptFrom {
    const HEADER: &'static [&'static str] = &["KEPT BY", "EVENTS", "FIRST"];

    fn row(&self, _: &Times) -> Vec<String> {
        vec![self.gate.clone(), self.events.to_string(), self.detail.clone()]
    }

    fn id(&self) -> String {
        self.gate.clone()
    }
}

impl Listed for WouldOpen {
    const HEADER: &'static [&'static str] = &["CHANGE", "WOULD OPEN"];

    fn row(&self, _: &Times) -> Vec<String> {
        vec![self.change.detail.clone(), self.events.to_string()]
    }

    fn id(&self) -> String {
        self.change.detail.clone()
    }
}
