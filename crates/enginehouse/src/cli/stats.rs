//! `enginehouse stats`: what is in the store now.

use clap::Args;
use enginehouse_api::page::Page;
use enginehouse_api::stats::EventTypeStats;

use super::cli_error::CliError;
use super::output::{Listed, list, note, one, or_dash};
use super::server_and_output::{Common, OutputFormat};
use crate::exit_codes::Exit;

/// Count what is in the store.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  enginehouse stats\n  enginehouse stats -o json | jq .events.queued")]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(arguments: StatsArgs) -> Exit {
    let result = show(&arguments.common).await;
    arguments.common.finish(result)
}

async fn show(common: &Common) -> Result<(), CliError> {
    let stats = common.client.stats().await.map_err(|error| CliError::call("could not count", error))?;
    if common.output != OutputFormat::Table && !common.quiet {
        return one(common, &stats, "", &[]);
    }
    if !common.quiet {
        let (events, engines) = (&stats.events, &stats.engines);
        let mut fields = vec![
            ("now", stats.now.to_string()),
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
            let why = format!("nothing is deleted until {until}: see `enginehouse accept-clock --help`");
            fields.push(("retention", why));
        }
        one(common, &stats, "", &fields)?;
    }
    if !stats.event_types.is_empty() || common.quiet {
        list(common, &Page { items: stats.event_types, next_cursor: None })?;
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

    fn row(&self) -> Vec<String> {
        vec![
            self.queue.to_string(),
            self.event_type.to_string(),
            self.paused.to_string(),
            self.queued.to_string(),
            self.processing.to_string(),
            self.completed.to_string(),
            self.failed.to_string(),
            self.cancelled.to_string(),
            or_dash(self.oldest_available_at.as_ref()),
        ]
    }

    fn id(&self) -> String {
        format!("{} {}", self.queue, self.event_type)
    }
}
