//! Compaction does not change the counts that are read.

use enginehouse_core::ids::{LaneId, ScenarioRunId};
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::EventCommand;

use super::{Fresh, open_fresh};
use crate::conformance::given::{
    HOUR, apply, begin, claim, complete, fail, id, ids, insert, lane, new_event, now, of_run,
};
use crate::postgres::shared::compaction::compact_lane_changes;
use crate::postgres::tx::columns::Xid;
use crate::rows::{LaneCounts, PageRequest, ScenarioRunCounts, StatusCounts};
use crate::{Queries, Store, StoreAdmin};

const ALL: (Xid, Xid) = (Xid(0), Xid(u64::MAX));

async fn compact(fresh: &Fresh, (from, until): (Xid, Xid)) -> u64 {
    compact_lane_changes(&fresh.shared, Timestamp::MAX, from, until).await.unwrap()
}

/// All counts that can be read.
type Counts = (Vec<LaneCounts>, Vec<ScenarioRunCounts>, Option<ScenarioRunCounts>, StatusCounts);

async fn counts(store: &dyn Store) -> Counts {
    let run: ScenarioRunId = "b".parse().unwrap();
    let (mut runs, mut after) = (Vec::new(), None);
    loop {
        let page = store.scenario_runs(&PageRequest { limit: 1, after }).await.unwrap();
        runs.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    (
        store.lane_counts().await.unwrap(),
        runs,
        store.scenario_run(&run).await.unwrap().map(|(counts, _)| counts),
        begin(store).await.status_counts().await.unwrap(),
    )
}

async fn delete(store: &dyn Store, numbers: impl IntoIterator<Item = u32>) {
    let mut tx = begin(store).await;
    tx.delete_events(&ids(numbers)).await.unwrap();
    tx.commit().await.unwrap();
}

/// Events of three runs and none, in every status; the whole of run `d` was deleted.
async fn given_changes(store: &dyn Store) {
    let now = now(store).await;
    let lanes = [lane(store, "x").await, lane(store, "y").await];
    for number in 1..=24 {
        let event = new_event(number, lanes[number as usize % 2], now - HOUR + HOUR * number / 60);
        let run = ["a", "b", "c", "d", ""][number as usize % 5];
        insert(store, &[if run.is_empty() { event } else { of_run(event, run) }]).await;
    }
    for number in 1..=16 {
        claim(store, number, "sim-1").await;
    }
    for number in 1..=5 {
        apply(store, number, complete).await;
        apply(store, number + 5, |state| fail(state, false, false, "no")).await;
    }
    apply(store, 17, |_| EventCommand::Cancel).await;
    delete(store, [1, 6, 17, 20]).await;
    delete(store, (1..=24).filter(|number| number % 5 == 3)).await;
}

async fn rows(fresh: &Fresh, table: &str) -> i64 {
    let client = fresh.connect().await;
    client.query_one(&format!("select count(*) from enginehouse.{table}"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn counts_are_the_same_before_and_after() {
    let fresh = open_fresh().await;
    given_changes(&*fresh).await;
    let before = counts(&*fresh).await;
    let changes = rows(&fresh, "lane_changes").await;
    assert!(changes > 40);
    assert_eq!(compact_lane_changes(&fresh.shared, Timestamp::MIN, ALL.0, ALL.1).await.unwrap(), 0, "none is so old");
    assert_eq!(i64::try_from(compact(&fresh, ALL).await).unwrap(), changes);
    assert_eq!(counts(&*fresh).await, before);
    assert_eq!((rows(&fresh, "lane_changes").await, rows(&fresh, "scenario_runs").await), (0, 3));
    assert_eq!(compact(&fresh, ALL).await, 0);
    assert_eq!(fresh.check_integrity().await.unwrap(), [""; 0]);
}

/// What was added up in another order than it has happened, too: a count is below zero for a while.
#[tokio::test]
async fn counts_are_the_same_while_a_part_is_compacted() {
    let fresh = open_fresh().await;
    given_changes(&*fresh).await;
    let before = counts(&*fresh).await;
    let client = fresh.connect().await;
    let xacts = client
        .query("select distinct changed_by::text from enginehouse.lane_changes order by changed_by::text desc", &[])
        .await
        .unwrap();
    let mut xacts: Vec<u64> = xacts.iter().map(|row| row.get::<_, String>(0).parse().unwrap()).collect();
    xacts.sort_unstable_by_key(|xact| (xact % 3, u64::MAX - xact));
    for (place, xact) in xacts.into_iter().enumerate() {
        let compacted = compact_lane_changes(&fresh.shared, Timestamp::MAX, Xid(xact), Xid(xact + 1)).await.unwrap();
        assert!(compacted > 0);
        if place % 8 == 0 {
            assert_eq!(counts(&*fresh).await, before, "{place}");
        }
    }
    assert_eq!(counts(&*fresh).await, before);
    assert_eq!((rows(&fresh, "lane_changes").await, rows(&fresh, "scenario_runs").await), (0, 3));
    assert_eq!(fresh.check_integrity().await.unwrap(), [""; 0]);
}

/// With changes of all kinds of keys, in all kinds of orders, while others are made.
#[tokio::test]
async fn servers_that_compact_at_once_add_up_each_change_once() {
    let fresh = open_fresh().await;
    let client = fresh.connect().await;
    client
        .batch_execute(
            "insert into enginehouse.lane_changes (lane_id, scenario_run_id, queued, first_enqueued_at) \
             select 1 + hashint4(n) & 63, 'run-' || (hashint4(n * 7) & 31), 1, now() from generate_series(1, 30000) as n",
        )
        .await
        .unwrap();
    let lane_id = lane(&*fresh, "x").await;
    let work = async {
        for number in 1..=20 {
            insert(&*fresh, &[of_run(new_event(number, lane_id, now(&*fresh).await), "run-7")]).await;
        }
        0
    };
    let compact_all = || async {
        let mut compacted = 0;
        for _ in 0..30 {
            compacted += compact(&fresh, ALL).await;
        }
        compacted
    };
    let (one, two, three, _) = tokio::join!(compact_all(), compact_all(), compact_all(), work);
    let left = compact(&fresh, ALL).await;
    assert_eq!(one + two + three + left, 30_020);
    let totals = begin(&*fresh).await.status_counts().await.unwrap();
    assert_eq!(totals.queued, 30_020);
    let runs = fresh.scenario_runs(&PageRequest { limit: 100, after: None }).await.unwrap().items;
    assert_eq!(runs.iter().map(|run| run.counts.queued).sum::<u64>(), 30_020);
    assert_eq!((rows(&fresh, "lane_changes").await, runs.len()), (0, 32));
}

/// Its counts cancel out those changes of it that are still to be compacted.
#[tokio::test]
async fn the_counts_of_a_deleted_lane_become_zero() {
    let fresh = open_fresh().await;
    let lane_id = lane(&*fresh, "x").await;
    insert(&*fresh, &[new_event(1, lane_id, now(&*fresh).await)]).await;
    assert_eq!(compact(&fresh, ALL).await, 1);
    delete(&*fresh, [1]).await;
    let mut deleted: Vec<LaneId> = Vec::new();
    for _ in 0..5_000 {
        let mut tx = begin(&*fresh).await;
        deleted.extend(tx.delete_empty_lanes(10).await.unwrap());
        tx.commit().await.unwrap();
        if !deleted.is_empty() {
            break;
        }
    }
    assert_eq!(deleted, [lane_id]);
    for left in [(1, 1), (0, 0)] {
        assert_eq!((rows(&fresh, "lane_changes").await, rows(&fresh, "lane_counts").await), left);
        assert_eq!(begin(&*fresh).await.status_counts().await.unwrap(), StatusCounts::default());
        assert_eq!(fresh.check_integrity().await.unwrap(), [""; 0]);
        compact(&fresh, ALL).await;
    }
    assert!(fresh.event(id(1)).await.unwrap().is_none());
}
