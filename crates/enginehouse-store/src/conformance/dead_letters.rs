//! Dead letters, until somebody has resolved them.

use enginehouse_core::access::selector::Selectors;
use enginehouse_core::event::{AttemptError, DeadLetterReason, EventStatus, Start};
use enginehouse_core::ids::EventId;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::EventCommand;

use super::given::{HOUR, MINUTE, apply, begin, claim, event, fail, given_events, id, ids, now, selectors};
use crate::Store;
use crate::rows::{DeadLetterFilter, DeadLetterGroupRow, DeadLetterRow, DeadLetterSearch, NewDeadLetter, PageRequest};

const REQUESTED: DeadLetterReason = DeadLetterReason::Requested;

/// A failed event that waits for a person since `at`.
pub(crate) async fn given_dead_letter(store: &dyn Store, number: u32, message: &str, at: Timestamp) -> NewDeadLetter {
    given_events(store, "render", [number]).await;
    claim(store, number, "sim-1").await;
    let failed = apply(store, number, |state| fail(state, false, true, message)).await;
    assert_eq!(failed.dead_letter, Some(REQUESTED));
    let letter = NewDeadLetter {
        event_id: id(number),
        event_type: "render".parse().unwrap(),
        queue: "default".parse().unwrap(),
        reason: REQUESTED,
        dead_lettered_at: at,
        error: failed.last_error,
    };
    add(store, &letter).await;
    letter
}

async fn add(store: &dyn Store, letter: &NewDeadLetter) {
    let mut tx = begin(store).await;
    tx.insert_dead_letters(std::slice::from_ref(letter)).await.unwrap();
    tx.commit().await.unwrap();
}

fn ids_of(letters: &[DeadLetterRow]) -> Vec<EventId> {
    letters.iter().map(|letter| letter.record.event.event_id).collect()
}

/// Why and since when, with the event and its last error.
pub(crate) async fn a_dead_letter_is_read_with_its_event(store: &dyn Store) {
    let at = now(store).await;
    given_dead_letter(store, 1, "broke", at).await;
    given_events(store, "render", [2]).await;
    let letter = store.dead_letter(id(1)).await.unwrap().unwrap();
    assert_eq!((letter.reason, letter.dead_lettered_at), (REQUESTED, at));
    assert_eq!(letter.record, store.event(id(1)).await.unwrap().unwrap());
    assert_eq!(letter.record.event.state.last_error.unwrap().message, "broke");
    assert_eq!(store.dead_letter(id(2)).await.unwrap(), None);
}

/// Page by page; and for a bulk redrive, the oldest first.
pub(crate) async fn dead_letters_are_listed_newest_first_and_each_once(store: &dyn Store) {
    let at = now(store).await;
    for number in [3, 1, 5, 2, 4] {
        given_dead_letter(store, number, "broke", at).await;
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.dead_letters(&DeadLetterSearch::default(), &PageRequest { limit: 2, after }).await.unwrap();
        found.extend(ids_of(&page.items));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, ids([5, 4, 3, 2, 1]));
    let mut tx = begin(store).await;
    assert_eq!(tx.matching_dead_letters(&DeadLetterFilter::default(), 3).await.unwrap(), ids([1, 2, 3]));
    drop(tx);
    for (limit, count, first) in [(u64::MAX, 5, vec![1, 2, 3]), (4, 4, vec![1, 2, 3]), (2, 2, vec![1, 2])] {
        let preview = store.preview_dead_letters(&DeadLetterFilter::default(), limit, 3).await.unwrap();
        assert_eq!((preview.count, ids_of(&preview.first)), (count, ids(first)), "up to {limit}");
    }
    let lost = PageRequest { limit: 2, after: Some("no such place".to_owned()) };
    store.dead_letters(&DeadLetterSearch::default(), &lost).await.unwrap();
}

/// A list and a bulk operation with one filter find the same dead letters.
pub(crate) async fn dead_letters_are_found_by_every_field(store: &dyn Store) {
    let at = now(store).await;
    given_dead_letter(store, 1, "broke", at).await;
    given_dead_letter(store, 2, "broke", at - HOUR).await;
    for (number, event_type, queue) in [(3, "encode", "default"), (4, "render", "slow")] {
        given_events(store, "render", [number]).await;
        claim(store, number, "sim-1").await;
        apply(store, number, |state| fail(state, false, true, "broke")).await;
        let letter = NewDeadLetter {
            event_id: id(number),
            event_type: event_type.parse().unwrap(),
            queue: queue.parse().unwrap(),
            reason: REQUESTED,
            dead_lettered_at: at + HOUR,
            error: Some(AttemptError { code: None, message: "no code".to_owned(), details: None }),
        };
        add(store, &letter).await;
    }
    let any = DeadLetterFilter::default();
    let groups = store.dead_letter_groups(&Selectors::default()).await.unwrap();
    let broke = groups.iter().find(|group| group.message == "broke").unwrap().id();
    for (filter, want) in [
        (any.clone(), vec![1, 2, 3, 4]),
        (DeadLetterFilter { event_type: Some("encode".parse().unwrap()), ..any.clone() }, vec![3]),
        (DeadLetterFilter { queue: Some("slow".parse().unwrap()), ..any.clone() }, vec![4]),
        (DeadLetterFilter { reason: Some(REQUESTED), ..any.clone() }, vec![1, 2, 3, 4]),
        (DeadLetterFilter { within: selectors(&["slo*"], &[]), ..any.clone() }, vec![4]),
        (DeadLetterFilter { within: selectors(&["defaul_"], &[]), ..any.clone() }, vec![]),
        (DeadLetterFilter { within: selectors(&["default"], &["encode", "x*"]), ..any.clone() }, vec![3]),
        (DeadLetterFilter { reason: Some(DeadLetterReason::LostTooOften), ..any.clone() }, vec![]),
        (DeadLetterFilter { error_code: Some("out_of_memory".to_owned()), ..any.clone() }, vec![1, 2]),
        (DeadLetterFilter { group_id: Some(broke), ..any.clone() }, vec![1, 2]),
        (DeadLetterFilter { dead_lettered_before: Some(at), ..any.clone() }, vec![2]),
        (DeadLetterFilter { dead_lettered_after: Some(at), ..any.clone() }, vec![1, 3, 4]),
        (DeadLetterFilter { dead_lettered_after: Some(at), dead_lettered_before: Some(at + MINUTE), ..any }, vec![1]),
    ] {
        let mut tx = begin(store).await;
        assert_eq!(tx.matching_dead_letters(&filter, 10).await.unwrap(), ids(want.clone()), "{filter:?}");
        drop(tx);
        let preview = store.preview_dead_letters(&filter, u64::MAX, 1).await.unwrap();
        assert_eq!(preview.count, want.len() as u64, "{filter:?}");
        assert_eq!(ids_of(&preview.first), ids(want.iter().copied().take(1)), "{filter:?}");
        let page = store.dead_letters(&filter.clone().into(), &PageRequest { limit: 10, after: None }).await.unwrap();
        assert_eq!(ids_of(&page.items), ids(want.into_iter().rev()), "{filter:?}");
    }
}

/// Numbers within the message make no difference, and what stands before its last line neither; a code does.
pub(crate) async fn dead_letters_that_failed_alike_are_a_group(store: &dyn Store) {
    let at = now(store).await;
    given_dead_letter(store, 1, "tile 17 of 256 broke", at).await;
    given_dead_letter(store, 2, "no such file", at + MINUTE).await;
    given_dead_letter(store, 3, "log of tile 4\n\ntile 4 of 256 broke\n", at + HOUR).await;
    let groups = store.dead_letter_groups(&Selectors::default()).await.unwrap();
    assert_eq!(groups.len(), 2);
    for (queues, types, want) in [(&["slow"][..], &[][..], 0), (&["d*"], &["render"], 2), (&[], &["encode"], 0)] {
        let found = store.dead_letter_groups(&selectors(queues, types)).await.unwrap();
        assert_eq!(found.len(), want, "{queues:?} {types:?}");
    }
    assert!(ids([1, 3]).contains(&groups[0].sample_event_id));
    let want = DeadLetterGroupRow {
        event_type: "render".parse().unwrap(),
        reason: REQUESTED,
        error_code: Some("out_of_memory".to_owned()),
        message: "tile # of # broke".to_owned(),
        count: 2,
        oldest_at: at,
        newest_at: at + HOUR,
        sample_event_id: groups[0].sample_event_id,
    };
    assert_eq!(groups[0], want, "the largest first");
    assert_eq!((groups[1].count, groups[1].sample_event_id), (1, id(2)));
}

/// Discarded, it is a failed event like any other; redriven, it is queued.
pub(crate) async fn the_event_of_a_resolved_dead_letter_stays(store: &dyn Store) {
    let at = now(store).await;
    for number in 1..=3 {
        given_dead_letter(store, number, "broke", at).await;
    }
    apply(store, 1, |_| EventCommand::Discard).await;
    apply(store, 2, |_| EventCommand::Redrive { start: Start::After(MINUTE), expires_after: None }).await;
    let mut tx = begin(store).await;
    tx.delete_dead_letters(&ids([1, 2, 9])).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(event(store, 1).await.state.status, EventStatus::Failed);
    assert_eq!(event(store, 2).await.state.status, EventStatus::Queued);
    let left = begin(store).await.matching_dead_letters(&DeadLetterFilter::default(), 10).await.unwrap();
    assert_eq!(left, [id(3)]);
}
