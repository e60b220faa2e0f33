//! Several servers on one database are one server.

use std::time::Duration;

use enginehouse_api::problem::Code;
use enginehouse_core::event::EventStatus;
use enginehouse_tests::load::{Load, SwitchableClient};
use enginehouse_tests::test_store::{StoreKind, TestStore};
use enginehouse_tests::{TestServer, kills, serve_with_clock, until};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

use crate::calls::{claim, claim_and_wait, code, complete, enqueue, enqueue_as, heartbeat, register};

fn two() -> (TestStore, TestServer, TestServer) {
    let store = TestStore::on(StoreKind::Postgres);
    let (one, other) = (store.serve(&["--log", "off"]), store.serve(&["--log", "off"]));
    (store, one, other)
}

#[tokio::test]
async fn an_event_enqueued_on_one_server_reaches_a_claim_that_waits_on_another_at_once() {
    let (_store, one, other) = two();
    register(&one.client(), "e", 0).await;
    let mut took = Vec::new();
    for _ in 0..20 {
        let client = other.client();
        let waiting = tokio::spawn(async move { claim_and_wait(&client, "e", 60).await });
        until("the claim waits", async || (other.client().stats().await.unwrap().waiting_claims == 1).then_some(()))
            .await;
        let began = Instant::now();
        let event_id = enqueue(&one.client()).await.unwrap();
        let claimed = waiting.await.unwrap().unwrap().remove(0);
        took.push(began.elapsed());
        assert_eq!(claimed.event_id, event_id);
        complete(&one.client(), &claimed).await.unwrap();
    }
    took.sort();
    println!("from enqueue to claim: median {:?}, longest {:?}", took[10], took[19]);
    assert!(took[10] < Duration::from_millis(200), "sooner than anybody looks without being told: {took:?}");
}

#[tokio::test]
async fn an_engine_may_speak_to_a_different_server_each_time() {
    let (_store, one, other) = two();
    register(&one.client(), "e", 10).await;
    let event_id = enqueue(&other.client()).await.unwrap();
    let held = claim(&one.client(), "e").await.unwrap().remove(0);
    assert_eq!(held.event_id, event_id);
    for server in [&other, &one, &other] {
        assert_eq!(heartbeat(&server.client(), "e", &[&held]).await.unwrap().renewed.len(), 1);
    }
    assert_eq!(complete(&other.client(), &held).await.unwrap().status, EventStatus::Completed);
    assert_eq!(complete(&one.client(), &held).await.unwrap().status, EventStatus::Completed, "its repeat");
    assert!(claim(&other.client(), "e").await.unwrap().is_empty());
}

#[tokio::test]
async fn an_engine_is_lost_also_to_a_server_that_has_never_heard_it() {
    let (_store, one, other) = two();
    register(&one.client(), "silent", 1).await;
    register(&one.client(), "healthy", 0).await;
    let event_id = enqueue(&one.client()).await.unwrap();
    let held = claim(&one.client(), "silent").await.unwrap().remove(0);
    one.kill();
    let client = other.client();
    let taken = claim_and_wait(&client, "healthy", 30).await.unwrap().remove(0);
    assert_eq!((taken.event_id, taken.losses), (event_id, 1));
    assert_eq!(code(complete(&client, &held).await), Some(Code::LockLost));
    assert_eq!(complete(&client, &taken).await.unwrap().status, EventStatus::Completed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_one_of_three_servers_is_killed_under_load_the_others_go_on_and_its_events_come_back() {
    let store = TestStore::on(StoreKind::Postgres);
    let mut servers: Vec<_> = (0..3).map(|_| store.serve(&["--log", "off", "--max-losses", "1000"])).collect();
    let clients: Vec<_> = servers.iter().map(SwitchableClient::to).collect();
    let load = Load::start(&clients, 1, 1);
    let mut chance = StdRng::seed_from_u64(3);
    for _ in 0..kills(6) {
        load.more(chance.random_range(20..200)).await;
        let killed = chance.random_range(0..servers.len());
        servers.swap_remove(killed).kill();
        load.more(50).await;
        // Another one takes its place, and all clients are spread anew.
        servers.push(store.serve(&["--log", "off", "--max-losses", "1000"]));
        clients.iter().zip(&servers).for_each(|(client, server)| client.switch_to(server));
    }
    let client = servers[0].client();
    load.check(&client).await;
    // No engine holds what was claimed by a call without an answer.
    until("every event that was under way comes back", async || {
        (client.stats().await.unwrap().events.processing == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_whose_clocks_differ_by_minutes_agree_on_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = TestStore::on(StoreKind::Postgres);
    let servers: Vec<_> = ["+5m", "-5m", "+0"]
        .iter()
        .map(|off| {
            let clock_file = folder.path().join(off);
            std::fs::write(&clock_file, off).unwrap();
            store.serve_with(serve_with_clock(&clock_file), &["--log", "off"])
        })
        .collect();
    let [ahead, behind, right] = [0, 1, 2].map(|index: usize| servers[index].client());
    for engine in ["ahead", "behind", "right"] {
        register(&right, engine, 0).await;
    }
    register(&behind, "steady", 10).await;
    let held_id = enqueue_as(&right, r#"{"event_type":"work","visibility_timeout_seconds":60}"#).await.unwrap();
    let held = claim(&behind, "steady").await.unwrap().remove(0);
    assert_eq!(held.event_id, held_id);
    for producer in [&ahead, &behind, &right] {
        // One server hands the event to a claim on any other within its delay and a moment, never before.
        for (client, engine) in [(&ahead, "ahead"), (&behind, "behind"), (&right, "right")] {
            let delayed = enqueue_as(producer, r#"{"event_type":"work","delay_seconds":0.5}"#).await.unwrap();
            let claimed = claim_and_wait(client, engine, 20).await.unwrap().remove(0);
            assert_eq!(claimed.event_id, delayed);
            let claimed_at = claimed.lock.as_ref().unwrap().claimed_at;
            assert!(claimed_at >= claimed.available_at, "{claimed:?}");
            assert!(claimed_at.since(claimed.available_at) < Duration::from_secs(10), "{claimed:?}");
            assert_eq!(claimed.available_at.since(claimed.enqueued_at), Duration::from_millis(500));
            complete(producer, &claimed).await.unwrap();
        }
    }
    for client in [&ahead, &behind, &right] {
        assert_eq!(heartbeat(client, "steady", &[&held]).await.unwrap().renewed.len(), 1, "nothing has expired");
    }
    let clients: Vec<_> = servers.iter().map(SwitchableClient::to).collect();
    let load = Load::start(&clients, 1, 1);
    load.more(300).await;
    let record = load.check(&right).await;
    assert!(!record.failures.contains_key("engine lost"), "{:?}", record.failures);
    assert_eq!(complete(&ahead, &held).await.unwrap().losses, 0);
}

#[tokio::test]
async fn an_event_that_ends_on_one_server_wakes_whoever_waits_for_it_on_another() {
    let (_store, one, other) = two();
    register(&one.client(), "e", 0).await;
    let mut took = Vec::new();
    for _ in 0..5 {
        let event_id = enqueue(&one.client()).await.unwrap();
        let client = other.client();
        let waiting = tokio::spawn(async move { client.wait_for_event(event_id, Duration::from_secs(60)).await });
        until("the caller waits", async || {
            let waiting = other.metrics("enginehouse_waiting_for_ends ").await;
            waiting.iter().any(|(_, callers)| *callers == 1.0).then_some(())
        })
        .await;
        let claimed = claim(&one.client(), "e").await.unwrap().remove(0);
        complete(&one.client(), &claimed).await.unwrap();
        let began = Instant::now();
        assert_eq!(waiting.await.unwrap().unwrap().status, EventStatus::Completed);
        took.push(began.elapsed());
    }
    took.sort();
    println!("from the end to the answer: median {:?}, longest {:?}", took[2], took[4]);
    assert!(took[2] < Duration::from_secs(5), "long before its time is over: {took:?}");
}
