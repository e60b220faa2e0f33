//! Statements fit the schema.

use super::open_fresh;

/// What stands for the parts that the caller of a statement fills in.
const PARTS: [(&str, &str); 4] = [
    ("condition", "q.status = 'queued'"),
    ("source", "enginehouse.events where event_id < $1"),
    ("order", "event_id desc"),
    ("entries", "enginehouse.audit_log where (at, audit_id) < ($1, $2) and at >= $3"),
];

#[tokio::test]
async fn every_statement_prepares_on_a_fresh_schema() {
    let fresh = open_fresh().await;
    let client = fresh.connect().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/postgres/sql");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("-- "), "{}: says nothing of itself", path.display());
        // Most of those whose caller says from where are about events.
        let letters = [("source", "enginehouse.dead_letters")];
        let is_of_letters = path.ends_with("dead_letter_groups.sql");
        let text = crate::table::sql::filled_text(&text, if is_of_letters { &letters } else { &PARTS });
        client.prepare(&text).await.unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
        count += 1;
    }
    assert!(count > 70, "{count}");
}
