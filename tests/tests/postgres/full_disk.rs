//! The disk of the database is full.

use enginehouse_api::problem::Code;
use enginehouse_cluster::{Cluster, psql};
use enginehouse_core::event::EventStatus;
use enginehouse_tests::{TestServer, run, text};
use rand::SeedableRng;
use rand::distr::{Alphanumeric, SampleString};
use rand::rngs::StdRng;

use crate::calls::{claim, complete, enqueue_as, once_back, register};

#[tokio::test]
async fn a_disk_that_is_full_refuses_writes_loses_nothing_and_the_server_goes_on_once_there_is_room() {
    let Some(cluster) = Cluster::start_with_small_disk(24) else {
        eprintln!("not tried: this process may not mount a disk");
        return;
    };
    let database = cluster.create_database_on_small_disk();
    psql(&database, "create table room as select repeat(n::text, 1000) as t from generate_series(1, 50000) as n");
    let server = TestServer::at(&database, &["--log", "off", "--durability", "relaxed"]);
    let client = server.client();
    register(&client, "steady", 0).await;
    let mut chance = StdRng::seed_from_u64(64);
    let mut acknowledged = Vec::new();
    let refused = loop {
        let payload = Alphanumeric.sample_string(&mut chance, 200_000);
        let event = format!(r#"{{"event_type":"work","payload":"{payload}"}}"#);
        match enqueue_as(&client, &event).await {
            Ok(event_id) => acknowledged.push(event_id),
            Err(refused) => break refused,
        }
        assert!(acknowledged.len() < 1_000, "the disk is never full");
    };
    assert_eq!(refused.code(), Some(Code::StoreUnavailable), "{refused}");
    assert!(!refused.maybe_applied() && refused.retry_after().is_some(), "nothing was done, and it says so: {refused}");
    assert!(acknowledged.len() > 10, "it had room before");
    for event_id in &acknowledged {
        assert_eq!(client.event(*event_id).await.unwrap().status, EventStatus::Queued, "reads go on");
    }

    psql(&database, "drop table room");
    let last = once_back("there is room", async || enqueue_as(&client, r#"{"event_type":"work"}"#).await).await;
    acknowledged.push(last);
    let mut done = Vec::new();
    while let claimed @ [_, ..] = &claim(&client, "steady").await.unwrap()[..] {
        for event in claimed {
            done.push(complete(&client, event).await.unwrap().event_id);
        }
    }
    assert_eq!(done, acknowledged, "all that was acknowledged, in its order, and nothing else");
    let doctor = run("http://127.0.0.1:9", ["doctor", "--store", &database, "--durability", "relaxed"], "");
    assert!(doctor.status.success(), "{}{}", text(&doctor.stdout), text(&doctor.stderr));
}
