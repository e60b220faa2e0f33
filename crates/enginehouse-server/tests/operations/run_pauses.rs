//! Scenario runs are paused and go on: no event of theirs is claimed meanwhile, and nothing else waits for them.

use enginehouse_core::ids::EventId;
use enginehouse_core::pause::Pause;
use enginehouse_server::dispatcher::config::{Caps, DispatchConfig};
use enginehouse_server::dispatcher::event_actions::EventAction;
use enginehouse_server::dispatcher::reply::{DispatchError, Refusal};
use enginehouse_server::dispatcher::run_pauses::{PauseRun, ResumeRun};
use enginehouse_server::explain::Explainer;

use crate::harness::{Harness, ids, waiting_claim};

async fn house() -> Harness {
    let harness = Harness::new();
    harness.register("e", r#"{"resource_limits":{"max_concurrent_events":1000}}"#).await;
    harness
}

async fn enqueue(harness: &Harness, run: &str) -> EventId {
    harness.enqueue(&format!(r#"{{"event_type":"work","scenario_run_id":"{run}"}}"#)).await
}

async fn enqueue_many(harness: &Harness, run: &str, count: usize) {
    let draft = format!(r#"{{"event_type":"work","scenario_run_id":"{run}"}}"#);
    harness.try_enqueue(&vec![&*draft; count]).await.unwrap();
}

async fn pause(harness: &Harness, run: &str, reason: Option<&str>) -> Option<Pause> {
    let pause = PauseRun { scenario_run_id: run.parse().unwrap(), reason: reason.map(str::to_owned) };
    harness.execute(pause).await.unwrap()
}

async fn resume(harness: &Harness, run: &str) {
    harness.execute(ResumeRun { scenario_run_id: run.parse().unwrap() }).await.unwrap();
}

/// In how many lanes something waits.
async fn lanes_with_waiting(harness: &Harness) -> usize {
    harness.store.lane_counts().await.unwrap().iter().filter(|row| row.counts.queued > 0).count()
}

#[tokio::test]
async fn the_events_of_a_paused_run_wait_and_those_behind_them_do_not() {
    let harness = house().await;
    let [first, other, last] =
        [enqueue(&harness, "night").await, enqueue(&harness, "day").await, enqueue(&harness, "night").await];
    pause(&harness, "night", None).await;
    let later = enqueue(&harness, "night").await;
    assert_eq!(ids(&harness.claim("e", 9).await), [other]);
    // What was enqueued meanwhile waits, too; and what goes on goes on in its place.
    assert!(harness.claim("e", 9).await.is_empty());
    let another = enqueue(&harness, "day").await;
    resume(&harness, "night").await;
    assert_eq!(ids(&harness.claim("e", 9).await), [first, last, later, another]);
    harness.close().await;
}

#[tokio::test]
async fn what_an_engine_holds_goes_on_and_what_comes_back_waits() {
    let harness = house().await;
    let event_id = harness
        .enqueue(r#"{"event_type":"work","scenario_run_id":"night","retry_policy":{"retry_delay":{"initial":0}}}"#)
        .await;
    let claimed = harness.claim_one("e").await;
    pause(&harness, "night", None).await;
    harness.fail(&claimed).await.unwrap();
    assert!(harness.claim("e", 9).await.is_empty());
    resume(&harness, "night").await;
    assert_eq!(ids(&harness.claim("e", 9).await), [event_id]);
    harness.close().await;
}

/// Each is looked at once, a bounded number at a time; a claim that waits is given what stands behind them without asking again.
#[tokio::test]
async fn a_long_run_that_is_paused_is_passed_at_once() {
    let harness = house().await;
    enqueue_many(&harness, "night", 600).await;
    let other = enqueue(&harness, "day").await;
    pause(&harness, "night", None).await;
    assert_eq!(ids(&harness.try_claim("e", 1, waiting_claim(1)).await.unwrap()), [other]);
    assert_eq!(lanes_with_waiting(&harness).await, 1, "all of them stand apart");
    let another = enqueue(&harness, "day").await;
    assert_eq!(ids(&harness.claim("e", 1).await), [another]);
    // Whoever is given one takes it back to where it came from, and a lane that is empty is forgotten.
    resume(&harness, "night").await;
    let claimed = harness.claim("e", 1).await;
    let lane = &harness.event(claimed[0].event.event_id).await.lane;
    assert_eq!(lane.suspended_run, None);
    harness.close().await;
}

#[tokio::test]
async fn a_waiting_claim_is_woken_when_a_run_goes_on() {
    let harness = house().await;
    let event_id = enqueue(&harness, "night").await;
    pause(&harness, "night", None).await;
    let waiting = harness.try_claim("e", 1, waiting_claim(1));
    let resuming = async {
        harness.until_waiting(1).await;
        resume(&harness, "night").await;
    };
    assert_eq!(ids(&tokio::join!(waiting, resuming).0.unwrap()), [event_id]);
    harness.close().await;
}

#[tokio::test]
async fn a_pause_keeps_its_time_over_a_restart_and_is_audited() {
    let harness = house().await;
    let event_id = enqueue(&harness, "night").await;
    let first = pause(&harness, "night", Some("disk full")).await.unwrap();
    harness.pass(5.0).await;
    assert_eq!(pause(&harness, "night", None).await.unwrap(), first);
    let harness = harness.restart();
    assert!(harness.claim("e", 9).await.is_empty());
    let explainer = Explainer::new(harness.store.clone(), &DispatchConfig::default(), &harness.dispatcher);
    let explained = explainer.event(event_id, None, harness.clock_now()).await.unwrap().unwrap();
    assert_eq!(explained.summary, format!("scenario run night is paused {first}"));
    resume(&harness, "night").await;
    resume(&harness, "night").await;
    let actions: Vec<_> = harness.audit("night").into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["scenario_run.pause", "scenario_run.pause", "scenario_run.resume"]);
    harness.close().await;
}

#[tokio::test]
async fn a_hundred_runs_may_be_paused_at_once() {
    let harness = house().await;
    for number in 0..100 {
        pause(&harness, &format!("run-{number}"), None).await;
    }
    let more = PauseRun { scenario_run_id: "one-more".parse().unwrap(), reason: None };
    let refused = harness.execute(more.clone()).await;
    assert!(matches!(refused, Err(DispatchError::Refused(Refusal::NoMorePausedRuns { most: 100 }))), "{refused:?}");
    pause(&harness, "run-7", Some("again")).await;
    resume(&harness, "run-7").await;
    harness.execute(more).await.unwrap();
    harness.close().await;
}

/// Where nearly all lanes are taken, the events are passed over where they stand.
#[tokio::test]
async fn a_pause_takes_no_lanes_from_others() {
    let caps = Caps { max_lanes: 10, ..DispatchConfig::default().caps };
    let harness = Harness::with(DispatchConfig { caps, ..DispatchConfig::default() });
    harness.register("e", r#"{"resource_limits":{"max_concurrent_events":1000}}"#).await;
    for number in 0..8 {
        let event_id = harness.enqueue(&format!(r#"{{"event_type":"t{number}"}}"#)).await;
        harness.act(event_id, EventAction::Cancel { force: false }).await.unwrap();
    }
    enqueue(&harness, "night").await;
    let other = enqueue(&harness, "day").await;
    pause(&harness, "night", None).await;
    assert_eq!(ids(&harness.claim("e", 9).await), [other]);
    assert_eq!(harness.store.lane_counts().await.unwrap().len(), 9);
    harness.close().await;
}
