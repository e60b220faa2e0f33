//! How long events waited and took is counted beside the transactions, and kept per day.

use std::time::Duration;

use enginehouse_core::durations::DurationKind;
use enginehouse_core::request::Claim;
use enginehouse_core::time::Timestamp;
use enginehouse_server::dispatcher::durations::Durations;
use enginehouse_store::rows::DurationRow;

use crate::harness::{Harness, claim, token};

const DAY: f64 = 86_400.0;

/// Version, kind, count and the greatest duration in seconds, near enough.
fn in_words(rows: &[DurationRow]) -> Vec<String> {
    let words = |row: &DurationRow| {
        let (version, kind): (_, &str) = (row.engine_version.as_deref().unwrap_or("-"), row.kind.into());
        let longest = row.histogram.quantile(1.0).unwrap().as_secs_f64();
        format!("{version} {kind} {} up to {longest:.0}", row.histogram.count())
    };
    rows.iter().map(words).collect()
}

async fn stored(harness: &Harness) -> Vec<String> {
    in_words(&harness.store.durations(Some(&"work".parse().unwrap())).await.unwrap())
}

#[tokio::test]
async fn durations_are_kept_by_version_and_written_after_a_while() {
    let harness = Harness::new();
    harness.register("old", r#"{"engine_software_version":"1.0.0"}"#).await;
    harness.register("none", "{}").await;
    harness.enqueue_many(4).await;
    harness.pass(20.0).await;
    let (old, none) = (harness.claim("old", 3).await, harness.claim("none", 1).await);
    harness.clock.advance(Duration::from_secs(5));
    harness.complete(&old[0]).await.unwrap();
    harness.fail(&old[1]).await.unwrap();
    harness.complete(&none[0]).await.unwrap();
    // A release says nothing of how long the work takes.
    harness.settle(old[2].event.event_id, release(&old[2])).await.unwrap();
    assert_eq!(stored(&harness).await, [""; 0], "no transaction has written it along");
    let seen = harness.dispatcher.durations().of(&"work".parse().unwrap());
    let processing = seen.all.processing().unwrap();
    assert_eq!((processing.count, processing.mean), (3, Duration::from_secs(5)));
    assert_eq!((seen.all.waiting().unwrap().count, seen.by_version.len()), (4, 2));
    harness.pass(10.0).await;
    let first =
        ["- processing 1 up to 5", "- waiting 1 up to 20", "1.0.0 processing 2 up to 5", "1.0.0 waiting 3 up to 20"];
    assert_eq!(stored(&harness).await, first);
    assert_eq!(harness.dispatcher.durations().of(&"work".parse().unwrap()), seen, "nothing is counted twice");

    // What has gathered is written before the server stops, and is there when it starts again.
    assert_eq!(harness.claim("old", 1).await.len(), 1);
    let harness = harness.restart();
    assert_eq!(stored(&harness).await[3], "1.0.0 waiting 4 up to 36");
    let durations = harness.dispatcher.durations();
    durations.load(&*harness.store).await.unwrap();
    assert_eq!(durations.processing(&"work".parse().unwrap()), Some(processing));
    harness.close().await;
}

fn release(claimed: &enginehouse_server::dispatcher::answers::Claimed) -> enginehouse_core::transition::EventCommand {
    enginehouse_core::transition::EventCommand::Release { token: token(claimed), delay: Duration::ZERO }
}

#[tokio::test]
async fn an_attempt_that_times_out_has_taken_its_time_and_a_lost_one_says_nothing() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let draft = r#"{"event_type":"work","visibility_timeout_seconds":60,"max_processing_seconds":40}"#;
    harness.enqueue(draft).await;
    harness.claim_one("e").await;
    harness.pass(40.0).await;
    harness.enqueue(r#"{"event_type":"other"}"#).await;
    let lost = Claim { visibility_timeout: Some(Duration::from_secs(10)), ..claim(1) };
    assert_eq!(harness.try_claim("e", 1, lost).await.unwrap().len(), 1);
    harness.pass(30.0).await;
    let processing = |event_type: &str| harness.dispatcher.durations().processing(&event_type.parse().unwrap());
    assert_eq!(processing("work").map(|seen| (seen.count, seen.mean)), Some((1, Duration::from_secs(40))));
    assert_eq!(processing("other"), None);
    harness.close().await;
}

#[tokio::test]
async fn each_day_is_a_row_of_its_own_and_is_forgotten_after_a_month() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let mut days = Vec::new();
    for _ in 0..3 {
        harness.enqueue_many(1).await;
        let claimed = harness.claim_one("e").await;
        harness.complete(&claimed).await.unwrap();
        harness.pass(10.0 * DAY).await;
        // Enough sweeps for what falls due one after the other.
        harness.execute(enginehouse_server::dispatcher::retention::AcceptClock).await.unwrap();
        harness.pass(700.0).await;
        let rows = harness.store.durations(None).await.unwrap();
        let kept: std::collections::BTreeSet<Timestamp> = rows.iter().map(|row| row.day).collect();
        assert!(kept.iter().all(|day| day.as_millis() % 86_400_000 == 0));
        days.push(kept.len());
    }
    assert_eq!(days, [1, 2, 2]);
    harness.close().await;
}

/// Ten versions of a type and day are told apart, and the rest is one: engines can't make the table grow without end.
#[tokio::test]
async fn what_varies_too_much_is_counted_as_one() {
    let harness = Harness::new();
    for number in 0..13 {
        let version = if number == 12 { "9".repeat(129) } else { format!("1.{number}.0") };
        let engine = format!("e{number}");
        harness.register_with(&engine, &format!(r#"{{"engine_software_version":"{version}"}}"#), 0).await;
        harness.enqueue_many(1).await;
        harness.claim_one(&engine).await;
    }
    harness.pass(10.0).await;
    let rows = harness.store.durations(None).await.unwrap();
    let others: Vec<_> = rows.iter().filter(|row| row.engine_version.as_deref() == Some("*")).collect();
    assert_eq!((rows.len(), others.len(), others[0].histogram.count()), (11, 1, 3));
    harness.close().await;
}

/// What several servers count of one day adds up, and one that looks again sees it.
#[tokio::test]
async fn what_others_have_written_is_seen_with_ones_own() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    harness.claim_one("e").await;
    let (other, event_type) = (Durations::default(), "work".parse().unwrap());
    harness.pass(10.0).await;
    other.load(&*harness.store).await.unwrap();
    assert_eq!(other.of(&event_type).all.waiting().unwrap().count, 1);
    let mut row = harness.store.durations(Some(&event_type)).await.unwrap().remove(0);
    assert_eq!(row.kind, DurationKind::Waiting);
    row.histogram.record(Duration::from_secs(7));
    let mut transaction = harness.store.begin().await.unwrap();
    transaction.add_durations(&[row]).await.unwrap();
    transaction.commit().await.unwrap();
    let read = harness.dispatcher.durations().read(&*harness.store, &event_type).await.unwrap();
    assert_eq!(read.all.waiting().unwrap().count, 3);
    harness.close().await;
}
