//! Counts are those of the rows, whatever happened.

use std::collections::BTreeMap;

use enginehouse_core::event::{EventStatus, Start};
use enginehouse_core::event_changes::FieldChange;
use enginehouse_core::ids::{LaneId, ScenarioRunId};
use enginehouse_core::run_activity::{RunActivity, UNITS_OF_AN_END};
use enginehouse_core::transition::{EventCommand, EventState};

use super::given::{
    HOUR, LOST, MINUTE, after, apply, begin, change, claim, claim_by, complete, engine_id, fail, given_events, id,
    insert, lane, new_event, now, of_run, release, token, write_in,
};
use crate::rows::{EventFilter, EventRow, PageRequest, StatusCounts};
use crate::{STATUSES, Store, Transaction};

/// Numbers that look like chance and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(sides)).unwrap()
    }
}

type Counts<K> = BTreeMap<K, StatusCounts>;

/// Counts every event that is listed.
async fn counted(store: &dyn Store) -> (Counts<LaneId>, Counts<ScenarioRunId>) {
    let (mut lanes, mut runs) = (Counts::new(), Counts::new());
    let page = PageRequest { limit: 1_000, after: None };
    for record in store.events(&EventFilter::default(), &page).await.unwrap().items {
        let status = record.event.state.status;
        *lanes.entry(record.event.lane_id).or_insert_with(StatusCounts::default).of_mut(status) += 1;
        if let Some(run) = record.event.scenario_run_id {
            *runs.entry(run).or_insert_with(StatusCounts::default).of_mut(status) += 1;
        }
    }
    (lanes, runs)
}

/// What the store says without counting; lanes without events left out.
async fn kept(store: &dyn Store) -> (Counts<LaneId>, Counts<ScenarioRunId>) {
    let lanes = store.lane_counts().await.unwrap().into_iter().map(|lane| (lane.lane.lane_id, lane.counts));
    let runs = store.scenario_runs(&PageRequest { limit: 1_000, after: None }).await.unwrap().items;
    (
        lanes.filter(|(_, counts)| *counts != StatusCounts::default()).collect(),
        runs.into_iter().map(|run| (run.scenario_run_id, run.counts)).collect(),
    )
}

/// Does something that the rules allow to an event, or forgets it, or nothing.
async fn happen(tx: &mut dyn Transaction, read: &EventRow, dice: &mut Dice, lanes: &[LaneId; 3]) {
    let now = tx.now() + HOUR;
    let state = &read.state;
    let command = match (state.status, dice.roll(9)) {
        (EventStatus::Queued, 0) => EventCommand::Cancel,
        (EventStatus::Queued, 1) => EventCommand::Change { start: None, expires_after: FieldChange::Set(HOUR) },
        (EventStatus::Queued, _) => claim_by("sim-1", 9 * HOUR),
        (EventStatus::Processing, 0) => complete(state),
        (EventStatus::Processing, 1) => fail(state, false, false, "no"),
        (EventStatus::Processing, 2) => fail(state, true, false, "again"),
        (EventStatus::Processing, 3) => release(state),
        (EventStatus::Processing, 4) => LOST,
        (EventStatus::Processing, 5) => EventCommand::LeaveOut,
        (EventStatus::Processing, 6) => EventCommand::Renew { token: token(state) },
        (EventStatus::Processing, 7) => EventCommand::Extend { token: token(state), visibility_timeout: 12 * HOUR },
        (EventStatus::Processing, _) if !state.cancel_requested => EventCommand::Cancel,
        (EventStatus::Processing, _) => EventCommand::CancelByForce,
        (_, 0) => return tx.delete_events(&[read.event_id]).await.unwrap(),
        (_, 1) if state.dead_letter.is_some() => {
            EventCommand::Redrive { start: Start::After(HOUR), expires_after: None }
        }
        (_, 2) if state.dead_letter.is_some() => EventCommand::Discard,
        _ => return,
    };
    let next = match state.status {
        EventStatus::Queued => after(&EventState { available_at: now, ..state.clone() }, &command, now),
        _ => after(state, &command, now),
    };
    let mut written = change(read, next.0);
    if matches!(command, EventCommand::Change { .. } | EventCommand::Redrive { .. }) {
        written = written.moved_to(lanes[dice.roll(3) as usize]);
    }
    write_in(tx, std::slice::from_ref(&written)).await.unwrap();
    assert_eq!(tx.events_by_id(&[read.event_id]).await.unwrap(), [written.event], "after {command:?}");
}

/// Enqueue, claim, settle, lose, cancel and forget in any order, some of it dropped half-way.
pub(crate) async fn counts_equal_the_rows_after_any_sequence(store: &dyn Store) {
    let mut dice = Dice(7);
    let lanes = [lane(store, "a").await, lane(store, "b").await, lane(store, "c").await];
    let mut number = 0;
    for _ in 0..120 {
        let mut tx = begin(store).await;
        for _ in 0..dice.roll(6) {
            number += 1;
            let event = new_event(number, lanes[dice.roll(3) as usize], tx.now());
            let event = match dice.roll(4) {
                0 => event,
                run => of_run(event, ["one", "two", "three"][run as usize - 1]),
            };
            tx.insert_events(&[event]).await.unwrap();
        }
        for _ in 0..dice.roll(12) {
            let picked = id(dice.roll(number.max(1)) + 1);
            if let Some(read) = tx.events_by_id(&[picked]).await.unwrap().first() {
                happen(&mut *tx, read, &mut dice, &lanes).await;
            }
        }
        if dice.roll(5) > 0 {
            tx.commit().await.unwrap();
        }
    }
    let (counted, kept) = (counted(store).await, kept(store).await);
    assert_eq!(counted, kept);
    let all = |status| counted.0.values().map(|counts| counts.of(status)).sum::<u64>();
    assert!(STATUSES.into_iter().all(|status| all(status) > 0), "the sequence has reached every status");
    let totals = begin(store).await.status_counts().await.unwrap();
    assert!(STATUSES.into_iter().all(|status| totals.of(status) == all(status)));
}

/// Before its commit, too, and twice without adding twice.
pub(crate) async fn a_count_is_seen_within_its_transaction(store: &dyn Store) {
    let lane_id = given_events(store, "render", 1..=2).await;
    let mut tx = begin(store).await;
    tx.insert_events(&[new_event(3, lane_id, tx.now())]).await.unwrap();
    let read = tx.events_by_id(&[id(1)]).await.unwrap().remove(0);
    let claimed = after(&read.state, &claim_by("sim-1", MINUTE), tx.now()).0;
    write_in(&mut *tx, &[change(&read, claimed)]).await.unwrap();
    for _ in 0..2 {
        let counts = tx.status_counts().await.unwrap();
        assert_eq!(counts, StatusCounts { queued: 2, processing: 1, ..Default::default() });
    }
    tx.commit().await.unwrap();
    assert_eq!(kept(store).await, counted(store).await);
}

/// Empty lanes are listed, too.
pub(crate) async fn a_lane_knows_since_when_its_oldest_event_has_been_due(store: &dyn Store) {
    let now = now(store).await;
    let (busy, idle, empty) = (lane(store, "a").await, lane(store, "b").await, lane(store, "c").await);
    insert(store, &[new_event(1, busy, now - MINUTE), new_event(2, busy, now - HOUR), new_event(3, idle, now + HOUR)])
        .await;
    claim(store, 2, "sim-1").await;
    let lanes = store.lane_counts().await.unwrap();
    let found: Vec<_> = lanes.iter().map(|lane| (lane.lane.lane_id, lane.oldest_available_at)).collect();
    assert_eq!(found, [(busy, Some(now - MINUTE)), (idle, Some(now + HOUR)), (empty, None)]);
    assert_eq!(lanes[0].counts, StatusCounts { queued: 1, processing: 1, ..Default::default() });
    assert_eq!(lanes[0].lane.key, super::given::lane_key("a"));
}

/// It begins with its first event and ends with its last one.
pub(crate) async fn a_scenario_run_is_kept_as_long_as_an_event_of_it(store: &dyn Store) {
    let (lane_id, now) = (lane(store, "render").await, now(store).await);
    let run: ScenarioRunId = "one".parse().unwrap();
    let added = [now, now - MINUTE, now].into_iter().zip(4..);
    insert(store, &added.map(|(at, number)| of_run(new_event(number, lane_id, at), "three")).collect::<Vec<_>>()).await;
    let (three, _) = store.scenario_run(&"three".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(three.first_enqueued_at, now - MINUTE, "the earliest of a batch");
    insert(store, &[of_run(new_event(1, lane_id, now), "one")]).await;
    insert(store, &[of_run(new_event(2, lane_id, now - HOUR), "one"), of_run(new_event(3, lane_id, now), "two")]).await;
    apply(store, 1, |_| EventCommand::Cancel).await;
    let (counts, engines) = store.scenario_run(&run).await.unwrap().unwrap();
    assert_eq!(counts.first_enqueued_at, now - HOUR);
    assert_eq!(counts.counts, StatusCounts { queued: 1, cancelled: 1, ..Default::default() });
    assert!(engines.is_empty());
    for (number, left) in [(2, true), (1, false)] {
        let mut tx = begin(store).await;
        tx.delete_events(&[id(number)]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.scenario_run(&run).await.unwrap().is_some(), left);
    }
}

/// What is enqueued or changes its status is activity, and what ends is counted; what is deleted is neither.
pub(crate) async fn a_scenario_run_knows_its_activity(store: &dyn Store) {
    let lane_id = lane(store, "render").await;
    let run: ScenarioRunId = "one".parse().unwrap();
    let activity = async || store.scenario_run(&run).await.unwrap().unwrap().0.activity;
    // Time passes, and so what ended counts a little less than one each.
    let counts_as = |activity: RunActivity, ends: u64| {
        let sum = activity.ended_lately;
        assert!(sum <= ends * UNITS_OF_AN_END && sum >= ends * UNITS_OF_AN_END * 9 / 10, "{sum}, not {ends} ends");
    };
    let began = now(store).await;
    let events: Vec<_> = (1..=6).map(|number| of_run(new_event(number, lane_id, began - HOUR), "one")).collect();
    insert(store, &events).await;
    insert(store, &[of_run(new_event(7, lane_id, began), "two")]).await;
    let enqueued = activity().await;
    assert!(enqueued.last_activity_at >= began, "by when it was done, not by when it was enqueued");
    counts_as(enqueued, 0);
    for number in 1..=4 {
        claim(store, number, "a").await;
    }
    let claimed = activity().await;
    assert!(claimed.last_activity_at >= enqueued.last_activity_at);
    counts_as(claimed, 0);
    apply(store, 1, complete).await;
    apply(store, 2, |state| fail(state, false, false, "no")).await;
    apply(store, 3, release).await;
    apply(store, 5, |_| EventCommand::Cancel).await;
    counts_as(activity().await, 3);
    apply(store, 4, complete).await;
    let ended = activity().await;
    counts_as(ended, 4);
    assert!(ended.last_activity_at >= claimed.last_activity_at);
    let mut tx = begin(store).await;
    tx.delete_events(&[id(1), id(4)]).await.unwrap();
    tx.commit().await.unwrap();
    let after_deletion = activity().await;
    assert_eq!(after_deletion.last_activity_at, ended.last_activity_at);
    counts_as(after_deletion, 4);
    let listed = store.scenario_runs(&PageRequest { limit: 10, after: None }).await.unwrap().items;
    assert_eq!(listed[0].activity.last_activity_at, ended.last_activity_at);
    counts_as(listed[0].activity, 4);
    counts_as(listed[1].activity, 0);
}

/// Each once, by id, and only while they hold a lock.
pub(crate) async fn a_scenario_run_names_the_engines_that_hold_its_events(store: &dyn Store) {
    let (lane_id, now) = (lane(store, "render").await, now(store).await);
    let events: Vec<_> = (1..=5).map(|number| of_run(new_event(number, lane_id, now), "one")).collect();
    insert(store, &events).await;
    insert(store, &[of_run(new_event(6, lane_id, now), "two")]).await;
    for (number, engine) in [(1, "b"), (2, "a"), (3, "b"), (4, "c"), (6, "d")] {
        claim(store, number, engine).await;
    }
    apply(store, 4, complete).await;
    let (_, engines) = store.scenario_run(&"one".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(engines, [engine_id("a"), engine_id("b")]);
}

/// Every run on exactly one page.
pub(crate) async fn scenario_runs_are_listed_page_by_page(store: &dyn Store) {
    let (lane_id, now) = (lane(store, "render").await, now(store).await);
    let names = ["e", "b", "d", "a", "c"];
    let events: Vec<_> = (1..).zip(names).map(|(number, run)| of_run(new_event(number, lane_id, now), run)).collect();
    insert(store, &events).await;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.scenario_runs(&PageRequest { limit: 2, after }).await.unwrap();
        found.extend(page.items.iter().map(|run| run.scenario_run_id.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, ["a", "b", "c", "d", "e"]);
}
