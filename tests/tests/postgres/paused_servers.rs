//! A server that is stopped inside a transaction holds rows that others need, and knows nothing of it when it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use enginehouse_api::problem::Code;
use enginehouse_tests::test_store::{StoreKind, TestStore};
use enginehouse_tests::{LIMIT, TestServer, kills, until};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_postgres::NoTls;

use crate::calls::{claim, complete, enqueue, heartbeat, once_back, register};

/// Engines that are heard by the server that is stopped, and then by the other one.
const ENGINES: usize = 8;
/// A database ends an idle transaction after five seconds; the rest is for a crowded machine.
const HELD_LIMIT: Duration = Duration::from_secs(15);

fn signal(server: &TestServer, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap(), signal).expect("it runs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_stopped_inside_a_transaction_keeps_no_engine_from_another_server() {
    let store = TestStore::on(StoreKind::Postgres);
    let named = format!("{}?application_name=stopped", store.url());
    let stopped = TestServer::at(&named, &["--log", "off", "--durability", "relaxed"]);
    let other = store.serve(&["--log", "off"]);
    let (watcher, connection) = tokio_postgres::connect(&store.url(), NoTls).await.unwrap();
    tokio::spawn(async { connection.await.ok() });
    let client = other.client();
    let mut held = Vec::new();
    for number in 0..ENGINES {
        let engine = format!("e{number}");
        register(&client, &engine, 2).await;
        enqueue(&client).await.unwrap();
        held.push((engine.clone(), claim(&client, &engine).await.unwrap().remove(0)));
    }
    for _ in 0..kills(2) {
        // Load on the one, until it is stopped inside a transaction.
        let is_over = Arc::new(AtomicBool::new(false));
        let mut loading = Vec::new();
        for (engine, event) in held.clone() {
            let (client, is_over) = (stopped.client(), Arc::clone(&is_over));
            loading.push(tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    // What was under way when it was stopped may end in any way that says so.
                    if let Err(error) = heartbeat(&client, &engine, &[&event]).await {
                        assert!(
                            error.code().is_none_or(|code| code == Code::StoreUnavailable),
                            "refused for another reason: {error}"
                        );
                    }
                }
            }));
        }
        let idle = "select count(*) from pg_stat_activity as a \
                    where a.datname = current_database() and a.application_name = 'stopped' \
                    and a.state = 'idle in transaction' and a.backend_xid is not null";
        until("it is stopped inside a transaction", async || {
            signal(&stopped, Signal::STOP);
            // What it has sent before is carried out.
            for _ in 0..20 {
                let idle: i64 = watcher.query_one(idle, &[]).await.unwrap().get(0);
                if idle > 0 {
                    return Some(());
                }
            }
            signal(&stopped, Signal::CONT);
            None
        })
        .await;
        let stopped_at = Instant::now();
        is_over.store(true, Ordering::Relaxed);
        // Its engines speak to the other server: each within its interval, all the time.
        let mut every = tokio::time::interval(Duration::from_millis(200));
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard_at = [None; ENGINES];
        while stopped_at.elapsed() < HELD_LIMIT && heard_at.iter().any(Option::is_none) {
            every.tick().await;
            for (number, (engine, event)) in held.iter().enumerate() {
                match heartbeat(&client, engine, &[event]).await {
                    Ok(heard) => {
                        assert!(heard.lost.is_empty(), "{engine} has kept its lock");
                        heard_at[number].get_or_insert(stopped_at.elapsed());
                    }
                    Err(error) => assert_eq!(error.code(), Some(Code::StoreUnavailable), "{error}"),
                }
            }
        }
        let latest = heard_at.iter().max().unwrap().expect("the database has ended the idle transaction");
        println!("all engines of a stopped server are heard by another one after {latest:.1?}");
        // Those that spoke on time were not lost meanwhile.
        for (engine, event) in &held {
            let heard = once_back("it is heard", async || heartbeat(&client, engine, &[event]).await).await;
            assert_eq!((heard.renewed.len(), heard.lost.len()), (1, 0), "{engine}");
        }
        signal(&stopped, Signal::CONT);
        for task in loading {
            tokio::time::timeout(LIMIT, task).await.expect("it answers when it goes on").unwrap();
        }
        once_back("it serves again", async || enqueue(&stopped.client()).await).await;
    }
    for (_, event) in &held {
        assert_eq!(complete(&client, event).await.unwrap().losses, 0);
    }
    store.examine();
}
