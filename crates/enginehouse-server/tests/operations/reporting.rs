//! What engines report of attempts.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use enginehouse_core::event::{AttemptOutcome, EventStatus};
use enginehouse_core::ids::EventId;
use enginehouse_core::json::RawJson;
use enginehouse_core::lock::LockToken;
use enginehouse_core::report::{AttemptProgress, AttemptReport, AttemptUsage};
use enginehouse_core::request::{Exchange, Heartbeat, SettleCommand};
use enginehouse_core::transition::EventCommand;
use enginehouse_server::dispatcher::answers::{Claimed, HeartbeatAnswer};

use crate::faulty_store::{Faults, FaultyStore};
use crate::harness::{Harness, complete, fail, token};

fn used(cpu_seconds: f64) -> AttemptReport {
    let usage = AttemptUsage { cpu_seconds: Some(cpu_seconds), ..AttemptUsage::default() };
    AttemptReport { usage: Some(usage), ..AttemptReport::default() }
}

fn logged(lines: &[&str]) -> AttemptReport {
    AttemptReport { log: lines.iter().map(ToString::to_string).collect(), ..AttemptReport::default() }
}

fn progressed(percent: f64) -> AttemptReport {
    let progress = AttemptProgress { percent: Some(percent), message: None };
    AttemptReport { progress: Some(progress), ..AttemptReport::default() }
}

fn checkpoint(json: &str) -> AttemptReport {
    AttemptReport { checkpoint: Some(RawJson::trusted(json)), ..AttemptReport::default() }
}

async fn heartbeat(
    harness: &Harness,
    listed: &[LockToken],
    reports: Vec<(LockToken, AttemptReport)>,
) -> HeartbeatAnswer {
    let heartbeat = Heartbeat { lock_tokens: Some(listed.to_vec()), reports, ..Heartbeat::default() };
    let exchange = Exchange { heartbeat: Some(heartbeat), ..Exchange::default() };
    harness.exchange("e", 1, exchange).await.unwrap().heartbeat.unwrap()
}

/// Settles with a report. Answers the status, or why not.
async fn settle(
    harness: &Harness,
    event_id: EventId,
    command: EventCommand,
    report: AttemptReport,
) -> Result<EventStatus, String> {
    let command = SettleCommand { report, ..SettleCommand::new(event_id, command) };
    let mut settled = harness.dispatcher.settle(vec![command]).await.unwrap();
    settled.remove(0).map(|settled| settled.event.state.status).map_err(|refused| refused.to_string())
}

/// What each attempt of an event has used, and what the event is said to have used altogether.
async fn usages(harness: &Harness, event_id: EventId) -> (Vec<f64>, Option<f64>) {
    let reports = harness.store.history(event_id).await.unwrap().reports;
    let each = reports.iter().filter_map(|report| report.usage?.cpu_seconds).collect();
    (each, harness.event(event_id).await.reports.and_then(|reports| reports.usage?.cpu_seconds))
}

async fn log(harness: &Harness, event_id: EventId) -> Vec<String> {
    harness.store.logs(event_id, None).await.unwrap().into_iter().map(|(_, tail)| tail.text).collect()
}

#[tokio::test]
async fn usage_is_what_was_reported_last_and_adds_up_over_attempts() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let event_id = harness.enqueue_many(1).await[0];
    let first = harness.claim_one("e").await;
    heartbeat(&harness, &[], vec![(token(&first), used(1.0))]).await;
    heartbeat(&harness, &[token(&first)], vec![(token(&first), used(3.0))]).await;
    let failure = fail(token(&first), enginehouse_core::retry::Failure::PLAIN);
    assert_eq!(settle(&harness, event_id, failure, used(4.5)).await, Ok(EventStatus::Queued));
    harness.pass(60.0).await;
    // What is released was used nevertheless.
    let second = harness.claim_one("e").await;
    let release = EventCommand::Release { token: token(&second), delay: std::time::Duration::ZERO };
    assert_eq!(settle(&harness, event_id, release, used(0.25)).await, Ok(EventStatus::Queued));
    let third = harness.claim_one("e").await;
    assert_eq!(settle(&harness, event_id, complete(token(&third)), used(0.5)).await, Ok(EventStatus::Completed));
    assert_eq!(usages(&harness, event_id).await, (vec![4.5, 0.25, 0.5], Some(5.25)));
    let history = harness.store.history(event_id).await.unwrap();
    let outcomes: Vec<_> = history.attempts.iter().map(|end| (end.attempt, end.outcome)).collect();
    assert_eq!(outcomes, [(1, AttemptOutcome::Failed), (2, AttemptOutcome::Released)]);
    assert_eq!(history.event.unwrap().state.attempt, 2, "a release is not counted");
    harness.close().await;
}

#[tokio::test]
async fn a_log_grows_by_what_is_reported_and_its_end_is_kept() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let event_id = harness.enqueue_many(1).await[0];
    let claimed = harness.claim_one("e").await;
    let token = token(&claimed);
    heartbeat(&harness, &[], vec![(token, logged(&["one", "two"])), (token, logged(&["three"]))]).await;
    // Two parts of one exchange report on the same lock.
    let extend = EventCommand::Extend { token, visibility_timeout: std::time::Duration::from_secs(60) };
    let settlement = SettleCommand { report: logged(&["four"]), ..SettleCommand::new(event_id, extend) };
    let part = Heartbeat { reports: vec![(token, logged(&["five"]))], ..Heartbeat::default() };
    let exchange = Exchange { settlements: vec![settlement], heartbeat: Some(part), ..Exchange::default() };
    harness.exchange("e", 1, exchange).await.unwrap();
    assert_eq!(log(&harness, event_id).await, ["one\ntwo\nthree\nfour\nfive\n"]);
    let long = "x".repeat(60_000);
    heartbeat(&harness, &[], vec![(token, logged(&[&long]))]).await;
    assert_eq!(settle(&harness, event_id, complete(token), logged(&[&long, "end"])).await, Ok(EventStatus::Completed));
    assert_eq!(log(&harness, event_id).await, [format!("{long}\nend\n")]);
    // The same settle again says nothing new.
    assert_eq!(settle(&harness, event_id, complete(token), logged(&["again"])).await, Ok(EventStatus::Completed));
    assert_eq!(log(&harness, event_id).await, [format!("{long}\nend\n")]);
    harness.close().await;
}

#[tokio::test]
async fn a_report_of_a_lost_lock_changes_nothing() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.register("other", "{}").await;
    let event_id = harness.enqueue(r#"{"event_type":"work","visibility_timeout_seconds":5}"#).await;
    let late = harness.claim_one("e").await;
    harness.pass(6.0).await;
    let current = harness.claim_one("other").await;
    let answer = heartbeat(&harness, &[], vec![(token(&late), used(9.0))]).await;
    assert_eq!((answer.renewed, answer.lost), (vec![], vec![token(&late)]), "it is told so");
    assert!(settle(&harness, event_id, complete(token(&late)), used(9.0)).await.is_err());
    let forged = LockToken { secret: 1, ..token(&current) };
    assert!(settle(&harness, event_id, complete(forged), used(9.0)).await.is_err());
    assert_eq!(usages(&harness, event_id).await, (vec![], None));
    assert_eq!(harness.event(event_id).await.event.state.reported_lock_serial, None);
    // Nor does one after the end.
    assert_eq!(harness.complete(&current).await, Ok(EventStatus::Completed));
    let answer = heartbeat(&harness, &[], vec![(token(&current), used(9.0))]).await;
    assert_eq!(answer.lost, [token(&current)]);
    assert_eq!(usages(&harness, event_id).await, (vec![], None));
    harness.close().await;
}

#[tokio::test]
async fn a_lock_that_is_reported_on_is_renewed_as_one_that_is_listed() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(2).await;
    let claimed = harness.claim("e", 2).await;
    let tokens: Vec<_> = claimed.iter().map(token).collect();
    harness.pass(20.0).await;
    let answer = heartbeat(&harness, &[tokens[0]], vec![(tokens[1], used(1.0)), (tokens[0], used(1.0))]).await;
    assert_eq!((answer.renewed.len(), answer.lost), (2, vec![]));
    for one in &claimed {
        let lock = harness.event(one.event.event_id).await.event.state.lock.unwrap();
        assert_eq!((lock.expires_at.since(lock.claimed_at).as_secs(), lock.unlisted_heartbeats), (320, 0));
    }
    harness.close().await;
}

#[tokio::test]
async fn the_next_attempt_is_given_what_the_ones_before_have_left() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let event_id = harness.enqueue_many(1).await[0];
    let first = harness.claim_one("e").await;
    assert_eq!(first.previous, None);
    heartbeat(&harness, &[], vec![(token(&first), checkpoint("{ \"frame\": 1 }"))]).await;
    let failure = fail(token(&first), enginehouse_core::retry::Failure::PLAIN);
    settle(&harness, event_id, failure, checkpoint("{ \"frame\": 7.0 }")).await.unwrap();
    let left = |claimed: &Claimed| {
        let previous = claimed.previous.clone().unwrap();
        let error = previous.error.map(|error| error.message).unwrap_or_default();
        (previous.checkpoint.map(|json| json.as_str().to_owned()), error, previous.engine_id.unwrap().to_string())
    };
    harness.pass(60.0).await;
    let second = harness.claim_one("e").await;
    let frame_7 = Some("{ \"frame\": 7.0 }".to_owned());
    assert_eq!(left(&second), (frame_7.clone(), "it broke".to_owned(), "e".to_owned()));
    // An attempt that leaves none leaves those before.
    harness.fail(&second).await.unwrap();
    harness.pass(120.0).await;
    assert_eq!(left(&harness.claim_one("e").await).0, frame_7);
    harness.close().await;
}

#[tokio::test]
async fn without_reports_nothing_is_read_or_written_of_them() {
    let faults = Arc::new(Faults::default());
    let harness = Harness::around(|store| Arc::new(FaultyStore::new(store, Arc::clone(&faults))));
    harness.register_with("e", "{}", 0).await;
    let events = harness.enqueue_many(3).await;
    let claimed = harness.claim("e", 3).await;
    harness.heartbeat("e", &claimed.iter().map(token).collect::<Vec<_>>()).await;
    harness.complete(&claimed[0]).await.unwrap();
    harness.fail(&claimed[1]).await.unwrap();
    let release = EventCommand::Release { token: token(&claimed[2]), delay: std::time::Duration::ZERO };
    harness.settle(events[2], release).await.unwrap();
    harness.pass(60.0).await;
    // Both were claimed before.
    let again = harness.claim("e", 2).await;
    assert!(again.len() == 2 && again.iter().all(|claimed| claimed.previous.is_some()));
    assert_eq!(faults.report_calls.load(Ordering::SeqCst), 0);
    // Many reports are one statement, and the ends of logs are read in one.
    let reports = again.iter().map(|claimed| (token(claimed), used(1.0))).collect();
    heartbeat(&harness, &[], reports).await;
    assert_eq!(faults.report_calls.load(Ordering::SeqCst), 1);
    let reports = again.iter().map(|claimed| (token(claimed), logged(&["line"]))).collect();
    heartbeat(&harness, &[], reports).await;
    assert_eq!(faults.report_calls.load(Ordering::SeqCst), 3);
    harness.close().await;
}

#[tokio::test]
async fn an_attempt_without_progress_is_stuck_although_its_lock_is_renewed() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let event_id = harness.enqueue(r#"{"event_type":"work","progress_timeout_seconds":60}"#).await;
    let claimed = harness.claim_one("e").await;
    let token = token(&claimed);
    for percent in [None, Some(1.0), None, Some(2.0), None, None] {
        harness.pass(29.0).await;
        let report = percent.map_or(used(1.0), progressed);
        assert_eq!(heartbeat(&harness, &[token], vec![(token, report)]).await.renewed, [token], "{percent:?}");
    }
    // 58 s since the last progress; usage alone is none.
    harness.pass(1.9).await;
    assert_eq!(heartbeat(&harness, &[token], vec![]).await.renewed, [token]);
    harness.pass(0.1).await;
    let state = harness.event(event_id).await.event.state;
    assert_eq!((state.status, state.tally.retries, state.tally.losses), (EventStatus::Queued, 1, 0));
    assert_eq!(state.last_error.unwrap().code.as_deref(), Some("stuck"));
    assert!(state.available_at > state.claimed_at.unwrap(), "it waits for its retry");
    let history = harness.store.history(event_id).await.unwrap();
    assert_eq!(history.attempts[0].outcome, AttemptOutcome::Stuck);
    assert_eq!(heartbeat(&harness, &[token], vec![(token, progressed(3.0))]).await.lost, [token], "too late");
    harness.close().await;
}

#[tokio::test]
async fn an_engine_that_could_not_report_is_not_called_stuck() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let event_id = harness.enqueue(r#"{"event_type":"work","progress_timeout_seconds":120}"#).await;
    let claimed = harness.claim_one("e").await;
    let token = token(&claimed);
    harness.pass(25.0).await;
    assert_eq!(heartbeat(&harness, &[token], vec![(token, progressed(1.0))]).await.renewed, [token]);
    // The server is away for longer than progress may take.
    let harness = harness.restart_after(500.0);
    harness.pass(25.0).await;
    assert_eq!(heartbeat(&harness, &[token], vec![]).await.renewed, [token], "it lives");
    for _ in 0..3 {
        harness.pass(25.0).await;
        heartbeat(&harness, &[token], vec![]).await;
    }
    harness.pass(19.0).await;
    assert_eq!(harness.status(event_id).await, EventStatus::Processing, "it has a whole time for progress again");
    harness.pass(2.0).await;
    let error = harness.event(event_id).await.event.state.last_error.unwrap();
    assert_eq!(error.code.as_deref(), Some("stuck"), "and no more than that");
    harness.close().await;
}
