//! `enginehouse engine run`: makes any program an engine.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clap::Args;
use enginehouse_client::engine_name::{own_name, plain};
use enginehouse_client::{ClaimedEvent, Client, EngineError, EngineLoop, HandlerContext, HandlerOutcome, StaticConfig};
use enginehouse_core::engine::ResourceLimits;
use enginehouse_core::ids::{Capability, EngineId, EngineType, EventType, QueueName};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use self::command_result::ResultFormat;
use self::load::LoadMeter;
use self::program::{NotStarted, Program};
use self::report_file::ReportFolder;
use super::cli_error::CliError;
use super::log_output::LogOutput;
use super::output::one;
use super::server_and_output::Common;
use super::server_log::stderr_has_colours;
use super::signals::StopSignals;
use crate::exit_codes::Exit;

mod command_result;
mod guarded_command;
pub(crate) mod load;
mod output;
pub(crate) mod program;
mod program_file;
mod report_file;
mod report_lines;

/// What to do about a command that cannot be run.
const CHECK_COMMAND: &str = "check the command's name, and that it may be executed";

/// Be an engine: run a command for each event.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  enginehouse engine run --event-type frame.render --capability gpu \\
    --memory-mb 2048 --max-concurrent 2 -- ./render

For each event the command gets the payload on stdin, and in its environment ENGINEHOUSE_EVENT_ID, ENGINEHOUSE_EVENT_TYPE, ENGINEHOUSE_ATTEMPT, ENGINEHOUSE_SCENARIO_RUN_ID and TRACEPARENT (if the event has one), ENGINEHOUSE_CHECKPOINT (if an attempt before has left one), ENGINEHOUSE_REPORT_FILE, ENGINEHOUSE_URL, and ENGINEHOUSE_EVENT_TOKEN and ENGINEHOUSE_LOCK_TOKEN, with which it may extend its lock and settle the event itself.

  exit 0             completes the event, with its stdout as the result
  exit 65            fails it for good
  other, or signal   fails the attempt, with the end of stderr as the error

To ENGINEHOUSE_REPORT_FILE it may write how far it is: lines such as percent=40, message=TEXT, checkpoint=JSON, result=JSON, or all of that as one JSON object. Its stderr is the log of the attempt, and what it uses is measured.

While the command runs its lock is kept renewed. If the lock is lost or the event cancelled, the command and all of its children get SIGTERM and, a little later, SIGKILL. On SIGTERM, SIGQUIT, SIGHUP or Ctrl-C the engine takes no more events, finishes those it has, releases what is not done in time, and deregisters; a second one ends the patience.

No command outlives the engine: if that is killed, so are its commands and all that they have started. What a command leaves running when it ends has 2 seconds to end too, and is killed.")]
pub(crate) struct EngineRunArgs {
    /// Take events of this type; may be given several times
    #[arg(long = "event-type", value_name = "TYPE", required = true)]
    event_types: Vec<EventType>,
    /// Take events of this queue only; may be given several times
    #[arg(long = "queue", value_name = "QUEUE")]
    queues: Vec<QueueName>,
    /// Something that the command can do; may be given several times
    #[arg(long = "capability", value_name = "CAPABILITY")]
    capabilities: Vec<Capability>,
    /// How much memory its events may require together, in MiB; above it, the engine takes no more
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    memory_mb: Option<u64>,
    /// How many events to work on at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_concurrent: u32,
    /// Names the engine; made from the machine's name and a number if left out
    #[arg(long, value_name = "ID")]
    engine_id: Option<EngineId>,
    /// Take over the --engine-id from a process that still lives, instead of waiting until it is lost
    #[arg(long, requires = "engine_id")]
    takeover: bool,
    /// Groups engines that are the same program; the command's name if left out
    #[arg(long, value_name = "TYPE")]
    engine_type: Option<EngineType>,
    /// The version of the command, for events that require one
    #[arg(long, value_name = "VERSION")]
    engine_version: Option<String>,
    /// Heartbeat this often
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=300))]
    heartbeat_interval_seconds: Option<u64>,
    /// How long a lock lasts without being renewed
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    visibility_timeout_seconds: Option<u64>,
    /// How long to finish what is in hand after SIGTERM or Ctrl-C
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    grace_seconds: u64,
    /// How long a command has between SIGTERM and SIGKILL
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    kill_after_seconds: u64,
    /// What the command's stdout is
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    result: ResultFormat,
    /// Log each event
    #[arg(short, long)]
    verbose: bool,
    /// The command, and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) async fn run(common: &Common, arguments: EngineRunArgs) -> Result<(), CliError> {
    let log = log(if common.quiet {
        LevelFilter::WARN
    } else if arguments.verbose {
        LevelFilter::DEBUG
    } else {
        LevelFilter::INFO
    })?;
    let Some((command, rest)) = arguments.command.split_first() else { unreachable!("clap asks for a command") };
    if let Some(why) = program_file::missing(command) {
        let what = format!("the engine did not start: it cannot run {}", command.display());
        return Err(CliError::new(Exit::Invalid, what, why, CHECK_COMMAND));
    }
    let engine_id = arguments.engine_id.unwrap_or_else(own_name);
    let engine_type = arguments.engine_type.unwrap_or_else(|| named_after(command));
    let kill_after = Duration::from_secs(arguments.kill_after_seconds);
    let load = Arc::new(LoadMeter::default());
    let program = Arc::new(Program {
        command: command.clone(),
        arguments: rest.to_vec(),
        url: common.client.url().to_owned(),
        // A command may work in another folder.
        tls_ca: common.client.tls().ca.as_ref().and_then(|ca| std::path::absolute(ca).ok()),
        kill_after,
        result: arguments.result,
        show_stderr: !common.quiet,
        reports: report_folder(),
        load: Arc::clone(&load),
    });
    let (shutdown, hurry) = (CancellationToken::new(), CancellationToken::new());
    listen(shutdown.clone(), hurry.clone()).map_err(|error| {
        CliError::new(Exit::Failed, "the engine did not start", error, "signals cannot be caught here")
    })?;
    let measured = Arc::clone(&load);
    let static_config = StaticConfig {
        capabilities: arguments.capabilities.iter().map(ToString::to_string).collect(),
        resource_limits: ResourceLimits { memory_limit_mb: arguments.memory_mb, ..ResourceLimits::default() },
        engine_software_version: arguments.engine_version,
        ..StaticConfig::default()
    };
    let mut engine = EngineLoop::new(Client::clone(&common.client), engine_id.clone(), engine_type)
        .static_config(static_config)
        .max_concurrent(arguments.max_concurrent)
        .event_types(arguments.event_types)
        .queues(arguments.queues)
        .takeover(arguments.takeover)
        .grace(Duration::from_secs(arguments.grace_seconds))
        .stop_wait(kill_after + Duration::from_secs(5))
        .hurry(hurry)
        .load(move || measured.state());
    if let Some(seconds) = arguments.heartbeat_interval_seconds {
        engine = engine.heartbeat_interval_seconds(seconds);
    }
    if let Some(seconds) = arguments.visibility_timeout_seconds {
        engine = engine.visibility_timeout_seconds(seconds);
    }
    let cannot_start = Arc::new(OnceLock::new());
    let handler = {
        let (shutdown, cannot_start) = (shutdown.clone(), Arc::clone(&cannot_start));
        move |event: ClaimedEvent, context: HandlerContext| {
            load.works_on(event.scenario_run_id.as_ref());
            let (program, shutdown, cannot_start) = (Arc::clone(&program), shutdown.clone(), Arc::clone(&cannot_start));
            async move {
                match program.run(&event, &context).await {
                    Ok(outcome) => outcome,
                    Err(NotStarted { why, for_good }) => {
                        tracing::error!(event_id = %event.event_id, why, "could not start the command");
                        if for_good {
                            // Every other event would fare the same: another engine may do better.
                            cannot_start.get_or_init(|| why);
                            shutdown.cancel();
                        }
                        HandlerOutcome::Release { delay_seconds: Some(if for_good { 0.0 } else { 5.0 }) }
                    }
                }
            }
        }
    };
    let result = engine.run(shutdown, handler).await;
    log.flush();
    if let Some(why) = cannot_start.get() {
        let what = format!("the engine stopped: could not start {}", command.display());
        return Err(CliError::new(Exit::Failed, what, why, CHECK_COMMAND));
    }
    let summary = result.map_err(|error| match error {
        EngineError::Superseded(engine_id) => CliError::new(
            Exit::Conflict,
            "the engine stopped",
            format_args!("another process has registered as engine {engine_id}"),
            "give each process an --engine-id of its own, or none at all",
        ),
        EngineError::Call(error) => CliError::call(format!("engine {engine_id} does not run"), error),
    })?;
    if common.quiet {
        return Ok(());
    }
    let answer = serde_json::json!({
        "engine_id": engine_id, "completed": summary.completed, "failed": summary.failed,
        "released": summary.released, "lost": summary.lost,
    });
    let fields = [
        ("completed", summary.completed.to_string()),
        ("failed", summary.failed.to_string()),
        ("released", summary.released.to_string()),
        ("lost", summary.lost.to_string()),
    ];
    one(common, &answer, "", &fields)
}

/// Where commands report. Without a folder for it, they work as well.
fn report_folder() -> Option<ReportFolder> {
    let made = ReportFolder::new();
    made.inspect_err(|error| tracing::warn!(%error, "commands cannot report: no folder can be made for it")).ok()
}

fn log(level: LevelFilter) -> Result<LogOutput, CliError> {
    let log = LogOutput::to_stderr().map_err(|error| {
        CliError::new(Exit::Failed, "the engine did not start", error, "see that the system lets it start threads")
    })?;
    let output = log.clone();
    let lines = tracing_subscriber::fmt::layer().log_internal_errors(false);
    let lines = lines.with_writer(move || output.clone()).with_ansi(stderr_has_colours()).with_target(false);
    // Only what this program says of itself: its crates all begin with its name.
    tracing_subscriber::registry().with(lines).with(Targets::new().with_target("enginehouse", level)).init();
    Ok(log)
}

/// The first signal shuts down; the next one ends the patience. A terminal that goes takes nothing with it but the engine:
/// its commands end in good order, too.
fn listen(shutdown: CancellationToken, hurry: CancellationToken) -> std::io::Result<()> {
    let mut signals = StopSignals::listen_with_hangup()?;
    tokio::spawn(async move {
        for token in [shutdown, hurry] {
            signals.next().await;
            token.cancel();
        }
    });
    Ok(())
}

fn named_after(command: &OsString) -> EngineType {
    let name = Path::new(command).file_name().unwrap_or(command).to_string_lossy();
    plain(&name, 100).parse().unwrap_or_else(|_| unreachable!("plain words are a name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_command_gives_its_engine_a_name() {
        for (command, name) in [
            ("/usr/bin/sha256sum", "sha256sum"),
            ("./my tool.sh", "my-tool.sh"),
            ("..", "engine"),
            ("/", "engine"),
            ("日本", "engine"),
        ] {
            assert_eq!(named_after(&command.into()).as_str(), name);
        }
    }
}
