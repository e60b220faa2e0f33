//! What happens is counted by minute, beside the transactions, and kept for 72 hours.

use std::time::Duration;

use enginehouse_core::minutes::MinuteTally;
use enginehouse_core::time::Timestamp;
use enginehouse_server::dispatcher::retention::AcceptClock;
use enginehouse_store::rows::{MinuteFilter, MinuteRow};

use crate::harness::{Harness, START};

const MINUTE: Duration = Duration::from_secs(60);

fn all() -> MinuteFilter {
    MinuteFilter { from: Timestamp::MIN, to: Timestamp::MAX, queue: None, event_type: None }
}

async fn stored(harness: &Harness) -> Vec<MinuteRow> {
    harness.store.minutes(&all(), None, 1_000).await.unwrap()
}

/// Minute since the start, names, and counts: enqueued, claimed, completed, failed, lost, dead letters, waited, took.
fn in_words(rows: &[MinuteRow]) -> Vec<String> {
    let words = |row: &MinuteRow| {
        let minute = row.key.minute.since(START).as_secs() / 60;
        let pair = row.key.pair.as_ref().map_or("*".to_owned(), |(queue, event_type)| format!("{queue} {event_type}"));
        let MinuteTally { enqueued, claimed, completed, failed, lost, dead_lettered, waiting, processing } = &row.tally;
        let (waited, took) = (waiting.count(), processing.count());
        format!("{minute} {pair}: {enqueued} {claimed} {completed} {failed} {lost} {dead_lettered} {waited} {took}")
    };
    rows.iter().map(words).collect()
}

#[tokio::test]
async fn what_happens_is_counted_by_minute_queue_and_type_and_written_after_a_while() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    harness.enqueue_many(4).await;
    harness
        .enqueue(
            r#"{"event_type":"other","queue":"q","retry_policy":{"max_retries":0},"visibility_timeout_seconds":30}"#,
        )
        .await;
    let claimed = harness.claim("e", 5).await;
    harness.complete(&claimed[0]).await.unwrap();
    harness.fail(&claimed[1]).await.unwrap();
    assert_eq!(stored(&harness).await, [], "no transaction has written it along");
    let pending = harness.dispatcher.minutes().pending(&all());
    assert_eq!(in_words(&pending), ["0 default work: 4 4 1 1 0 0 4 2", "0 q other: 1 1 0 0 0 0 1 0"]);
    harness.pass(10.0).await;
    assert_eq!(stored(&harness).await, pending);
    assert_eq!(harness.dispatcher.minutes().pending(&all()), [], "nothing is counted twice");

    // The lock of the other one is lost, which fails no attempt, in the minute in which that is noticed.
    harness.pass(60.0).await;
    harness.pass(10.0).await;
    let later = in_words(&stored(&harness).await);
    assert_eq!(later[2..], ["1 q other: 0 0 0 0 1 0 0 0"]);

    // What has gathered is written before the server stops.
    harness.enqueue(r#"{"event_type":"other","queue":"q"}"#).await;
    let harness = harness.restart();
    assert_eq!(in_words(&stored(&harness).await)[2..], ["1 q other: 1 0 0 0 1 0 0 0"]);
    harness.close().await;
}

#[tokio::test]
async fn a_dead_letter_is_counted_once() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    harness.enqueue(r#"{"event_type":"work","retry_policy":{"max_retries":0,"dead_letter_threshold":1}}"#).await;
    let claimed = harness.claim_one("e").await;
    harness.fail(&claimed).await.unwrap();
    assert_eq!(in_words(&harness.dispatcher.minutes().pending(&all())), ["0 default work: 1 1 0 1 0 1 1 1"]);
    harness.close().await;
}

#[tokio::test]
async fn minutes_are_forgotten_after_72_hours() {
    let harness = Harness::new();
    harness.enqueue_many(1).await;
    harness.pass(10.0).await;
    assert_eq!(stored(&harness).await.len(), 1);
    harness.pass(72.0 * 3_600.0 - 20.0).await;
    harness.execute(AcceptClock).await.unwrap();
    assert_eq!(stored(&harness).await.len(), 1, "it is not old enough");
    // What is written takes along what is too old.
    harness.enqueue_many(1).await;
    harness.pass(20.0).await;
    let kept = stored(&harness).await;
    assert!(kept.iter().all(|row| row.key.minute > START), "{kept:?}");
    // And where nothing is written, retention does.
    harness.pass(73.0 * 3_600.0).await;
    harness.execute(AcceptClock).await.unwrap();
    harness.pass(700.0).await;
    harness.pass(700.0).await;
    assert_eq!(stored(&harness).await, []);
    harness.close().await;
}

/// What several servers count of one minute adds up.
#[tokio::test]
async fn what_others_have_counted_of_a_minute_is_added_to() {
    let harness = Harness::new();
    harness.enqueue_many(1).await;
    let others = harness.dispatcher.minutes().pending(&all());
    let mut transaction = harness.store.begin().await.unwrap();
    transaction.add_minutes(&others).await.unwrap();
    transaction.commit().await.unwrap();
    harness.pass(10.0).await;
    let rows = stored(&harness).await;
    assert_eq!((rows.len(), rows[0].tally.enqueued), (1, 2));
    assert_eq!(rows[0].key.minute, START, "{MINUTE:?} begin where the clock's do");
    harness.close().await;
}
