//! Every operation of the dispatcher, over a real store, with a clock that the test sets and seeded chance.

mod blocked;
mod caps;
mod changing;
mod claiming;
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
mod sessions;
mod settling;
mod starvation;
mod stops;
mod suspecting;
#[path = "../under_test/mod.rs"]
mod under_test;
mod waiting;

const ON: under_test::Kind = under_test::Kind::Sqlite;
