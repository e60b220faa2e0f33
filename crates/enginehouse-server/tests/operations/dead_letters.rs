use std::time::Duration;

use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EventId;
use enginehouse_core::json::RawJson;
use enginehouse_server::dispatcher::commands::{Action, Answer, Command};
use enginehouse_store::rows::DeadLetterFilter;

use crate::house::{House, ids};

async fn dead(house: &House, event_type: &str) -> EventId {
    let event = house.enqueue(&format!(r#"{{"event_type":"{event_type}","payload":{{"n":1}}}}"#)).await;
    let claimed = house.claim_one("e").await;
    house.kill(&claimed).await;
    event
}

#[tokio::test]
async fn a_redriven_event_has_its_new_payload_and_a_fresh_budget() {
    let house = House::new();
    house.register("e", "{}").await;
    let event = dead(&house, "a").await;
    let payload = RawJson::trusted(r#"{ "n" : 2.0 }"#);
    house.act(event, Action::Redrive { payload: Some(payload) }).await.unwrap();
    assert!(house.store.dead_letter(event).await.unwrap().is_none());
    let claimed = house.claim_one("e").await;
    assert_eq!(claimed.payload.as_str(), r#"{ "n" : 2.0 }"#);
    let state = &claimed.event.state;
    assert_eq!((state.redrives, state.tally.retries, state.tally.failures), (1, 0, 1));
    assert!(house.act(event, Action::Redrive { payload: None }).await.is_err(), "it is no dead letter any more");
    house.kill(&claimed).await;
    let again = house.store.dead_letter(event).await.unwrap().unwrap();
    assert_eq!(again.record.event.state.redrives, 1);
    house.close().await;
}

#[tokio::test]
async fn a_discarded_event_stays_failed_and_its_reason_is_kept() {
    let house = House::new();
    house.register("e", "{}").await;
    let event = dead(&house, "a").await;
    let discard = Action::Discard { reason: Some("customer is gone".to_owned()) };
    assert_eq!(house.act(event, discard).await.unwrap().event.state.status, EventStatus::Failed);
    assert_eq!(house.count().await, (1, 0));
    let history = house.store.history(event).await.unwrap();
    assert_eq!(history.actions[0].detail.as_str(), r#"{"dead_letter_reason":"requested","reason":"customer is gone"}"#);
    house.close().await;
}

#[tokio::test]
async fn a_bulk_redrive_takes_what_matches_one_behind_the_other() {
    let house = House::new();
    house.register_with("e", "{}", 0).await;
    let mut wanted = Vec::new();
    for _ in 0..3 {
        wanted.push(dead(&house, "a").await);
    }
    let other = dead(&house, "b").await;
    let filter = DeadLetterFilter { event_type: Some("a".parse().unwrap()), ..DeadLetterFilter::default() };
    let page = |limit| Command::RedrivePage {
        filter: filter.clone(),
        limit,
        spacing: Duration::from_secs(10),
        delay: Duration::ZERO,
    };
    let Answer::Count(count) = house.submit(page(2)).await.unwrap() else { panic!() };
    assert_eq!(count, 2);
    assert_eq!(ids(&house.claim("e", 9).await), wanted[..1]);
    house.pass(10.0).await;
    assert_eq!(ids(&house.claim("e", 9).await), wanted[1..2]);
    let Answer::Count(count) = house.submit(page(9)).await.unwrap() else { panic!() };
    assert_eq!(count, 1);
    assert!(house.store.dead_letter(other).await.unwrap().is_some());
    house.close().await;
}

#[tokio::test]
async fn a_bulk_discard_takes_what_matches() {
    let house = House::new();
    house.register("e", "{}").await;
    dead(&house, "a").await;
    dead(&house, "b").await;
    let filter = DeadLetterFilter { queue: Some("default".parse().unwrap()), ..DeadLetterFilter::default() };
    let discard = Command::DiscardPage { filter, limit: 100, reason: None };
    let Answer::Count(count) = house.submit(discard).await.unwrap() else { panic!() };
    assert_eq!((count, house.count().await), (2, (2, 0)));
    house.close().await;
}
