//! What database roles may enqueue in SQL, as people say it.

use std::process::Output;

use enginehouse_tests::postgres::TestDatabase;
use enginehouse_tests::{command, text};
use serde_json::Value;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

fn sql(store: &str, arguments: &[&str]) -> Output {
    let mut command = command([&["sql"], arguments, &["--store", store]].concat());
    command.env("ENGINEHOUSE_DURABILITY", "relaxed").output().unwrap()
}

#[track_caller]
fn exit_of(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{}", text(&output.stderr)))
}

#[tokio::test]
async fn a_grant_is_given_listed_and_taken_away_and_is_in_the_audit_log() {
    let database = TestDatabase::new().await;
    let (store, client) = (database.url(), database.connect().await);
    assert_eq!(exit_of(&sql(&store, &["list"])), 0, "it makes the schema");
    let role: String = client.query_one("select current_database() || '_shop'", &[]).await.unwrap().get(0);
    let missing = sql(&store, &["grant", &role]);
    assert!(exit_of(&missing) == 3 && text(&missing.stderr).contains("has no role"), "{}", text(&missing.stderr));
    client
        .batch_execute(&format!(
            "create role {role} login; grant usage on schema enginehouse to {role}; \
             grant execute on all functions in schema enginehouse to {role}"
        ))
        .await
        .unwrap();
    let mut config: tokio_postgres::Config = store.parse().unwrap();
    let (own, connection) = config.user(&role).connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let enqueue =
        async |queue: &str| own.query("select enginehouse.enqueue('order.ship', queue => $1)", &[&queue]).await;
    let refused = enqueue("shop.a").await.unwrap_err();
    assert_eq!(refused.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));

    let granted = sql(&store, &["grant", &role, "--queue", "shop.*"]);
    assert_eq!(exit_of(&granted), 0, "{}", text(&granted.stderr));
    enqueue("shop.a").await.unwrap();
    assert!(enqueue("default").await.is_err());
    let listed: Value = serde_json::from_slice(&sql(&store, &["list", "-o", "json"]).stdout).unwrap();
    let grant = &listed["items"][0];
    assert_eq!(
        (&grant["role"], &grant["queue"], &grant["event_type"]),
        (&role.clone().into(), &"shop.*".into(), &Value::Null)
    );

    assert_eq!(exit_of(&sql(&store, &["revoke", &role])), 3, "that was not granted");
    assert_eq!(exit_of(&sql(&store, &["revoke", &role, "--queue", "shop.*"])), 0);
    assert!(enqueue("shop.a").await.is_err());
    let exported = command(["audit", "export", "--store", &store]).env("ENGINEHOUSE_DURABILITY", "relaxed").output();
    let exported = text(&exported.unwrap().stdout);
    let entries: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["enqueue_grant.give", "enqueue_grant.take"]);
    assert!(entries.iter().all(|entry| entry["target"] == *role && entry["principal"] == "store"), "{entries:?}");
    client.batch_execute(&format!("drop owned by {role}; drop role {role}")).await.unwrap();
}

#[test]
fn a_data_file_has_no_grants() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite://{}", folder.path().join("house.db").display());
    let refused = sql(&store, &["grant", "shop"]);
    assert!(exit_of(&refused) == 2 && text(&refused.stderr).contains("data file"), "{}", text(&refused.stderr));
    let without = command(["sql", "list"]).output().unwrap();
    assert!(exit_of(&without) == 2 && text(&without.stderr).contains("--store"), "{}", text(&without.stderr));
}
