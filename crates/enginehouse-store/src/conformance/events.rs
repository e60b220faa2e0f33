//! Events are what was written, and change only as they were read.

use std::time::Duration;

use enginehouse_core::event::EventStatus;
use enginehouse_core::json::RawJson;
use enginehouse_core::policy::Overrides;
use enginehouse_core::policy::{RetryDelayPatch, RetryPolicyPatch};
use enginehouse_core::transition::{EventCommand, EventState};

use super::given::{
    Decision, LOST, MINUTE, after, apply, begin, change, claim, claim_by, complete, event, fail, given_events,
    given_processing_event, id, ids, insert, lane, new_event, now, of_run, refuse, release, status, token, write,
};
use crate::rows::{EventRow, KeyedEvent, NewEventRow, ReadyRange};
use crate::{Store, StoreError};

fn with_key(event: NewEventRow, key: &str, fingerprint: u8) -> NewEventRow {
    let event_row = EventRow { idempotency_key: Some(key.into()), ..event.event };
    NewEventRow { event: event_row, fingerprint: Some([fingerprint; 16]), ..event }
}

/// Nothing of an event is lost or changed on the way in and out.
pub(crate) async fn an_event_is_read_as_it_was_written(store: &dyn Store) {
    let (lane_id, now) = (lane(store, "render").await, now(store).await);
    let bare = new_event(1, lane_id, now);
    let mut full = with_key(new_event(2, lane_id, now + MINUTE), "née-7 \u{1f980}", 9);
    full.event.scenario_run_id = Some("run-1".parse().unwrap());
    full.event.labels = [("city".to_owned(), "Zürich \"A\"".to_owned()), ("a".to_owned(), String::new())].into();
    full.event.trace_parent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap());
    full.event.enqueued_at = now - MINUTE;
    full.event.idempotency_key_expires_at = Some(now + MINUTE);
    full.event.state.expires_at = Some(now + 2 * MINUTE);
    full.event.overrides = Overrides {
        retry_policy: Some(RetryPolicyPatch {
            max_retries: Some(7),
            retry_delay: Some(RetryDelayPatch { initial: Some(0.5), ..Default::default() }),
            ..Default::default()
        }),
        visibility_timeout: Some(Duration::from_millis(1_500)),
        max_processing: Some(Duration::from_secs(2_592_000)),
        progress_timeout: Some(Duration::from_millis(1_000)),
    };
    insert(store, &[bare.clone(), full.clone()]).await;
    for new in [bare, full] {
        let read = begin(store).await.events_by_id(&[new.event.event_id]).await.unwrap();
        assert_eq!(read, std::slice::from_ref(&new.event));
        let record = store.event(new.event.event_id).await.unwrap().unwrap();
        assert_eq!((record.event, record.payload), (new.event, new.payload));
        assert_eq!(record.lane, super::given::lane_key("render"));
    }
}

/// Every state that the rules can make is kept whole.
pub(crate) async fn every_state_is_read_as_it_was_written(store: &dyn Store) {
    given_events(store, "render", 1..=6).await;
    let check = async |number: u32, written: EventState| {
        assert_eq!(event(store, number).await.state, written);
    };
    check(1, claim(store, 1, "sim-1").await).await;
    check(1, apply(store, 1, |_| EventCommand::LeaveOut).await).await;
    check(1, apply(store, 1, |_| EventCommand::Cancel).await).await;
    check(1, apply(store, 1, |_| LOST).await).await;

    let limited = |_: &EventState| match claim_by("sim-2", MINUTE) {
        EventCommand::Claim { engine_id, generation, secret, visibility_timeout, .. } => EventCommand::Claim {
            engine_id,
            generation,
            engine_epoch: 12,
            engine_software_version: None,
            secret,
            visibility_timeout,
            max_processing: Some(Duration::from_secs(90)),
            progress_timeout: Some(Duration::from_secs(30)),
        },
        other => other,
    };
    check(2, apply(store, 2, limited).await).await;
    check(2, apply(store, 2, |state| EventCommand::Report { token: token(state), progress: true }).await).await;
    check(2, apply(store, 2, complete).await).await;

    claim(store, 3, "sim-1").await;
    check(3, apply(store, 3, |state| fail(state, true, false, "again")).await).await;
    claim(store, 4, "sim-1").await;
    check(4, apply(store, 4, release).await).await;
    check(5, apply(store, 5, |_| EventCommand::Cancel).await).await;

    claim(store, 6, "sim-1").await;
    check(6, apply(store, 6, |state| fail(state, false, false, "no")).await).await;
}

/// A payload passes through unparsed.
pub(crate) async fn a_payload_is_kept_byte_for_byte(store: &dyn Store) {
    let (lane_id, now) = (lane(store, "render").await, now(store).await);
    let long = format!("\"{}\"", "é".repeat(131_071));
    let texts = ["{ \"a\" : 1.50,\n\t\"a\\u0000\": 1e3 }", "null", "\"\u{1f980} \\\" 'x' \u{7f}\"", &long];
    let mut events = Vec::new();
    for (number, text) in (1..).zip(texts) {
        events.push(NewEventRow { payload: RawJson::trusted(text), ..new_event(number, lane_id, now) });
    }
    insert(store, &events).await;
    let payloads = begin(store).await.payloads(&ids([4, 3, 9, 2, 1])).await.unwrap();
    let read: Vec<_> = payloads.iter().map(|(event_id, payload)| (*event_id, payload.as_str())).collect();
    assert_eq!(read, [(id(4), texts[3]), (id(3), texts[2]), (id(2), texts[1]), (id(1), texts[0])]);
}

/// Those that exist come in the order of the ids.
pub(crate) async fn events_are_read_in_the_order_asked_for(store: &dyn Store) {
    given_events(store, "render", 1..=4).await;
    let read = begin(store).await.events_by_id(&ids([3, 9, 1, 4])).await.unwrap();
    assert_eq!(read.iter().map(|event| event.event_id).collect::<Vec<_>>(), ids([3, 1, 4]));
}

/// A decision made on an old reading changes nothing.
pub(crate) async fn a_stale_write_changes_nothing(store: &dyn Store) {
    let read = given_processing_event(store, 1).await;
    let now = now(store).await;
    let (completed, _) = after(&read.state, &complete(&read.state), now);
    write(store, &[change(&read, completed)]).await;
    let (released, _) = after(&read.state, &release(&read.state), now);
    refuse(store, &[change(&read, released)]).await;
    assert_eq!(status(store, 1).await, EventStatus::Completed);
}

/// The same status is not the same reading: the event was taken away and claimed anew in between.
pub(crate) async fn a_write_under_an_older_lock_changes_nothing(store: &dyn Store) {
    let old = given_processing_event(store, 1).await;
    apply(store, 1, release).await;
    let newer = claim(store, 1, "sim-2").await;
    let (completed, _) = after(&old.state, &complete(&old.state), now(store).await);
    refuse(store, &[change(&old, completed)]).await;
    assert_eq!(event(store, 1).await.state, newer);
}

/// An event that was forgotten does not come back.
pub(crate) async fn a_write_to_an_event_that_is_gone_changes_nothing(store: &dyn Store) {
    let read = given_processing_event(store, 1).await;
    let mut tx = begin(store).await;
    tx.delete_events(&[id(1)]).await.unwrap();
    tx.commit().await.unwrap();
    let (completed, _) = after(&read.state, &complete(&read.state), now(store).await);
    refuse(store, &[change(&read, completed)]).await;
    assert!(store.event(id(1)).await.unwrap().is_none());
}

/// Of many writes all take place or none, and with them whatever else is in the transaction.
pub(crate) async fn one_stale_write_keeps_the_others_from_being_written(store: &dyn Store) {
    given_events(store, "render", 1..=5).await;
    let now = now(store).await;
    let mut changes = Vec::new();
    for number in [4, 2, 5, 1] {
        let read = event(store, number).await;
        changes.push(change(&read, after(&read.state, &claim_by("sim-1", MINUTE), now).0));
    }
    changes[1].make_stale();
    refuse(store, &changes).await;
    for number in 1..=5 {
        assert_eq!(status(store, number).await, EventStatus::Queued);
    }
}

/// Its attributes are those that were written, and nobody finds it in its old lane.
pub(crate) async fn an_event_that_is_changed_is_counted_and_found_where_it_is_then(store: &dyn Store) {
    let (old, new) = (lane(store, "a").await, lane(store, "b").await);
    let since = now(store).await - MINUTE;
    insert(store, &[of_run(new_event(1, old, since), "run"), of_run(new_event(2, old, since), "run")]).await;
    let ranges = [old, new].map(|lane_id| ReadyRange { lane_id, after: None });
    // Whatever a store remembers of lanes without events, it must find the event.
    assert!(begin(store).await.ready_events(&ranges[1..], 9).await.unwrap().is_empty());
    let read = event(store, 1).await;
    let mut changed = change(&read, read.state.clone()).moved_to(new);
    changed.event.labels = [("team".to_owned(), "a".to_owned())].into();
    changed.event.overrides = Overrides {
        retry_policy: Some(RetryPolicyPatch { max_retries: Some(9), ..RetryPolicyPatch::default() }),
        visibility_timeout: Some(MINUTE),
        max_processing: Some(2 * MINUTE),
        progress_timeout: Some(3 * MINUTE),
    };
    let wanted = changed.event.clone();
    let mut stale = changed.clone();
    stale.make_stale();
    refuse(store, &[stale]).await;
    assert_eq!(event(store, 1).await, read);
    write(store, &[changed]).await;
    assert_eq!(event(store, 1).await, wanted);
    let found = begin(store).await.ready_events(&ranges, 9).await.unwrap();
    assert_eq!(found.iter().map(|ready| ready.event.lane_id).collect::<Vec<_>>(), [new, old]);
    let counts = store.lane_counts().await.unwrap();
    assert_eq!(counts.iter().map(|lane| lane.counts.queued).collect::<Vec<_>>(), [1, 1]);
    let run = store.scenario_run(&"run".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(run.0.counts.queued, 2);
    // And back to an event that sets nothing.
    let read = event(store, 1).await;
    let mut plain = change(&read, read.state.clone()).moved_to(new);
    (plain.event.labels, plain.event.overrides) = Default::default();
    let wanted = plain.event.clone();
    write(store, &[plain]).await;
    assert_eq!(event(store, 1).await, wanted);
}

/// A redrive may bring another payload, a stale one may not.
pub(crate) async fn a_payload_is_replaced_with_its_event_or_not_at_all(store: &dyn Store) {
    given_events(store, "render", [1]).await;
    let read = event(store, 1).await;
    let with_payload = |text: &str, lock_serial: i64| Decision {
        read: EventState { lock_serial, ..read.state.clone() },
        payload: Some(RawJson::trusted(text)),
        ..change(&read, read.state.clone())
    };
    refuse(store, &[with_payload("\"stale\"", 5)]).await;
    assert_eq!(store.event(id(1)).await.unwrap().unwrap().payload.as_str(), "{\"number\": 1}");
    write(store, &[with_payload("\"new\"", 0)]).await;
    assert_eq!(store.event(id(1)).await.unwrap().unwrap().payload.as_str(), "\"new\"");
}

/// A key lives as long as its event is kept, whatever became of it.
pub(crate) async fn a_key_finds_its_event_as_long_as_it_is_kept(store: &dyn Store) {
    let (lane_id, now) = (lane(store, "render").await, now(store).await);
    insert(store, &[with_key(new_event(1, lane_id, now), "a", 1), with_key(new_event(2, lane_id, now), "B", 2)]).await;
    claim(store, 1, "sim-1").await;
    apply(store, 1, complete).await;
    let keyed = |key: &str, number: u32| KeyedEvent {
        key: key.into(),
        event_id: id(number),
        fingerprint: [u8::try_from(number).unwrap(); 16],
        expires_at: None,
    };
    let mut tx = begin(store).await;
    let mut found = tx.events_by_idempotency_key(&["B", "b", "a", ""]).await.unwrap();
    found.sort_by_key(|found| found.event_id);
    assert_eq!(found, [keyed("a", 1), keyed("B", 2)], "a capital is another letter");
    tx.delete_events(&[id(1)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(begin(store).await.events_by_idempotency_key(&["a", "B"]).await.unwrap(), [keyed("B", 2)]);
    insert(store, &[with_key(new_event(3, lane_id, now), "a", 3)]).await;
    assert_eq!(begin(store).await.events_by_idempotency_key(&["a"]).await.unwrap(), [keyed("a", 3)]);
}

/// A key that is taken from its event is free, and the event is as it was. What is expired is told with the key: whoever
/// asks decides.
pub(crate) async fn a_released_key_is_free_and_its_event_stays(store: &dyn Store) {
    let (lane_id, now) = (lane(store, "render").await, now(store).await);
    let mut expired = with_key(new_event(1, lane_id, now), "a", 1);
    expired.event.idempotency_key_expires_at = Some(now);
    insert(store, &[expired, with_key(new_event(2, lane_id, now), "b", 2), new_event(3, lane_id, now)]).await;
    let state = claim(store, 1, "sim-1").await;
    let mut tx = begin(store).await;
    let found = tx.events_by_idempotency_key(&["a"]).await.unwrap();
    assert_eq!((found[0].event_id, found[0].expires_at), (id(1), Some(now)));
    tx.release_idempotency_keys(&ids([1, 3, 9])).await.unwrap();
    assert!(tx.events_by_idempotency_key(&["a"]).await.unwrap().is_empty());
    assert_eq!(tx.events_by_idempotency_key(&["b"]).await.unwrap().len(), 1, "nobody has asked for this one");
    tx.insert_events(&[with_key(new_event(4, lane_id, now), "a", 4)]).await.unwrap();
    tx.commit().await.unwrap();
    let old = event(store, 1).await;
    assert_eq!((old.idempotency_key, old.idempotency_key_expires_at, old.state), (None, None, state));
    assert_eq!(begin(store).await.events_by_idempotency_key(&["a"]).await.unwrap()[0].event_id, id(4));
}

/// Whoever inserts has looked before: a second event of one key, or of one id, is a bug, unless another transaction may have
/// added the first meanwhile; and nothing is added.
pub(crate) async fn a_key_that_is_kept_is_not_given_again(store: &dyn Store) {
    let (lane_id, now) = (lane(store, "render").await, now(store).await);
    insert(store, &[with_key(new_event(1, lane_id, now), "a", 1)]).await;
    for twice in [with_key(new_event(2, lane_id, now), "a", 1), new_event(1, lane_id, now)] {
        let mut tx = begin(store).await;
        let refused = match tx.insert_events(&[new_event(3, lane_id, now), twice]).await {
            Ok(()) => tx.commit().await,
            refused => refused,
        };
        assert!(matches!(refused, Err(StoreError::Bug(_) | StoreError::Conflict(_))), "{refused:?}");
    }
    assert!(store.event(id(2)).await.unwrap().is_none());
    assert!(store.event(id(3)).await.unwrap().is_none());
}
