//! A look from outside.

use std::time::Duration;

use super::{open_fresh, options, server};
use crate::StoreAdmin;
use crate::conformance::given::{claim, given_events};
use crate::postgres::shared::vacuum::holders;
use crate::postgres::{PgOpenError, PostgresStore, VacuumHolderKind, inspect};
use crate::rows::StatusCounts;

#[tokio::test]
async fn a_database_is_inspected_while_it_serves() {
    let fresh = open_fresh().await;
    given_events(&*fresh, "render", 1..=3).await;
    claim(&*fresh, 2, "sim-1").await;
    let found = inspect(options(&fresh.url)).await.unwrap();
    assert_eq!(found.counts, StatusCounts { queued: 2, processing: 1, ..Default::default() });
    assert_eq!((found.findings.len(), found.is_pooled), (0, false));
    assert_eq!(found.migrations[0].name, "engines_and_events");
    assert!(found.server_version.chars().next().unwrap().is_ascii_digit());
    let events = found.tables.iter().find(|table| table.table == "events").unwrap();
    assert!(events.bytes > 0 && events.index_bytes > 0);
    let ready = found.indexes.iter().find(|index| index.index == "events_ready").unwrap();
    assert_eq!((ready.table.as_str(), ready.bytes > 0), ("events", true));
}

#[tokio::test]
async fn findings_are_in_words() {
    let fresh = open_fresh().await;
    let lane_id = given_events(&*fresh, "render", 1..=4).await;
    let client = fresh.connect().await;
    for (change, want) in [
        (
            "update enginehouse.lane_changes set queued = 7",
            format!("lane {} has 4 queued events, but 7 are counted", lane_id.0),
        ),
        (
            "delete from enginehouse.event_payloads where event_id::text like '%1'",
            "the payload or the lane of this event is missing: 0193f2a0-0000-7000-8000-000000000001".to_owned(),
        ),
        (
            "insert into enginehouse.event_payloads values ('0193f2a0-0000-7000-8000-000000000009', '{}')",
            "the event of this payload is missing: 0193f2a0-0000-7000-8000-000000000009".to_owned(),
        ),
        (
            "insert into enginehouse.attempts values \
             ('0193f2a0-0000-7000-8000-000000000009', 1, 1, 'sim-1', 'lost', now(), now(), null, 'no', null, now(), null)",
            "the event of this attempt is missing: 0193f2a0-0000-7000-8000-000000000009".to_owned(),
        ),
        (
            "insert into enginehouse.dead_letters values \
             ('0193f2a0-0000-7000-8000-000000000002', 'render', 'default', 'rejected', now(), null, '', '')",
            "this event and its dead letter disagree: 0193f2a0-0000-7000-8000-000000000002".to_owned(),
        ),
        (
            "update enginehouse.events set lane_id = 99 where event_id::text like '%3'",
            "the payload or the lane of this event is missing: 0193f2a0-0000-7000-8000-000000000003".to_owned(),
        ),
    ] {
        client.batch_execute(change).await.unwrap();
        let found = fresh.check_integrity().await.unwrap();
        assert!(found.contains(&want), "{found:?}");
    }
    assert_eq!(inspect(options(&fresh.url)).await.unwrap().findings, fresh.check_integrity().await.unwrap());
}

#[tokio::test]
async fn a_database_without_a_schema_is_told() {
    let url = server().fresh_database();
    let found = inspect(options(&url)).await.unwrap();
    assert_eq!(found.findings, ["there is no schema enginehouse: run `enginehouse schema up`"]);
    server().drop_database(&url);
    assert!(matches!(inspect(options(&url)).await, Err(PgOpenError::Unreachable { .. })));
}

#[tokio::test]
async fn who_holds_back_vacuum_is_named() {
    let fresh = open_fresh().await;
    given_events(&*fresh, "render", [1]).await;
    let session = fresh.shared.readers.session().await.unwrap();
    let old = fresh.connect().await;
    old.batch_execute(
        "set application_name = 'a report'; begin isolation level repeatable read; select 1 from enginehouse.events",
    )
    .await
    .unwrap();
    assert_eq!(holders(&session, Duration::from_secs(3_600)).await.unwrap(), [], "it has just begun");
    let found = holders(&session, Duration::ZERO).await.unwrap();
    let found: Vec<_> = found.iter().filter(|holder| holder.name == "a report").collect();
    assert_eq!(
        (found.len(), found[0].kind, found[0].state.as_deref()),
        (1, VacuumHolderKind::Session, Some("idle in transaction"))
    );
    let message = found[0].to_string();
    assert!(message.starts_with(&format!("session {} of a report, user ", found[0].pid.unwrap())), "{message}");
    old.batch_execute("rollback").await.unwrap();
    let left = holders(&session, Duration::ZERO).await.unwrap();
    assert!(left.iter().all(|holder| holder.name != "a report"));
}

/// What may change what our statements write keeps a server from starting; what only runs afterwards does not.
#[tokio::test]
async fn what_others_have_put_on_our_tables_is_found() {
    let fresh = open_fresh().await;
    let client = fresh.connect().await;
    client
        .batch_execute(
            "create function public.spy() returns trigger language plpgsql as 'begin return null; end'; \
             create function public.watch() returns trigger language plpgsql as 'begin return new; end'",
        )
        .await
        .unwrap();
    // Row-level security is for those who own nothing, and are no superusers: the tests are one.
    for (make, drop, what, is_refused) in [
        (
            "create trigger spy before insert on enginehouse.events for each row execute function public.spy()",
            "drop trigger spy on enginehouse.events",
            "trigger spy on events",
            true,
        ),
        (
            "create rule quiet as on delete to enginehouse.events do instead nothing",
            "drop rule quiet on enginehouse.events",
            "rule quiet on events",
            true,
        ),
        (
            "create trigger watch after update on enginehouse.events for each row execute function public.watch()",
            "drop trigger watch on enginehouse.events",
            "trigger watch on events",
            false,
        ),
    ] {
        client.batch_execute(make).await.unwrap();
        let found = inspect(options(&fresh.url)).await.unwrap().findings;
        assert!(found[0].starts_with(&format!("{what} is none of Enginehouse")), "{found:?}");
        match PostgresStore::open(options(&fresh.url)).await {
            Err(PgOpenError::ForeignObjects { objects, .. }) => {
                assert_eq!((objects, is_refused), (vec![what.to_owned()], true))
            }
            opened => assert!(!is_refused && opened.is_ok(), "{what}"),
        }
        client.batch_execute(drop).await.unwrap();
    }
    client
        .batch_execute(
            "create trigger spy before insert on enginehouse.events for each row execute function public.spy(); \
             alter table enginehouse.events disable trigger spy",
        )
        .await
        .unwrap();
    assert_eq!(inspect(options(&fresh.url)).await.unwrap().findings, [""; 0], "what is disabled does nothing");
}
