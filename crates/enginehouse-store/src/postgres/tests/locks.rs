//! The locks of an engine are scanned from the oldest transaction that gave one.

use enginehouse_core::transition::EventCommand;

use super::{open_fresh, options};
use crate::conformance::given::{
    MINUTE, after, apply, begin, change, claim, claim_by, complete, engine_id, id, insert, lane, new_event, now,
    registered, write_engines, write_in,
};
use crate::postgres::PostgresStore;
use crate::postgres::tx::columns::Xid;
use crate::{Store, Transaction};

async fn read_locks(tx: &mut dyn Transaction) -> usize {
    let engines = [engine_id("sim-1")];
    tx.engines_by_id(&engines).await.unwrap();
    tx.held_events(&engines).await.unwrap().len()
}

async fn read_and_commit(store: &dyn Store) -> usize {
    let mut tx = begin(store).await;
    let held = read_locks(&mut *tx).await;
    tx.commit().await.unwrap();
    held
}

/// A session that has left a transaction open must not make every claim step over all locks since.
#[tokio::test]
async fn a_transaction_that_stays_open_does_not_hold_back_the_scan_position() {
    let fresh = open_fresh().await;
    let at = now(&*fresh).await;
    write_engines(&*fresh, &[registered("sim-1", at)]).await;
    let lane = lane(&*fresh, "render").await;
    let holder = fresh.connect().await;
    let open = "begin; select pg_current_xact_id()::text::bigint";
    let held_back = holder.simple_query(open).await.unwrap();
    let held_back = held_back.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    let held_back = Xid(held_back.expect("a number"));
    for number in 1..=3 {
        insert(&*fresh, &[new_event(number, lane, at)]).await;
        claim(&*fresh, number, "sim-1").await;
        apply(&*fresh, number, complete).await;
    }
    assert_eq!(read_and_commit(&*fresh).await, 0);
    let place = || fresh.shared.scan_positions().engine(&engine_id("sim-1"));
    assert!(place() > held_back, "{:?} is not behind {held_back:?}", place());
    insert(&*fresh, &[new_event(4, lane, at)]).await;
    claim(&*fresh, 4, "sim-1").await;
    assert_eq!(read_and_commit(&*fresh).await, 1);
}

/// A transaction id says when a transaction began to write, not when it gave a lock.
#[tokio::test]
async fn a_lock_that_an_older_transaction_gives_after_a_scan_is_found_by_the_next_one() {
    let fresh = open_fresh().await;
    let at = now(&*fresh).await;
    write_engines(&*fresh, &[registered("sim-1", at)]).await;
    let lane = lane(&*fresh, "render").await;
    insert(&*fresh, &[new_event(1, lane, at)]).await;
    let other = PostgresStore::open(options(&fresh.url)).await.unwrap();
    let mut older = begin(&other).await;
    older.insert_events(&[new_event(2, lane, at)]).await.unwrap();
    for number in 3..=5 {
        insert(&*fresh, &[new_event(number, lane, at)]).await;
    }
    assert_eq!(read_and_commit(&*fresh).await, 0);
    assert_eq!(read_locks(&mut *older).await, 0);
    let read = older.events_by_id(&[id(1)]).await.unwrap().remove(0);
    let command: EventCommand = claim_by("sim-1", MINUTE);
    let (state, _) = after(&read.state, &command, at);
    write_in(&mut *older, &[change(&read, state)]).await.unwrap();
    older.commit().await.unwrap();
    assert_eq!(read_and_commit(&*fresh).await, 1);
}

/// A new connection prepares its statements, so that the one that cannot be run may fail before those in front of it. What is held
/// is known by its own failure, not by theirs.
#[tokio::test]
async fn a_table_of_the_registry_that_is_held_is_done_without_also_on_a_new_connection() {
    for table in ["lanes", "meta"] {
        let fresh = open_fresh().await;
        begin(&*fresh).await.commit().await.unwrap();
        // The one that has prepared them is in use, so the next transaction has another.
        let _in_use = fresh.shared.writers.session().await.unwrap();
        let holder = fresh.connect().await;
        let hold = format!("begin; lock table enginehouse.{table} in access exclusive mode");
        holder.batch_execute(&hold).await.unwrap();
        fresh.begin().await.unwrap_or_else(|error| panic!("{table} is held: {error}"));
    }
}
