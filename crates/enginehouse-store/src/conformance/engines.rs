//! Engines: what they said, and since when they have been silent.

use std::time::Duration;

use enginehouse_core::access::secret::{AccessToken, SecretHash};
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::engine::{EngineStatus, RegisteredEngine};
use enginehouse_core::ids::EngineId;
use enginehouse_core::quarantine::{AutomaticQuarantine, Quarantine};

use super::given::{
    HOUR, MINUTE, apply, begin, claim, complete, engine_id, given_events, now, of_engines, registered, write_engines,
};
use crate::Store;
use crate::rows::{EngineFilter, PageRequest};

fn names(engines: &[RegisteredEngine]) -> Vec<&str> {
    engines.iter().map(|engine| engine.engine_id.as_str()).collect()
}

fn page(limit: u32, after: Option<String>) -> PageRequest {
    PageRequest { limit, after }
}

/// Nothing of an engine is lost or changed; written again, it is replaced.
pub(crate) async fn an_engine_is_read_as_it_was_written(store: &dyn Store) {
    let now = now(store).await;
    let first = registered("sim-1", now);
    write_engines(store, std::slice::from_ref(&first)).await;
    let read = begin(store).await.engines_by_id(&[engine_id("sim-1")]).await.unwrap();
    assert_eq!(read, std::slice::from_ref(&first));
    let mut second = first.drained(true).lost();
    second.epoch = 7;
    second.engine_type = "other".parse().unwrap();
    second.heartbeat_interval = Duration::ZERO;
    second.last_heartbeat_at = now + MINUTE;
    second.quarantine = Some(Quarantine { reason: "fan".to_owned(), since: now, until: None, event_types: Vec::new() });
    let automatic = AutomaticQuarantine::begin("render".parse().unwrap(), "7 of 7 failed".to_owned(), None, now);
    let over =
        AutomaticQuarantine::begin("encode".parse().unwrap(), "9 of 9".to_owned(), Some(&automatic), now).over(now);
    second = second.with_automatic(over, now).with_automatic(automatic, now);
    second.metadata.dynamic_state.current_scenario_run_id = Some("run-1".to_owned());
    second.session = Some(SecretHash::from_bytes([7; 32]));
    second.registered_by = Some(AccessToken::made(7, [7; 32]).accessor().clone());
    second.takeovers_counted_until = Some(now + HOUR);
    write_engines(store, &[second.clone()]).await;
    assert_eq!(begin(store).await.all_engines().await.unwrap(), [second.clone()]);
    assert_eq!(store.engine(&engine_id("sim-1")).await.unwrap(), Some((second, vec![])));
    assert_eq!(store.engine(&engine_id("sim-2")).await.unwrap(), None);
}

/// Those that are registered, in the order of the ids; all of them, by id.
pub(crate) async fn engines_are_read_in_the_order_asked_for(store: &dyn Store) {
    let now = now(store).await;
    write_engines(store, &["b", "a", "c", "B"].map(|name| registered(name, now))).await;
    let mut tx = begin(store).await;
    let asked: Vec<EngineId> = ["c", "x", "a"].map(engine_id).into();
    assert_eq!(names(&tx.engines_by_id(&asked).await.unwrap()), ["c", "a"]);
    assert_eq!(names(&tx.all_engines().await.unwrap()), ["B", "a", "b", "c"], "in the order of the bytes");
}

/// The sweep takes the longest overdue first, so that none waits for ever behind others.
pub(crate) async fn the_longest_overdue_engine_is_the_first_of_the_silent_ones(store: &dyn Store) {
    let now = now(store).await;
    let due = |name: &str, at| RegisteredEngine { lost_due_at: at, ..registered(name, now) };
    let engines = [
        due("late", Some(now - MINUTE)),
        due("later", Some(now - HOUR)),
        due("now", Some(now)),
        due("soon", Some(now + Duration::from_millis(1))),
        due("never", None),
    ];
    write_engines(store, &engines).await;
    let mut tx = begin(store).await;
    assert_eq!(names(&tx.silent_engines(now, 10).await.unwrap()), ["later", "late", "now"]);
    assert_eq!(names(&tx.silent_engines(now, 1).await.unwrap()), ["later"]);
    assert_eq!(tx.next_engine_loss().await.unwrap(), Some(now - HOUR));
    drop(tx);
    write_engines(store, &engines.map(RegisteredEngine::lost)).await;
    let mut tx = begin(store).await;
    assert!(tx.silent_engines(now + HOUR, 10).await.unwrap().is_empty());
    assert_eq!(tx.next_engine_loss().await.unwrap(), None);
}

/// One that may come back, or holds a lock, stays.
pub(crate) async fn an_engine_that_is_gone_is_forgotten_once_it_holds_no_lock(store: &dyn Store) {
    let now = now(store).await;
    let heard = |name: &str, at| RegisteredEngine { last_heartbeat_at: at, ..registered(name, now) };
    write_engines(
        store,
        &[
            heard("active", now - HOUR),
            heard("draining", now - HOUR).drained(false),
            heard("lost", now - 2 * HOUR).lost(),
            heard("stopped", now - HOUR).stopped(),
            heard("holding", now - HOUR).lost(),
            heard("fresh", now).stopped(),
        ],
    )
    .await;
    given_events(store, "render", [1]).await;
    claim(store, 1, "holding").await;
    let mut tx = begin(store).await;
    assert_eq!(tx.delete_gone_engines(now - HOUR, 10).await.unwrap(), [engine_id("lost")], "before, not at");
    assert_eq!(tx.delete_gone_engines(now, 10).await.unwrap(), [engine_id("stopped")]);
    assert_eq!(names(&tx.all_engines().await.unwrap()), ["active", "draining", "fresh", "holding"]);
    tx.commit().await.unwrap();
    apply(store, 1, complete).await;
    let mut tx = begin(store).await;
    assert_eq!(tx.delete_gone_engines(now + MINUTE, 1).await.unwrap().len(), 1);
    assert_eq!(tx.delete_gone_engines(now + MINUTE, 5).await.unwrap().len(), 1);
    assert_eq!(names(&tx.all_engines().await.unwrap()), ["active", "draining"]);
}

/// Every engine on exactly one page, by id, with the number of its locks.
pub(crate) async fn engines_are_listed_page_by_page_with_their_locks(store: &dyn Store) {
    let now = now(store).await;
    let all = ["a", "b", "c", "d", "e"];
    write_engines(store, &all.map(|name| registered(name, now))).await;
    given_events(store, "render", 1..=4).await;
    for (number, engine) in [(1, "b"), (2, "b"), (3, "e"), (4, "b")] {
        claim(store, number, engine).await;
    }
    apply(store, 4, complete).await;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let part = store.engines(&EngineFilter::default(), &page(2, after)).await.unwrap();
        assert!(part.items.len() <= 2);
        found.extend(part.items.iter().map(|(engine, locks)| (engine.engine_id.to_string(), *locks)));
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    let want = [("a", 0), ("b", 2), ("c", 0), ("d", 0), ("e", 1)].map(|(name, locks)| (name.to_owned(), locks));
    assert_eq!(found, want);
}

/// A thousand engines that say much about themselves would be more than a server should hold at once.
pub(crate) async fn a_page_of_engines_holds_a_bounded_number_of_bytes(store: &dyn Store) {
    let now = now(store).await;
    let engines: Vec<_> = (100..300)
        .map(|number| {
            let mut engine = registered(&format!("e{number}"), now);
            engine.metadata = serde_json::from_value(serde_json::json!({ "notes": "x".repeat(60_000) })).unwrap();
            engine
        })
        .collect();
    write_engines(store, &engines).await;
    let first = store.engines(&EngineFilter::default(), &page(1_000, None)).await.unwrap();
    assert_eq!(first.items.len(), 140, "just over 8 MiB");
    let rest = store.engines(&EngineFilter::default(), &page(1_000, first.next)).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (60, None));
}

/// Each field of the filter finds its own, and together they find what all find.
pub(crate) async fn engines_are_found_by_every_field(store: &dyn Store) {
    let now = now(store).await;
    let gone = RegisteredEngine { status: EngineStatus::Stopped, ..registered("gone", now) };
    let mut other = registered("other", now);
    other.engine_type = "renderer".parse().unwrap();
    other.metadata.static_config.capabilities = vec!["cuda-12".to_owned(), "avx".to_owned()];
    write_engines(store, &[registered("plain", now), registered("drained", now).drained(false), gone, other]).await;
    let within = |names: &[&str]| EngineFilter { within: of_engines(names), ..Default::default() };
    let status = |status| EngineFilter { status: Some(status), ..Default::default() };
    let of_type = EngineFilter { engine_type: Some("renderer".parse().unwrap()), ..Default::default() };
    let capable = |name: &str| EngineFilter { capability: Some(name.parse().unwrap()), ..Default::default() };
    let both = EngineFilter { status: Some(EngineStatus::Active), ..capable("gpu") };
    for (filter, want) in [
        (EngineFilter::default(), vec!["drained", "gone", "other", "plain"]),
        (status(EngineStatus::Draining), vec!["drained"]),
        (status(EngineStatus::Lost), vec![]),
        (EngineFilter { stopped: Some(true), ..Default::default() }, vec!["gone"]),
        (EngineFilter { stopped: Some(false), ..Default::default() }, vec!["drained", "other", "plain"]),
        (of_type, vec!["other"]),
        (capable("avx"), vec!["other"]),
        (capable("av"), vec![]),
        (both, vec!["plain"]),
        (within(&["p*", "gone"]), vec!["gone", "plain"]),
        (within(&["plai_"]), vec![]),
        (EngineFilter { status: Some(EngineStatus::Draining), ..within(&["p*"]) }, vec![]),
    ] {
        let found = store.engines(&filter, &page(10, None)).await.unwrap();
        let engines: Vec<_> = found.items.into_iter().map(|(engine, _)| engine).collect();
        assert_eq!(names(&engines), want, "{filter:?}");
    }
}

/// A status that no engine is in may be left out.
pub(crate) async fn engines_are_counted_by_status(store: &dyn Store) {
    let now = now(store).await;
    write_engines(store, &[registered("a", now), registered("b", now), registered("c", now).lost()]).await;
    let mut counts = store.engine_counts(&Selectors::default()).await.unwrap();
    counts.retain(|(_, count)| *count > 0);
    counts.sort_unstable();
    assert_eq!(counts, [(EngineStatus::Active, 2), (EngineStatus::Lost, 1)]);
    let counts = store.engine_counts(&of_engines(&["a*", "c"])).await.unwrap();
    let of = |wanted| counts.iter().filter(|(status, _)| *status == wanted).map(|(_, count)| count).sum::<u64>();
    assert_eq!((of(EngineStatus::Active), of(EngineStatus::Lost)), (1, 1));
}
