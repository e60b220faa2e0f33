//! The same operations over PostgreSQL: the rules do not change.

mod blocked;
mod caps;
mod changing;
mod claiming;
mod contended_rows;
mod dead_letters;
mod durations;
mod enforcing;
mod engines;
mod enqueueing;
mod expiring;
mod explaining;
mod faults;
mod faulty_store;
mod harness;
mod last_chance;
mod minutes;
mod quarantining;
mod reporting;
mod retention;
mod retrying;
mod run_pauses;
mod same_on_both;
mod sessions;
mod settling;
mod starvation;
mod stops;
mod suspecting;
#[path = "../under_test/mod.rs"]
mod under_test;
mod waiting;

const ON: under_test::Kind = under_test::Kind::Postgres;
