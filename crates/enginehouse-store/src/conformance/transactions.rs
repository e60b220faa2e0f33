//! All of a transaction, or nothing of it.

use enginehouse_core::event::{AttemptError, AttemptOutcome, DeadLetterReason, EventStatus};
use enginehouse_core::pause::Pause;
use enginehouse_core::policy::Settings;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::AttemptEnd;

use super::audit::entry;
use super::given::{
    MINUTE, after, begin, change, claim_by, engine_id, event, given_events, id, ids, lane_key, new_event, now,
    registered, status, write_in,
};
use crate::rows::{
    DeadLetterFilter, EngineFilter, EventFilter, History, NewDeadLetter, PageRequest, RegistryChange, SettingsRow,
    SettingsRows,
};
use crate::{Applied, FirstReads, Store, StoreError, Transaction};

/// Writes to everything that there is.
async fn write_everything(tx: &mut dyn Transaction) {
    let now = tx.now();
    let lane_id = tx.intern_lanes(&[lane_key("new")]).await.unwrap()[0].lane_id;
    tx.insert_events(&[new_event(2, lane_id, now)]).await.unwrap();
    let read = tx.events_by_id(&[id(1)]).await.unwrap().remove(0);
    let (state, _) = after(&read.state, &claim_by("sim-1", MINUTE), now);
    write_in(&mut *tx, &[change(&read, state)]).await.unwrap();
    tx.delete_events(&[id(3)]).await.unwrap();
    tx.write_engines(&[registered("sim-1", now)]).await.unwrap();
    let error = AttemptError { code: None, message: "no".to_owned(), details: None };
    let end = AttemptEnd {
        attempt: 1,
        lock_serial: 1,
        engine_id: engine_id("sim-1"),
        engine_software_version: None,
        outcome: AttemptOutcome::Lost,
        error: Some(error),
        available_at: now,
        claimed_at: now,
        ended_at: now,
    };
    tx.insert_attempts(&[(id(1), end)]).await.unwrap();
    let letter = NewDeadLetter {
        event_id: id(1),
        event_type: "new".parse().unwrap(),
        queue: "default".parse().unwrap(),
        reason: DeadLetterReason::Requested,
        dead_lettered_at: now,
        error: None,
    };
    tx.insert_dead_letters(&[letter]).await.unwrap();
    let pause = Pause { since: now, reason: None };
    let paused = SettingsRow { settings: Settings { paused: true, ..Settings::default() }, pause: Some(pause) };
    tx.write_event_type(&"new".parse().unwrap(), Some(&paused)).await.unwrap();
    tx.write_queue(&"q".parse().unwrap(), Some(&SettingsRow::default())).await.unwrap();
    tx.insert_audit(&[entry(&id(1).to_string(), "event.cancel", now)]).await.unwrap();
    tx.raise_registry_version(RegistryChange::Settings).await.unwrap();
}

/// Dropped without commit, it has not been.
pub(crate) async fn a_dropped_transaction_changes_nothing(store: &dyn Store) {
    given_events(store, "render", [1, 3]).await;
    let lanes = store.lane_counts().await.unwrap();
    let version = begin(store).await.registry_version().await.unwrap();
    let mut tx = begin(store).await;
    write_everything(&mut *tx).await;
    drop(tx);

    let mut tx = begin(store).await;
    assert_eq!(tx.events_by_id(&[id(1), id(2), id(3)]).await.unwrap().len(), 2);
    assert_eq!(tx.payloads(&[id(2), id(3)]).await.unwrap().len(), 1);
    assert_eq!(tx.lanes_since(0).await.unwrap().active.len(), 1);
    assert_eq!(tx.all_engines().await.unwrap(), []);
    assert_eq!(tx.registry_version().await.unwrap(), version);
    assert_eq!(tx.registry_since(None).await.unwrap().settings, Some(SettingsRows::default()));
    assert_eq!(tx.matching_dead_letters(&DeadLetterFilter::default(), 10).await.unwrap(), []);
    assert_eq!(tx.next_lock_expiry(Timestamp::MAX).await.unwrap(), None);
    drop(tx);
    assert_eq!(status(store, 1).await, EventStatus::Queued);
    assert_eq!(
        store.history(id(1)).await.unwrap(),
        History { event: Some(event(store, 1).await), ..History::default() }
    );
    assert_eq!(store.lane_counts().await.unwrap(), lanes);
}

/// Reads see nothing of a transaction, and then all of it.
pub(crate) async fn reads_see_a_transaction_once_it_is_committed(store: &dyn Store) {
    let lane_id = given_events(store, "render", [1]).await;
    let all = PageRequest { limit: 10, after: None };
    let mut tx = begin(store).await;
    let (now, read) = (tx.now(), tx.events_by_id(&[id(1)]).await.unwrap().remove(0));
    tx.insert_events(&[new_event(2, lane_id, now)]).await.unwrap();
    let (state, _) = after(&read.state, &claim_by("sim-1", MINUTE), now);
    write_in(&mut *tx, &[change(&read, state)]).await.unwrap();
    tx.write_engines(&[registered("sim-1", now)]).await.unwrap();

    assert!(store.event(id(2)).await.unwrap().is_none());
    assert_eq!(status(store, 1).await, EventStatus::Queued);
    assert!(store.engines(&EngineFilter::default(), &all).await.unwrap().items.is_empty());
    tx.commit().await.unwrap();
    assert_eq!(status(store, 1).await, EventStatus::Processing);
    assert_eq!(store.events(&EventFilter::default(), &all).await.unwrap().items.len(), 2);
    let engines = store.engines(&EngineFilter::default(), &all).await.unwrap().items;
    assert_eq!(engines.iter().map(|(_, locks)| *locks).collect::<Vec<_>>(), [1]);
}

/// Two commands for one event may share a transaction: the second sees what the first did.
pub(crate) async fn a_transaction_reads_what_it_has_written(store: &dyn Store) {
    given_events(store, "render", [1]).await;
    let read = event(store, 1).await;
    let mut tx = begin(store).await;
    let now = tx.now();
    let (claimed, _) = after(&read.state, &claim_by("sim-1", MINUTE), now);
    write_in(&mut *tx, &[change(&read, claimed.clone())]).await.unwrap();
    let read = tx.events_by_id(&[id(1)]).await.unwrap().remove(0);
    assert_eq!(read.state, claimed);
    assert_eq!(tx.held_events(&[engine_id("sim-1")]).await.unwrap().len(), 1);
    let (completed, _) = after(&read.state, &super::given::complete(&read.state), now);
    write_in(&mut *tx, &[change(&read, completed)]).await.unwrap();
    assert_eq!(tx.next_lock_expiry(Timestamp::MAX).await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(status(store, 1).await, EventStatus::Completed);
}

/// What a transaction said that it would read is what it would have read without that; and once it has written, what it reads is
/// what it has written.
pub(crate) async fn what_is_read_first_is_what_is_there(store: &dyn Store) {
    given_events(store, "render", [1, 2]).await;
    let now = now(store).await;
    super::given::write_engines(store, &[registered("sim-1", now)]).await;
    let first = FirstReads { engines: vec![engine_id("sim-1"), engine_id("gone")], events: ids([2, 9, 1]) };
    let mut tx = store.begin_with(first.clone()).await.unwrap();
    assert_eq!(tx.engines_by_id(&[engine_id("other")]).await.unwrap(), [], "it reads something else");
    let engines = tx.engines_by_id(&first.engines).await.unwrap();
    assert_eq!(engines.iter().map(|engine| engine.engine_id.as_str()).collect::<Vec<_>>(), ["sim-1"]);
    let events = tx.events_by_id(&first.events).await.unwrap();
    assert_eq!(events.iter().map(|event| event.event_id).collect::<Vec<_>>(), ids([2, 1]));
    assert_eq!(tx.events_by_id(&first.events).await.unwrap(), events, "as often as it asks");
    drop(tx);

    let mut tx = store.begin_with(first.clone()).await.unwrap();
    tx.engines_by_id(&first.engines).await.unwrap();
    let (claimed, _) = after(&events[1].state, &claim_by("sim-1", MINUTE), now);
    write_in(&mut *tx, &[change(&events[1], claimed.clone())]).await.unwrap();
    let lost = engines[0].clone().lost();
    tx.write_engines(std::slice::from_ref(&lost)).await.unwrap();
    assert_eq!(tx.engines_by_id(&first.engines).await.unwrap(), [lost]);
    assert_eq!(tx.events_by_id(&first.events).await.unwrap()[1].state, claimed);
    tx.commit().await.unwrap();
}

/// What came before the error does not stay, and what comes after it is not done. A write may be refused with the call that
/// follows it.
pub(crate) async fn an_error_ends_a_transaction_and_nothing_of_it_stays(store: &dyn Store) {
    let lane_id = given_events(store, "render", [1]).await;
    let mut tx = begin(store).await;
    let now = tx.now();
    tx.insert_events(&[new_event(2, lane_id, now)]).await.unwrap();
    let refused = match tx.insert_events(&[new_event(1, lane_id, now)]).await {
        Ok(()) => tx.next_lock_expiry(Timestamp::MAX).await.map(drop),
        refused => refused,
    };
    assert!(matches!(refused, Err(StoreError::Bug(_))), "{refused:?}");
    assert!(tx.insert_events(&[new_event(3, lane_id, now)]).await.is_err());
    let refused = tx.commit().await;
    assert!(
        !matches!(refused, Ok(()) | Err(StoreError::Unavailable { applied: Applied::Unknown, .. })),
        "it is known that nothing was committed: {refused:?}"
    );
    assert_eq!(begin(store).await.events_by_id(&[id(1), id(2), id(3)]).await.unwrap().len(), 1);
    super::given::insert(store, &[new_event(2, lane_id, now)]).await;
}

/// One time for the whole transaction, and none earlier than before.
pub(crate) async fn the_time_of_a_transaction_is_not_earlier_than_one_before(store: &dyn Store) {
    let mut last = now(store).await;
    for _ in 0..100 {
        let mut tx = begin(store).await;
        let now = tx.now();
        assert!(now >= last);
        tx.registry_version().await.unwrap();
        assert_eq!(tx.now(), now);
        tx.commit().await.unwrap();
        last = now;
    }
}

/// A batch without commands of a kind asks for nothing.
pub(crate) async fn an_empty_set_is_no_error(store: &dyn Store) {
    let mut tx = begin(store).await;
    tx.insert_events(&[]).await.unwrap();
    assert!(tx.events_by_id(&[]).await.unwrap().is_empty());
    assert!(tx.payloads(&[]).await.unwrap().is_empty());
    assert!(tx.events_by_idempotency_key(&[]).await.unwrap().is_empty());
    tx.release_idempotency_keys(&[]).await.unwrap();
    assert!(tx.ready_events(&[], 5).await.unwrap().is_empty());
    assert!(tx.ready_events_of_run(&"run".parse().unwrap(), &[], 5).await.unwrap().is_empty());
    tx.write_events(&[]).await.unwrap();
    tx.delete_events(&[]).await.unwrap();
    assert!(tx.held_events(&[]).await.unwrap().is_empty());
    assert!(tx.held_events_for_update(&[]).await.unwrap().is_empty());
    assert!(tx.intern_lanes(&[]).await.unwrap().is_empty());
    assert!(tx.delete_empty_lanes(5).await.unwrap().is_empty());
    assert!(tx.engines_by_id(&[]).await.unwrap().is_empty());
    tx.write_engines(&[]).await.unwrap();
    assert_eq!(tx.next_engine_loss().await.unwrap(), None);
    tx.insert_attempts(&[]).await.unwrap();
    tx.add_durations(&[]).await.unwrap();
    tx.add_minutes(&[]).await.unwrap();
    tx.insert_dead_letters(&[]).await.unwrap();
    tx.delete_dead_letters(&[]).await.unwrap();
    tx.insert_audit(&[]).await.unwrap();
    tx.commit().await.unwrap();
}
