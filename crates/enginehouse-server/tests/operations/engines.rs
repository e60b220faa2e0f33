use enginehouse_core::engine::EngineStatus;
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EngineId;
use enginehouse_core::request::{Exchange, Settlement};
use enginehouse_server::dispatcher::commands::{Answer, Command, Failure, Refusal};

use crate::house::{House, claim, complete, token};

async fn status(house: &House, engine_id: &str) -> EngineStatus {
    let engine_id: EngineId = engine_id.parse().unwrap();
    house.store.engine(&engine_id).await.unwrap().unwrap().0.status
}

#[tokio::test]
async fn the_events_of_a_lost_engine_are_there_for_others_long_before_the_visibility_timeout() {
    let house = House::new();
    house.register("lost", "{}").await;
    house.register_with("other", "{}", 0).await;
    house.enqueue_many(2).await;
    let claimed = house.claim("lost", 2).await;
    house.pass(29.999).await;
    assert!(house.claim("other", 2).await.is_empty());
    house.pass(0.001).await;
    assert_eq!(status(&house, "lost").await, EngineStatus::Lost);
    assert_eq!(house.claim("other", 2).await.len(), 2);
    assert!(house.complete(&claimed[0]).await.is_err());
    house.close().await;
}

#[tokio::test]
async fn an_event_that_lost_its_engine_does_not_wait_behind_the_whole_backlog() {
    let house = House::new();
    house.register("lost", "{}").await;
    house.register_with("other", "{}", 0).await;
    let enqueued = house.enqueue_many(50).await;
    house.claim_one("lost").await;
    house.pass(30.0).await;
    assert_eq!(house.claim_one("other").await.event.event_id, enqueued[0]);
    house.close().await;
}

#[tokio::test]
async fn a_lost_engine_may_not_claim_until_it_has_spoken_up() {
    let house = House::new();
    house.register("e", "{}").await;
    house.enqueue_many(1).await;
    let claimed = house.claim_one("e").await;
    house.pass(30.0).await;
    let refused = house.try_claim("e", 1, claim(1)).await.unwrap_err();
    assert!(matches!(refused, Failure::Refused(Refusal::EngineLost(_))), "{refused:?}");
    let heard = house.heartbeat("e", &[token(&claimed)]).await;
    assert_eq!((heard.status, heard.lost), (EngineStatus::Active, vec![token(&claimed)]));
    assert_eq!(house.claim("e", 1).await.len(), 1);
    house.close().await;
}

#[tokio::test]
async fn an_engine_that_speaks_up_is_not_lost_and_keeps_its_locks() {
    let house = House::new();
    house.register("e", "{}").await;
    house.enqueue_many(1).await;
    let claimed = house.claim_one("e").await;
    for _ in 0..100 {
        house.pass(10.0).await;
        assert_eq!(house.heartbeat("e", &[token(&claimed)]).await.renewed, [token(&claimed)]);
    }
    assert_eq!(house.complete(&claimed).await, Ok(EventStatus::Completed), "after 1,000 s");
    house.close().await;
}

#[tokio::test]
async fn a_new_epoch_fences_off_the_older_one() {
    let house = House::new();
    house.register("e", "{}").await;
    house.enqueue_many(1).await;
    let claimed = house.claim_one("e").await;
    assert_eq!(house.register("e", "{}").await, 2);
    for refused in [house.try_claim("e", 1, claim(1)).await.err(), house.try_heartbeat("e", 1, &[]).await.err()] {
        let Some(Failure::Refused(Refusal::EngineSuperseded { epoch, current, .. })) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((epoch, current), (1, 2));
    }
    assert!(house.complete(&claimed).await.is_err(), "the process that held the lock is gone");
    assert_eq!(house.try_claim("e", 2, claim(1)).await.unwrap().len(), 1);
    house.close().await;
}

#[tokio::test]
async fn an_exchange_of_an_older_epoch_settles_nothing() {
    let house = House::new();
    house.register("e", "{}").await;
    house.enqueue_many(1).await;
    let claimed = house.claim_one("e").await;
    house.register("e", "{}").await;
    let settlement = Settlement { event_id: claimed.event.event_id, command: complete(token(&claimed)) };
    let exchange = Exchange { settlements: vec![settlement], claim: Some(claim(1)), ..Exchange::default() };
    assert!(house.exchange("e", 1, exchange).await.is_err());
    assert_eq!(house.status(claimed.event.event_id).await, EventStatus::Queued);
    house.close().await;
}

#[tokio::test]
async fn a_claim_whose_answer_never_arrived_is_taken_back_after_two_heartbeats() {
    let house = House::new();
    house.register("e", "{}").await;
    let enqueued = house.enqueue_many(2).await;
    let kept = house.claim_one("e").await;
    house.claim_one("e").await;
    house.heartbeat("e", &[token(&kept)]).await;
    assert_eq!(house.status(enqueued[1]).await, EventStatus::Processing);
    house.heartbeat("e", &[token(&kept)]).await;
    assert_eq!(house.status(enqueued[1]).await, EventStatus::Queued);
    let again = house.claim_one("e").await;
    assert_eq!((again.event.state.attempt, again.event.state.tally.losses), (1, 0), "nothing was attempted");
    assert_eq!(house.complete(&kept).await, Ok(EventStatus::Completed));
    house.close().await;
}

#[tokio::test]
async fn a_heartbeat_that_says_nothing_of_locks_releases_none() {
    let house = House::new();
    house.register("e", "{}").await;
    let enqueued = house.enqueue_many(1).await;
    house.claim_one("e").await;
    for _ in 0..5 {
        let exchange = Exchange { heartbeat: Some(Default::default()), ..Exchange::default() };
        house.exchange("e", 1, exchange).await.unwrap();
    }
    assert_eq!(house.status(enqueued[0]).await, EventStatus::Processing);
    house.close().await;
}

#[tokio::test]
async fn a_draining_engine_gets_nothing_new_and_stops_when_it_is_empty() {
    let house = House::new();
    house.register("e", "{}").await;
    house.enqueue_many(2).await;
    let claimed = house.claim_one("e").await;
    let engine_id: EngineId = "e".parse().unwrap();
    let drain = Command::Drain { engine_id: engine_id.clone(), stop_when_drained: true };
    house.submit(drain).await.unwrap();
    assert!(house.claim("e", 1).await.is_empty());
    let heard = house.heartbeat("e", &[token(&claimed)]).await;
    assert_eq!((heard.status, heard.drain), (EngineStatus::Draining, true));
    house.complete(&claimed).await.unwrap();
    assert_eq!(status(&house, "e").await, EngineStatus::Stopped);
    let refused = house.try_claim("e", 1, claim(1)).await.unwrap_err();
    assert!(matches!(refused, Failure::Refused(Refusal::EngineNotRegistered(_))));
    house.close().await;
}

#[tokio::test]
async fn a_drained_engine_can_be_resumed() {
    let house = House::new();
    house.register("e", "{}").await;
    house.enqueue_many(1).await;
    let engine_id: EngineId = "e".parse().unwrap();
    house.submit(Command::Drain { engine_id: engine_id.clone(), stop_when_drained: false }).await.unwrap();
    assert!(house.claim("e", 1).await.is_empty());
    let Answer::Engine(engine) = house.submit(Command::Resume(engine_id)).await.unwrap() else { panic!() };
    assert_eq!(engine.status, EngineStatus::Active);
    assert_eq!(house.claim("e", 1).await.len(), 1);
    house.close().await;
}

#[tokio::test]
async fn a_deregistered_engine_leaves_its_events_to_others() {
    let house = House::new();
    house.register("e", "{}").await;
    house.register("other", "{}").await;
    house.enqueue_many(1).await;
    let claimed = house.claim_one("e").await;
    house.submit(Command::Deregister("e".parse().unwrap())).await.unwrap();
    assert_eq!(house.claim("other", 1).await.len(), 1);
    assert!(house.complete(&claimed).await.is_err());
    let refused = house.submit(Command::Deregister("e".parse().unwrap())).await.unwrap_err();
    assert!(matches!(refused, Failure::Refused(Refusal::EngineNotRegistered(_))));
    assert_eq!(house.register("e", "{}").await, 2, "the epoch goes on");
    house.close().await;
}

#[tokio::test]
async fn after_a_restart_nobody_is_lost_before_they_had_time_to_speak_up() {
    let house = House::new();
    house.register("e", "{}").await;
    house.enqueue_many(1).await;
    let claimed = house.claim_one("e").await;
    house.clock.advance(std::time::Duration::from_secs(3_600));
    let house = house.restart();
    house.pass(29.999).await;
    assert_eq!(status(&house, "e").await, EngineStatus::Active);
    assert_eq!(house.heartbeat("e", &[token(&claimed)]).await.renewed, [token(&claimed)]);
    assert_eq!(house.complete(&claimed).await, Ok(EventStatus::Completed));
    house.pass(30.0).await;
    assert_eq!(status(&house, "e").await, EngineStatus::Lost, "but the next silence counts");
    house.close().await;
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_expires_nothing() {
    let house = House::new();
    house.register("e", "{}").await;
    house.enqueue_many(1).await;
    let claimed = house.claim_one("e").await;
    house.clock.set_wall(crate::house::START + std::time::Duration::from_secs(86_400));
    house.dispatcher.sweep().await.unwrap();
    assert_eq!(status(&house, "e").await, EngineStatus::Active);
    assert_eq!(house.complete(&claimed).await, Ok(EventStatus::Completed));
    house.close().await;
}

#[tokio::test]
async fn a_clock_that_goes_back_neither_keeps_a_lost_engine_nor_turns_time_back() {
    let house = House::new();
    house.register("e", "{}").await;
    house.enqueue_many(1).await;
    house.claim_one("e").await;
    house.clock.set_wall(crate::house::START - std::time::Duration::from_secs(86_400));
    // At half its speed the store's time has come 30 s further after 60.
    for _ in 0..12 {
        house.pass(5.0).await;
    }
    assert_eq!(status(&house, "e").await, EngineStatus::Lost);
    let event = house.enqueue(r#"{"event_type":"a"}"#).await;
    assert!(house.event(event).await.event.enqueued_at >= crate::house::START);
    house.close().await;
}
