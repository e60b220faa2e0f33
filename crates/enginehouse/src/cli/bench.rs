//! `enginehouse bench`: a load of its own on a server, and what the server made of it.

use std::sync::Arc;

use clap::Args;
use enginehouse_client::{Client, Error};

use self::clean_up::{CleanUp, cancel, deregister};
use self::context::BenchContext;
use self::load_shape::LoadShape;
use self::measure::measure;
use self::names::BenchNames;
use self::progress::BenchProgress;
use self::report::BenchReport;
use self::run_end::{BenchEnd, RunEnd};
use self::set_up::set_up;
use super::cli_error::{CliError, written};
use super::effect::{Effect, ServerCall};
use super::output::one;
use super::server_and_output::Common;
use super::signals::StopSignals;
use crate::exit_codes::Exit;

mod bench_engine;
mod clean_up;
mod context;
mod figures;
mod load_shape;
mod measure;
mod names;
mod numbers;
mod payload;
mod producer;
mod progress;
mod report;
mod run_end;
mod set_up;
mod stopwatch;

/// Measure how much a server takes, and how fast, with a load of its own.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enginehouse bench
  enginehouse bench --producers 32 --engines 32 --exchange --batch 100 \\
    --duration 1m --warm-up 5s
  enginehouse bench --rate 1000 --duration 5m -o json > figures.json
  enginehouse bench --engines 0 --events 100000 --batch 100
  enginehouse bench --producers 0 --events 100000

Each producer and each engine is one connection that makes one call after the other. A claim waits for an event if there is none, and that wait is in its latency. End to end is from the enqueue until the completion is answered: if producers are faster than engines, most of it is waiting in the queue, so look at it with a --rate that engines can follow.

With --rate, calls are planned at even distances, and their latency counts from the planned instant. If the server falls behind, the calls that had to wait for it show it, instead of being left out (coordinated omission).

A server in use may be measured: events have a type and require a capability that only this run has, and its engines claim nothing else. But the load is real, and so are the rows. At the end, what is left is cancelled and the engines are deregistered; what was completed or cancelled is deleted when its retention ends, as usual. Ctrl-C ends it early, with the figures so far.

docs/bench.md describes the fields of -o json.")]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    shape: LoadShape,
    /// Leave events that were not completed in the queue, instead of cancelling them
    #[arg(long, help_heading = "Load")]
    keep: bool,
    #[command(flatten)]
    common: Common,
}

impl BenchArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = Effect::Changes;
        ServerCall { common: &self.common, effect }
    }
}

pub(crate) async fn run(arguments: BenchArgs) -> Exit {
    let BenchArgs { shape, keep, common } = arguments;
    let result = bench(&common, shape, keep).await;
    common.finish(result)
}

async fn bench(common: &Common, shape: LoadShape, keep: bool) -> Result<(), CliError> {
    shape.check()?;
    let mut signals = StopSignals::listen_with_hangup()
        .map_err(|error| CliError::new(Exit::Failed, "nothing was measured", error, "signals cannot be caught here"))?;
    let names = BenchNames::new(shape.queue.clone());
    let progress = BenchProgress::new(common.quiet);
    let client: &Client = &common.client;
    client.ready().await.map_err(|error| CliError::call("nothing was measured", error))?;
    progress.say(&format!("{} at {}: {}", names.run, client.url(), shape.in_words()));

    let ready = tokio::select! {
        ready = set_up(client, &names, &shape, progress) => ready,
        () = signals.next() => Err(CliError::new(
            Exit::Failed, "nothing was measured", "a signal came before the start", "let it run for longer",
        )),
    };
    // The clock of the run starts here.
    let context = Arc::new(BenchContext::new(client.clone(), shape, names));
    let end = match ready {
        Ok(engines) => Ok(measure(&context, engines, &mut signals, progress).await),
        Err(error) => Err(error),
    };
    let cleaned = match &end {
        Ok(RunEnd { is_cut_off: true, .. }) => Err(left_behind(&context, "a second signal came")),
        _ => clean_up_or_abort(&context, client, keep, &mut signals, progress).await,
    };
    let end = match end {
        Ok(end) => end,
        Err(error) => {
            if let Err(left) = &cleaned {
                common.show_error(left);
            }
            return Err(error);
        }
    };
    show(common, &BenchReport::new(&context, end, cleaned.as_ref().ok().copied()), keep)?;
    let fault = context.take_fault();
    if let Err(left) = cleaned {
        if let Some(fault) = fault {
            common.show_error(&fault);
        }
        return Err(left);
    }
    match end.by {
        BenchEnd::Duration | BenchEnd::Events | BenchEnd::Interrupted => Ok(()),
        BenchEnd::Failed => fault.map_or(Ok(()), Err),
        BenchEnd::Stalled => Err(CliError::new(
            Exit::Timeout,
            "the bench ended early",
            "nothing was enqueued or completed for 30 seconds",
            "look at the errors above, at the server's log, and whether the queue or its events were paused or cancelled",
        )),
    }
}

/// Deregisters the engines and, unless they are kept, cancels the events that are left. A signal ends that.
async fn clean_up_or_abort(
    context: &BenchContext,
    client: &Client,
    keep: bool,
    signals: &mut StopSignals,
    progress: BenchProgress,
) -> Result<CleanUp, CliError> {
    let cleaning = async {
        let engines_deregistered = deregister(client, &context.names, context.shape.engines).await?;
        let left = context.figures().backlog();
        let events_cancelled = if keep {
            0
        } else {
            if left > 0 {
                progress.say(&format!("cancelling the {} events that are left", numbers::thousands(left)));
            }
            cancel(client, &context.names, context.shape.payload_bytes).await?
        };
        Ok(CleanUp { engines_deregistered, events_cancelled })
    };
    let cleaned: Result<CleanUp, Error> = tokio::select! {
        cleaned = cleaning => cleaned,
        () = signals.next() => return Err(left_behind(context, "a signal came")),
    };
    cleaned.map_err(|error| left_behind(context, &error.to_string()))
}

/// What to do about what could not be cleaned up.
fn left_behind(context: &BenchContext, why: &str) -> CliError {
    let run = &context.names.run;
    CliError::new(
        Exit::Partly,
        "engines and events of the bench are left behind",
        why,
        format!(
            "cancel the events with `enginehouse event list --event-type {run} --status queued --all -q | xargs enginehouse event cancel`; \
             engines {run}-N are lost by themselves"
        ),
    )
}

fn show(common: &Common, report: &BenchReport, keep: bool) -> Result<(), CliError> {
    if !common.format().is_table() {
        return one(common, report, report.run(), &[]);
    }
    written(report.write(&mut std::io::stdout().lock(), keep))
}
