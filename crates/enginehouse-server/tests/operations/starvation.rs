//! Nothing starves: an event that has waited long is not passed by for ever.

use std::time::Duration;

use enginehouse_core::event::EventStatus;
use enginehouse_core::gates::ClaimFilter;
use enginehouse_core::request::{Claim, Exchange, SettleCommand};
use enginehouse_server::dispatcher::answers::Claimed;
use enginehouse_server::dispatcher::event_actions::EventAction;
use enginehouse_server::dispatcher::settings::{ChangeQueue, SettingsChange};
use enginehouse_server::rng::{Rng, SeededRng};

use crate::harness::{Harness, claim, complete, ids, token, waiting_claim};

const HUNDRED_MB: &str = r#"{"resource_limits":{"memory_limit_mb":100,"max_concurrent_events":10}}"#;

fn of_type(event_type: &str, limit: u32) -> Claim {
    let filter = ClaimFilter { event_types: vec![event_type.parse().unwrap()], ..ClaimFilter::default() };
    Claim { filter, ..claim(limit) }
}

async fn enqueue(harness: &Harness, event_type: &str, priority: u8, memory_mb: u64, count: usize) {
    let draft = format!(r#"{{"event_type":"{event_type}","priority":{priority},"required_memory_mb":{memory_mb}}}"#);
    harness.try_enqueue(&vec![&*draft; count]).await.unwrap();
}

/// An engine completes its oldest event and claims with the same call. Answers what it was given.
async fn go_on(harness: &Harness, engine: &str, held: &mut Vec<Claimed>, claim: Claim) -> Vec<Claimed> {
    let oldest = held.remove(0);
    let settle = SettleCommand::new(oldest.event.event_id, complete(token(&oldest)));
    let exchange = Exchange { settlements: vec![settle], claim: Some(claim), ..Exchange::default() };
    let given = harness.exchange(engine, 1, exchange).await.unwrap().claimed.unwrap();
    held.extend(given.iter().cloned());
    given
}

fn types(claimed: &[Claimed]) -> Vec<String> {
    claimed.iter().map(|claimed| claimed.lane.event_type.to_string()).collect()
}

#[tokio::test]
async fn small_events_do_not_pass_a_large_one_for_ever() {
    let harness = Harness::new();
    harness.register_with("e", HUNDRED_MB, 0).await;
    enqueue(&harness, "small", 9, 30, 200).await;
    let mut held = harness.claim("e", 3).await;
    enqueue(&harness, "large", 0, 100, 1).await;
    let mut small = 0;
    let mut waited = 0;
    // Each takes 30 s; they end one after the other.
    loop {
        harness.pass(10.0).await;
        waited += 10;
        let given = go_on(&harness, "e", &mut held, claim(3)).await;
        if types(&given) == ["large"] {
            break;
        }
        small += given.len();
        assert!(small <= 150, "{small} small events have passed the large one");
        assert!(!held.is_empty(), "the engine is empty, and is not given the large one");
    }
    assert!((60..=100).contains(&waited), "a minute, and as long as the longest of them: {waited} s");
    assert_eq!(small, 5, "what would delay it waits from then on");
    harness.complete(&held.pop().unwrap()).await.unwrap();
    assert_eq!(harness.claim("e", 10).await.len(), 3, "and small ones go on");
    harness.close().await;
}

/// Each of two parts of a program claims events of its own type, and both share the slots of their engine. The one that
/// settles and claims with one call takes each slot that it frees.
#[tokio::test]
async fn a_type_of_events_does_not_keep_all_slots_of_an_engine_from_another() {
    let harness = Harness::new();
    harness.register_with("e", r#"{"resource_limits":{"max_concurrent_events":2}}"#, 0).await;
    let draft = r#"{"event_type":"quick"}"#;
    harness.try_enqueue(&[draft; 100]).await.unwrap();
    let mut held = harness.try_claim("e", 1, of_type("quick", 2)).await.unwrap();
    harness.enqueue(r#"{"event_type":"rare"}"#).await;
    let mut waited = 0;
    loop {
        harness.pass(10.0).await;
        waited += 10;
        go_on(&harness, "e", &mut held, of_type("quick", 2)).await;
        let rare = harness.try_claim("e", 1, of_type("rare", 1)).await.unwrap();
        if rare.len() == 1 {
            break;
        }
        assert!(waited < 200, "it waits for ever");
    }
    assert!((60..=80).contains(&waited), "{waited} s");
    harness.close().await;
}

#[tokio::test]
async fn what_ends_before_the_engine_is_free_may_pass() {
    let harness = Harness::new();
    harness.register_with("e", HUNDRED_MB, 0).await;
    // Durations are known: one type takes 5 s, the other 200 s.
    for (event_type, seconds) in [("short", 5), ("long", 200)] {
        enqueue(&harness, event_type, 5, 40, 2).await;
        for _ in 0..2 {
            let claimed = harness.claim_one("e").await;
            harness.clock.advance(Duration::from_secs(seconds));
            harness.complete(&claimed).await.unwrap();
        }
    }
    enqueue(&harness, "long", 5, 60, 1).await;
    let long = harness.claim_one("e").await;
    enqueue(&harness, "large", 5, 100, 1).await;
    let step = async |seconds| {
        harness.pass(seconds).await;
        harness.claim("e", 1).await
    };
    assert!(step(35.0).await.is_empty() && step(35.0).await.is_empty(), "it waits for memory");
    enqueue(&harness, "long", 5, 40, 1).await;
    assert!(step(1.0).await.is_empty(), "it would delay the large one");
    enqueue(&harness, "short", 5, 30, 1).await;
    let short = step(1.0).await;
    assert_eq!(types(&short), ["short"], "it ends long before the long one does");
    enqueue(&harness, "urgent", 4, 10, 1).await;
    assert_eq!(types(&step(1.0).await), ["urgent"], "a better priority passes");
    harness.complete(&short[0]).await.unwrap();
    harness.complete(&long).await.unwrap();
    harness.close().await;
}

#[tokio::test]
async fn a_waiting_claim_is_given_events_again_when_the_hold_back_ends() {
    let harness = Harness::new();
    harness.register_with("e", HUNDRED_MB, 0).await;
    enqueue(&harness, "small", 5, 60, 1).await;
    harness.claim_one("e").await;
    enqueue(&harness, "large", 5, 100, 1).await;
    let large = harness.store.events(&Default::default(), &page()).await.unwrap().items[0].event.event_id;
    for _ in 0..3 {
        assert!(harness.claim("e", 1).await.is_empty());
        harness.pass(30.0).await;
    }
    enqueue(&harness, "small", 5, 30, 1).await;
    let waits = harness.try_claim("e", 1, waiting_claim(1));
    let cancels = async {
        harness.until_waiting(1).await;
        harness.act(large, EventAction::Cancel { force: false }).await.unwrap();
    };
    let (given, ()) = tokio::join!(waits, cancels);
    assert_eq!(types(&given.unwrap()), ["small"]);
    harness.close().await;
}

fn page() -> enginehouse_store::rows::PageRequest {
    enginehouse_store::rows::PageRequest { limit: 1, after: None }
}

#[tokio::test]
async fn a_waiting_claim_of_an_engine_that_is_held_back_is_given_what_has_a_better_priority() {
    let harness = Harness::new();
    harness.register_with("e", HUNDRED_MB, 0).await;
    enqueue(&harness, "small", 5, 60, 1).await;
    harness.claim_one("e").await;
    enqueue(&harness, "large", 5, 100, 1).await;
    for _ in 0..3 {
        assert!(harness.claim("e", 1).await.is_empty());
        harness.pass(30.0).await;
    }
    let waits = harness.try_claim("e", 1, waiting_claim(1));
    let enqueues = async {
        harness.until_waiting(1).await;
        enqueue(&harness, "small", 5, 30, 1).await;
        enqueue(&harness, "urgent", 4, 30, 1).await;
    };
    let (given, ()) = tokio::join!(waits, enqueues);
    assert_eq!(types(&given.unwrap()), ["urgent"]);
    harness.close().await;
}

#[tokio::test]
async fn holding_back_is_off_where_it_is_set_to_zero() {
    let harness = Harness::new();
    let settings = serde_json::from_str(r#"{"hold_back_after_seconds":0}"#).unwrap();
    let change = SettingsChange::Replace(settings);
    harness.execute(ChangeQueue { queue: "default".parse().unwrap(), change }).await.unwrap();
    harness.register_with("e", HUNDRED_MB, 0).await;
    enqueue(&harness, "small", 9, 30, 60).await;
    let mut held = harness.claim("e", 3).await;
    enqueue(&harness, "large", 0, 100, 1).await;
    for _ in 0..50 {
        harness.pass(10.0).await;
        assert_eq!(types(&go_on(&harness, "e", &mut held, claim(3)).await), ["small"]);
    }
    harness.close().await;
}

/// An engine that is lost, or drains, is not waited for: another one is held back.
#[tokio::test]
async fn another_engine_is_held_back_when_one_goes() {
    let harness = Harness::new();
    for engine in ["a", "b"] {
        harness.register_with(engine, HUNDRED_MB, 0).await;
    }
    enqueue(&harness, "small", 5, 60, 2).await;
    let (a, b) = (harness.claim_one("a").await, harness.claim_one("b").await);
    enqueue(&harness, "large", 5, 100, 1).await;
    for _ in 0..3 {
        assert!(harness.claim("a", 1).await.is_empty() && harness.claim("b", 1).await.is_empty());
        harness.pass(30.0).await;
    }
    enqueue(&harness, "small", 5, 30, 3).await;
    let (of_a, of_b) = (harness.claim("a", 1).await.len(), harness.claim("b", 1).await.len());
    assert_eq!(of_a + of_b, 1, "one of them is held back");
    let (held, other, last) = if of_a == 0 { ("a", "b", b) } else { ("b", "a", a) };
    harness
        .execute(enginehouse_server::dispatcher::engines::Drain {
            engine_id: held.parse().unwrap(),
            stop_when_drained: false,
            epoch: None,
            session: Default::default(),
        })
        .await
        .unwrap();
    harness.pass(1.0).await;
    assert!(harness.claim(other, 1).await.is_empty(), "now it is the other one");
    harness.complete(&last).await.unwrap();
    harness.close().await;
}

#[tokio::test]
async fn priority_rises_with_time_where_a_queue_says_so() {
    let harness = Harness::new();
    let settings = serde_json::from_str(r#"{"priority_aging_seconds":100}"#).unwrap();
    let change = SettingsChange::Replace(settings);
    harness.execute(ChangeQueue { queue: "aging".parse().unwrap(), change }).await.unwrap();
    harness.register_with("e", "{}", 0).await;
    let old = harness.enqueue(r#"{"event_type":"old","priority":7,"queue":"aging"}"#).await;
    harness.enqueue(r#"{"event_type":"stays","priority":7}"#).await;
    harness.pass(150.0).await;
    harness.enqueue(r#"{"event_type":"new","priority":5,"queue":"aging"}"#).await;
    assert_eq!(types(&harness.claim("e", 1).await), ["new"], "one step is not enough");
    harness.pass(100.0).await;
    let fresh = harness.enqueue(r#"{"event_type":"new","priority":5}"#).await;
    harness.enqueue(r#"{"event_type":"better","priority":4}"#).await;
    assert_eq!(types(&harness.claim("e", 1).await), ["better"]);
    assert_eq!(ids(&harness.claim("e", 2).await), [old, fresh], "level with the fresh one, and older");
    assert_eq!(types(&harness.claim("e", 1).await), ["stays"], "another queue does not age");
    assert_eq!(harness.status(old).await, EventStatus::Processing);
    harness.close().await;
}

/// An engine of a random fleet, and when each event ends that it works on.
struct Worker {
    id: String,
    works_on: Vec<(u64, Claimed)>,
}

/// Small events of lower priorities that never run out, several slots and engines, and one event that needs almost all of any: it is
/// claimed within its hold-back time and the longest of the others. So it is in a simulation of many more fleets; these have a
/// store and a dispatcher.
#[tokio::test]
async fn random_fleets_let_nothing_starve() {
    let fleets = if matches!(crate::ON, crate::under_test::Kind::Sqlite) { 12 } else { 2 };
    for seed in 0..fleets {
        let mut rng = SeededRng::from_seed(seed);
        let mut below = |bound: u64| (rng.unit() * bound as f64) as u64;
        let harness = Harness::new();
        let mut workers = Vec::new();
        for number in 0..1 + below(3) {
            let (id, slots) = (format!("e{number}"), 2 + below(4));
            let config = format!(r#"{{"resource_limits":{{"memory_limit_mb":100,"max_concurrent_events":{slots}}}}}"#);
            harness.register_with(&id, &config, 0).await;
            workers.push(Worker { id, works_on: Vec::new() });
        }
        let takes: Vec<u64> = (0..1 + below(4)).map(|_| 1 + below(90)).collect();
        for (number, _) in takes.iter().enumerate() {
            enqueue(&harness, &format!("t{number}"), 6 + below(4) as u8, 5 + below(40), 400).await;
        }
        let large_mb = 80 + below(21);
        let (begins, most) = (below(60), 60 + takes.iter().max().unwrap() + 3);
        let mut claimed = false;
        for second in 0..=begins + most {
            if second == begins {
                enqueue(&harness, "large", 5, large_mb, 1).await;
            }
            for worker in &mut workers {
                let ended = worker.works_on.extract_if(.., |(ends, _)| *ends <= second);
                let settle = |(_, claimed): (u64, Claimed)| {
                    SettleCommand::new(claimed.event.event_id, complete(token(&claimed)))
                };
                let settlements: Vec<_> = ended.map(settle).collect();
                if settlements.is_empty() && second > 0 && second != begins {
                    continue;
                }
                let exchange = Exchange { settlements, claim: Some(claim(3)), ..Exchange::default() };
                for given in harness.exchange(&worker.id, 1, exchange).await.unwrap().claimed.unwrap() {
                    let event_type = given.lane.event_type.as_str();
                    claimed |= event_type == "large";
                    let takes =
                        event_type.strip_prefix('t').map_or(1, |number| takes[number.parse::<usize>().unwrap()]);
                    worker.works_on.push((second + takes, given));
                }
            }
            if claimed {
                break;
            }
            harness.pass(1.0).await;
        }
        assert!(claimed, "seed {seed}: within {most} s, when the longest of the others takes {takes:?}");
        harness.close().await;
    }
}
