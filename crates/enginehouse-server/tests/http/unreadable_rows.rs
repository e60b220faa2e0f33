//! Rows that hold what no server writes, one for each column of each table and each kind of wrong value, beside rows that are
//! good: every kind of call about the good ones succeeds, and each call that names a bad one says so.

mod damaged;
mod database;
mod world;

use std::collections::BTreeSet;

use self::database::{Database, Garbled};
use self::world::World;

/// What holds for everything else while every table has rows that cannot be read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_read_stops_nothing_else() {
    let mut world = World::new();
    world.fill().await;
    world.stop().await;
    let database = Database::open(world.place()).await;
    let mut garbled = Vec::new();
    for table in world::TABLES {
        garbled.extend(database.garble(table, &world.victims(table)).await);
    }
    database.garble_chain().await;
    drop(database);
    assert!(garbled.len() > 150, "{}", garbled.len());

    world.start();
    world.every_call_about_the_rest_succeeds().await;
    for event_id in world.named_events() {
        let answer = world.ask(&format!("GET /v1/events/{event_id}"), "").await;
        let is_clear = answer.status == 200 || answer.status == 404 || answer.body.contains("\"code\":\"unreadable\"");
        assert!(is_clear, "{event_id}: {}", answer.body);
    }
    for engine_id in world.victims("engines") {
        let answer = world.ask(&format!("GET /v1/engines/{engine_id}"), "").await;
        let is_clear = answer.status == 200 || answer.status == 404 || answer.body.contains("\"code\":\"unreadable\"");
        assert!(is_clear, "{engine_id}: {}", answer.body);
    }
    world.an_engine_that_cannot_be_read_keeps_its_epoch(&garbled).await;

    let metrics = world.ask("GET /metrics", "").await.body;
    let findings = world.findings().await;
    for (table, column, value) in SURELY_UNREADABLE {
        let Some(bad) = garbled.iter().find(|bad| (bad.table, &*bad.column, bad.value) == (table, column, value))
        else {
            panic!("{table}.{column} = {value} was not written");
        };
        let said = format!("of table {table} cannot be read");
        let named = |finding: &&String| finding.contains(&said) && finding.contains(&bad.key);
        assert!(findings.iter().any(|finding| named(&finding)), "{bad:?} in {findings:#?}");
    }
    for table in ["events", "lanes", "engines", "queues", "event_types"] {
        let name = format!("enginehouse_store_unreadable_rows{{table=\"{table}\"}} ");
        let rows = metrics.lines().find_map(|line| line.strip_prefix(&name));
        assert!(rows.is_some_and(|rows| rows != "0"), "{table}: {metrics}");
    }
    let tables: BTreeSet<_> = garbled.iter().map(|Garbled { table, .. }| *table).collect();
    assert_eq!(tables.len(), world::TABLES.len(), "{tables:?}");
}

/// Values that both dialects can be given, and no reader takes.
const SURELY_UNREADABLE: [(&str, &str, &str); 9] = [
    ("lanes", "queue", "'bad name! '"),
    ("lanes", "priority", "-5"),
    ("events", "attempt", "-5"),
    ("events", "lock_serial", "-5"),
    ("events", "scenario_run_id", "'bad name! '"),
    ("engines", "status", "'bad name! '"),
    ("engines", "epoch", "-5"),
    ("queues", "max_processing_seconds", "-5"),
    ("attempts", "outcome", "'bad name! '"),
];
