//! `enginehouse run`: scenario runs, how far they are, and whether they go on.

use clap::{Args, Subcommand};
use enginehouse_api::event_types::PauseRequest;
use enginehouse_api::operations::OperationRequest;
use enginehouse_api::page::PageQuery;
use enginehouse_api::scenario_runs::{RunCancelRequest, ScenarioRun};
use enginehouse_client::Error;
use enginehouse_core::ids::ScenarioRunId;
use enginehouse_core::operation::OperationAction;

use super::cli_error::CliError;
use super::effect::{Effect, ServerCall};
use super::hints::Subject;
use super::output::{Listed, Part, one, or_dash};
use super::server_and_output::{Common, confirm, for_each};
use super::times::{TimeArgs, TimeFormat, Times};
use crate::exit_codes::Exit;

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: RunSubcommand,
}

#[derive(Debug, Subcommand)]
enum RunSubcommand {
    /// List scenario runs, each with its counts
    #[command(alias = "ls")]
    List(Part),
    /// Show one scenario run, with the engines that work on it
    Show {
        /// The scenario run
        scenario_run_id: ScenarioRunId,
        #[command(flatten)]
        time: TimeArgs,
    },
    /// Keep the events of these scenario runs from being claimed
    #[command(after_help = "Example:\n  enginehouse run pause night-7 --reason 'the licence server is down'")]
    Pause {
        /// The scenario runs
        #[arg(required = true)]
        scenario_run_ids: Vec<ScenarioRunId>,
        /// Why, for whoever asks why their event waits
        #[arg(long)]
        reason: Option<String>,
    },
    /// Cancel the events of these scenario runs that are queued or processing now
    ///
    /// Says how many they are, and asks. The server goes on with it by itself: an operation, whose id is shown. Events that are enqueued later are not cancelled.
    #[command(after_help = "Example:\n  enginehouse run cancel night-7 --reason 'the wrong film'")]
    Cancel {
        /// The scenario runs
        #[arg(required = true)]
        scenario_run_ids: Vec<ScenarioRunId>,
        /// Take the locks away from engines that work on them, instead of asking these to stop
        #[arg(long)]
        force: bool,
        /// Why, for the history
        #[arg(long)]
        reason: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Let the events of these scenario runs be claimed again
    Resume {
        /// The scenario runs
        #[arg(required = true)]
        scenario_run_ids: Vec<ScenarioRunId>,
    },
}

impl RunArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = match &self.verb {
            RunSubcommand::List(_) | RunSubcommand::Show { .. } => Effect::Reads,
            RunSubcommand::Pause { .. } | RunSubcommand::Cancel { .. } | RunSubcommand::Resume { .. } => {
                Effect::Changes
            }
        };
        ServerCall { common: &self.common, effect }
    }
}

pub(crate) async fn run(arguments: RunArgs) -> Exit {
    let RunArgs { common, verb } = arguments;
    let result = match verb {
        RunSubcommand::List(part) => {
            let fetch =
                async |limit, cursor| common.client.scenario_runs(&PageQuery { limit: Some(limit), cursor }).await;
            part.show(&common, "could not list scenario runs", fetch).await
        }
        RunSubcommand::Show { scenario_run_id, time } => show(&common, &scenario_run_id, time).await,
        RunSubcommand::Pause { scenario_run_ids, reason } => {
            let request = PauseRequest { reason };
            let pause_one = async |run: &ScenarioRunId| {
                let paused = common.client.pause_scenario_run(run, &request).await;
                show_changed(&common, paused.map_err(|error| failed("pause", run, error))?)
            };
            for_each(&scenario_run_ids, pause_one, &common).await
        }
        RunSubcommand::Cancel { scenario_run_ids, force, reason, yes } => {
            let request = RunCancelRequest { force, reason };
            let cancel_one = async |run: &ScenarioRunId| {
                if !yes {
                    let request = OperationRequest::new(OperationAction::CancelEvents, format!("run:{run}"));
                    let found = common.client.preview_operation(&OperationRequest { force, ..request }).await;
                    let found = found.map_err(|error| failed("cancel", run, error))?;
                    confirm(&format!("{} of scenario run {run}: go on?", found.effect), false)?;
                }
                let created = common.client.cancel_scenario_run(run, &request).await;
                let operation = created.map_err(|error| failed("cancel", run, error))?;
                let fields = [
                    ("scenario run", run.to_string()),
                    ("operation", operation.operation_id.to_string()),
                    ("status", operation.status.name().to_owned()),
                    ("filter", operation.filter.clone()),
                ];
                one(&common, &operation, &operation.operation_id.to_string(), &fields)
            };
            for_each(&scenario_run_ids, cancel_one, &common).await
        }
        RunSubcommand::Resume { scenario_run_ids } => {
            let resume_one = async |run: &ScenarioRunId| {
                let resumed = common.client.resume_scenario_run(run).await;
                show_changed(&common, resumed.map_err(|error| failed("resume", run, error))?)
            };
            for_each(&scenario_run_ids, resume_one, &common).await
        }
    };
    common.finish(result)
}

async fn show(common: &Common, scenario_run_id: &ScenarioRunId, time: TimeArgs) -> Result<(), CliError> {
    let times = &time.times(common)?;
    let found = common.client.scenario_run(scenario_run_id).await;
    show_one(common, &found.map_err(|error| failed("show", scenario_run_id, error))?, times)
}

fn failed(verb: &str, run: &ScenarioRunId, error: Error) -> CliError {
    CliError::call_about(Subject::ScenarioRun, format!("could not {verb} scenario run {run}"), error)
}

fn show_changed(common: &Common, run: ScenarioRun) -> Result<(), CliError> {
    show_one(common, &run, &Times::new(TimeFormat::Utc))
}

fn show_one(common: &Common, run: &ScenarioRun, times: &Times) -> Result<(), CliError> {
    let engines: Vec<_> = run.engines.iter().flatten().map(ToString::to_string).collect();
    let events = &run.events;
    let fields = [
        ("scenario run", run.scenario_run_id.to_string()),
        ("first enqueued", times.show(run.first_enqueued_at)),
        ("last activity", times.show(run.last_activity_at)),
        ("ends per second", run.ends_per_second.to_string()),
        ("estimated end", or_dash(run.estimated_end_at.map(|at| times.show(at)).as_ref())),
        ("paused", run.paused_at.map_or_else(|| "no".to_owned(), |at| times.show(at))),
        ("pause reason", or_dash(run.pause_reason.as_ref())),
        ("events", events.total().to_string()),
        ("queued", events.queued.to_string()),
        ("processing", events.processing.to_string()),
        ("completed", events.completed.to_string()),
        ("failed", events.failed.to_string()),
        ("cancelled", events.cancelled.to_string()),
        ("engines", if engines.is_empty() { "-".to_owned() } else { engines.join(", ") }),
    ];
    one(common, run, run.scenario_run_id.as_str(), &fields)
}

impl Listed for ScenarioRun {
    const HEADER: &'static [&'static str] = &[
        "RUN",
        "EVENTS",
        "QUEUED",
        "PROCESSING",
        "COMPLETED",
        "FAILED",
        "CANCELLED",
        "ENDS/S",
        "LAST ACTIVITY",
        "PAUSED",
    ];

    fn row(&self, times: &Times) -> Vec<String> {
        vec![
            self.scenario_run_id.to_string(),
            self.events.total().to_string(),
            self.events.queued.to_string(),
            self.events.processing.to_string(),
            self.events.completed.to_string(),
            self.events.failed.to_string(),
            self.events.cancelled.to_string(),
            self.ends_per_second.to_string(),
            times.show(self.last_activity_at),
            or_dash(self.paused_at.map(|at| times.show(at)).as_ref()),
        ]
    }

    fn id(&self) -> String {
        self.scenario_run_id.to_string()
    }
}
