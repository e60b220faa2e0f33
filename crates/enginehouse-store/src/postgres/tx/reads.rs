//! What people ask, each answer from one snapshot and in a constant number of round trips.

mod counts;
mod dead_letters;
mod engines;
mod fleet;
mod history;
pub(crate) mod integrity;
mod reports;
mod search;

pub(crate) use counts::{lane_counts, scenario_run, scenario_runs, totals};
pub(crate) use dead_letters::{dead_letter, dead_letter_groups, dead_letter_ids, dead_letters, preview_dead_letters};
pub(crate) use engines::{engine, engine_counts, engines};
pub(crate) use fleet::{fleet, lane_heads, queued_before};
pub(crate) use history::{ended, failed_by, history};
pub(crate) use integrity::check_integrity;
pub(crate) use reports::{logs, read_log};
#[cfg(test)]
pub(crate) use search::newest;
pub(crate) use search::{event, event_ids, events};
