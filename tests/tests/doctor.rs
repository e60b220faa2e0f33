//! What the doctor says of a database.

use enginehouse_tests::postgres::TestDatabase;
use enginehouse_tests::{command, text};

fn doctor(store: &str, flags: &[&str]) -> (Option<i32>, String, String) {
    let output = command([&["doctor", "--store", store], flags].concat()).output().unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn only_a_database_in_which_nothing_is_wrong_is_sound() {
    let database = TestDatabase::new().await;
    let store = database.url();
    // The server of the tests may be less durable than others.
    let relaxed = ["--durability", "relaxed"];
    let (status, shown, message) = doctor(&store, &relaxed);
    assert_eq!(status, Some(1), "{shown}{message}");
    assert!(
        message.contains("there is no schema") && message.contains("try: run `enginehouse schema up`"),
        "{message}"
    );
    let made = command(["schema", "up", "--store", &store]).output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    let client = database.connect().await;
    client.batch_execute("select enginehouse.enqueue('a.b')").await.unwrap();
    let (status, shown, message) = doctor(&store, &relaxed);
    assert_eq!(status, Some(0), "{shown}{message}");
    assert!(shown.contains("up to date") && shown.contains("1 queued, 0 processing"), "{shown}");

    let weaken =
        "do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$";
    client.batch_execute(weaken).await.unwrap();
    let (status, _, message) = doctor(&store, &[]);
    assert!(status == Some(1) && message.contains("the database has synchronous_commit off"), "{message}");
    assert_eq!(doctor(&store, &relaxed).0, Some(0));

    client.batch_execute("delete from enginehouse.event_payloads").await.unwrap();
    let (status, shown, _) = doctor(&store, &["--durability", "relaxed", "--output", "json"]);
    let document: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(status, Some(1));
    assert_eq!(
        (document["events"]["queued"].as_u64(), document["schema_status"].as_str()),
        (Some(1), Some("up_to_date"))
    );
    let finding = document["findings"][0].as_str().unwrap();
    assert!(finding.starts_with("the payload or the lane of this event is missing"), "{finding}");
}
