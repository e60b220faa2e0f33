//! What the doctor says of a database.

use enginehouse_tests::postgres::TestDatabase;
use enginehouse_tests::{command, text};

fn doctor(store: &str, flags: &[&str]) -> (Option<i32>, String, String) {
    let output = command([&["doctor", "--store", store], flags].concat()).output().unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Tokens near their end are no fault of a store, and are not to be found out about by what stops to work.
#[tokio::test]
async fn tokens_that_end_soon_are_advised_about_on_both_stores() {
    let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::new().await);
    for store in [format!("sqlite://{}", folder.path().join("house.db").display()), database.url()] {
        for (name, expires_in) in [("soon", "1d"), ("later", "60d")] {
            let create = ["token", "create", name, "--role", "viewer", "--expires-in", expires_in, "--store", &store];
            let made = command(create).env("ENGINEHOUSE_DURABILITY", "relaxed").output().unwrap();
            assert!(made.status.success(), "{}", text(&made.stderr));
        }
        let flags = ["--durability", "relaxed", "--listen", "0.0.0.0:7420"];
        let (status, shown, message) = doctor(&store, &[&flags[..], &["--output", "json"]].concat());
        assert_eq!(status, Some(0), "{shown}{message}");
        let document: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let advice: Vec<_> = document["advice"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        assert_eq!(advice.len(), 2, "{advice:?}");
        assert!(advice[0].starts_with("token soon (") && advice[0].contains("token rotate soon"), "{advice:?}");
        assert!(advice[1].starts_with("listen is 0.0.0.0:7420, beyond this machine"), "{advice:?}");
        let (_, shown, _) = doctor(&store, &flags);
        assert!(shown.contains("\nadvice ") && shown.contains("token soon ("), "{shown}");
    }
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
