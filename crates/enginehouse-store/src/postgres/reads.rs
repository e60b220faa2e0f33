//! What people ask, each answer from one snapshot and in a constant number of round trips.

mod counts;
mod dead_letters;
mod engines;
mod history;
pub(super) mod integrity;
mod search;

pub(super) use counts::{lane_counts, scenario_run, scenario_runs, totals};
pub(super) use dead_letters::{dead_letter, dead_letter_groups, dead_letters};
pub(super) use engines::{engine, engine_counts, engines};
pub(super) use history::history;
pub(super) use integrity::check_integrity;
pub(super) use search::{event, events};
