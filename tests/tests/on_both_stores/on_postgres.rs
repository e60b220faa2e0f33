//! The same with servers on a database.

mod bench;
mod commands;
mod crashes;
mod deadlines;
mod engine_loop;
mod engines;
mod first_engines;
mod locks;
mod operation_takeover;
mod operations;
mod operator;
mod stops;

const STORE: enginehouse_tests::test_store::StoreKind = enginehouse_tests::test_store::StoreKind::Postgres;
