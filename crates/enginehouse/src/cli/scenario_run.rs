//! `enginehouse run`: scenario runs, and how far they are.

use clap::{Args, Subcommand};
use enginehouse_api::page::PageQuery;
use enginehouse_api::scenario_runs::ScenarioRun;
use enginehouse_core::ids::ScenarioRunId;

use super::cli_error::CliError;
use super::effect::{Effect, ServerCall};
use super::hints::Subject;
use super::output::{Listed, Part, one};
use super::server_and_output::Common;
use super::times::{TimeArgs, Times};
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
}

impl RunArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = match &self.verb {
            RunSubcommand::List(_) | RunSubcommand::Show { .. } => Effect::Reads,
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
    };
    common.finish(result)
}

async fn show(common: &Common, scenario_run_id: &ScenarioRunId, time: TimeArgs) -> Result<(), CliError> {
    let times = &time.times(common)?;
    let found = common.client.scenario_run(scenario_run_id).await;
    let run = found.map_err(|error| {
        CliError::call_about(Subject::ScenarioRun, format!("could not show scenario run {scenario_run_id}"), error)
    })?;
    let engines: Vec<_> = run.engines.iter().flatten().map(ToString::to_string).collect();
    let events = &run.events;
    let fields = [
        ("scenario run", run.scenario_run_id.to_string()),
        ("first enqueued", times.show(run.first_enqueued_at)),
        ("events", events.total().to_string()),
        ("queued", events.queued.to_string()),
        ("processing", events.processing.to_string()),
        ("completed", events.completed.to_string()),
        ("failed", events.failed.to_string()),
        ("cancelled", events.cancelled.to_string()),
        ("engines", if engines.is_empty() { "-".to_owned() } else { engines.join(", ") }),
    ];
    one(common, &run, run.scenario_run_id.as_str(), &fields)
}

impl Listed for ScenarioRun {
    const HEADER: &'static [&'static str] =
        &["RUN", "EVENTS", "QUEUED", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED", "FIRST ENQUEUED"];

    fn row(&self, times: &Times) -> Vec<String> {
        vec![
            self.scenario_run_id.to_string(),
            self.events.total().to_string(),
            self.events.queued.to_string(),
            self.events.processing.to_string(),
            self.events.completed.to_string(),
            self.events.failed.to_string(),
            self.events.cancelled.to_string(),
            times.show(self.first_enqueued_at),
        ]
    }

    fn id(&self) -> String {
        self.scenario_run_id.to_string()
    }
}
