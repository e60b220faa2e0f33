//! What can go wrong whatever the store is, with servers on a file.

mod bench;
mod commands;
mod crashes;
mod deadlines;
mod engine_loop;
mod engines;
mod first_engines;
mod locks;
mod operations;
mod operator;
mod stops;

const STORE: enginehouse_tests::test_store::StoreKind = enginehouse_tests::test_store::StoreKind::Sqlite;
