//! What a term of a filter may be about: for each list its fields, and what may be asked of each.

use std::fmt;

use strum::VariantArray;

use super::json_path::JsonPath;
use crate::limits::MAX_PRIORITY;

/// The lists that a filter may be of. Each has fields of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum FilterSubject {
    Events,
    DeadLetters,
    Engines,
}

impl FilterSubject {
    /// What one of them is called, at the beginning of a sentence.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Events => "An event",
            Self::DeadLetters => "A dead letter",
            Self::Engines => "An engine",
        }
    }
}

/// What a term is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterField {
    Id,
    Status,
    Queue,
    EventType,
    Engine,
    ScenarioRun,
    Priority,
    Key,
    Attempts,
    Error,
    ErrorCode,
    Group,
    Reason,
    Age,
    Enqueued,
    Available,
    Finished,
    DeadLettered,
    Version,
    EngineType,
    Capability,
    Host,
    Stopped,
    Silent,
    /// The label of this name.
    Label(String),
    /// What the payload has at this place.
    Payload(JsonPath),
}

/// What may be asked of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldKind {
    /// Text: the whole, its beginning, or a part of it.
    Text,
    /// The beginning of a text of hexadecimal digits, of at most so many characters.
    Digits { most: usize, hyphens: bool },
    /// One of some words.
    Word(&'static [&'static str]),
    /// A whole number, at most so large.
    Number { most: u64 },
    /// How long ago something was.
    Age,
    /// When something was.
    Moment,
    /// Any value of JSON.
    Json,
}

/// Fields without a name within: as they are written, what else they may be called, and which lists have them.
struct NamedField {
    name: &'static str,
    alias: Option<&'static str>,
    field: FilterField,
    of: &'static [FilterSubject],
}

const EVERYWHERE: &[FilterSubject] = FilterSubject::VARIANTS;
const OF_EVENTS: &[FilterSubject] = &[FilterSubject::Events, FilterSubject::DeadLetters];
const OF_DEAD_LETTERS: &[FilterSubject] = &[FilterSubject::DeadLetters];
const OF_ENGINES: &[FilterSubject] = &[FilterSubject::Engines];

const fn field(
    name: &'static str,
    alias: Option<&'static str>,
    field: FilterField,
    of: &'static [FilterSubject],
) -> NamedField {
    NamedField { name, alias, field, of }
}

/// In the order in which an error lists them.
const FIELDS: &[NamedField] = &[
    field("id", None, FilterField::Id, EVERYWHERE),
    field("status", None, FilterField::Status, &[FilterSubject::Events, FilterSubject::Engines]),
    field("queue", None, FilterField::Queue, OF_EVENTS),
    field("type", Some("event_type"), FilterField::EventType, OF_EVENTS),
    field("type", Some("engine_type"), FilterField::EngineType, OF_ENGINES),
    field("engine", Some("engine_id"), FilterField::Engine, OF_EVENTS),
    field("run", Some("scenario_run_id"), FilterField::ScenarioRun, EVERYWHERE),
    field("priority", None, FilterField::Priority, OF_EVENTS),
    field("key", Some("idempotency_key"), FilterField::Key, OF_EVENTS),
    field("attempts", Some("attempt"), FilterField::Attempts, OF_EVENTS),
    field("error", None, FilterField::Error, OF_EVENTS),
    field("error_code", None, FilterField::ErrorCode, OF_EVENTS),
    field("group", Some("group_id"), FilterField::Group, OF_EVENTS),
    field("reason", None, FilterField::Reason, OF_EVENTS),
    field("age", None, FilterField::Age, EVERYWHERE),
    field("enqueued", Some("enqueued_at"), FilterField::Enqueued, OF_EVENTS),
    field("available", Some("available_at"), FilterField::Available, OF_EVENTS),
    field("finished", Some("finished_at"), FilterField::Finished, OF_EVENTS),
    field("dead_lettered", Some("dead_lettered_at"), FilterField::DeadLettered, OF_DEAD_LETTERS),
    field("version", Some("engine_software_version"), FilterField::Version, EVERYWHERE),
    field("capability", None, FilterField::Capability, OF_ENGINES),
    field("host", None, FilterField::Host, OF_ENGINES),
    field("stopped", None, FilterField::Stopped, OF_ENGINES),
    field("silent", None, FilterField::Silent, OF_ENGINES),
];

/// What follows a field that has a name within: `label.team`.
const WITH_NAMES: [&str; 2] = ["label", "payload"];

const EVENT_STATUSES: &[&str] = &["queued", "processing", "completed", "failed", "cancelled"];
const ENGINE_STATUSES: &[&str] = &["active", "draining", "lost", "stopped"];
const REASONS: &[&str] = &["retries_exhausted", "rejected", "requested", "lost_too_often", "blocked"];
const YES_OR_NO: &[&str] = &["true", "false"];

impl FilterField {
    /// The field that a list calls so, its name within left aside.
    pub(super) fn of_name(name: &str, subject: FilterSubject) -> Option<Self> {
        let is_it = |one: &&NamedField| one.of.contains(&subject) && (one.name == name || one.alias == Some(name));
        FIELDS.iter().find(is_it).map(|one| one.field.clone())
    }

    pub(super) fn kind(&self, subject: FilterSubject) -> FieldKind {
        match self {
            Self::Id if subject == FilterSubject::Engines => FieldKind::Text,
            Self::Id => FieldKind::Digits { most: 36, hyphens: true },
            Self::Group => FieldKind::Digits { most: 12, hyphens: false },
            Self::Status if subject == FilterSubject::Engines => FieldKind::Word(ENGINE_STATUSES),
            Self::Status => FieldKind::Word(EVENT_STATUSES),
            Self::Reason => FieldKind::Word(REASONS),
            Self::Stopped => FieldKind::Word(YES_OR_NO),
            Self::Priority => FieldKind::Number { most: MAX_PRIORITY as u64 },
            Self::Attempts => FieldKind::Number { most: u32::MAX as u64 },
            Self::Age | Self::Silent => FieldKind::Age,
            Self::Enqueued | Self::Available | Self::Finished | Self::DeadLettered => FieldKind::Moment,
            Self::Payload(_) => FieldKind::Json,
            Self::Queue
            | Self::EventType
            | Self::Engine
            | Self::ScenarioRun
            | Self::Key
            | Self::Error
            | Self::ErrorCode
            | Self::Version
            | Self::EngineType
            | Self::Capability
            | Self::Host
            | Self::Label(_) => FieldKind::Text,
        }
    }
}

/// The names of all fields of a list, those with a name within as they begin.
pub(super) fn names(subject: FilterSubject) -> impl Iterator<Item = &'static str> {
    let with_names = if subject == FilterSubject::Engines { &[][..] } else { &WITH_NAMES[..] };
    FIELDS.iter().filter(move |one| one.of.contains(&subject)).map(|one| one.name).chain(with_names.iter().copied())
}

/// A field as it is written.
impl fmt::Display for FilterField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(name) => write!(f, "label.{name}"),
            Self::Payload(path) => write!(f, "payload.{path}"),
            named => {
                let name = FIELDS.iter().find(|one| one.field == *named).map_or("", |one| one.name);
                f.write_str(name)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineStatus;
    use crate::event::{DeadLetterReason, EventStatus};

    fn words<T: VariantArray + Copy + Into<&'static str>>() -> Vec<&'static str> {
        T::VARIANTS.iter().map(|word| (*word).into()).collect()
    }

    #[test]
    fn the_words_are_those_that_there_are() {
        assert_eq!(words::<EventStatus>(), EVENT_STATUSES);
        assert_eq!(words::<EngineStatus>(), ENGINE_STATUSES);
        assert_eq!(words::<DeadLetterReason>(), REASONS);
    }

    #[test]
    fn each_list_has_a_name_once() {
        for subject in FilterSubject::VARIANTS {
            let mut names: Vec<_> = names(*subject).collect();
            names.extend(FIELDS.iter().filter(|one| one.of.contains(subject)).filter_map(|one| one.alias));
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{subject:?}");
        }
    }
}
