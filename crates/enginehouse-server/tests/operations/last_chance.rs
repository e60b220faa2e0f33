//! An event that kills its engines ends alone: what lay beside it completes.

use std::time::Duration;

use enginehouse_core::event::{DeadLetterReason, EventStatus};
use enginehouse_core::ids::EventId;
use enginehouse_core::lock::LockToken;
use enginehouse_core::request::SettleCommand;
use enginehouse_server::dispatcher::answers::Claimed;
use enginehouse_server::dispatcher::event_actions::EventAction;
use enginehouse_server::dispatcher::settings::{ChangeEventType, SettingsChange};
use enginehouse_server::rng::{Rng, SeededRng};

use crate::harness::{Harness, claim, complete, ids, token, waiting_claim};
use crate::under_test::Kind;

/// How many random schedules a run of the suite tries; `ENGINEHOUSE_TEST_SCHEDULES` names another number.
const SCHEDULES: u64 = if matches!(crate::ON, Kind::Sqlite) { 40 } else { 5 };

/// An engine of a schedule.
struct Engine {
    id: String,
    slots: u32,
    epoch: i64,
    /// A shell script, say, that sends no heartbeats.
    is_silent: bool,
    held: Vec<Claimed>,
}

/// How an engine with the deadly event ends.
#[derive(Clone, Copy)]
enum Death {
    /// It is started again at once.
    Restarts,
    /// Nobody hears of it again before it is lost, or its locks are over.
    FallsSilent,
}

struct Schedule<'a> {
    harness: &'a Harness,
    rng: SeededRng,
    engines: Vec<Engine>,
    deadly: EventId,
    completed: usize,
}

impl Schedule<'_> {
    /// A whole number below another.
    fn below(&mut self, bound: usize) -> usize {
        (self.rng.unit() * bound as f64) as usize
    }

    /// 50 slots on one to five engines.
    async fn start_engines(&mut self, number: u64) {
        let mut left = 50;
        for index in 0..5 {
            let slots = if index == 4 { left } else { 1 + self.below(left as usize) as u32 };
            left -= slots;
            let id = format!("s{number}-{index}");
            let is_silent = self.rng.unit() < 0.2;
            let mut engine = Engine { id, slots, epoch: 0, is_silent, held: Vec::new() };
            self.register(&mut engine).await;
            self.engines.push(engine);
            if left == 0 {
                break;
            }
        }
    }

    async fn register(&self, engine: &mut Engine) {
        let config = format!(r#"{{"resource_limits":{{"max_concurrent_events":{}}}}}"#, engine.slots);
        let interval = if engine.is_silent { 0 } else { 10 };
        engine.epoch = self.harness.register_with(&engine.id, &config, interval).await;
        engine.held.clear();
    }

    /// One engine claims and works for a while; it may die of what it holds.
    async fn step(&mut self, index: usize) {
        let limit = 1 + self.below(self.engines[index].slots as usize) as u32;
        let claim = enginehouse_core::request::Claim { visibility_timeout: Some(TIMEOUT), ..claim(limit) };
        let engine = &mut self.engines[index];
        engine.held.extend(self.harness.try_claim(&engine.id, engine.epoch, claim).await.unwrap());
        let holds_deadly = engine.held.iter().any(|held| held.event.event_id == self.deadly);
        let share = self.rng.unit();
        let mut settles = Vec::new();
        let engine = &mut self.engines[index];
        for held in std::mem::take(&mut engine.held) {
            if held.event.event_id != self.deadly && self.rng.unit() < share {
                let event_id = held.event.event_id;
                settles.push(SettleCommand::new(event_id, complete(token(&held))));
            } else {
                engine.held.push(held);
            }
        }
        for settled in self.harness.dispatcher.settle(settles).await.unwrap() {
            settled.expect("a healthy engine's lock holds");
            self.completed += 1;
        }
        if holds_deadly && self.rng.unit() < 0.7 {
            let death = if self.rng.unit() < 0.5 { Death::Restarts } else { Death::FallsSilent };
            self.die(index, death).await;
        }
    }

    async fn die(&mut self, index: usize, death: Death) {
        match death {
            Death::Restarts => self.harness.pass(1.0).await,
            Death::FallsSilent => {
                for _ in 0..4 {
                    self.keep_alive(index).await;
                    self.harness.pass(TIMEOUT.as_secs_f64() / 4.0).await;
                }
                self.keep_alive(index).await;
            }
        }
        let mut engine = self.engines.swap_remove(index);
        self.register(&mut engine).await;
        self.engines.push(engine);
    }

    /// All but one engine send a heartbeat.
    async fn keep_alive(&self, but: usize) {
        for (_, engine) in self.engines.iter().enumerate().filter(|(index, _)| *index != but) {
            let tokens: Vec<LockToken> = engine.held.iter().map(token).collect();
            self.harness.try_heartbeat(&engine.id, engine.epoch, &tokens).await.unwrap();
        }
    }
}

/// Longer than an engine may be silent; a whole number of quarters.
const TIMEOUT: Duration = Duration::from_secs(32);

/// One event kills every engine that works on it, at random moments and in random ways, among 50 slots and up to 60
/// healthy events. It becomes a dead letter, and nothing else does.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a run of the suite may ask for more schedules")]
async fn a_deadly_event_harms_itself_alone() {
    let schedules = std::env::var("ENGINEHOUSE_TEST_SCHEDULES").map_or(SCHEDULES, |number| number.parse().unwrap());
    let harness = Harness::new();
    for number in 0..schedules {
        let mut rng = SeededRng::from_seed(number);
        let events = harness.enqueue_many(50 + (rng.unit() * 10.0) as usize).await;
        let deadly = events[(rng.unit() * events.len() as f64) as usize];
        let mut schedule = Schedule { harness: &harness, rng, engines: Vec::new(), deadly, completed: 0 };
        schedule.start_engines(number).await;
        let mut steps = 0;
        // One that comes to no end fails below.
        while steps < 2_000
            && (schedule.completed < events.len() - 1 || harness.status(deadly).await != EventStatus::Failed)
        {
            steps += 1;
            let index = schedule.below(schedule.engines.len());
            schedule.step(index).await;
            let alive = schedule.engines.len();
            schedule.keep_alive(alive).await;
        }
        for event_id in events {
            let state = harness.event(event_id).await.event.state;
            if event_id == deadly {
                assert_eq!(state.dead_letter, Some(DeadLetterReason::LostTooOften), "schedule {number}");
                assert_eq!(state.tally.losses, 4, "schedule {number}");
            } else {
                assert_eq!(state.status, EventStatus::Completed, "schedule {number}: {event_id}, {:?}", state.tally);
            }
        }
    }
    harness.close().await;
}

/// Events of an engine that has died with them three times: each has one chance left.
async fn given_last_chances(harness: &Harness, count: usize) -> Vec<EventId> {
    given_losses(harness, count, 3).await
}

/// Events of an engine that has died with them so often.
async fn given_losses(harness: &Harness, count: usize, losses: i64) -> Vec<EventId> {
    let events = harness.enqueue_many(count).await;
    for crash in 1..=losses {
        let epoch = harness.register("dies", "{}").await;
        assert_eq!(epoch, crash);
        assert_eq!(harness.try_claim("dies", epoch, claim(100)).await.unwrap().len(), count);
        harness.pass(1.0).await;
    }
    harness.register("dies", "{}").await;
    events
}

#[tokio::test]
async fn an_event_on_its_last_chance_is_its_engines_only_one() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let suspects = given_last_chances(&harness, 2).await;
    let healthy = harness.enqueue_many(2).await;
    // An empty engine is given the first alone, and nothing more while it holds that.
    let first = harness.claim("e", 10).await;
    assert_eq!(ids(&first), [suspects[0]]);
    assert!(harness.claim("e", 10).await.is_empty());
    // One that holds others passes it over.
    harness.register("busy", "{}").await;
    assert_eq!(ids(&harness.claim("busy", 10).await), [suspects[1]]);
    harness.register("busier", "{}").await;
    let claimed = harness.claim("busier", 1).await;
    assert_eq!(ids(&claimed), [healthy[0]]);
    harness.complete(&first[0]).await.unwrap();
    assert_eq!(ids(&harness.claim("busier", 10).await), [healthy[1]]);
    harness.close().await;
}

#[tokio::test]
async fn the_last_loss_is_not_charged_to_an_event_that_was_not_alone() {
    let harness = Harness::new();
    let events = harness.enqueue_many(2).await;
    for epoch in 1..=2 {
        harness.register("e", "{}").await;
        assert_eq!(harness.try_claim("e", epoch, claim(10)).await.unwrap().len(), 2);
        harness.pass(1.0).await;
    }
    // The policy is tightened while the engine holds both: two losses are now the most.
    let settings = serde_json::from_str(r#"{"retry_policy":{"max_losses":1}}"#).unwrap();
    let change = SettingsChange::Replace(settings);
    harness.execute(ChangeEventType { event_type: "work".parse().unwrap(), change }).await.unwrap();
    harness.register("e", "{}").await;
    for event_id in events {
        let state = harness.event(event_id).await.event.state;
        assert_eq!((state.status, state.tally.losses), (EventStatus::Queued, 1));
        let said = state.last_error.unwrap().message;
        assert!(said.contains("not charged to the event"), "{said}");
    }
    harness.close().await;
}

#[tokio::test]
async fn an_event_that_must_be_alone_does_not_starve() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    harness.register_with("other", "{}", 0).await;
    let suspect = given_last_chances(&harness, 1).await[0];
    // Both engines always hold something, and there is always more.
    let keep = harness.enqueue(r#"{"event_type":"long","priority":0}"#).await;
    let keep_other = harness.enqueue(r#"{"event_type":"long","priority":0}"#).await;
    let mut held = harness.claim("e", 1).await;
    let other = harness.claim("other", 1).await;
    assert_eq!((ids(&held), ids(&other)), (vec![keep], vec![keep_other]));
    harness.enqueue_many(100).await;
    let mut rounds = 0;
    loop {
        let more = harness.claim("e", 1).await;
        if more.is_empty() {
            break;
        }
        rounds += 1;
        assert!(rounds <= 8, "it is held back after a minute");
        held.extend(more);
        harness.complete(&held.remove(0)).await.unwrap();
        harness.pass(10.0).await;
    }
    assert!(rounds >= 6, "and not before: {rounds}");
    assert_eq!(harness.claim("other", 1).await.len(), 1, "one engine is held back");
    harness.complete(&held.remove(0)).await.unwrap();
    let claimed = harness.claim("e", 10).await;
    assert_eq!(ids(&claimed), [suspect], "empty, it is given the event alone");
    harness.complete(&claimed[0]).await.unwrap();
    assert_eq!(harness.claim("e", 10).await.len(), 10, "and goes on");
    harness.close().await;
}

#[tokio::test]
async fn an_engine_is_held_back_only_as_long_as_the_event_waits() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let suspects = given_last_chances(&harness, 1).await;
    harness.enqueue(r#"{"event_type":"long","priority":0}"#).await;
    harness.claim_one("e").await;
    assert!(harness.claim("e", 5).await.is_empty());
    harness.pass(60.0).await;
    harness.enqueue_many(1).await;
    assert!(harness.claim("e", 5).await.is_empty());
    harness.act(suspects[0], EventAction::Cancel { force: false }).await.unwrap();
    assert_eq!(harness.claim("e", 5).await.len(), 1);
    harness.close().await;
}

#[tokio::test]
async fn a_waiting_claim_that_may_not_have_an_event_leaves_it_to_one_that_may() {
    let harness = Harness::new();
    harness.register_with("busy", "{}", 0).await;
    harness.register_with("idle", "{}", 0).await;
    let suspects = given_losses(&harness, 1, 2).await;
    assert_eq!(harness.try_claim("dies", 3, claim(1)).await.unwrap().len(), 1);
    harness.enqueue(r#"{"event_type":"long"}"#).await;
    harness.claim_one("busy").await;
    let busy = harness.try_claim("busy", 1, waiting_claim(1));
    let idle = async {
        harness.until_waiting(1).await;
        harness.try_claim("idle", 1, waiting_claim(1)).await.unwrap()
    };
    let third_crash = async {
        harness.until_waiting(2).await;
        // The event is ready, for an engine that holds nothing. The older claim is woken first.
        harness.register("dies", "{}").await;
        harness.until_waiting(1).await;
        harness.enqueue_many(1).await
    };
    let (busy, idle, more) = tokio::join!(busy, idle, third_crash);
    assert_eq!((ids(&busy.unwrap()), ids(&idle)), (more, suspects));
    harness.close().await;
}

#[tokio::test]
async fn a_waiting_claim_of_an_engine_that_works_alone_leaves_events_to_others() {
    let harness = Harness::new();
    harness.register("alone", "{}").await;
    harness.register("free", "{}").await;
    given_last_chances(&harness, 1).await;
    let suspect = harness.claim_one("alone").await;
    let alone = harness.try_claim("alone", 1, waiting_claim(1));
    let free = async {
        harness.until_waiting(1).await;
        harness.try_claim("free", 1, waiting_claim(1)).await.unwrap()
    };
    let enqueuing = async {
        harness.until_waiting(2).await;
        let first = harness.enqueue_many(1).await;
        harness.until_waiting(1).await;
        let second = harness.enqueue_many(1).await;
        // Once it is done, it is given the one that waits.
        harness.complete(&suspect).await.unwrap();
        (first, second)
    };
    let (alone, free, (first, second)) = tokio::join!(alone, free, enqueuing);
    assert_eq!((ids(&free), ids(&alone.unwrap())), (first, second));
    harness.close().await;
}
