//! The database goes away, comes back, cuts connections, refuses, and stands in its own way.

use std::process::Command;
use std::time::Duration;

use enginehouse_api::problem::Code;
use enginehouse_cluster::{Cluster, Stop, psql};
use enginehouse_core::event::EventStatus;
use enginehouse_tests::load::{Load, SwitchableClient};
use enginehouse_tests::test_store::{StoreKind, TestStore};
use enginehouse_tests::{TestServer, command, kills};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tempfile::NamedTempFile;

use crate::calls::{claim, code, complete, enqueue, enqueue_as, heartbeat, id, once_back, register};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_killed_or_restarted_under_load_loses_nothing_and_the_server_goes_on_by_itself() {
    let cluster = Cluster::start_with(&[("fsync", "on")]);
    let server = TestServer::at(&cluster.create_database(), &["--log", "off"]);
    let load = Load::start(&[SwitchableClient::to(&server)], 3, 2);
    let mut chance = StdRng::seed_from_u64(15);
    for round in 0..kills(6) {
        load.more(chance.random_range(20..300)).await;
        match round % 3 {
            0 => cluster.kill(),
            1 => cluster.stop(Stop::Fast),
            _ => cluster.stop(Stop::Immediate),
        }
        let refused = enqueue(&server.client()).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::StoreUnavailable), "{refused}");
        assert!(refused.retry_after().is_some(), "{refused}");
        cluster.start_again();
    }
    load.more(50).await;
    let record = load.check(&server.client()).await;
    assert!(!record.failures.contains_key("engine lost"), "{:?}", record.failures);
    assert!(record.completed.len() > 50 && record.enqueued.len() > 50, "there was load");
}

#[tokio::test]
async fn no_engine_is_lost_and_no_lock_expires_because_the_database_was_away() {
    let cluster = Cluster::start_with(&[("fsync", "on")]);
    let server = TestServer::at(&cluster.create_database(), &["--log", "off"]);
    let client = server.client();
    register(&client, "steady", 1).await;
    register(&client, "other", 0).await;
    enqueue(&client).await.unwrap();
    let held = claim(&client, "steady").await.unwrap().remove(0);
    cluster.kill();
    // Longer than the engine may be silent.
    let mut tries = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..45 {
        tries.tick().await;
        let refused = enqueue(&client).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::StoreUnavailable), "{refused}");
    }
    let refused = enqueue(&client).await.unwrap_err();
    assert!(!refused.maybe_applied() && refused.retry_after().is_some(), "nothing was done, and it says so: {refused}");
    cluster.start_again();
    let none = once_back("the server is back", async || claim(&client, "other").await).await;
    assert!(none.is_empty(), "the lock is still held");
    let heard = heartbeat(&client, "steady", &[&held]).await.unwrap();
    assert_eq!((heard.renewed.len(), heard.lost.len()), (1, 0));
    assert_eq!(client.engine(&id("steady")).await.unwrap().status.name(), "active");
    let completed = complete(&client, &held).await.unwrap();
    assert_eq!((completed.status, completed.losses), (EventStatus::Completed, 0));
}

#[tokio::test]
async fn no_engine_is_lost_because_the_database_stood_still() {
    let cluster = Cluster::start();
    let server = TestServer::at(&cluster.create_database(), &["--log", "off", "--durability", "relaxed"]);
    let client = server.client();
    register(&client, "steady", 2).await;
    enqueue(&client).await.unwrap();
    let held = claim(&client, "steady").await.unwrap().remove(0);
    heartbeat(&client, "steady", &[&held]).await.unwrap();
    cluster.freeze();
    // Longer than the engine may be silent.
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..90 {
        ticks.tick().await;
    }
    cluster.thaw();
    // The sweep that stood still, and one after it.
    for _ in 0..15 {
        ticks.tick().await;
        assert_eq!(client.engine(&id("steady")).await.unwrap().status.name(), "active");
    }
    assert_eq!(heartbeat(&client, "steady", &[&held]).await.unwrap().renewed.len(), 1);
    assert_eq!(complete(&client, &held).await.unwrap().losses, 0);
}

#[tokio::test]
async fn what_a_relaxed_database_forgets_in_a_crash_the_server_forgets_too() {
    // What is committed is in memory only, until PostgreSQL's background processes write it.
    let cluster = Cluster::start_with(&[
        ("synchronous_commit", "off"),
        ("wal_writer_delay", "10s"),
        ("wal_writer_flush_after", "1GB"),
    ]);
    let database = cluster.create_database();
    let server = TestServer::at(&database, &["--log", "off", "--durability", "relaxed"]);
    let client = server.client();
    register(&client, "e", 0).await;
    cluster.psql("checkpoint");
    for round in 0..10 {
        let new = format!(r#"{{"event_type":"new-{round}"}}"#);
        // More than one, so that whatever copies the server keeps, it has them by now.
        let first = enqueue_as(&client, &new).await.unwrap();
        let last = enqueue_as(&client, &new).await.unwrap();
        cluster.kill();
        cluster.start_again();
        let kept = once_back("the server is back", async || enqueue_as(&client, &new).await).await;
        let claimed = claim(&client, "e").await.unwrap();
        assert!(claimed.iter().any(|event| event.event_id == kept), "round {round}: {claimed:?}");
        let astray =
            "select count(*) from enginehouse.events where lane_id not in (select lane_id from enginehouse.lanes)";
        assert_eq!(psql(&database, astray), "0", "round {round}: every event is in a lane that is there");
        for event in &claimed {
            complete(&client, event).await.unwrap();
        }
        if code(client.event(first).await) == Some(Code::NotFound) {
            assert_eq!(code(client.event(last).await), Some(Code::NotFound));
            return;
        }
    }
    panic!("the database has forgotten nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_may_be_cut_at_any_statement() {
    let store = TestStore::on(StoreKind::Postgres);
    let server = store.serve(&["--log", "off"]);
    let load = Load::start(&[SwitchableClient::to(&server)], 3, 2);
    let mut chance = StdRng::seed_from_u64(57);
    let mut cut = 0;
    for _ in 0..kills(40) {
        load.more(chance.random_range(1..30)).await;
        let some = psql(
            &store.url(),
            "select count(pg_terminate_backend(pid)) from pg_stat_activity \
             where datname = current_database() and application_name = 'enginehouse' and random() < 0.4",
        );
        cut += some.parse::<usize>().unwrap();
    }
    load.more(50).await;
    load.check(&server.client()).await;
    println!("{cut} connections cut");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlocks_and_locks_of_others_cost_a_repeat_at_most() {
    let cluster = Cluster::start_with(&[("deadlock_timeout", "20ms")]);
    let database = cluster.create_database();
    let server = TestServer::at(&database, &["--log", "off", "--durability", "relaxed"]);
    let load = Load::start(&[SwitchableClient::to(&server)], 3, 2);
    load.more(50).await;
    // Locks what the server locks, in the other order, and changes nothing.
    let outsider = "do $$ begin \
         perform from enginehouse.events where status = 'processing' order by random() limit 5 for update; \
         perform from enginehouse.engines order by random() for update; \
         perform from enginehouse.events order by random() limit 50 for update; \
         exception when deadlock_detected then null; end $$";
    for _ in 0..kills(40) {
        let database = database.clone();
        tokio::task::spawn_blocking(move || psql(&database, outsider)).await.unwrap();
        load.more(2).await;
    }
    load.more(50).await;
    load.check(&server.client()).await;
    let deadlocks = psql(&database, "select deadlocks from pg_stat_database where datname = current_database()");
    println!("{deadlocks} deadlocks");
}

/// A server whose log is a file.
fn logging() -> (Command, NamedTempFile) {
    let log = NamedTempFile::new().unwrap();
    let mut serve = command(["serve"]);
    serve.stderr(log.reopen().unwrap());
    (serve, log)
}

#[tokio::test]
async fn a_full_disk_refuses_what_would_grow_the_store_and_is_named_as_what_it_is() {
    let store = TestStore::on(StoreKind::Postgres);
    let (serve, log) = logging();
    let server = store.serve_with(serve, &["--log", "warn"]);
    let client = server.client();
    register(&client, "e", 0).await;
    let kept = enqueue(&client).await.unwrap();
    // What PostgreSQL says when there is no room for one more page.
    psql(
        &store.url(),
        "create function full_disk() returns trigger language plpgsql as $$ begin \
             raise exception 'could not extend file' using errcode = '53100'; end $$; \
         create trigger full_disk before insert on enginehouse.events execute function full_disk()",
    );
    let refused = enqueue(&client).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::StoreUnavailable), "{refused}");
    assert!(!refused.maybe_applied(), "{refused}");
    let logged = std::fs::read_to_string(log.path()).unwrap();
    assert!(logged.contains("53100") && logged.contains("free space on the database's disk"), "{logged}");
    let claimed = claim(&client, "e").await.unwrap().remove(0);
    assert_eq!(claimed.event_id, kept);
    complete(&client, &claimed).await.unwrap();
    psql(&store.url(), "drop trigger full_disk on enginehouse.events");
    enqueue(&client).await.expect("with room again it goes on");
}

#[tokio::test]
async fn a_database_without_a_free_connection_is_waited_for() {
    let cluster = Cluster::start();
    let database = cluster.create_database();
    psql(&database, "create role modest login; alter database postgres owner to modest");
    let name = database.rsplit('/').next().unwrap();
    psql(&database, &format!("alter database {name} owner to modest"));
    let url = database.replace("postgres://postgres@", "postgres://modest@");
    let (serve, log) = logging();
    let server = TestServer::with(serve, &url, &["--log", "warn", "--durability", "relaxed"]);
    let client = server.client();
    enqueue(&client).await.unwrap();
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'modest'";
    psql(&database, &format!("alter role modest connection limit 0; {cut}"));
    for _ in 0..3 {
        let refused = enqueue(&client).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::StoreUnavailable), "{refused}");
        assert!(!refused.maybe_applied(), "{refused}");
    }
    let logged = std::fs::read_to_string(log.path()).unwrap();
    assert!(logged.contains("53300"), "{logged}");
    psql(&database, "alter role modest connection limit -1");
    once_back("there are connections again", async || enqueue(&client).await).await;
}

#[tokio::test]
async fn an_outage_is_a_few_lines_in_the_log_and_the_rest_is_counted() {
    let cluster = Cluster::start();
    let (serve, log) = logging();
    let server = TestServer::with(serve, &cluster.create_database(), &["--log", "warn", "--durability", "relaxed"]);
    let client = server.client();
    enqueue(&client).await.unwrap();
    cluster.kill();
    for _ in 0..100 {
        let refused = enqueue(&client).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::StoreUnavailable), "{refused}");
    }
    let logged = std::fs::read_to_string(log.path()).unwrap();
    // One of each kind of trouble, and once more if it takes longer than ten seconds: not one for each request.
    assert!((1..20).contains(&logged.lines().count()), "{} lines:\n{logged}", logged.lines().count());
    cluster.start_again();
    once_back("the server is back", async || enqueue(&client).await).await;
    let left_out = server.metrics("enginehouse_log_lines_left_out_total ").await;
    assert!(left_out.first().is_some_and(|(_, count)| *count > 50.0), "{left_out:?}");
}
