//! The same with servers on a database.

mod commands;
mod crashes;
mod deadlines;
mod engine_loop;
mod engines;
mod locks;

const ON: enginehouse_tests::place::Kind = enginehouse_tests::place::Kind::Postgres;
