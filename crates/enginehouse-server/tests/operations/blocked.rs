//! What nobody can run for a while is told of, or given up, where its event type or queue says so.

use enginehouse_core::event::{DeadLetterReason, EventStatus};
use enginehouse_core::ids::EventId;
use enginehouse_core::policy::Settings;
use enginehouse_server::dispatcher::config::DispatchConfig;
use enginehouse_server::dispatcher::event_actions::EventAction;
use enginehouse_server::dispatcher::settings::{ChangeEventType, ChangeQueue, SettingsChange};
use enginehouse_server::explain::Explainer;
use enginehouse_server::explain::blocked_watch::{BlockedLook, BlockedWatch};
use enginehouse_store::clock::Clock;

use crate::harness::Harness;

struct Watched {
    harness: Harness,
    explainer: Explainer,
    watch: BlockedWatch,
}

impl Watched {
    fn new() -> Self {
        let harness = Harness::new();
        let explainer = Explainer::new(harness.store.clone(), &DispatchConfig::default(), &harness.dispatcher);
        Self { harness, explainer, watch: BlockedWatch::default() }
    }

    async fn look_after(&mut self, seconds: f64) -> BlockedLook {
        self.harness.pass(seconds).await;
        let now = self.harness.clock.wall();
        self.watch.look(&self.explainer, &self.harness.dispatcher, now).await.unwrap()
    }

    async fn set_queue(&self, queue: &str, settings: &str) {
        let change = SettingsChange::Replace(serde_json::from_str::<Settings>(settings).unwrap());
        self.harness.execute(ChangeQueue { queue: queue.parse().unwrap(), change }).await.unwrap();
    }

    async fn status(&self, event_id: EventId) -> EventStatus {
        self.harness.status(event_id).await
    }
}

#[tokio::test]
async fn what_no_engine_can_run_for_long_is_a_dead_letter_where_its_queue_says_so() {
    let mut it = Watched::new();
    it.harness.register_with("sim", r#"{"capabilities":["gpu"]}"#, 0).await;
    it.set_queue("q", r#"{"when_blocked":{"after_seconds":60,"action":"dead_letter"}}"#).await;
    let never = it.harness.enqueue(r#"{"event_type":"a","queue":"q","required_capabilities":["tpu"]}"#).await;
    let soon = it.harness.enqueue(r#"{"event_type":"b","queue":"q"}"#).await;
    let elsewhere = it.harness.enqueue(r#"{"event_type":"a","required_capabilities":["tpu"]}"#).await;
    assert_eq!(it.look_after(0.0).await.given_up, 0);
    let later = it.harness.enqueue(r#"{"event_type":"a","queue":"q","required_capabilities":["tpu"]}"#).await;
    assert_eq!(it.look_after(59.0).await.given_up, 0);
    let look = it.look_after(2.0).await;
    assert_eq!((look.given_up, look.blocked.len()), (1 + 1, 1), "both have been due for a minute: {look:?}");
    for event_id in [never, later] {
        let state = it.harness.event(event_id).await.event.state;
        assert_eq!((state.status, state.dead_letter), (EventStatus::Failed, Some(DeadLetterReason::Blocked)));
        let error = state.last_error.unwrap();
        assert_eq!(error.code.as_deref(), Some("blocked"));
        assert!(error.message.contains("would fit but for the capability tpu"), "{}", error.message);
    }
    for event_id in [soon, elsewhere] {
        assert_eq!(it.status(event_id).await, EventStatus::Queued);
    }
    // Whoever redrives it, gives it as long again.
    it.harness.act(never, EventAction::Redrive { changes: Box::default(), dead_letter: true }).await.unwrap();
    assert_eq!(it.look_after(30.0).await.given_up, 0);
    assert_eq!(it.look_after(31.0).await.given_up, 1);
    it.harness.close().await;
}

#[tokio::test]
async fn an_event_type_counts_before_its_queue_and_an_alert_ends() {
    let mut it = Watched::new();
    it.set_queue("default", r#"{"when_blocked":{"after_seconds":60,"action":"alert"}}"#).await;
    let cancel = r#"{"when_blocked":{"after_seconds":30,"verdicts":["impossible"],"action":"cancel"}}"#;
    let change = SettingsChange::Replace(serde_json::from_str(cancel).unwrap());
    it.harness.execute(ChangeEventType { event_type: "short".parse().unwrap(), change }).await.unwrap();
    let short = it.harness.enqueue(r#"{"event_type":"short"}"#).await;
    let long = it.harness.enqueue(r#"{"event_type":"long"}"#).await;
    it.look_after(0.0).await;
    assert_eq!(it.look_after(31.0).await.given_up, 1);
    let state = it.harness.event(short).await.event.state;
    assert_eq!((state.status, state.last_error.unwrap().code.as_deref()), (EventStatus::Cancelled, Some("blocked")));
    let blocked =
        |look: &BlockedLook| look.blocked.iter().map(|(name, count)| (name.to_string(), *count)).collect::<Vec<_>>();
    let look = it.look_after(30.0).await;
    let told = vec![("long".to_owned(), 1), ("short".to_owned(), 0)];
    assert_eq!((blocked(&look), look.given_up), (told, 0), "the other one is over");
    assert_eq!(it.status(long).await, EventStatus::Queued);
    // An engine comes: it ends, and is told once.
    it.harness.register_with("sim", "{}", 0).await;
    assert_eq!(blocked(&it.look_after(1.0).await), [("long".to_owned(), 0)]);
    assert_eq!(blocked(&it.look_after(1.0).await), []);
    it.harness.close().await;
}
