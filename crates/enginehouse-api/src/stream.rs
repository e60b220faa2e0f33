//! Streams of what changes: topics, and the parts that a stream is made of.

use std::fmt;
use std::str::FromStr;

use enginehouse_core::ids::EventId;
use enginehouse_core::input::{Textual, Value};
use enginehouse_core::json::RawJson;
use enginehouse_core::read_fields;
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::IntoParams;

/// Most topics of one stream.
pub const MAX_TOPICS: usize = 10;

/// What a stream tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamTopic {
    /// What a person should know at a glance: one `Overview`.
    Overview,
    /// The engines, each as an `Engine`, by its id.
    Engines,
    /// What is in the queues, each as a `QueueActivity`, by `queue/event_type`.
    Queues,
    /// The scenario runs, each as a `ScenarioRun`, by its id.
    Runs,
    /// One event, as an `Event`, by its id.
    Event(EventId),
}

impl StreamTopic {
    /// What stands behind `event:` in the stream.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Engines => "engines",
            Self::Queues => "queues",
            Self::Runs => "runs",
            Self::Event(_) => "event",
        }
    }
}

impl fmt::Display for StreamTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event_id) => write!(f, "event:{event_id}"),
            _ => f.write_str(self.name()),
        }
    }
}

/// The topics of one stream, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamTopics(pub Vec<StreamTopic>);

/// A text that names no topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {}", StreamTopics::MUST_BE)]
pub struct NotTopics;

impl Textual for StreamTopics {
    const MUST_BE: &'static str =
        "up to 10 of overview, engines, queues, runs and event:ID with the id of an event, separated by commas";
}

impl FromStr for StreamTopics {
    type Err = NotTopics;

    fn from_str(text: &str) -> Result<Self, NotTopics> {
        let mut topics = Vec::new();
        for name in text.split(',') {
            let topic = match name {
                "overview" => StreamTopic::Overview,
                "engines" => StreamTopic::Engines,
                "queues" => StreamTopic::Queues,
                "runs" => StreamTopic::Runs,
                _ => {
                    let event_id = name.strip_prefix("event:").and_then(|id| id.parse().ok());
                    StreamTopic::Event(event_id.ok_or(NotTopics)?)
                }
            };
            if !topics.contains(&topic) {
                topics.push(topic);
            }
        }
        if topics.len() <= MAX_TOPICS { Ok(Self(topics)) } else { Err(NotTopics) }
    }
}

impl fmt::Display for StreamTopics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, topic) in self.0.iter().enumerate() {
            write!(f, "{}{topic}", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl Serialize for StreamTopics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a stream is to tell of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// Up to 10 of `overview`, `engines`, `queues`, `runs` and `event:ID` with the id of an event, separated by commas.
    #[param(value_type = String, min_length = 4, max_length = 500, pattern = "^[A-Za-z0-9:,-]+$", example = "overview,engines")]
    pub topics: StreamTopics,
}

impl StreamQuery {
    /// Reads the query.
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value; topics: required(|value| value.parsed()));
        Some(Self { topics: topics? })
    }
}

/// Whether a part replaces all that was known of its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamPartKind {
    /// It does.
    Snapshot,
    /// What it has replaces what has the same key; everything else stays.
    Changes,
}

/// The data of one part of a stream.
#[derive(Clone, Debug, Deserialize)]
pub struct StreamPart {
    /// The topic, as it was asked for.
    pub topic: String,
    /// Whether it replaces all that was known of its topic.
    pub kind: StreamPartKind,
    /// As of when, by the store's clock.
    pub as_of: Timestamp,
    /// What is there, or has changed.
    pub items: Vec<RawJson>,
    /// The keys of what is not there any more.
    pub gone: Vec<String>,
    /// Whether there is more than is told of.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_once_each_and_what_is_none_is_refused() {
        let id = "0193f2a0-0000-7000-8000-000000000001";
        let topics: StreamTopics = format!("overview,event:{id},overview,runs").parse().unwrap();
        assert_eq!(topics.0, [StreamTopic::Overview, StreamTopic::Event(id.parse().unwrap()), StreamTopic::Runs]);
        assert_eq!(topics.to_string(), format!("overview,event:{id},runs"));
        for wrong in ["", "overview,", "Engines", "event:", "event:7", "engines queues"] {
            assert_eq!(wrong.parse::<StreamTopics>(), Err(NotTopics), "{wrong}");
        }
        let many: Vec<_> = (0..11).map(|number| format!("event:0193f2a0-0000-7000-8000-{number:012}")).collect();
        assert_eq!(many.join(",").parse::<StreamTopics>(), Err(NotTopics));
        assert_eq!(many[1..].join(",").parse::<StreamTopics>().unwrap().0.len(), MAX_TOPICS);
    }
}
