//! `enginehouse blocked`: the events that wait, the worst first, and why.

use clap::Args;
use enginehouse_api::explain::{BlockedFilter, BlockedLane, BlockedQuery};
use enginehouse_api::page::PageQuery;
use enginehouse_core::ids::{EventType, QueueName};
use enginehouse_core::verdict::WaitingVerdict;

use super::effect::{Effect, ServerCall};
use super::output::{Listed, Part};
use super::server_and_output::{Common, words};
use super::times::Times;
use crate::exit_codes::Exit;

/// List the events that wait, the worst first, and say why.
///
/// Events with the same queue, type, priority and requirements are one line. Those that no engine could ever run come first,
/// then those that a person has to free, those that time frees, and those that an engine could run now.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  enginehouse blocked --verdict impossible\n  enginehouse blocked -o wide --watch")]
pub(crate) struct BlockedArgs {
    #[command(flatten)]
    common: Common,
    /// Only those of this queue
    #[arg(long)]
    queue: Option<QueueName>,
    /// Only those of this type
    #[arg(long, value_name = "TYPE")]
    event_type: Option<EventType>,
    /// Only those with this verdict
    #[arg(long, value_parser = words::<WaitingVerdict>())]
    verdict: Option<WaitingVerdict>,
    #[command(flatten)]
    part: Part,
}

impl BlockedArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = Effect::Reads;
        ServerCall { common: &self.common, effect }
    }
}

pub(crate) async fn run(arguments: BlockedArgs) -> Exit {
    let BlockedArgs { common, queue, event_type, verdict, part } = arguments;
    let filter = BlockedFilter { queue, event_type, verdict };
    let fetch = async |limit, cursor| {
        let query = BlockedQuery { filter: filter.clone(), page: PageQuery { limit: Some(limit), cursor } };
        common.client.blocked(&query).await
    };
    let result = part.show(&common, "could not list what waits", fetch).await;
    common.finish(result)
}

impl Listed for BlockedLane {
    const HEADER: &'static [&'static str] =
        &["QUEUE", "TYPE", "PRIORITY", "EVENTS", "OLDEST", "VERDICT", "WHY", "FIRST EVENT", "CHANGE"];
    const WIDE: &'static [&'static str] = &["PRIORITY", "FIRST EVENT", "CHANGE"];

    fn row(&self, times: &Times) -> Vec<String> {
        let change: Vec<_> = self.smallest_change.iter().map(|step| step.detail.as_str()).collect();
        vec![
            self.queue.to_string(),
            self.event_type.to_string(),
            self.priority.to_string(),
            self.queued.to_string(),
            times.or_dash(self.oldest_available_at),
            self.verdict.to_string(),
            self.summary.clone(),
            self.first_event_id.map_or_else(|| "-".to_owned(), |event_id| event_id.to_string()),
            if change.is_empty() { "-".to_owned() } else { change.join("; ") },
        ]
    }

    /// The first of its events, for whoever goes on with it.
    fn id(&self) -> String {
        self.first_event_id.map(|event_id| event_id.to_string()).unwrap_or_default()
    }
}
