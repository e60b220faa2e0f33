//! Histories with one violation each: a checker that objects to nothing proves nothing.

use std::time::Duration;

use enginehouse_api::events::EventCounts;
use enginehouse_api::problem::Code;
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::lock::LockToken;
use enginehouse_core::time::Timestamp;

use super::check;
use crate::final_state::{FinalEvent, FinalState};
use crate::history::{Answer, Call, CallOutcome, CallRecord, LockedEvent, Settling};

const LOST_AFTER: Duration = Duration::from_secs(6);

/// A history in the making: each call begins a second after the one before, and takes half of one.
#[derive(Clone, Default)]
struct Story {
    operations: Vec<CallRecord>,
    state: FinalState,
}

fn event_id() -> EventId {
    "0193f2a0-0000-7000-8000-000000000001".parse().unwrap()
}

fn other_event_id() -> EventId {
    "0193f2a0-0000-7000-8000-000000000002".parse().unwrap()
}

fn engine_id() -> EngineId {
    "engine".parse().unwrap()
}

fn token(serial: i64) -> LockToken {
    LockToken { serial, secret: 7 }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn claim(serial: i64) -> LockedEvent {
    let (available_at, claimed_at) = (at(1), at(10 + serial));
    LockedEvent { event_id: event_id(), token: token(serial), payload: "{}".to_owned(), available_at, claimed_at }
}

fn complete() -> Settling {
    Settling::Complete { result: "1".to_owned() }
}

impl Story {
    fn then(mut self, call: Call, outcome: CallOutcome) -> Self {
        let invoked_at = Duration::from_secs(self.operations.len() as u64);
        let returned_at = invoked_at + Duration::from_millis(500);
        self.operations.push(CallRecord { invoked_at, returned_at, call, outcome });
        self
    }

    fn enqueue(self, outcome: CallOutcome) -> Self {
        self.then(Call::Enqueue { key: "k".to_owned(), payload: "{}".to_owned() }, outcome)
    }

    fn enqueued(self, event_id: EventId) -> Self {
        self.enqueue(CallOutcome::Ok(Answer::Enqueued { event_id, available_at: at(1) }))
    }

    fn registered(self, epoch: i64) -> Self {
        self.then(Call::Register { engine_id: engine_id() }, CallOutcome::Ok(Answer::Registered { epoch }))
    }

    fn heartbeat(self, epoch: i64) -> Self {
        let answer = Answer::Heartbeat { renewed: Vec::new(), lost: Vec::new() };
        self.then(Call::Heartbeat { engine_id: engine_id(), epoch }, CallOutcome::Ok(answer))
    }

    fn claimed(self, epoch: i64, claim: LockedEvent) -> Self {
        self.then(Call::Claim { engine_id: engine_id(), epoch }, CallOutcome::Ok(Answer::Claimed(vec![claim])))
    }

    fn settle(self, serial: i64, how: Settling, outcome: CallOutcome) -> Self {
        self.then(Call::Settle { event_id: event_id(), token: token(serial), how }, outcome)
    }

    fn settled(self, serial: i64, how: Settling, status: EventStatus) -> Self {
        self.settle(serial, how, CallOutcome::Ok(Answer::Settled { status, available_at: at(1) }))
    }

    /// What is there in the end.
    fn ends_with(mut self, status: EventStatus, result: Option<&str>) -> Self {
        self.state.events.push(FinalEvent {
            event_id: event_id(),
            key: Some("k".to_owned()),
            payload: "{}".to_owned(),
            status,
            result: result.map(str::to_owned),
        });
        *self.state.counts.of(status) += 1;
        self
    }

    fn completed(self) -> Self {
        self.ends_with(EventStatus::Completed, Some("1"))
    }

    fn rules(&self) -> Vec<&'static str> {
        check(&self.operations, &self.state, LOST_AFTER).rules()
    }

    fn violates(self, rules: &[&str]) {
        assert_eq!(self.rules(), rules);
    }
}

/// Enqueued, and claimed under the first lock.
fn begun() -> Story {
    Story::default().enqueued(event_id()).registered(1).claimed(1, claim(1))
}

fn done() -> Story {
    begun().settled(1, complete(), EventStatus::Completed)
}

#[test]
fn a_history_in_which_all_is_well_has_no_violation() {
    done().completed().violates(&[]);
    // A repeat of what may have been done, the loss of a silent engine, and what nobody knows.
    let settle = |story: Story, outcome| story.settle(1, complete(), outcome);
    settle(begun(), CallOutcome::Unknown).settled(1, complete(), EventStatus::Completed).completed().violates(&[]);
    let silent = (0..10).fold(begun(), |story, _| story.enqueued(event_id()));
    let lost = settle(silent, CallOutcome::Failed(Some(Code::LockLost)));
    lost.claimed(1, claim(2)).settled(2, complete(), EventStatus::Completed).completed().violates(&[]);
    Story::default().enqueue(CallOutcome::Unknown).violates(&[]);
    Story::default().enqueue(CallOutcome::Unknown).ends_with(EventStatus::Cancelled, None).violates(&[]);
    // After a failure that was asked for twice because its first answer was lost, another engine has the event.
    begun()
        .settle(1, Settling::Fail, CallOutcome::Unknown)
        .claimed(1, claim(2))
        .settled(1, Settling::Fail, EventStatus::Queued)
        .settled(2, complete(), EventStatus::Completed)
        .completed()
        .violates(&[]);
}

#[test]
fn an_event_that_was_acknowledged_and_is_not_there_is_found() {
    Story::default().enqueued(event_id()).violates(&["an acknowledged event is lost"]);
    begun().violates(&["an acknowledged event is lost", "an event that was claimed is lost"]);
}

#[test]
fn an_event_that_nobody_enqueued_or_that_was_refused_is_found() {
    Story::default().completed().violates(&["an event is there that nobody enqueued"]);
    Story::default()
        .enqueue(CallOutcome::Failed(Some(Code::StoreUnavailable)))
        .completed()
        .violates(&["an event is there although its enqueue was not applied"]);
}

#[test]
fn a_key_with_two_events_is_found() {
    done()
        .enqueued(other_event_id())
        .completed()
        .violates(&["an acknowledged event is lost", "one idempotency key was answered with two events"]);
    let mut twice = done().completed().completed();
    twice.state.events[1].event_id = other_event_id();
    twice.violates(&["one idempotency key has two events"]);
}

#[test]
fn a_changed_payload_is_found() {
    let mut changed = done().completed();
    changed.state.events[0].payload = "{ }".to_owned();
    changed.violates(&["a claim brought another payload", "a payload has changed"]);
}

#[test]
fn an_event_that_is_completed_twice_is_found() {
    done().settled(2, complete(), EventStatus::Completed).completed().violates(&["an event was completed twice"]);
}

#[test]
fn a_completion_that_is_not_there_is_found() {
    let rule = "a completion was acknowledged and is not there";
    done().ends_with(EventStatus::Cancelled, None).violates(&[rule]);
    done().ends_with(EventStatus::Completed, Some("2")).violates(&[rule]);
}

#[test]
fn a_stale_token_that_is_accepted_is_found() {
    begun()
        .claimed(1, claim(2))
        .settled(1, complete(), EventStatus::Completed)
        .completed()
        .violates(&["a stale token was accepted"]);
    begun()
        .claimed(1, claim(2))
        .settled(1, Settling::Extend, EventStatus::Processing)
        .settled(2, complete(), EventStatus::Completed)
        .completed()
        .violates(&["a stale token was accepted"]);
}

#[test]
fn a_claim_of_a_completed_event_is_found() {
    done().claimed(1, claim(2)).completed().violates(&["a completed event was claimed"]);
}

#[test]
fn a_claim_before_its_time_is_found() {
    let rule = "an event was claimed before it was available";
    let early = LockedEvent { claimed_at: at(0), ..claim(1) };
    let end = |story: Story| story.settled(1, complete(), EventStatus::Completed).completed();
    end(Story::default().enqueued(event_id()).registered(1).claimed(1, early.clone())).violates(&[rule]);
    // The claim's own answer says another time than the enqueue.
    let lying = LockedEvent { available_at: at(0), ..early };
    end(Story::default().enqueued(event_id()).registered(1).claimed(1, lying)).violates(&[rule]);
    let delayed = Answer::Settled { status: EventStatus::Queued, available_at: at(60) };
    begun()
        .settle(1, Settling::Release, CallOutcome::Ok(delayed))
        .claimed(1, claim(2))
        .settled(2, complete(), EventStatus::Completed)
        .completed()
        .violates(&[rule]);
}

#[test]
fn serials_that_go_back_are_found() {
    let story = |first, second| {
        let story = Story::default().enqueued(event_id()).registered(1);
        story.claimed(1, claim(first)).claimed(1, claim(second)).ends_with(EventStatus::Failed, None)
    };
    story(2, 1).violates(&["the serials of an event's locks go back"]);
    story(1, 1).violates(&["a lock was given twice", "the serials of an event's locks go back"]);
    story(1, 2).violates(&[]);
}

#[test]
fn epochs_that_go_back_and_calls_of_older_ones_are_found() {
    Story::default().registered(2).registered(2).violates(&["the epochs of an engine go back"]);
    Story::default().registered(1).registered(2).heartbeat(1).violates(&["a call of an older epoch was accepted"]);
    Story::default().registered(1).heartbeat(1).registered(2).heartbeat(2).violates(&[]);
}

#[test]
fn an_engine_that_is_lost_although_it_kept_its_interval_is_found() {
    let kept = (0..10).fold(begun(), |story, _| story.heartbeat(1));
    kept.settle(1, complete(), CallOutcome::Failed(Some(Code::LockLost)))
        .ends_with(EventStatus::Failed, None)
        .violates(&["an engine that kept its interval has lost a lock"]);
}

#[test]
fn an_event_without_an_end_and_wrong_counts_are_found() {
    Story::default().enqueued(event_id()).ends_with(EventStatus::Queued, None).violates(&["an event has not ended"]);
    let mut miscounted = done().completed();
    miscounted.state.counts = EventCounts::default();
    miscounted.violates(&["counts are not those of the events"]);
    let listed_twice = done().completed().completed();
    listed_twice.violates(&["an event is listed twice", "one idempotency key has two events"]);
}
