//! Settings, history and what operators did.

use enginehouse_core::event::AttemptOutcome;
use enginehouse_core::pause::Pause;
use enginehouse_core::policy::Settings;
use enginehouse_core::time::Timestamp;

use super::audit::{entry, write};
use super::given::{
    HOUR, LOST, MINUTE, apply, begin, claim, engine_id, event, fail, given_events, id, now, registered, write_engines,
};
use crate::Store;
use crate::rows::{Pauses, RegistryChange, SettingsRow, SettingsRows};

fn settings(json: &str) -> Settings {
    serde_json::from_str(json).unwrap()
}

/// Set, replaced and forgotten, for event types and for queues of the same name.
pub(crate) async fn settings_are_read_as_they_were_written(store: &dyn Store) {
    let full = settings(
        r#"{"retry_policy": {"max_retries": 0, "retry_delay": {"multiplier": 1.5}, "retry_elsewhere": "require"}, "visibility_timeout_seconds": 604800,
            "max_processing_seconds": 1, "hold_back_after_seconds": 0, "priority_aging_seconds": 2592000,
            "when_blocked": {"after_seconds": 60, "verdicts": ["waiting"], "action": "cancel"}, "progress_timeout_seconds": 2, "quarantine": "enforce",
            "paused": true}"#,
    );
    let (name, queue) = ("a".parse().unwrap(), "a".parse().unwrap());
    let pause = Pause { since: now(store).await, reason: Some("disk full".to_owned()) };
    let row = |settings: Settings| SettingsRow { settings, pause: settings.paused.then(|| pause.clone()) };
    let mut tx = begin(store).await;
    tx.write_event_type(&name, Some(&row(full))).await.unwrap();
    tx.write_event_type(&"b".parse().unwrap(), Some(&SettingsRow::default())).await.unwrap();
    tx.write_queue(&queue, Some(&row(settings(r#"{"paused": true}"#)))).await.unwrap();
    for run in ["night", "gone"] {
        let first = Pause { since: Timestamp::MIN, reason: None };
        tx.write_run_pause(&run.parse().unwrap(), Some(&first)).await.unwrap();
        tx.write_run_pause(&run.parse().unwrap(), Some(&pause)).await.unwrap();
    }
    tx.write_run_pause(&"gone".parse().unwrap(), None).await.unwrap();
    tx.write_run_pause(&"gone".parse().unwrap(), None).await.unwrap();
    tx.write_queue(&queue, Some(&row(settings(r#"{"max_processing_seconds": 7}"#)))).await.unwrap();
    let mut want = SettingsRows {
        event_types: [(name.clone(), full), ("b".parse().unwrap(), Settings::default())].into(),
        queues: [(queue.clone(), settings(r#"{"max_processing_seconds": 7}"#))].into(),
        pauses: Pauses {
            event_types: [(name.clone(), pause.clone())].into(),
            scenario_runs: [("night".parse().unwrap(), pause)].into(),
            ..Pauses::default()
        },
    };
    assert_eq!(tx.registry_since(None).await.unwrap().settings.unwrap(), want);
    tx.commit().await.unwrap();
    assert_eq!(store.settings().await.unwrap(), want);
    let mut tx = begin(store).await;
    tx.write_event_type(&name, None).await.unwrap();
    tx.write_queue(&queue, None).await.unwrap();
    tx.write_queue(&queue, None).await.unwrap();
    tx.commit().await.unwrap();
    want.event_types.remove(&name);
    want.pauses.event_types.clear();
    want.queues.clear();
    assert_eq!(store.settings().await.unwrap(), want);
}

/// Who has cached under a number never meets it again with other contents.
pub(crate) async fn the_registry_version_only_rises(store: &dyn Store) {
    let mut tx = begin(store).await;
    let first = tx.registry_version().await.unwrap();
    let second = tx.raise_registry_version(RegistryChange::Settings).await.unwrap();
    assert!(second > first);
    assert_eq!(tx.registry_version().await.unwrap(), second);
    tx.commit().await.unwrap();
    let mut tx = begin(store).await;
    let dropped = tx.raise_registry_version(RegistryChange::Settings).await.unwrap();
    drop(tx);
    let mut tx = begin(store).await;
    assert_eq!(tx.registry_version().await.unwrap(), second);
    assert!(tx.raise_registry_version(RegistryChange::Settings).await.unwrap() > dropped);
}

/// Whoever knows the registry up to a version reads what has changed since, and no more.
pub(crate) async fn the_registry_is_read_from_a_version_on(store: &dyn Store) {
    let at = now(store).await;
    let raise = async |change: RegistryChange<'_>| {
        let mut tx = begin(store).await;
        let version = tx.raise_registry_version(change).await.unwrap();
        tx.commit().await.unwrap();
        version
    };
    let since = async |version| {
        let changes = begin(store).await.registry_since(version).await.unwrap();
        let mut names: Vec<_> = changes.engines.iter().map(|engine| engine.engine_id.to_string()).collect();
        names.sort_unstable();
        (names.join(","), changes.settings.is_some(), changes.is_complete)
    };
    write_engines(store, &[registered("a", at), registered("b", at)]).await;
    let first = raise(RegistryChange::Engines(&[engine_id("a"), engine_id("b")])).await;
    assert_eq!(since(None).await, ("a,b".to_owned(), true, true));
    assert_eq!(since(Some(first)).await, (String::new(), false, false));
    // A heartbeat is nothing that others keep a copy of.
    write_engines(store, &[registered("a", at)]).await;
    assert_eq!(since(Some(first)).await, (String::new(), false, false));
    let second = raise(RegistryChange::Engines(&[engine_id("b")])).await;
    let third = raise(RegistryChange::Settings).await;
    assert_eq!(since(Some(first)).await, ("b".to_owned(), true, false));
    assert_eq!(since(Some(second)).await, (String::new(), true, false));
    raise(RegistryChange::EnginesDeleted).await;
    assert_eq!(since(Some(third)).await, ("a,b".to_owned(), false, true));
}

/// Attempts and actions, oldest first, each as it was.
pub(crate) async fn the_history_of_an_event_is_in_its_order(store: &dyn Store) {
    given_events(store, "render", 1..=2).await;
    let first = claim(store, 1, "sim-1").await;
    apply(store, 1, |_| LOST).await;
    claim(store, 1, "sim-2").await;
    apply(store, 1, |state| fail(state, false, false, "broke")).await;
    let at = now(store).await;
    let actions = [entry(&id(1).to_string(), "event.retry", at), entry(&id(1).to_string(), "event.cancel", at)];
    let mut tx = begin(store).await;
    tx.insert_audit(&[actions[0].clone(), entry(&id(2).to_string(), "event.cancel", at), actions[1].clone()])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let history = store.history(id(1)).await.unwrap();
    assert_eq!(history.actions, actions);
    let outcomes: Vec<_> = history.attempts.iter().map(|end| (end.attempt, end.outcome)).collect();
    assert_eq!(outcomes, [(1, AttemptOutcome::Lost), (2, AttemptOutcome::Failed)]);
    assert_eq!(history.attempts[0].claimed_at, first.claimed_at.unwrap());
    assert_eq!(history.attempts[0].available_at, first.available_at);
    assert_eq!(history.attempts[0].engine_id.as_str(), "sim-1");
    assert_eq!(history.attempts[0].engine_software_version.as_deref(), Some("1.4.0-né"));
    assert_eq!(history.event, Some(event(store, 1).await), "it tells of the newest attempt");
    let error = history.attempts[1].error.as_ref().unwrap();
    assert_eq!((error.code.as_deref(), error.message.as_str()), (Some("out_of_memory"), "broke"));
    assert_eq!(error.details.as_ref().unwrap().as_str(), "{\"mb\": 7}");
    assert_eq!(store.history(id(9)).await.unwrap(), crate::rows::History::default());
}

/// A bounded number at a time, and none that is young enough.
pub(crate) async fn old_audit_entries_are_forgotten_first(store: &dyn Store) {
    let at = now(store).await;
    let target = id(1).to_string();
    let all = [
        entry(&target, "one", at - HOUR),
        entry(&target, "two", at - MINUTE),
        entry(&target, "three", at - MINUTE),
        entry(&target, "four", at),
    ];
    write(store, &all).await;
    store.link_audit().await.unwrap();
    let mut tx = begin(store).await;
    assert_eq!(tx.delete_audit(at, 2).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(store.history(id(1)).await.unwrap().actions, all[2..]);
    let mut tx = begin(store).await;
    assert_eq!(tx.delete_audit(at, 2).await.unwrap(), 1, "before, not at");
    assert_eq!(tx.delete_audit(at, 2).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!(store.history(id(1)).await.unwrap().actions, all[3..]);
}
