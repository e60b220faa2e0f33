//! The primary dies, and its synchronous standby takes over.

use std::pin::pin;

use enginehouse_api::problem::Code;
use enginehouse_client::Error;
use enginehouse_cluster::Cluster;
use enginehouse_tests::load::{Load, SwitchableClient};
use enginehouse_tests::{TestServer, kills, until};

use crate::calls::{claim, complete, enqueue_as, once_back, register, register_again};

/// A primary with a synchronous standby, and the URL of a database on whichever of them is the primary.
fn pair() -> (Cluster, Cluster, String) {
    let primary = Cluster::start_with(&[("fsync", "on")]);
    let database = primary.create_database();
    let standby = Cluster::standby_of(&primary, true);
    let name = database.rsplit('/').next().unwrap();
    let url = format!(
        "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/{name}?target_session_attrs=read-write",
        primary.port(),
        standby.port()
    );
    (primary, standby, url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_primary_dies_under_load_its_synchronous_standby_goes_on_and_nothing_is_lost() {
    for _ in 0..kills(10).div_ceil(10) {
        let (primary, standby, url) = pair();
        let server = TestServer::at(&url, &["--log", "off"]);
        let load = Load::start(&[SwitchableClient::to(&server)], 3, 2);
        load.more(300).await;
        primary.kill();
        standby.promote();
        load.more(300).await;
        let epoch = once_back("the standby serves", async || register_again(&server.client(), "late").await).await;
        assert!(epoch > 1 << 27, "a standby may lack the last registrations: {epoch}");
        let record = load.check(&server.client()).await;
        assert!(record.completed.len() > 50 && record.enqueued.len() > 50, "there was load");
    }
}

/// Asks, cuts the wait for the standby short, and makes sure that the answer is honest about it.
async fn assert_unknown<T>(primary: &Cluster, what: &str, asking: impl Future<Output = Result<T, Error>>) {
    let cancelling = until("a commit waits for the standby", async || {
        let cancelled = "select count(pg_cancel_backend(pid)) from pg_stat_activity \
             where wait_event = 'SyncRep' and application_name = 'enginehouse'";
        (primary.psql(cancelled) != "0").then_some(())
    });
    let mut asking = pin!(asking);
    let answered = tokio::select! {
        answered = &mut asking => answered,
        () = cancelling => asking.await,
    };
    let Err(refused) = answered else { panic!("{what}: answered, and on the primary's disk only") };
    assert_eq!(refused.code(), Some(Code::StoreUnavailable), "{what}: {refused}");
    assert!(refused.maybe_applied(), "{what}: it is on the primary's disk only: {refused}");
}

#[tokio::test]
async fn a_wait_for_the_standby_that_is_cut_short_is_answered_as_unknown_also_when_it_is_asked_again() {
    let (primary, standby, url) = pair();
    let server = TestServer::at(&url, &["--log", "off"]);
    let client = server.client();
    let request = r#"{"event_type":"work","idempotency_key":"once"}"#;
    enqueue_as(&client, r#"{"event_type":"work"}"#).await.unwrap();
    register(&client, "idle", 0).await;
    let held = claim(&client, "idle").await.unwrap().remove(0);
    standby.kill();
    assert!(claim(&client, "idle").await.unwrap().is_empty(), "what changes nothing waits for no standby");
    for time in ["at first", "again, when it is there already"] {
        assert_unknown(&primary, &format!("enqueued {time}"), enqueue_as(&client, request)).await;
        assert_unknown(&primary, &format!("completed {time}"), complete(&client, &held)).await;
    }
    standby.start_again();
    let again = once_back("the standby is back", async || enqueue_as(&client, request).await).await;
    let found = client.events(&Default::default()).await.unwrap().items;
    assert_eq!(found.len(), 2);
    assert!(found.iter().any(|event| event.event_id == again));
}
