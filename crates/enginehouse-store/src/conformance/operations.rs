//! Operations, and what they are about.

use enginehouse_core::event::DeadLetterReason;
use enginehouse_core::filter::DeadLetterFilter;
use enginehouse_core::ids::OperationId;
use enginehouse_core::json::RawJson;
use enginehouse_core::operation::{
    MemberOutcome, OperationAction, OperationMember, OperationRecord, OperationStatus, UnchangedMember,
};
use enginehouse_core::time::Timestamp;
use strum::VariantArray;

use super::dead_letters::given_dead_letter;
use super::given::{HOUR, MINUTE, begin, id, ids, now};
use crate::Store;
use crate::rows::PageRequest;

fn operation_id(number: u32) -> OperationId {
    OperationId(id(number).0)
}

pub(crate) fn operation(number: u32, created_at: Timestamp) -> OperationRecord {
    OperationRecord {
        operation_id: operation_id(number),
        action: OperationAction::CancelEvents,
        status: OperationStatus::Collecting,
        plan: RawJson::trusted("{\"filter\":  {\"queue\":\"a\"}}"),
        created_at,
        created_by: "abcdefghij27".to_owned(),
        started_at: None,
        finished_at: None,
        collected_to: None,
        last_place: 0,
        total: 0,
        done_to: 0,
        changed: 0,
        conflicts: 0,
        failed: 0,
        next_at: created_at,
        failure: None,
    }
}

fn member(place: u64) -> OperationMember {
    OperationMember { place, target: format!("target-{place}") }
}

fn unchanged(place: u64) -> UnchangedMember {
    let (target, why) = (format!("target-{place}"), "it is completed: ü".to_owned());
    UnchangedMember { place, target, outcome: MemberOutcome::Conflict, why }
}

async fn write(store: &dyn Store, operations: &[OperationRecord]) {
    let mut tx = begin(store).await;
    for operation in operations {
        tx.write_operation(operation).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Begun and ended: each field comes back, in and outside of a transaction.
pub(crate) async fn an_operation_is_read_as_it_was_written(store: &dyn Store) {
    let at = now(store).await;
    let begun = operation(1, at);
    write(store, std::slice::from_ref(&begun)).await;
    assert_eq!(store.operation(operation_id(1)).await.unwrap(), Some(begun.clone()));
    assert_eq!(store.operation(operation_id(2)).await.unwrap(), None);
    let ended = OperationRecord {
        action: OperationAction::DeregisterEngines,
        status: OperationStatus::Failed,
        started_at: Some(at + MINUTE),
        finished_at: Some(at + HOUR),
        collected_to: Some("somewhere".to_owned()),
        last_place: 9,
        total: 8,
        done_to: 7,
        changed: 4,
        conflicts: 2,
        failed: 1,
        next_at: at + HOUR * 2,
        failure: Some("it could not".to_owned()),
        ..begun
    };
    let mut tx = begin(store).await;
    assert!(tx.operation_for_update(operation_id(1)).await.unwrap().is_some());
    tx.write_operation(&ended).await.unwrap();
    assert_eq!(tx.free_operation(operation_id(1)).await.unwrap(), Some(ended.clone()));
    assert_eq!(tx.operation_for_update(operation_id(3)).await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(store.operation(operation_id(1)).await.unwrap(), Some(ended));
    // The tables know every action that there is.
    let each: Vec<_> = (10..).zip(OperationAction::VARIANTS).collect();
    let of =
        |(number, action): &(u32, &OperationAction)| OperationRecord { action: **action, ..operation(*number, at) };
    write(store, &each.iter().map(of).collect::<Vec<_>>()).await;
    for (number, action) in each {
        assert_eq!(store.operation(operation_id(number)).await.unwrap().map(|found| found.action), Some(*action));
    }
}

/// All of them page by page, and those that go on by themselves.
pub(crate) async fn operations_are_listed_newest_first(store: &dyn Store) {
    let at = now(store).await;
    let all: Vec<_> = (1..=5).map(|number| operation(number, at)).collect();
    write(store, &all).await;
    write(
        store,
        &[all[1].clone().ended(OperationStatus::Completed, at), all[3].clone().ended(OperationStatus::Cancelled, at)],
    )
    .await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.operations(&PageRequest { limit: 2, after }).await.unwrap();
        assert!(page.items.len() <= 2);
        seen.extend(page.items.into_iter().map(|operation| operation.operation_id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1].map(operation_id));
    let nowhere = PageRequest { limit: 2, after: Some("nowhere".to_owned()) };
    assert_eq!(store.operations(&nowhere).await.unwrap().items, []);
    let unfinished = |operations: Vec<OperationRecord>| -> Vec<_> {
        operations.into_iter().map(|operation| operation.operation_id).collect()
    };
    assert_eq!(unfinished(store.unfinished_operations(10).await.unwrap()), [1, 3, 5].map(operation_id));
    assert_eq!(unfinished(store.unfinished_operations(2).await.unwrap()), [1, 3].map(operation_id));
    assert_eq!(unfinished(begin(store).await.unfinished_operations(10).await.unwrap()), [1, 3, 5].map(operation_id));
}

/// A search may find something twice that moves while it goes on.
pub(crate) async fn a_member_of_an_operation_is_one_once(store: &dyn Store) {
    write(store, &[operation(1, now(store).await)]).await;
    let mut tx = begin(store).await;
    let id = operation_id(1);
    assert_eq!(tx.insert_operation_members(id, &[member(1), member(2)]).await.unwrap(), 2);
    let again = OperationMember { place: 3, ..member(2) };
    assert_eq!(tx.insert_operation_members(id, &[again, member(4)]).await.unwrap(), 1);
    assert_eq!(tx.insert_operation_members(operation_id(2), &[member(1)]).await.unwrap(), 1);
    assert_eq!(tx.insert_operation_members(id, &[]).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let mut tx = begin(store).await;
    assert_eq!(tx.pending_operation_members(id, 0, 10).await.unwrap(), [member(1), member(2), member(4)]);
    assert_eq!(tx.pending_operation_members(id, 1, 1).await.unwrap(), [member(2)]);
    assert_eq!(tx.pending_operation_members(id, 4, 10).await.unwrap(), []);
}

/// Of those that had their turn, what was not changed stays, with why.
pub(crate) async fn members_that_were_not_changed_are_kept_with_why(store: &dyn Store) {
    let id = operation_id(1);
    let mut tx = begin(store).await;
    tx.insert_operation_members(id, &(1..=9).map(member).collect::<Vec<_>>()).await.unwrap();
    tx.insert_operation_members(operation_id(2), &[member(1)]).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = begin(store).await;
    tx.settle_operation_members(id, (0, 4), &[unchanged(2), unchanged(3)]).await.unwrap();
    tx.settle_operation_members(id, (4, 6), &[]).await.unwrap();
    tx.settle_operation_members(id, (6, 7), &[UnchangedMember { outcome: MemberOutcome::Failed, ..unchanged(7) }])
        .await
        .unwrap();
    assert_eq!(tx.pending_operation_members(id, 7, 10).await.unwrap(), [member(8), member(9)]);
    tx.commit().await.unwrap();
    let seventh = UnchangedMember { outcome: MemberOutcome::Failed, ..unchanged(7) };
    let all = store.unchanged_operation_members(id, (0, 7), 10).await.unwrap();
    assert_eq!(all, [unchanged(2), unchanged(3), seventh.clone()]);
    assert_eq!(store.unchanged_operation_members(id, (2, 7), 1).await.unwrap(), [unchanged(3)]);
    assert_eq!(store.last_unchanged_operation_members(id, 7, 2).await.unwrap(), [seventh, unchanged(3)]);
    assert_eq!(begin(store).await.pending_operation_members(operation_id(2), 0, 9).await.unwrap(), [member(1)]);
}

/// Old ones go with their members; of one that was ended before its time, the members that it did not come to go at once.
pub(crate) async fn operations_are_forgotten_some_time_after_their_end(store: &dyn Store) {
    let at = now(store).await;
    let ended = |number, status, finished_at| {
        OperationRecord { done_to: 1, ..operation(number, at) }.ended(status, finished_at)
    };
    write(
        store,
        &[
            ended(1, OperationStatus::Completed, at - HOUR),
            ended(2, OperationStatus::Cancelled, at),
            operation(3, at - HOUR),
        ],
    )
    .await;
    let mut tx = begin(store).await;
    for number in 1..=3 {
        tx.insert_operation_members(operation_id(number), &[member(2), member(3)]).await.unwrap();
        tx.settle_operation_members(operation_id(number), (0, 1), &[unchanged(1)]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut forgotten = 0;
    for _ in 0..9 {
        let mut tx = begin(store).await;
        let rows = tx.delete_operations(at - MINUTE, 1).await.unwrap();
        tx.commit().await.unwrap();
        assert!(rows <= 3, "a bounded number at a time: {rows}");
        forgotten += rows;
    }
    assert_eq!(forgotten, 6, "three members and the operation, and two that had no turn");
    assert_eq!(store.operation(operation_id(1)).await.unwrap(), None);
    assert!(store.operation(operation_id(2)).await.unwrap().is_some());
    assert_eq!(store.unchanged_operation_members(operation_id(1), (0, 9), 9).await.unwrap(), []);
    assert_eq!(store.unchanged_operation_members(operation_id(2), (0, 9), 9).await.unwrap(), [unchanged(1)]);
    let mut tx = begin(store).await;
    assert_eq!(tx.pending_operation_members(operation_id(3), 1, 9).await.unwrap(), [member(2), member(3)]);
}

/// The same as their list, but oldest first, and from behind a place on.
pub(crate) async fn ids_of_dead_letters_come_page_by_page(store: &dyn Store) {
    let since = now(store).await;
    for number in [3, 1, 5, 2, 4] {
        given_dead_letter(store, number, "broke", since).await;
    }
    let all = DeadLetterFilter::default();
    let page = |limit, after| PageRequest { limit, after };
    let first = store.dead_letter_ids(&all, &page(2, None)).await.unwrap();
    assert_eq!(first.items, ids([1, 2]));
    let second = store.dead_letter_ids(&all, &page(2, first.next)).await.unwrap();
    assert_eq!(second.items, ids([3, 4]));
    let third = store.dead_letter_ids(&all, &page(2, second.next)).await.unwrap();
    assert_eq!((third.items, third.next), (ids([5]), None));
    let none = DeadLetterFilter { reason: Some(DeadLetterReason::Blocked), ..all.clone() };
    assert_eq!(store.dead_letter_ids(&none, &page(9, None)).await.unwrap().items, []);
    let before = DeadLetterFilter { dead_lettered_before: Some(since), ..all.clone() };
    assert_eq!(store.dead_letter_ids(&before, &page(9, None)).await.unwrap().items, []);
    assert_eq!(store.dead_letter_ids(&all, &page(9, Some("nowhere".to_owned()))).await.unwrap().items, []);
}
