//! A dump is restored, and servers go on with it.

use enginehouse_cluster::{Cluster, dump_and_restore, psql};
use enginehouse_core::event::EventStatus;
use enginehouse_tests::{TestServer, run, text};

use crate::calls::{claim, complete, enqueue, register, register_again};

/// How many rows name a transaction that has not begun.
const FROM_THE_FUTURE: &str = "
    select count(*)
    from (
        select changed_by from enginehouse.lanes
        union all
        select prunable_by from enginehouse.lanes
        union all
        select changed_by from enginehouse.lane_changes
    ) as t (number)
    where number >= pg_snapshot_xmax(pg_current_snapshot())";

/// Each cluster counts its transactions for itself.
#[tokio::test]
async fn a_dump_of_a_cluster_that_has_counted_further_is_served_as_if_nothing_had_happened() {
    let old = Cluster::start();
    old.psql("do $$ begin for n in 1..5000 loop perform pg_current_xact_id(); commit; end loop; end $$");
    let (source, new) = (old.create_database(), Cluster::start());
    let server = TestServer::at(&source, &["--log", "off", "--durability", "relaxed"]);
    let client = server.client();
    register(&client, "steady", 0).await;
    enqueue(&client).await.unwrap();
    let held = claim(&client, "steady").await.unwrap().remove(0);
    let waiting = enqueue(&client).await.unwrap();
    assert_eq!(server.stop(), Some(0));
    let target = new.create_database();
    dump_and_restore(&source, "enginehouse", &target);
    assert_ne!(psql(&target, FROM_THE_FUTURE), "0", "numbers of the old cluster are higher");

    let server = TestServer::at(&target, &["--log", "off", "--durability", "relaxed"]);
    assert_eq!(psql(&target, FROM_THE_FUTURE), "0", "they are of this one now");
    let client = server.client();
    let completed = complete(&client, &held).await.unwrap();
    assert_eq!((completed.status, completed.losses), (EventStatus::Completed, 0), "its lock is still good");
    let claimed = claim(&client, "steady").await.unwrap();
    assert_eq!(claimed.iter().map(|event| event.event_id).collect::<Vec<_>>(), [waiting]);
    // The old cluster may have gone on after the dump: what it gave then is not given again.
    assert!(claimed[0].lock.as_ref().and_then(|lock| lock.token).unwrap().serial > 1 << 27);
    let counts = client.stats().await.unwrap();
    assert_eq!((counts.events.processing, counts.events.completed), (1, 1));
    assert!(register_again(&client, "steady").await.unwrap() > 1 << 27);
    let doctor = run("http://127.0.0.1:9", ["doctor", "--store", &target, "--durability", "relaxed"], "");
    assert!(doctor.status.success(), "{}{}", text(&doctor.stdout), text(&doctor.stderr));
}
