//! What the server has told of the fleet so far: the parts of a stream, put together.

use std::collections::BTreeMap;

use enginehouse_api::engines::Engine;
use enginehouse_api::overview::{Overview, QueueActivity};
use enginehouse_api::scenario_runs::ScenarioRun;
use enginehouse_api::stream::{StreamPart, StreamPartKind, StreamTopic};
use enginehouse_client::TopicEvent;
use enginehouse_core::json::RawJson;
use enginehouse_core::time::Timestamp;
use serde::de::DeserializeOwned;

/// What is followed.
pub(super) const TOPICS: [StreamTopic; 4] =
    [StreamTopic::Overview, StreamTopic::Engines, StreamTopic::Queues, StreamTopic::Runs];

/// The fleet and its work, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct TopSnapshot {
    pub(super) overview: Option<Overview>,
    pub(super) engines: BTreeMap<String, Engine>,
    pub(super) queues: BTreeMap<String, QueueActivity>,
    pub(super) runs: BTreeMap<String, ScenarioRun>,
    /// As of when, by the store's clock.
    pub(super) as_of: Option<Timestamp>,
    /// The topics of which something has come.
    known: Vec<String>,
    /// The topics of which the server tells only a part.
    pub(super) cut: Vec<String>,
}

impl TopSnapshot {
    /// Takes in what came next.
    pub(super) fn apply(&mut self, event: TopicEvent) -> Result<(), serde_json::Error> {
        match event {
            TopicEvent::Reset(topics) => topics.iter().for_each(|topic| self.prune(topic)),
            TopicEvent::Part(part) => self.take(&part)?,
        }
        Ok(())
    }

    /// Whether there was something of every topic.
    pub(super) fn is_whole(&self) -> bool {
        TOPICS.iter().all(|topic| self.known.iter().any(|known| known == topic.name()))
    }

    fn prune(&mut self, topic: &str) {
        match topic {
            "engines" => self.engines.clear(),
            "queues" => self.queues.clear(),
            "runs" => self.runs.clear(),
            _ => {}
        }
        self.known.retain(|known| known != topic);
    }

    fn take(&mut self, part: &StreamPart) -> Result<(), serde_json::Error> {
        if part.kind == StreamPartKind::Snapshot {
            self.prune(&part.topic);
        }
        match part.topic.as_str() {
            "overview" => {
                if let Some(item) = part.items.last() {
                    self.overview = Some(serde_json::from_str(item.as_str())?);
                }
            }
            "engines" => merge(&mut self.engines, part, |engine: &Engine| engine.engine_id.to_string())?,
            "queues" => {
                merge(&mut self.queues, part, |queue: &QueueActivity| format!("{}/{}", queue.queue, queue.event_type))?;
            }
            "runs" => merge(&mut self.runs, part, |run: &ScenarioRun| run.scenario_run_id.to_string())?,
            _ => return Ok(()),
        }
        self.as_of = self.as_of.max(Some(part.as_of));
        self.cut.retain(|topic| *topic != part.topic);
        if part.more {
            self.cut.push(part.topic.clone());
        }
        if !self.known.contains(&part.topic) {
            self.known.push(part.topic.clone());
        }
        Ok(())
    }
}

fn merge<T: DeserializeOwned>(
    items: &mut BTreeMap<String, T>,
    part: &StreamPart,
    key: impl Fn(&T) -> String,
) -> Result<(), serde_json::Error> {
    for gone in &part.gone {
        items.remove(gone);
    }
    for json in part.items.iter().map(RawJson::as_str) {
        let item = serde_json::from_str(json)?;
        items.insert(key(&item), item);
    }
    Ok(())
}
