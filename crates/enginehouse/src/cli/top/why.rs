//! Why the chosen thing is as it is, in the server's own words.

use enginehouse_api::explain::{BlockedFilter, BlockedQuery};
use enginehouse_api::page::PageQuery;
use enginehouse_client::{Client, Error};

use super::rows::RowSubject;

/// How many lanes of a queue are explained.
const MOST_LANES: u64 = 5;

/// What there is to say, line by line.
pub(super) async fn why(client: &Client, subject: &RowSubject) -> Result<Vec<String>, Error> {
    Ok(match subject {
        RowSubject::Engine { engine_id } => {
            let answer = client.explain_engine(engine_id).await?;
            let mut lines = vec![answer.summary, format!("It could claim {} events now.", answer.could_claim)];
            lines.push(format!("More: enginehouse engine explain {engine_id}"));
            lines
        }
        RowSubject::Queue { queue, event_type } => {
            let filter = BlockedFilter {
                queue: Some(queue.clone()),
                event_type: event_type.clone(),
                ..BlockedFilter::default()
            };
            let page = PageQuery { limit: Some(MOST_LANES), cursor: None };
            let lanes = client.blocked(&BlockedQuery { filter, page }).await?.items;
            let mut lines: Vec<_> = lines_or(
                lanes.into_iter().map(|lane| format!("{} wait: {}", lane.queued, lane.summary)),
                "Nothing waits.",
            );
            lines.push(format!("More: enginehouse blocked --queue {queue}"));
            lines
        }
        RowSubject::Run { scenario_run_id } => {
            let run = client.scenario_run(scenario_run_id).await?;
            let engines: Vec<_> = run.engines.iter().flatten().map(ToString::to_string).collect();
            let mut lines = Vec::new();
            if run.paused_at.is_some() {
                let reason = run.pause_reason.as_deref().unwrap_or("nobody has said why");
                lines.push(format!("It is paused: {reason}"));
            }
            lines.push(if engines.is_empty() {
                "No engine is on it.".to_owned()
            } else {
                format!("On it: {}", engines.join(", "))
            });
            lines.push(format!("More: enginehouse run show {scenario_run_id}"));
            lines
        }
        RowSubject::Nothing => vec!["It is about nothing in particular.".to_owned()],
    })
}

fn lines_or(lines: impl Iterator<Item = String>, instead: &str) -> Vec<String> {
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() { vec![instead.to_owned()] } else { lines }
}
