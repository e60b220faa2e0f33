use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::event::Start;
use crate::event_changes::FieldChange;
use crate::generation::Generation;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const TOKEN: LockToken = LockToken { serial: 3, secret: 42 };
const STALE: LockToken = LockToken { serial: 2, secret: 41 };

/// An event that has lost a lock, failed once and been claimed for the third time when it came to `status`.
fn event(status: EventStatus) -> EventState {
    let lock = Lock {
        token: TOKEN,
        engine_id: "sim-1".parse().unwrap(),
        engine_epoch: 1,
        claimed_at: NOW - Duration::from_secs(10),
        expires_at: NOW + Duration::from_secs(20),
        visibility_timeout: Duration::from_secs(30),
        max_processing: None,
        progress_limit: None,
        unlisted_heartbeats: 0,
    };
    let processing = status == EventStatus::Processing;
    EventState {
        status,
        attempt: 3,
        tally: Tally { retries: 1, failures: 1, losses: 1 },
        lock_serial: 3,
        lock: processing.then_some(lock),
        engine_id: Some("sim-1".parse().unwrap()),
        engine_software_version: Some("1.0.0".into()),
        claimed_at: Some(NOW - Duration::from_secs(10)),
        finished_at: status.is_final().then_some(NOW),
        dead_letter: (status == EventStatus::Failed).then_some(DeadLetterReason::RetriesExhausted),
        ..EventState::enqueued(NOW - Duration::from_secs(60))
    }
}

fn error() -> AttemptError {
    AttemptError { code: None, message: "it broke".to_owned(), details: None }
}

fn command(name: &str, token: LockToken) -> EventCommand {
    match name {
        "claim" => EventCommand::Claim {
            engine_id: "sim-2".parse().unwrap(),
            engine_epoch: 7,
            engine_software_version: Some("2.0.0".into()),
            generation: Generation::FIRST,
            secret: 43,
            visibility_timeout: Duration::from_secs(300),
            max_processing: None,
            progress_timeout: None,
        },
        "complete" => EventCommand::Complete { token, result: None },
        "fail" => EventCommand::Fail { token, failure: Failure::PLAIN, error: error() },
        "release" => EventCommand::Release { token, delay: Duration::ZERO },
        "extend" => EventCommand::Extend { token, visibility_timeout: Duration::from_secs(60) },
        "renew" => EventCommand::Renew { token },
        "report" => EventCommand::Report { token, progress: true },
        "left out" => EventCommand::LeaveOut,
        "lock lost" => EventCommand::LoseLock { loss: Loss::EngineLost, alone: true },
        "lock expired" => EventCommand::LoseLock { loss: Loss::Expired, alone: true },
        "returned" => EventCommand::Return,
        "cancel" => EventCommand::Cancel,
        "cancel by force" => EventCommand::CancelByForce,
        "retry" => EventCommand::Retry,
        "change" => EventCommand::Change { start: None, expires_after: FieldChange::Keep },
        "redrive" => EventCommand::Redrive { start: Start::Now, expires_after: None },
        "expired" => EventCommand::Expire,
        "blocked" => EventCommand::GiveUp { dead_letter: true, why: "no engine fits".to_owned() },
        "discard" => EventCommand::Discard,
        other => panic!("no such command: {other}"),
    }
}

/// The only place that knows the signature.
fn apply(event: &EventState, command: &EventCommand) -> Result<Transition, TransitionRefused> {
    transition(
        event,
        command,
        Facts { now: NOW, came_at: NOW, retry_policy: &RetryPolicy::DEFAULT, jitter: Jitter::NONE },
    )
}

#[track_caller]
fn moved(event: &EventState, command: &EventCommand) -> EventState {
    match apply(event, command) {
        Ok(Transition::Moves { state, .. }) => *state,
        other => panic!("did not move: {other:?}"),
    }
}

/// What a cell of the table in docs/event-lifecycle.md says, as a check of what happens.
#[track_caller]
fn check_cell(status: EventStatus, name: &str, cell: &str) {
    let mut before = event(status);
    if name == "expired" {
        before.expires_at = Some(NOW);
    }
    let got = apply(&before, &command(name, TOKEN));
    let place = format!("{status} × {name}: {cell}, but {got:?}");
    let status_after = match &got {
        Ok(Transition::Moves { state, .. }) => Ok(state.status),
        Ok(Transition::AlreadySo) => Ok(before.status),
        Err(refused) => Err(*refused),
    };
    match cell {
        "-" => assert!(status_after.is_err(), "{place}"),
        "lock_lost" => assert_eq!(status_after, Err(TransitionRefused::LockLost { status }), "{place}"),
        "wrong_status" => assert!(matches!(status_after, Err(TransitionRefused::WrongStatus { .. })), "{place}"),
        "extended" | "asked to stop" => assert_eq!(status_after, Ok(EventStatus::Processing), "{place}"),
        "available now" | "queued or failed" | "changed" => {
            assert_eq!(status_after, Ok(EventStatus::Queued), "{place}")
        }
        status_name => assert_eq!(status_after, Ok(status_name.parse().expect("a status")), "{place}"),
    }
}

#[test]
fn a_loss_by_a_takeover_is_in_the_history_and_charged_to_nobody() {
    for (losses, alone) in [(0, true), (0, false), (3, true), (3, false)] {
        let mut event = event(EventStatus::Processing);
        event.tally.losses = losses;
        let lost = |loss| apply(&event, &EventCommand::LoseLock { loss, alone });
        let Ok(Transition::Moves { state, attempt: Some(attempt) }) = lost(Loss::TakenOver) else { panic!("it moves") };
        assert_eq!((state.status, state.tally, &state.lock), (EventStatus::Queued, event.tally, &None));
        assert_eq!((state.available_at, attempt.outcome), (event.available_at, AttemptOutcome::Lost));
        let Ok(Transition::Moves { state, .. }) = lost(Loss::EngineSuperseded) else { panic!("it moves") };
        let is_charged = losses == 0 || alone;
        assert_eq!(state.tally.losses, losses + u32::from(is_charged), "a restart is a loss like any other");
    }
}

#[test]
fn a_command_that_had_to_wait_is_judged_by_when_it_came_and_what_it_asks_counts_from_when_it_is_done() {
    let event = event(EventStatus::Processing);
    let lock = event.lock.clone().unwrap();
    let later = lock.expires_at + Duration::from_secs(9);
    let facts = |came_at| Facts { now: later, came_at, retry_policy: &RetryPolicy::DEFAULT, jitter: Jitter::NONE };
    let renewal = EventCommand::Renew { token: lock.token };
    let Ok(Transition::Moves { state, .. }) =
        transition(&event, &renewal, facts(lock.expires_at - Duration::from_millis(1)))
    else {
        panic!("it came in time")
    };
    assert_eq!(state.lock.unwrap().expires_at, later + lock.visibility_timeout);
    assert!(transition(&event, &renewal, facts(lock.expires_at)).is_err());
}

#[test]
fn every_command_in_every_status_does_what_the_documented_table_says() {
    let page = include_str!("../../../../docs/event-lifecycle.md");
    let row = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let mut lines = page.lines().skip_while(|line| !line.starts_with("| status | claim |"));
    let names = row(lines.next().expect("the table is there"));
    let rows: Vec<_> = lines.skip(1).take_while(|line| line.starts_with('|')).map(row).collect();
    assert_eq!((names.len(), rows.len()), (15, 5), "every status and every command");
    for cells in rows {
        let status: EventStatus = cells[0].parse().expect("a status");
        for (name, cell) in names.iter().zip(&cells).skip(1) {
            check_cell(status, name, cell);
        }
    }
}

#[test]
fn a_claim_starts_an_attempt_under_a_new_lock() {
    let claimed = moved(&event(EventStatus::Queued), &command("claim", TOKEN));
    let lock = claimed.lock.unwrap();
    assert_eq!((claimed.attempt, claimed.lock_serial), (4, 4));
    assert_eq!(lock.token, LockToken { serial: 4, secret: 43 });
    assert_eq!(lock.holder(), "processing_by_sim-2");
    assert_eq!((lock.claimed_at, lock.expires_at), (NOW, NOW + Duration::from_secs(300)));
}

#[test]
fn nothing_is_claimed_before_it_is_due() {
    let later = EventState { available_at: NOW + Duration::from_millis(1), ..event(EventStatus::Queued) };
    assert!(apply(&later, &command("claim", TOKEN)).is_err());
    let due = EventState { available_at: NOW, ..later };
    assert!(apply(&due, &command("claim", TOKEN)).is_ok());
}

#[test]
fn only_the_current_token_settles() {
    for name in ["complete", "fail", "release", "extend", "renew", "report"] {
        let refused = Err(TransitionRefused::LockLost { status: EventStatus::Processing });
        assert_eq!(apply(&event(EventStatus::Processing), &command(name, STALE)), refused, "{name}");
        let guessed = LockToken { secret: 0, ..TOKEN };
        assert_eq!(apply(&event(EventStatus::Processing), &command(name, guessed)), refused, "{name}");
    }
}

#[test]
fn a_lock_that_has_expired_settles_nothing_even_before_a_sweep() {
    let mut expired = event(EventStatus::Processing);
    expired.lock.as_mut().unwrap().expires_at = NOW;
    for name in ["complete", "fail", "release", "extend", "renew", "report"] {
        assert_eq!(
            apply(&expired, &command(name, TOKEN)),
            Err(TransitionRefused::LockLost { status: EventStatus::Processing }),
            "{name}"
        );
    }
}

#[test]
fn the_same_token_again_answers_the_same_and_changes_nothing() {
    for name in ["complete", "fail", "release"] {
        let settled = moved(&event(EventStatus::Processing), &command(name, TOKEN));
        assert_eq!(apply(&settled, &command(name, TOKEN)), Ok(Transition::AlreadySo), "{name}");
        for other in ["complete", "fail", "release"].into_iter().filter(|other| *other != name) {
            assert!(apply(&settled, &command(other, TOKEN)).is_err(), "{name}, then {other}");
        }
        assert!(apply(&settled, &command(name, STALE)).is_err(), "{name} with another token");
    }
}

#[test]
fn a_settle_is_forgotten_with_the_next_claim() {
    let failed = moved(&event(EventStatus::Processing), &command("fail", TOKEN));
    let claimed = moved(&EventState { available_at: NOW, ..failed }, &command("claim", TOKEN));
    let refused = Err(TransitionRefused::LockLost { status: EventStatus::Processing });
    assert_eq!(apply(&claimed, &command("fail", TOKEN)), refused);
}

#[test]
fn a_release_does_not_count_the_attempt() {
    let release = EventCommand::Release { token: TOKEN, delay: Duration::from_secs(5) };
    let released = moved(&event(EventStatus::Processing), &release);
    assert_eq!((released.status, released.attempt), (EventStatus::Queued, 2));
    assert_eq!(released.tally, event(EventStatus::Processing).tally);
    assert_eq!(released.available_at, NOW + Duration::from_secs(5));
}

#[test]
fn an_extension_never_passes_the_end_of_processing_and_a_renewal_never_takes_one_back() {
    let extend = EventCommand::Extend { token: TOKEN, visibility_timeout: Duration::from_secs(600) };
    let mut processing = event(EventStatus::Processing);
    processing.lock.as_mut().unwrap().max_processing = Some(Duration::from_secs(100));
    let extended = moved(&processing, &extend);
    assert_eq!(extended.lock.as_ref().unwrap().expires_at, NOW + Duration::from_secs(90));
    let renewed = moved(&extended, &command("renew", TOKEN));
    assert_eq!(renewed.lock.unwrap().expires_at, NOW + Duration::from_secs(90));
    let renewed = moved(&event(EventStatus::Processing), &command("renew", TOKEN));
    assert_eq!(renewed.lock.unwrap().expires_at, NOW + Duration::from_secs(30));
}

#[test]
fn a_lock_left_out_of_two_heartbeats_is_released_as_if_it_had_not_been() {
    let once = moved(&event(EventStatus::Processing), &command("left out", TOKEN));
    assert_eq!(once.status, EventStatus::Processing);
    let listed = moved(&once, &command("renew", TOKEN));
    assert_eq!(listed.lock.unwrap().unlisted_heartbeats, 0, "a renewal starts anew");
    let twice = moved(&once, &command("left out", TOKEN));
    assert_eq!((twice.status, twice.attempt, twice.available_at), (EventStatus::Queued, 2, once.available_at));
    assert_eq!(twice.tally, once.tally, "no loss and no failure");
}

#[test]
fn a_lost_lock_is_no_failure_and_leaves_its_trace() {
    let Ok(Transition::Moves { state, attempt: Some(attempt) }) =
        apply(&event(EventStatus::Processing), &command("lock lost", TOKEN))
    else {
        panic!("the lock is lost");
    };
    let due_since = event(EventStatus::Processing).available_at;
    assert_eq!((state.status, state.available_at), (EventStatus::Queued, due_since), "it keeps its place");
    assert_eq!(state.tally, Tally { retries: 1, failures: 1, losses: 2 });
    assert_eq!((attempt.attempt, attempt.lock_serial, attempt.outcome), (3, 3, AttemptOutcome::Lost));
    assert_eq!(attempt.error.unwrap().code.as_deref(), Some("lock_lost"));
}

#[test]
fn only_an_expired_lock_expires() {
    assert!(apply(&event(EventStatus::Processing), &command("lock expired", TOKEN)).is_err());
    let mut expired = event(EventStatus::Processing);
    expired.lock.as_mut().unwrap().expires_at = NOW;
    assert_eq!(moved(&expired, &command("lock expired", TOKEN)).tally.losses, 2);
}

#[test]
fn the_end_of_processing_is_a_failed_attempt() {
    let mut late = event(EventStatus::Processing);
    let lock = late.lock.as_mut().unwrap();
    lock.max_processing = Some(Duration::from_secs(10));
    lock.expires_at = NOW;
    let Ok(Transition::Moves { state, attempt: Some(attempt) }) = apply(&late, &command("lock expired", TOKEN)) else {
        panic!("its time is over");
    };
    assert_eq!(attempt.outcome, AttemptOutcome::TimedOut);
    assert_eq!(state.tally, Tally { retries: 2, failures: 2, losses: 1 });
    assert_eq!(state.last_error.unwrap().code.as_deref(), Some("timed_out"));
    assert_eq!(state.available_at, NOW + Duration::from_secs(60));
}

#[test]
fn an_attempt_without_progress_is_stuck_although_its_lock_is_renewed() {
    let timeout = Duration::from_secs(25);
    let mut reporting = event(EventStatus::Processing);
    let limit = ProgressLimit { timeout, due_at: NOW + Duration::from_secs(15) };
    reporting.lock.as_mut().unwrap().progress_limit = Some(limit);
    let renewed = moved(&reporting, &command("renew", TOKEN)).lock.unwrap();
    assert_eq!(
        renewed.expires_at,
        NOW + Duration::from_secs(20),
        "what it had, and no more than the time for progress"
    );
    // Without progress a report changes nothing of the lock.
    let idle = moved(&reporting, &EventCommand::Report { token: TOKEN, progress: false });
    assert_eq!(idle.lock, reporting.lock);
    let reported = moved(&reporting, &command("report", TOKEN));
    assert_eq!(reported.reported_lock_serial, Some(TOKEN.serial));
    let lock = reported.lock.as_ref().unwrap();
    assert_eq!((lock.expires_at, lock.progress_limit.unwrap().due_at), (NOW + timeout, NOW + timeout));
    // Its time for progress is over.
    let mut stuck = reporting;
    let lock = stuck.lock.as_mut().unwrap();
    (lock.expires_at, lock.progress_limit) = (NOW, Some(ProgressLimit { timeout, due_at: NOW }));
    let Ok(Transition::Moves { state, attempt: Some(attempt) }) = apply(&stuck, &command("lock expired", TOKEN)) else {
        panic!("it is stuck");
    };
    assert_eq!(attempt.outcome, AttemptOutcome::Stuck);
    assert_eq!(state.tally, Tally { retries: 2, failures: 2, losses: 1 }, "a failed attempt, and no loss");
    assert_eq!(state.last_error.unwrap().code.as_deref(), Some("stuck"));
}

#[test]
fn a_release_leaves_a_trace_if_something_was_reported() {
    let silent = event(EventStatus::Processing);
    let reported = moved(&silent, &command("report", TOKEN));
    // Of an earlier lock.
    let before = EventState { reported_lock_serial: Some(2), ..silent.clone() };
    for name in ["release", "returned"] {
        for (event, leaves) in [(&silent, false), (&before, false), (&reported, true)] {
            let Ok(Transition::Moves { state, attempt }) = apply(event, &command(name, TOKEN)) else {
                panic!("it is released");
            };
            assert_eq!(state.attempt, 2, "it is not counted");
            let trace = attempt.map(|attempt| (attempt.attempt, attempt.outcome, attempt.error));
            assert_eq!(trace, leaves.then_some((3, AttemptOutcome::Released, None)), "{name}");
        }
    }
}

#[test]
fn a_cancel_while_processing_ends_the_event_with_its_lock() {
    let asked = moved(&event(EventStatus::Processing), &EventCommand::Cancel);
    assert!(asked.cancel_requested && asked.lock.is_some());
    assert_eq!(apply(&asked, &EventCommand::Cancel), Ok(Transition::AlreadySo));
    for name in ["fail", "release", "lock lost"] {
        assert_eq!(moved(&asked, &command(name, TOKEN)).status, EventStatus::Cancelled, "{name}");
    }
    assert_eq!(moved(&asked, &command("complete", TOKEN)).status, EventStatus::Completed);
    let last = EventState { tally: Tally { retries: 3, failures: 3, losses: 0 }, ..asked };
    assert_eq!(moved(&last, &command("fail", TOKEN)).status, EventStatus::Failed, "a final failure counts");
}

#[test]
fn a_cancel_by_force_ends_the_attempt_at_once() {
    let asked = moved(&event(EventStatus::Processing), &EventCommand::Cancel);
    for before in [event(EventStatus::Processing), asked] {
        let Ok(Transition::Moves { state, attempt: Some(attempt) }) = apply(&before, &EventCommand::CancelByForce)
        else {
            panic!("an attempt ends");
        };
        assert_eq!((state.status, &state.lock, state.cancel_requested), (EventStatus::Cancelled, &None, false));
        assert_eq!(state.tally, before.tally, "it is nobody's failure");
        assert_eq!(
            (attempt.outcome, attempt.error.unwrap().code.as_deref()),
            (AttemptOutcome::Lost, Some("cancelled"))
        );
        let refused = Err(TransitionRefused::LockLost { status: EventStatus::Cancelled });
        assert_eq!(apply(&state, &command("complete", TOKEN)), refused);
    }
}

#[test]
fn a_change_moves_an_event_in_time_and_leaves_the_rest() {
    let waits = event(EventStatus::Queued);
    let at = |start| moved(&waits, &EventCommand::Change { start, expires_after: FieldChange::Keep });
    assert_eq!(at(None), waits, "its age is kept");
    assert_eq!(at(Some(Start::Now)), EventState { available_at: NOW, ..waits.clone() });
    let later = NOW + Duration::from_secs(9);
    for start in [Start::At(later), Start::After(Duration::from_secs(9))] {
        assert_eq!(at(Some(start)), EventState { available_at: later, ..waits.clone() });
    }
    assert_eq!(at(Some(Start::At(NOW - Duration::from_secs(99)))).available_at, NOW, "no event is older than it is");
}

#[test]
fn an_event_that_is_queued_when_it_expires_is_given_to_nobody_and_cancelled() {
    let at = |seconds_ago: u64, status| EventState {
        expires_at: Some(NOW - Duration::from_secs(seconds_ago)),
        ..event(status)
    };
    let in_time = EventState { expires_at: Some(NOW + Duration::from_millis(1)), ..event(EventStatus::Queued) };
    assert_eq!(moved(&in_time, &command("claim", TOKEN)).status, EventStatus::Processing);
    assert!(apply(&in_time, &EventCommand::Expire).is_err());
    for seconds_ago in [0, 9] {
        let late = at(seconds_ago, EventStatus::Queued);
        for name in ["claim", "retry", "change"] {
            assert!(apply(&late, &command(name, TOKEN)).is_err(), "{name}: its time is over");
        }
        let expired = moved(&late, &EventCommand::Expire);
        assert_eq!((expired.status, expired.finished_at), (EventStatus::Cancelled, Some(NOW)));
        assert_eq!(expired.last_error.as_ref().unwrap().code.as_deref(), Some("expired"));
        assert_eq!(moved(&late, &EventCommand::Cancel).status, EventStatus::Cancelled);
        // Whoever redrives it wants it: its expiry is over, or begins anew if that is said.
        let redrive =
            |expires_after| EventCommand::Redrive { start: Start::After(Duration::from_secs(2)), expires_after };
        assert_eq!(moved(&expired, &redrive(None)).expires_at, None);
        let again = moved(&expired, &redrive(Some(Duration::from_secs(5))));
        assert_eq!(again.expires_at, Some(NOW + Duration::from_secs(7)), "counted from when it comes due");
        // An attempt goes on, and what comes back to the queue late has expired there.
        let held = at(seconds_ago, EventStatus::Processing);
        assert!(apply(&held, &EventCommand::Expire).is_err());
        assert_eq!(moved(&held, &command("complete", TOKEN)).status, EventStatus::Completed);
        assert!(moved(&held, &command("fail", TOKEN)).has_expired(NOW));
    }
}

#[test]
fn an_expiry_is_changed_with_its_event() {
    let change = |start, expires_after| EventCommand::Change { start, expires_after };
    let waits = EventState { expires_at: Some(NOW + Duration::from_secs(9)), ..event(EventStatus::Queued) };
    let expires_at = |command| moved(&waits, &command).expires_at;
    assert_eq!(expires_at(change(None, FieldChange::Keep)), waits.expires_at);
    assert_eq!(expires_at(change(None, FieldChange::Unset)), None);
    let minute = FieldChange::Set(Duration::from_secs(60));
    assert_eq!(expires_at(change(None, minute)), Some(NOW + Duration::from_secs(60)), "from now on, if it is due");
    let later = Some(Start::After(Duration::from_secs(5)));
    assert_eq!(expires_at(change(later, minute)), Some(NOW + Duration::from_secs(65)));
}

#[test]
fn a_redrive_gives_fresh_budgets_and_keeps_the_history() {
    let redriven = moved(
        &event(EventStatus::Failed),
        &EventCommand::Redrive { start: Start::After(Duration::from_secs(2)), expires_after: None },
    );
    assert_eq!(redriven.tally, Tally { retries: 0, failures: 1, losses: 0 });
    assert_eq!((redriven.redrives, redriven.attempt, redriven.lock_serial), (1, 3, 3));
    assert_eq!((redriven.dead_letter, redriven.finished_at), (None, None));
    assert_eq!(redriven.available_at, NOW + Duration::from_secs(2));
    let plain = EventState { dead_letter: None, ..event(EventStatus::Failed) };
    for event in [plain, event(EventStatus::Cancelled)] {
        let redriven = moved(&event, &command("redrive", TOKEN));
        assert_eq!((redriven.status, redriven.redrives, redriven.finished_at), (EventStatus::Queued, 1, None));
    }
}

#[test]
fn a_discard_leaves_the_event_failed() {
    let discarded = moved(&event(EventStatus::Failed), &EventCommand::Discard);
    assert_eq!((discarded.status, discarded.dead_letter), (EventStatus::Failed, None));
    assert!(apply(&discarded, &EventCommand::Discard).is_err());
}

const NAMES: [&str; 17] = [
    "claim",
    "complete",
    "fail",
    "release",
    "extend",
    "renew",
    "report",
    "left out",
    "lock lost",
    "lock expired",
    "cancel",
    "retry",
    "change",
    "redrive",
    "expired",
    "blocked",
    "discard",
];

proptest! {
    /// Whatever happens in whatever order: one status and its marks, a serial that only rises, a claim only when due, and
    /// never more attempts than the budgets allow.
    #[test]
    fn an_event_keeps_its_invariants_whatever_happens(
        steps in proptest::collection::vec((0..NAMES.len(), 0u64..400, any::<bool>()), 0..80),
    ) {
        let mut state = EventState::enqueued(NOW);
        let mut now = NOW;
        let mut counted = 0u32;
        for (choice, seconds, current) in steps {
            now = now + Duration::from_secs(seconds);
            let serial = state.lock_serial;
            let token = if current { LockToken { serial, secret: 43 } } else { STALE };
            let command = command(NAMES[choice], token);
            let facts = Facts { now, came_at: now, retry_policy: &RetryPolicy::DEFAULT, jitter: Jitter::NONE };
            let Ok(Transition::Moves { state: next, attempt }) = transition(&state, &command, facts) else { continue };
            if matches!(command, EventCommand::Claim { .. }) {
                prop_assert!(state.status == EventStatus::Queued && state.available_at <= now);
                prop_assert_eq!(next.lock_serial, serial + 1);
            } else {
                prop_assert_eq!(next.lock_serial, serial);
            }
            prop_assert_eq!(next.status == EventStatus::Processing, next.lock.is_some());
            prop_assert_eq!(next.status.is_final(), next.finished_at.is_some());
            prop_assert!(next.dead_letter.is_none() || next.status == EventStatus::Failed);
            prop_assert!(!next.cancel_requested || next.status == EventStatus::Processing);
            let leaves_rest = matches!(command, EventCommand::Redrive { .. } | EventCommand::Discard);
            prop_assert!(!state.status.is_final() || leaves_rest);
            if matches!(command, EventCommand::Redrive { .. }) {
                counted = 0;
            }
            counted += u32::from(attempt.is_some_and(|attempt| attempt.outcome != AttemptOutcome::Released));
            // Invariant 5: attempts per budget, of which the completed one leaves no record.
            prop_assert!(counted <= 1 + 3 + 3);
            prop_assert!(next.tally.retries <= 3 && next.tally.losses <= 4);
            state = *next;
        }
    }
}
