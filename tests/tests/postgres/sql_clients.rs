//! Other programs on the same database: some enqueue in SQL, some leave their transactions open.

use std::time::Duration;

use enginehouse_api::enqueue::BatchRequest;
use enginehouse_core::ids::EventId;
use enginehouse_tests::test_store::{StoreKind, TestStore};
use enginehouse_tests::until;
use tokio::time::Instant;
use tokio_postgres::NoTls;

use crate::calls::{claim, claim_and_wait, complete, enqueue, register};

async fn connect(store: &TestStore) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(&store.url(), NoTls).await.unwrap();
    tokio::spawn(async { connection.await.ok() });
    client
}

async fn enqueue_in_sql(client: &tokio_postgres::Client) -> EventId {
    let enqueue = "select enginehouse.enqueue('work')::text";
    let row = client.query_one(enqueue, &[]).await.unwrap();
    row.get::<_, String>(0).parse().unwrap()
}

#[tokio::test]
async fn an_event_enqueued_in_a_transaction_of_an_application_is_there_with_its_commit() {
    let store = TestStore::on(StoreKind::Postgres);
    let server = store.serve(&["--log", "off"]);
    let client = server.client();
    register(&client, "e", 0).await;
    let application = connect(&store).await;
    for _ in 0..3 {
        application.batch_execute("begin").await.unwrap();
        let event_id = enqueue_in_sql(&application).await;
        assert!(client.event(event_id).await.is_err(), "nobody sees it");
        assert!(claim(&client, "e").await.unwrap().is_empty(), "nobody gets it");
        let waiting = claim_and_wait(&client, "e", 60);
        let committing = async {
            until("the claim waits", async || {
                (server.client().stats().await.unwrap().waiting_claims == 1).then_some(())
            })
            .await;
            application.batch_execute("commit").await.unwrap();
            Instant::now()
        };
        let (claimed, committed) = tokio::join!(waiting, committing);
        let took = committed.elapsed();
        assert!(took < Duration::from_secs(3), "claimed {took:?} after the commit");
        println!("claimed {took:?} after the commit");
        let claimed = claimed.unwrap().remove(0);
        assert_eq!(claimed.event_id, event_id);
        complete(&client, &claimed).await.unwrap();
    }
    application.batch_execute("begin").await.unwrap();
    let event_id = enqueue_in_sql(&application).await;
    application.batch_execute("rollback").await.unwrap();
    assert!(client.event(event_id).await.is_err());
    assert!(claim_and_wait(&client, "e", 1).await.unwrap().is_empty(), "it was never there");
    assert_eq!(client.stats().await.unwrap().events.queued, 0);
}

#[tokio::test]
async fn a_client_that_forgets_its_transaction_holds_up_nothing_but_what_it_has_locked() {
    let store = TestStore::on(StoreKind::Postgres);
    let server = store.serve(&["--log", "off"]);
    let client = server.client();
    register(&client, "e", 0).await;
    let locked = enqueue(&client).await.unwrap();
    let (holder, reader) = (connect(&store).await, connect(&store).await);
    let lock = format!("begin; select from enginehouse.events where event_id = '{locked}' for update");
    holder.batch_execute(&lock).await.unwrap();
    let old = "begin isolation level repeatable read; select count(*) from enginehouse.events";
    reader.batch_execute(old).await.unwrap();
    for _ in 0..30 {
        let event_id = enqueue(&client).await.unwrap();
        let claimed = claim_and_wait(&client, "e", 10).await.unwrap().remove(0);
        assert_eq!(claimed.event_id, event_id, "the locked one is passed over");
        complete(&client, &claimed).await.unwrap();
    }
    let waiting = claim_and_wait(&client, "e", 60);
    let ending = async {
        until("the claim waits", async || (server.client().stats().await.unwrap().waiting_claims == 1).then_some(()))
            .await;
        holder.batch_execute("rollback").await.unwrap();
    };
    let (claimed, ()) = tokio::join!(waiting, ending);
    let claimed = claimed.unwrap().remove(0);
    assert_eq!(claimed.event_id, locked, "once it is free it is claimed");
    complete(&client, &claimed).await.unwrap();
    assert_eq!(client.stats().await.unwrap().events.completed, 31);
}

async fn enqueue_with_key(client: &tokio_postgres::Client, key: &str) -> EventId {
    let enqueue = "select enginehouse.enqueue('work', idempotency_key => $1)::text";
    client.query_one(enqueue, &[&key]).await.unwrap().get::<_, String>(0).parse().unwrap()
}

/// Each has added what the other one is about to add.
#[tokio::test]
async fn a_deadlock_with_an_application_is_the_servers_to_repeat() {
    let store = TestStore::on(StoreKind::Postgres);
    let server = store.serve(&["--log", "off"]);
    let client = server.client();
    let application = connect(&store).await;
    // PostgreSQL ends the transaction that detects the deadlock, so the application does not check for one.
    application.batch_execute("set deadlock_timeout = '1min'; begin").await.unwrap();
    let second = enqueue_with_key(&application, "second").await;
    let both: BatchRequest = serde_json::from_value(serde_json::json!({
        "events": [
            { "event_type": "work", "idempotency_key": "first" }, { "event_type": "work", "idempotency_key": "second" },
        ],
    }))
    .unwrap();
    let asking = client.enqueue_batch(&both);
    let answering = async {
        let observer = connect(&store).await;
        until("the server waits for the application", async || {
            let waits = "select from pg_stat_activity where datname = current_database() \
                         and application_name = 'enginehouse' and wait_event_type = 'Lock'";
            (!observer.query(waits, &[]).await.unwrap().is_empty()).then_some(())
        })
        .await;
        let first = enqueue_with_key(&application, "first").await;
        application.batch_execute("commit").await.unwrap();
        first
    };
    let (answered, first) = tokio::join!(asking, answering);
    let answered = answered.unwrap().events;
    let answers: Vec<_> = answered.iter().map(|event| (event.event_id, event.duplicate)).collect();
    assert_eq!(answers, [(Some(first), true), (Some(second), true)], "the application's, as it came first");
    assert_eq!(client.stats().await.unwrap().events.queued, 2);
}
