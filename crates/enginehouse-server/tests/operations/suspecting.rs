//! Who fails more than others do is suspect; who gives back what it holds is not.

use std::time::Duration;

use enginehouse_core::blame::{OutcomeCounts, Suspect, SuspectSubject};
use enginehouse_core::transition::EventCommand;

use crate::harness::{Harness, token};

/// Rounds of work, in each of which every engine is given an event; what the first engine does with its own is said.
async fn rounds(
    harness: &Harness,
    rounds: usize,
    first: impl AsyncFn(enginehouse_server::dispatcher::answers::Claimed),
) {
    for _ in 0..rounds {
        harness.enqueue_many(4).await;
        first(harness.claim_one("first").await).await;
        for engine in ["b", "c", "d"] {
            harness.complete(&harness.claim_one(engine).await).await.unwrap();
        }
    }
}

async fn fleet() -> Harness {
    let harness = Harness::new();
    for engine in ["first", "b", "c", "d"] {
        harness.register_with(engine, r#"{"engine_software_version":"1.0.0"}"#, 0).await;
    }
    harness
}

fn suspects(harness: &Harness) -> Vec<Suspect> {
    harness.dispatcher.suspects().all(crate::harness::START + Duration::from_secs(3_600))
}

#[tokio::test]
async fn an_engine_that_fails_what_others_complete_is_suspect() {
    let harness = fleet().await;
    rounds(&harness, 4, async |claimed| _ = harness.complete(&claimed).await.unwrap()).await;
    assert_eq!(suspects(&harness), []);
    rounds(&harness, 10, async |claimed| _ = harness.fail(&claimed).await.unwrap()).await;
    let named = suspects(&harness);
    let [suspect] = &named[..] else { panic!("{named:?}") };
    let (engine_id, event_type) = ("first".parse().unwrap(), "work".parse().unwrap());
    assert_eq!(suspect.subject, SuspectSubject::EngineAt { engine_id, event_type });
    assert_eq!(suspect.own, OutcomeCounts { failed: 10, completed: 0 });
    assert_eq!(suspect.others, OutcomeCounts { failed: 0, completed: 30 });
    assert!(suspect.evidence.len() == 5 && suspect.probability > 0.999, "{suspect:?}");
    // It is a hint: after a restart the evidence begins anew.
    let harness = harness.restart();
    assert_eq!(suspects(&harness), []);
    harness.close().await;
}

#[tokio::test]
async fn who_gives_back_what_it_holds_is_not_suspect() {
    let harness = fleet().await;
    rounds(&harness, 10, async |claimed| {
        // Not for others: they have work of their own.
        let delay = Duration::from_secs(3_000);
        let release = EventCommand::Release { token: token(&claimed), delay };
        harness.settle(claimed.event.event_id, release).await.unwrap();
    })
    .await;
    assert_eq!(suspects(&harness), []);
    harness.close().await;
}

#[tokio::test]
async fn what_an_engine_loses_counts_against_it() {
    let harness = fleet().await;
    rounds(&harness, 4, async |claimed| _ = harness.complete(&claimed).await.unwrap()).await;
    for _ in 0..10 {
        rounds(&harness, 1, async |_| {}).await;
        harness.pass(300.0).await;
        // The others do what it has lost.
        harness.complete(&harness.claim_one("b").await).await.unwrap();
    }
    let named = suspects(&harness);
    let [suspect] = &named[..] else { panic!("{named:?}") };
    assert_eq!((suspect.own, suspect.lost), (OutcomeCounts { failed: 10, completed: 0 }, 10));
    assert_eq!(suspect.to_string(), "engine first at work failed 10 of 10 events, others 0 of 27 in the same time");
    harness.close().await;
}
