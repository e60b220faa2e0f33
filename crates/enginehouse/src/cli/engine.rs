//! `enginehouse engine`: see and control engines.

use clap::{Args, Subcommand};
use enginehouse_api::engines::{DrainRequest, Engine, EnginesQuery, QuarantineRequest};
use enginehouse_api::filter::FilterQuery;
use enginehouse_api::page::PageQuery;
use enginehouse_core::engine::EngineStatus;
use enginehouse_core::filter::EngineFilter;
use enginehouse_core::ids::{Capability, EngineId, EngineType, EventType};
use enginehouse_core::time::Timestamp;

use super::cli_error::CliError;
use super::effect::{Effect, ServerCall};
use super::engine_run;
use super::explain;
use super::filter_terms::engine_terms;
use super::hints::Subject;
use super::output::{Listed, Part, one, or_dash};
use super::quarantine;
use super::server_and_output::{Common, confirm, for_each, words};
use super::times::{TimeArgs, TimeFormat, Times, future};
use crate::exit_codes::Exit;

#[derive(Debug, Args)]
pub(crate) struct EngineArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: EngineCommand,
}

#[derive(Debug, Subcommand)]
enum EngineCommand {
    /// List engines
    #[command(
        alias = "ls",
        after_help = "\
Example:
  enginehouse engine list --status lost --watch"
    )]
    List(EngineListArgs),
    /// Show one engine, with its locks
    Show {
        /// The engine
        engine_id: EngineId,
        #[command(flatten)]
        time: TimeArgs,
    },
    /// Say what an engine could claim, what keeps it from more, and what would open most
    Explain {
        /// The engine
        engine_id: EngineId,
        #[command(flatten)]
        time: TimeArgs,
    },
    /// Give engines no more events
    #[command(after_help = "\
Example:
  enginehouse engine drain sim-1 --stop")]
    Drain {
        /// The engines
        #[arg(required = true)]
        engine_ids: Vec<EngineId>,
        /// Stop each when its last event is settled
        #[arg(long)]
        stop: bool,
    },
    /// Give drained engines events again
    Resume {
        /// The engines
        #[arg(required = true)]
        engine_ids: Vec<EngineId>,
    },
    /// Keep engines from events without stopping them, until a time or until it is lifted
    #[command(after_help = "\
An engine finishes what it holds, and stays in its quarantine when it registers anew.

Example:
  enginehouse engine quarantine sim-7 --reason 'its fan is loud' \\
    --until 2h --event-type frame.render")]
    Quarantine {
        /// The engines
        #[arg(required = true)]
        engine_ids: Vec<EngineId>,
        /// Why
        #[arg(long)]
        reason: String,
        /// When it ends by itself
        #[arg(long, value_name = "TIME", value_parser = future)]
        until: Option<Timestamp>,
        /// Only for events of this type; may be given again
        #[arg(long = "event-type", value_name = "TYPE")]
        event_types: Vec<EventType>,
    },
    /// Lift the quarantine of engines
    Lift {
        /// The engines
        #[arg(required = true)]
        engine_ids: Vec<EngineId>,
    },
    /// Take engines out of the fleet: what they hold goes back to its queue
    #[command(
        after_help = "An engine that still runs registers again with its next heartbeat: end it, or drain it with --stop.\n\nExample:\n  enginehouse engine deregister sim-1"
    )]
    Deregister {
        /// The engines
        #[arg(required = true)]
        engine_ids: Vec<EngineId>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Be an engine: run a command for each event
    Run(engine_run::EngineRunArgs),
}

#[derive(Debug, Args)]
struct EngineListArgs {
    /// Only those with this status
    #[arg(long, value_parser = words::<EngineStatus>())]
    status: Option<EngineStatus>,
    /// Show stopped engines, too
    #[arg(long, conflicts_with = "status")]
    stopped: bool,
    /// Only those of this type
    #[arg(long, value_name = "TYPE")]
    engine_type: Option<EngineType>,
    /// Only those that are capable of this
    #[arg(long)]
    capability: Option<Capability>,
    /// Only those of which these terms hold too, such as 'version:1.2 -host:node-7 silent:>30s'
    #[arg(long = "filter", value_name = "TERMS", value_parser = engine_terms)]
    terms: Option<String>,
    #[command(flatten)]
    part: Part,
}

impl EngineArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = match &self.verb {
            EngineCommand::List(_) | EngineCommand::Show { .. } | EngineCommand::Explain { .. } => Effect::Reads,
            EngineCommand::Drain { .. }
            | EngineCommand::Resume { .. }
            | EngineCommand::Quarantine { .. }
            | EngineCommand::Lift { .. }
            | EngineCommand::Deregister { .. }
            | EngineCommand::Run(_) => Effect::Changes,
        };
        ServerCall { common: &self.common, effect }
    }
}

pub(crate) async fn run(arguments: EngineArgs) -> Exit {
    let EngineArgs { common, verb } = arguments;
    let result = match verb {
        EngineCommand::List(arguments) => list(&common, arguments).await,
        EngineCommand::Show { engine_id, time } => show(&common, &engine_id, time).await,
        EngineCommand::Explain { engine_id, time } => explain::engine(&common, &engine_id, time).await,
        EngineCommand::Drain { engine_ids, stop } => drain(&common, &engine_ids, stop).await,
        EngineCommand::Resume { engine_ids } => resume(&common, &engine_ids).await,
        EngineCommand::Quarantine { engine_ids, reason, until, event_types } => {
            quarantine(&common, &engine_ids, &QuarantineRequest { reason, until, event_types }).await
        }
        EngineCommand::Lift { engine_ids } => lift(&common, &engine_ids).await,
        EngineCommand::Deregister { engine_ids, yes } => deregister(&common, &engine_ids, yes).await,
        EngineCommand::Run(arguments) => engine_run::run(&common, arguments).await,
    };
    common.finish(result)
}

async fn list(common: &Common, arguments: EngineListArgs) -> Result<(), CliError> {
    let EngineListArgs { status, stopped, engine_type, capability, terms, part } = arguments;
    let stopped = (status.is_none() && !stopped).then_some(false);
    let fetch = async |limit, cursor| {
        let (engine_type, capability) = (engine_type.clone(), capability.clone());
        let filter = EngineFilter { status, stopped, engine_type, capability, ..EngineFilter::default() };
        let terms = FilterQuery { terms: terms.clone() };
        let query = EnginesQuery { filter, terms, page: PageQuery { limit: Some(limit), cursor } };
        common.client.engines(&query).await
    };
    part.show(common, "could not list engines", fetch).await
}

async fn show(common: &Common, engine_id: &EngineId, time: TimeArgs) -> Result<(), CliError> {
    let times = &time.times(common)?;
    let engine =
        common.client.engine(engine_id).await.map_err(|error| {
            CliError::call_about(Subject::Engine, format!("could not show engine {engine_id}"), error)
        })?;
    show_one(common, &engine, times)
}

async fn drain(common: &Common, engine_ids: &[EngineId], stop: bool) -> Result<(), CliError> {
    let one = async |engine_id: &EngineId| {
        let request = DrainRequest { stop_when_drained: stop, epoch: None };
        let engine = common.client.drain_engine(engine_id, request).await.map_err(|error| {
            CliError::call_about(Subject::Engine, format!("could not drain engine {engine_id}"), error)
        })?;
        show_state(common, &engine)
    };
    for_each(engine_ids, one, common).await
}

async fn resume(common: &Common, engine_ids: &[EngineId]) -> Result<(), CliError> {
    let one = async |engine_id: &EngineId| {
        let engine = common.client.resume_engine(engine_id).await.map_err(|error| {
            CliError::call_about(Subject::Engine, format!("could not resume engine {engine_id}"), error)
        })?;
        show_state(common, &engine)
    };
    for_each(engine_ids, one, common).await
}

async fn quarantine(common: &Common, engine_ids: &[EngineId], request: &QuarantineRequest) -> Result<(), CliError> {
    let one = async |engine_id: &EngineId| {
        let engine = common.client.quarantine_engine(engine_id, request).await.map_err(|error| {
            CliError::call_about(Subject::Engine, format!("could not put engine {engine_id} in quarantine"), error)
        })?;
        show_state(common, &engine)
    };
    for_each(engine_ids, one, common).await
}

async fn lift(common: &Common, engine_ids: &[EngineId]) -> Result<(), CliError> {
    let one = async |engine_id: &EngineId| {
        let engine = common.client.lift_quarantine(engine_id).await.map_err(|error| {
            CliError::call_about(Subject::Engine, format!("could not lift the quarantine of engine {engine_id}"), error)
        })?;
        show_state(common, &engine)
    };
    for_each(engine_ids, one, common).await
}

async fn deregister(common: &Common, engine_ids: &[EngineId], yes: bool) -> Result<(), CliError> {
    let one_engine = async |engine_id: &EngineId| {
        let failed =
            |error| CliError::call_about(Subject::Engine, format!("could not deregister engine {engine_id}"), error);
        let engine = common.client.engine(engine_id).await.map_err(failed)?;
        let held = events(engine.locks_held);
        if matches!(engine.status, EngineStatus::Active | EngineStatus::Draining) {
            confirm(&format!("Engine {engine_id} is {}, with {held} in hand. Deregister it?", engine.status), yes)?;
        }
        // Not another process that has taken over the id since it was shown.
        common.client.deregister(engine_id, Some(engine.epoch)).await.map_err(failed)?;
        let answer = serde_json::json!({ "engine_id": engine_id, "deregistered": true, "released": engine.locks_held });
        let state = format!("deregistered; {held} released");
        one(common, &answer, engine_id.as_str(), &[(engine_id.as_str(), state)])
    };
    for_each(engine_ids, one_engine, common).await
}

fn events(count: u32) -> String {
    if count == 1 { "1 event".to_owned() } else { format!("{count} events") }
}

fn show_state(common: &Common, engine: &Engine) -> Result<(), CliError> {
    let id = engine.engine_id.to_string();
    let times = Times::new(TimeFormat::Utc);
    let quarantined = engine.quarantine.as_ref().map(|of| format!(", quarantined {}", quarantine::until(of, &times)));
    let state = format!("{}{}, {} in hand", engine.status, quarantined.unwrap_or_default(), events(engine.locks_held));
    one(common, engine, &id, &[(id.as_str(), state)])
}

fn show_one(common: &Common, engine: &Engine, times: &Times) -> Result<(), CliError> {
    let config = &engine.metadata.static_config;
    let load = &engine.metadata.dynamic_state.resource_utilization;
    let limits = &config.resource_limits;
    let mut fields = vec![
        ("engine", engine.engine_id.to_string()),
        ("type", engine.engine_type.to_string()),
        ("status", engine.status.to_string()),
        ("draining", engine.draining.to_string()),
        ("quarantine", engine.quarantine.as_ref().map_or_else(|| "-".to_owned(), |of| quarantine::in_words(of, times))),
        ("epoch", engine.epoch.to_string()),
        ("registered", times.show(engine.registered_at)),
        ("last heartbeat", times.show(engine.last_heartbeat_at)),
        ("heartbeat every", format!("{} s", engine.heartbeat_interval_seconds)),
        ("version", or_dash(config.engine_software_version.as_ref())),
        ("capabilities", config.capabilities.join(", ")),
        ("events at once", or_dash(limits.max_concurrent_events.as_ref())),
        (
            "memory",
            format!("{} of {} MiB", or_dash(load.memory_usage_mb.as_ref()), or_dash(limits.memory_limit_mb.as_ref())),
        ),
        ("processor", format!("{} %", or_dash(load.cpu_percent.as_ref()))),
        ("scenario run", or_dash(engine.metadata.dynamic_state.current_scenario_run_id.as_ref())),
        ("locks", engine.locks_held.to_string()),
    ];
    let automatic = quarantine::automatic_in_words(&engine.automatic_quarantines, times);
    let place = fields.iter().position(|(name, _)| *name == "epoch").unwrap_or(fields.len());
    fields.splice(place..place, automatic.into_iter().map(|words| ("quarantined for", words)));
    for lock in engine.locks.iter().flatten() {
        let cancelled = if lock.cancel_requested { ", cancelled" } else { "" };
        let text = format!(
            "{} {}, attempt {}, until {}{cancelled}",
            lock.event_id,
            lock.event_type,
            lock.attempt,
            times.show(lock.expires_at)
        );
        fields.push(("", text));
    }
    one(common, engine, engine.engine_id.as_str(), &fields)
}

impl Listed for Engine {
    const HEADER: &'static [&'static str] = &[
        "ENGINE",
        "TYPE",
        "STATUS",
        "EPOCH",
        "LOCKS",
        "CPU %",
        "MEMORY MIB",
        "LAST HEARTBEAT",
        "CAPABILITIES",
        "QUARANTINE",
    ];
    const WIDE: &'static [&'static str] = &["EPOCH", "QUARANTINE"];

    fn row(&self, times: &Times) -> Vec<String> {
        let load = &self.metadata.dynamic_state.resource_utilization;
        let config = &self.metadata.static_config;
        let is_quarantined =
            self.quarantine.is_some() || self.automatic_quarantines.iter().any(|of| of.over_at.is_none());
        let quarantined = if is_quarantined { ", quarantined" } else { "" };
        vec![
            self.engine_id.to_string(),
            self.engine_type.to_string(),
            format!("{}{quarantined}", self.status),
            self.epoch.to_string(),
            format!("{}/{}", self.locks_held, or_dash(config.resource_limits.max_concurrent_events.as_ref())),
            load.cpu_percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.0}")),
            load.memory_usage_mb.map_or_else(|| "-".to_owned(), |memory| format!("{memory:.0}")),
            times.show(self.last_heartbeat_at),
            config.capabilities.join(" "),
            quarantine::in_a_cell(self.quarantine.as_ref(), &self.automatic_quarantines, times),
        ]
    }

    fn id(&self) -> String {
        self.engine_id.to_string()
    }
}
