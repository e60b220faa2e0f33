//! Quarantines in words: of an engine, in lists of engines, and of suspects.

use enginehouse_core::ids::EventType;
use enginehouse_core::quarantine::{AutomaticQuarantine, Quarantine};
use enginehouse_core::time::Timestamp;

use super::times::Times;

/// Why, since when, for what and until when.
pub(super) fn in_words(quarantine: &Quarantine, times: &Times) -> String {
    let Quarantine { reason, since, .. } = quarantine;
    format!("{reason} (from {}, since {}, {})", kept_from(quarantine), times.show(*since), until(quarantine, times))
}

/// Until when, and why, in a cell of a table: that of a person, and those that the server has put the engine in.
pub(super) fn in_a_cell(person: Option<&Quarantine>, automatic: &[AutomaticQuarantine], times: &Times) -> String {
    let person = person.map(|of| format!("{}, from {}: {}", until(of, times), kept_from(of), of.reason));
    let all: Vec<_> = person.into_iter().chain(automatic_in_words(automatic, times)).collect();
    if all.is_empty() { "-".to_owned() } else { all.join("; ") }
}

/// The quarantines that the server has put an engine in, until when and why.
pub(super) fn automatic_in_words(quarantines: &[AutomaticQuarantine], times: &Times) -> Vec<String> {
    let standing = quarantines.iter().filter(|of| of.over_at.is_none());
    standing.map(|of| format!("{}, from {}: {}", until_tried(of, times), of.event_type, of.reason)).collect()
}

/// When the last of them ends, in a cell of a table.
pub(super) fn end_in_a_cell(person: Option<&Quarantine>, automatic: &[AutomaticQuarantine], times: &Times) -> String {
    let last = automatic.iter().max_by_key(|of| of.until);
    let automatic = || last.map_or_else(|| "-".to_owned(), |of| until_tried(of, times));
    person.map_or_else(automatic, |of| until(of, times))
}

/// When it ends: `until 2026-11-01T00:00:00.000Z`, or `ends in 2h05m`.
pub(super) fn until(quarantine: &Quarantine, times: &Times) -> String {
    quarantine.until.map_or_else(|| "until it is lifted".to_owned(), |until| ends(until, times))
}

/// When the engine is tried with one event.
fn until_tried(quarantine: &AutomaticQuarantine, times: &Times) -> String {
    let end = ends(quarantine.until, times);
    // It is over once the engine has completed the one that it is tried with.
    if end.ends_with(" ago") { "tried with one event".to_owned() } else { end }
}

fn ends(until: Timestamp, times: &Times) -> String {
    let until = times.show(until);
    if until.starts_with("in ") { format!("ends {until}") } else { format!("until {until}") }
}

fn kept_from(quarantine: &Quarantine) -> String {
    let types: Vec<_> = quarantine.event_types.iter().map(EventType::as_str).collect();
    if types.is_empty() { "everything".to_owned() } else { types.join(", ") }
}
