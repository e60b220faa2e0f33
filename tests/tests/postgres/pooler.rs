//! PgBouncer in transaction mode stands in between.

use enginehouse_api::problem::Code;
use enginehouse_api::settle::{FailRequest, ReleaseRequest};
use enginehouse_cluster::{Cluster, Pgbouncer, PoolMode};
use enginehouse_core::event::{AttemptError, EventStatus};
use enginehouse_tests::TestServer;
use enginehouse_tests::load::{Load, SwitchableClient};

use crate::calls::{claim, claim_and_wait, code, complete, enqueue, heartbeat, id, register, token};

/// A database behind a pooler with few connections.
fn pooled() -> (Cluster, Pgbouncer, String) {
    let cluster = Cluster::start();
    let database = cluster.create_database();
    let pooler = Pgbouncer::in_front_of(&cluster, PoolMode::Transaction, 4);
    let url = pooler.url(database.rsplit('/').next().unwrap());
    (cluster, pooler, url)
}

const FLAGS: &[&str] = &["--log", "off", "--durability", "relaxed"];

#[tokio::test]
async fn the_whole_tour_works_behind_a_pooler() {
    let (_cluster, _pooler, url) = pooled();
    let server = TestServer::at(&url, FLAGS);
    let client = server.client();
    register(&client, "e", 1).await;
    enqueue(&client).await.unwrap();
    let held = claim(&client, "e").await.unwrap().remove(0);
    assert_eq!(heartbeat(&client, "e", &[&held]).await.unwrap().renewed.len(), 1);
    assert_eq!(complete(&client, &held).await.unwrap().status, EventStatus::Completed);
    let other = TestServer::at(&url, FLAGS);
    let (claimed, event_id) = tokio::join!(claim_and_wait(&client, "e", 30), async {
        let other = other.client();
        enqueue(&other).await.unwrap()
    });
    let held = claimed.unwrap().remove(0);
    assert_eq!(held.event_id, event_id);
    let failure = FailRequest {
        lock_token: token(&held),
        error: AttemptError { code: None, message: "it is broken".to_owned(), details: None },
        retryable: Some(false),
        retry_after_seconds: None,
        dead_letter: Some(true),
        report: Default::default(),
    };
    assert_eq!(other.client().fail(event_id, &failure).await.unwrap().status, EventStatus::Failed);
    assert_eq!(client.dead_letter_summary().await.unwrap().groups.len(), 1);
    assert_eq!(client.redrive(event_id, &Default::default()).await.unwrap().status, EventStatus::Queued);
    let held = claim(&client, "e").await.unwrap().remove(0);
    client
        .release(
            event_id,
            &ReleaseRequest { lock_token: token(&held), delay_seconds: None, report: Default::default() },
        )
        .await
        .unwrap();
    client.cancel(event_id, Default::default()).await.unwrap();
    assert_eq!(code(complete(&client, &held).await), Some(Code::LockLost));
    client.deregister(&id("e"), None).await.unwrap();
    assert_eq!(client.history(event_id).await.unwrap().attempts.len(), 1, "a release leaves no trace");
    assert_eq!(client.stats().await.unwrap().events.completed, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_share_a_few_connections_and_one_that_is_killed_leaves_none_behind() {
    let (_cluster, _pooler, url) = pooled();
    let mut servers = [TestServer::at(&url, FLAGS), TestServer::at(&url, FLAGS)];
    let clients = servers.each_ref().map(SwitchableClient::to);
    let load = Load::start(&clients, 2, 1);
    for round in 0..4 {
        load.more(150).await;
        let next = TestServer::at(&url, FLAGS);
        std::mem::replace(&mut servers[round % 2], next).kill();
        clients[round % 2].switch_to(&servers[round % 2]);
    }
    load.more(100).await;
    let record = load.check(&servers[0].client()).await;
    assert!(record.completed.len() > 50 && record.enqueued.len() > 50, "there was load");
}
