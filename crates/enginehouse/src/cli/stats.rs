//! `enginehouse stats`: what is in the store now.

use clap::Args;
use enginehouse_api::stats::EventTypeStats;

use super::cli_error::CliError;
use super::effect::{Effect, ServerCall};
use super::output::{Listed, note, one, whole_list};
use super::server_and_output::Common;
use super::times::{TimeArgs, Times};
use super::watch::WatchArgs;
use crate::exit_codes::Exit;

/// Count what is in the store.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  enginehouse stats\n  enginehouse stats -o json | jq .events.queued")]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    time: TimeArgs,
    #[command(flatten)]
    watch: WatchArgs,
}

impl StatsArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = Effect::Reads;
        ServerCall { common: &self.common, effect }
    }
}

pub(crate) async fn run(arguments: StatsArgs) -> Exit {
    let StatsArgs { common, time, watch } = arguments;
    let result = watch.repeat(&common, async || show(&common, &time.times(&common)?).await).await;
    common.finish(result)
}

async fn show(common: &Common, times: &Times) -> Result<(), CliError> {
    let stats = common.client.stats().await.map_err(|error| CliError::call("could not count", error))?;
    let format = common.format();
    if format.is_document() {
        return one(common, &stats, "", &[]);
    }
    if format.is_table() {
        let (events, engines) = (&stats.events, &stats.engines);
        let mut fields = vec![
            ("now", times.show(stats.now)),
            (
                "events",
                format!(
                    "{} queued, {} processing, {} completed, {} failed, {} cancelled",
                    events.queued, events.processing, events.completed, events.failed, events.cancelled
                ),
            ),
            ("dead letters", stats.dead_letters.to_string()),
            (
                "engines",
                format!(
                    "{} active, {} draining, {} lost, {} stopped",
                    engines.active, engines.draining, engines.lost, engines.stopped
                ),
            ),
            ("waiting claims", stats.waiting_claims.to_string()),
            ("lanes", stats.lanes.to_string()),
        ];
        if let Some(until) = stats.pruning_held_until {
            let why = format!("nothing is deleted until {}: see `enginehouse accept-clock --help`", times.show(until));
            fields.push(("retention", why));
        }
        one(common, &stats, "", &fields)?;
    }
    if !stats.event_types.is_empty() || !format.is_table() {
        whole_list(common, times, stats.event_types)?;
    }
    if stats.event_types_left_out > 0 {
        note(&format!(
            "{} queues with an event type are left out: those with the fewest events",
            stats.event_types_left_out
        ));
    }
    Ok(())
}

impl Listed for EventTypeStats {
    const HEADER: &'static [&'static str] =
        &["QUEUE", "TYPE", "PAUSED", "QUEUED", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED", "OLDEST AVAILABLE"];

    fn row(&self, times: &Times) -> Vec<String> {
        vec![
            self.queue.to_string(),
            self.event_type.to_string(),
            self.paused.to_string(),
            self.queued.to_string(),
            self.processing.to_string(),
            self.completed.to_string(),
            self.failed.to_string(),
            self.cancelled.to_string(),
            times.or_dash(self.oldest_available_at),
        ]
    }

    fn id(&self) -> String {
        format!("{} {}", self.queue, self.event_type)
    }
}
