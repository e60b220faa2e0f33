//! What users fear whatever their store is, with servers on a file.

mod commands;
mod crashes;
mod deadlines;
mod engine_loop;
mod engines;
mod locks;

const ON: enginehouse_tests::place::Kind = enginehouse_tests::place::Kind::Sqlite;
