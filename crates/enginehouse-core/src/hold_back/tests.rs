use proptest::prelude::*;

use super::*;
use crate::engine::EngineStatus;
use crate::gates::{ClaimFilter, EngineFacts, Gate, Held, LaneFacts, first_failure};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn after(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn abilities(slots: u32, memory_mb: Option<u64>) -> Abilities {
    Abilities {
        capabilities: Default::default(),
        max_concurrent_events: slots,
        memory_limit_mb: memory_mb,
        version: None,
    }
}

fn key(priority: u8, memory_mb: Option<u64>) -> LaneKey {
    LaneKey {
        queue: "default".parse().unwrap(),
        event_type: "work".parse().unwrap(),
        priority,
        required_capabilities: Default::default(),
        required_memory_mb: memory_mb,
        engine_version: None,
        suspended_run: None,
    }
}

fn work(seconds: u64, memory_mb: u64) -> HeldWork {
    HeldWork { ends_at: after(seconds), memory_mb, final_attempt: false }
}

fn small(takes: Option<u64>) -> HoldBackCandidate {
    let takes = takes.map(Duration::from_secs);
    HoldBackCandidate { priority: 5, required_memory_mb: Some(10), takes, final_attempt: false }
}

#[test]
fn an_engine_is_free_when_enough_of_its_work_has_ended() {
    let held = [work(50, 30), work(10, 30), work(30, 30), work(30, 5)];
    let reserved = |memory_mb| Reservation::of(&abilities(5, Some(100)), &held, &key(5, memory_mb), false, NOW);
    let opens = |memory_mb| reserved(memory_mb).map(|reservation| (reservation.opens_at, reservation.spare_memory_mb));
    assert_eq!(opens(None), Some((NOW, None)));
    assert_eq!(opens(Some(5)), Some((NOW, Some(0))));
    assert_eq!(opens(Some(6)), Some((after(10), Some(29))));
    assert_eq!(opens(Some(40)), Some((after(30), Some(30))), "two end at once");
    assert_eq!(opens(Some(100)), Some((after(50), Some(0))));
    assert_eq!(opens(Some(101)), None);
    let alone = Reservation::of(&abilities(5, Some(100)), &held, &key(5, None), true, NOW).unwrap();
    assert_eq!((alone.opens_at, alone.spare_locks), (after(50), 0));
    let full = Reservation::of(&abilities(4, None), &held, &key(5, None), false, NOW).unwrap();
    assert_eq!((full.opens_at, full.spare_locks, full.spare_memory_mb), (after(10), 0, None));
    assert_eq!(Reservation::of(&abilities(4, None), &[], &key(5, Some(1)), false, NOW), None);
}

#[test]
fn what_ends_before_or_fits_beside_it_passes() {
    let held = [work(50, 60)];
    let hold_back = |slots, limit| HoldBack {
        priority: 5,
        reservation: Reservation::of(&abilities(slots, Some(limit)), &held, &key(5, Some(90)), false, NOW).unwrap(),
        now: NOW,
    };
    let tight = hold_back(5, 100);
    assert!(!tight.keeps_from(&small(None)), "10 MiB are left beside it");
    let tight = HoldBack { reservation: Reservation { spare_memory_mb: Some(9), ..tight.reservation }, ..tight };
    assert!(tight.keeps_from(&small(None)) && tight.keeps_from(&small(Some(51))));
    assert!(!tight.keeps_from(&small(Some(50))), "it ends before");
    assert!(!tight.keeps_from(&HoldBackCandidate { priority: 4, ..small(None) }), "it has a better priority");
    assert!(tight.keeps_from(&HoldBackCandidate { priority: 6, ..small(None) }));
    assert!(hold_back(1, 1_000).keeps_from(&small(None)), "no lock is left beside it");
    assert!(
        hold_back(2, 1_000).keeps_from(&HoldBackCandidate { final_attempt: true, ..small(None) }),
        "it must be alone"
    );
}

#[test]
fn a_priority_rises_by_a_step_each_period_and_no_further_than_the_first() {
    let minute = Some(Duration::from_secs(60));
    let effective = |waited, aging| effective_priority(3, aging, NOW, after(waited));
    assert_eq!((effective(59, minute), effective(60, minute), effective(179, minute)), (3, 2, 1));
    assert_eq!((effective(100_000, minute), effective(100_000, None)), (0, 3));
    assert_eq!(available_until(3, 3, None, NOW), Some(NOW));
    assert_eq!(available_until(3, 4, minute, NOW), Some(NOW), "a worse level has all that the better ones have");
    assert_eq!(available_until(3, 1, minute, after(120)), Some(NOW));
    assert_eq!(available_until(3, 1, None, NOW), None);
}

fn held_work() -> impl Strategy<Value = Vec<HeldWork>> {
    let one = (0..100_u64, 0..50_u64, prop::bool::weighted(0.1))
        .prop_map(|(seconds, memory_mb, final_attempt)| HeldWork { ends_at: after(seconds), memory_mb, final_attempt });
    prop::collection::vec(one, 0..6)
}

fn held(work: &[HeldWork]) -> Held {
    let mut held = Held::default();
    for work in work {
        held = held.and(Some(work.memory_mb));
        held.final_attempt |= work.final_attempt;
    }
    held
}

/// Whether the gates of a claim would let an engine with this work have an event.
fn fits(abilities: &Abilities, work: &[HeldWork], key: &LaneKey, final_attempt: bool) -> bool {
    let engine = EngineFacts { held: held(work), ..EngineFacts::idle(abilities) };
    let lane = LaneFacts { final_attempt, ..LaneFacts::running(key) };
    first_failure(&engine, &lane, &ClaimFilter::default()).is_none()
}

fn left_at(work: &[HeldWork], at: Timestamp) -> Vec<HeldWork> {
    work.iter().copied().filter(|held| held.ends_at > at).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100_000, ..ProptestConfig::default() })]

    /// The reservation agrees with the gates: the engine has room when it is said to have, and not before; and an event that is
    /// said not to delay it does not, while one that is said to does if it takes longer than what the engine holds.
    #[test]
    fn a_reservation_is_as_the_gates_have_it(
        work in held_work(),
        (slots, limit) in (1..6_u32, 1..120_u64),
        (needs, alone) in (0..120_u64, prop::bool::weighted(0.2)),
        (memory_mb, takes, candidate_alone) in (0..60_u64, 0..120_u64, prop::bool::weighted(0.1)),
        waited in 0..100_u64,
    ) {
        let abilities = abilities(slots, Some(limit));
        let key = key(5, (needs > 0).then_some(needs));
        let now = after(waited);
        let reservation = Reservation::of(&abilities, &work, &key, alone, now);
        prop_assert_eq!(reservation.is_some(), fits(&abilities, &[], &key, alone));
        let Some(reservation) = reservation else { return Ok(()) };
        prop_assert!(reservation.opens_at >= now);
        // What is overdue may still be there now.
        let fits_at_once = reservation.opens_at == now && fits(&abilities, &work, &key, alone);
        let is_open = fits_at_once || fits(&abilities, &left_at(&work, reservation.opens_at), &key, alone);
        prop_assert!(is_open, "it is not free at {}", reservation.opens_at);
        let mut before: Vec<_> = work.iter().map(|held| held.ends_at).filter(|at| (now..reservation.opens_at).contains(at)).collect();
        before.push(now);
        for at in before.into_iter().filter(|at| *at < reservation.opens_at) {
            let still_there: Vec<_> = work.iter().copied().filter(|held| held.ends_at.max(now) > at).collect();
            prop_assert!(!fits(&abilities, &still_there, &key, alone), "it was free before, at {}", at);
        }

        let takes = Duration::from_secs(takes);
        let candidate = HoldBackCandidate {
            priority: 5,
            required_memory_mb: (memory_mb > 0).then_some(memory_mb),
            takes: Some(takes),
            final_attempt: candidate_alone,
        };
        let given = HeldWork { ends_at: now + takes, memory_mb, final_attempt: candidate_alone };
        let with_it: Vec<_> = work.iter().copied().chain([given]).collect();
        let later = Reservation::of(&abilities, &with_it, &key, alone, now);
        let is_later = later.is_none_or(|later| later.opens_at > reservation.opens_at);
        let is_delayed = reservation.is_delayed_by(&candidate, now);
        prop_assert!(is_delayed || !is_later, "{:?} {:?}", reservation, later);
        // What is overdue has not ended yet, whatever was expected: nobody counts on its room.
        let is_overdue = work.iter().any(|held| held.ends_at <= now);
        prop_assert!(is_overdue || !is_delayed || is_later, "{:?} {:?}", reservation, later);
    }

    /// What lies in a level by its age is what has that priority by now, or a better one.
    #[test]
    fn levels_and_priorities_agree(priority in 0..10_u8, level in 0..10_u8, period in 0..300_u64, waited in 0..3_000_u64) {
        let aging = (period > 0).then(|| Duration::from_secs(period));
        let now = after(waited);
        let effective = effective_priority(priority, aging, NOW, now);
        let is_in = available_until(priority, level, aging, now).is_some_and(|until| NOW <= until);
        prop_assert_eq!(is_in, effective <= level || priority <= level);
    }

    /// A better priority always passes, and whoever passes does so without the other one's loss.
    #[test]
    fn only_what_would_delay_it_is_kept_back(priority in 0..10_u8, spare in 0..50_u64, opens in 0..100_u64, takes in 0..100_u64) {
        let reservation = Reservation { opens_at: after(opens), spare_locks: 1, spare_memory_mb: Some(spare) };
        let hold_back = HoldBack { priority: 5, reservation, now: NOW };
        let candidate = HoldBackCandidate { priority, ..small(Some(takes)) };
        let passes = priority < 5 || spare >= 10 || takes <= opens;
        prop_assert_eq!(!hold_back.keeps_from(&candidate), passes);
    }
}

#[test]
fn the_gate_asks_the_hold_back_last() {
    let abilities = abilities(2, Some(100));
    let reservation = Reservation { opens_at: after(9), spare_locks: 0, spare_memory_mb: Some(0) };
    let held_back = Some(HoldBack { priority: 5, reservation, now: NOW });
    let engine = EngineFacts { held_back, ..EngineFacts::idle(&abilities) };
    let (same, better) = (key(5, None), key(4, None));
    let failure = |key, engine: &EngineFacts<'_>| {
        first_failure(engine, &LaneFacts::running(key), &ClaimFilter::default()).map(|(gate, _)| gate)
    };
    assert_eq!((failure(&same, &engine), failure(&better, &engine)), (Some(Gate::HeldBack), None));
    let short = LaneFacts { takes: Some(Duration::from_secs(9)), ..LaneFacts::running(&same) };
    assert_eq!(first_failure(&engine, &short, &ClaimFilter::default()), None);
    let aged = LaneFacts { priority: 4, ..LaneFacts::running(&same) };
    assert_eq!(first_failure(&engine, &aged, &ClaimFilter::default()), None);
    let lost = EngineFacts { status: EngineStatus::Lost, ..engine };
    assert_eq!(failure(&same, &lost), Some(Gate::EngineActive));
}
