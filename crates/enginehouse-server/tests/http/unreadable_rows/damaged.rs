//! Payloads and results that are other ones than were written, though still JSON: none is handed out.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::database::Database;
use super::world::World;

/// Turns each 1 in a column of one row into a 3, as a disk might that loses a bit.
fn flip(database: &Database, table: &str, column: &str, event_id: &str) -> String {
    let row = database.is("event_id", event_id);
    match database {
        Database::Sqlite(_) => format!("update {table} set {column} = replace({column}, '1', '3') where {row}"),
        Database::Postgres(_) => {
            format!("update enginehouse.{table} set {column} = replace({column}::text, '1', '3')::json where {row}")
        }
    }
}

/// Has nothing compared with the payload of an event.
fn without_checksum(database: &Database, event_id: &str) -> String {
    let schema = if matches!(database, Database::Sqlite(_)) { "" } else { "enginehouse." };
    let row = database.is("event_id", event_id);
    format!("update {schema}event_payloads set checksum = null where {row}")
}

async fn damage(world: &mut World, rows: &[(&str, &str, &str)]) {
    world.stop().await;
    let database = Database::open(world.place()).await;
    for (table, column, event_id) in rows {
        assert_eq!(database.execute(&flip(&database, table, column, event_id)).await, 1, "{table}.{column}");
    }
    drop(database);
    world.start();
}

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap_or_else(|| panic!("{list}")).iter();
    items.map(|item| item["event_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_payload_or_result_is_never_handed_out() {
    let mut world = World::new();
    let epoch = world.register("good").await;
    let tiles = world.enqueue(3, |tile| json!({"event_type": "tile", "payload": {"tile": 10 + tile}})).await;
    let done = world.enqueue(2, |_| json!({"event_type": "done", "payload": {}})).await;
    let completed = json!({"outcome": "complete", "result": {"pixels": 1_000}});
    world.settle(&world.claim("good", epoch, "done", 2).await, &completed).await;
    let dead = world.enqueue(2, |_| json!({"event_type": "dead", "payload": {"a": 1}})).await;
    let failure = json!({"outcome": "fail", "error": {"message": "no"}, "retryable": false, "dead_letter": true});
    world.settle(&world.claim("good", epoch, "dead", 2).await, &failure).await;
    damage(
        &mut world,
        &[
            ("event_payloads", "payload", &tiles[0]),
            ("events", "result", &done[0]),
            ("event_payloads", "payload", &dead[0]),
        ],
    )
    .await;

    // Asked for by name, by whoever: the answer says what is wrong.
    for event_id in [&tiles[0], &done[0], &dead[0]] {
        let answer = world.ask(&format!("GET /v1/events/{event_id}"), "").await;
        let is_told = answer.body.contains("\"code\":\"unreadable\"")
            && answer.body.contains("does not match its checksum")
            && answer.body.contains(&**event_id);
        assert!(answer.status == 500 && is_told, "{}", answer.body);
    }
    // In lists, the others are there.
    let events = ids(&world.must("GET /v1/events?limit=100", Value::Null).await);
    for (damaged, whole) in [(&tiles[0], &tiles[1]), (&done[0], &done[1]), (&dead[0], &dead[1])] {
        assert!(!events.contains(damaged) && events.contains(whole), "{events:?}");
    }
    let letters = ids(&world.must("GET /v1/dead-letters", Value::Null).await);
    assert_eq!(letters, [dead[1].clone()]);
    // A claim gives the rest of the same lane.
    let epoch = world.register("good").await;
    let claimed = world.claim("good", epoch, "tile", 10).await;
    let claimed: BTreeSet<_> = claimed.into_iter().map(|(event_id, _)| event_id).collect();
    assert_eq!(claimed, tiles[1..].iter().cloned().collect());

    let findings = world.findings().await;
    for (table, event_id) in [("event_payloads", &tiles[0]), ("events", &done[0]), ("event_payloads", &dead[0])] {
        let said = format!("row {event_id} of table {table} cannot be read: unexpected value in column");
        assert!(findings.iter().any(|finding| finding.starts_with(&said)), "{said}: {findings:#?}");
    }
    assert!(world.ask("GET /metrics", "").await.body.contains("enginehouse_store_unreadable_rows{table=\"events\"}"));

    // It is not queued again as it is, only with another payload.
    let redrive = format!("POST /v1/dead-letters/{}/redrive", dead[0]);
    let answer = world.ask(&redrive, "").await;
    assert!(answer.status == 500 && answer.body.contains("\"code\":\"unreadable\""), "{}", answer.body);
    assert_eq!(world.must(&redrive, json!({"payload": {"a": 2}})).await["payload"], json!({"a": 2}));
    let claimed = world.claim("good", epoch, "dead", 10).await;
    assert_eq!(claimed.into_iter().map(|(event_id, _)| event_id).collect::<Vec<_>>(), [dead[0].clone()]);
    // Whoever has looked at it, and takes the payload as it is, says so with a null.
    world.stop().await;
    let database = Database::open(world.place()).await;
    assert_eq!(database.execute(&without_checksum(&database, &tiles[0])).await, 1);
    drop(database);
    world.start();
    let read = world.must(&format!("GET /v1/events/{}", tiles[0]), Value::Null).await;
    assert_eq!(read["payload"], json!({"tile": 30}));
}
