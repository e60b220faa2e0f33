use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const LANE: LaneId = LaneId(1);

fn at(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn event(number: u128) -> EventId {
    EventId(uuid::Uuid::from_u128(number))
}

/// Available since `NOW`, and due a minute later.
fn waits(lane_id: LaneId, number: u128) -> StarvingEvent {
    StarvingEvent {
        lane_id,
        event_id: event(number),
        priority: 5,
        available_at: NOW,
        final_attempt: false,
        retry: None,
        due_at: at(60),
    }
}

fn engine(name: &str) -> EngineId {
    name.parse().unwrap()
}

/// A sweep looks at everything at such a second, and finds these events.
fn look(hold_backs: &HoldBacks, heads: &[StarvingEvent], seconds: u64) -> Vec<String> {
    let lanes = hold_backs.to_look_at(at(seconds));
    let freed = hold_backs.update(&lanes, heads, at(seconds));
    freed.iter().map(ToString::to_string).collect()
}

fn full(hold_backs: &HoldBacks, lane_id: LaneId, name: &str, opens: u64, seconds: u64) {
    let head = hold_backs.watched().into_iter().find(|head| head.lane_id == lane_id).unwrap();
    hold_backs.has_no_room(&head, &engine(name), at(opens), at(seconds));
}

fn held(hold_backs: &HoldBacks, lane_id: LaneId, number: u128) -> Option<String> {
    hold_backs.for_event(lane_id, event(number)).map(|held| held.engine_id.to_string())
}

#[test]
fn the_engine_that_will_have_room_first_is_held_back_once_it_is_time() {
    let hold_backs = HoldBacks::default();
    hold_backs.suspect(&[LANE], at(1));
    look(&hold_backs, &[waits(LANE, 1)], 2);
    assert_eq!(hold_backs.watched(), [], "it has not waited for long");
    assert_eq!(hold_backs.next_look(at(2), LOOK_INTERVAL), Some(at(30)));
    look(&hold_backs, &[waits(LANE, 1)], 30);
    assert_eq!(hold_backs.next_look(at(30), LOOK_INTERVAL), Some(at(31)));
    for (name, opens) in [("a", 90), ("b", 80), ("c", 100)] {
        full(&hold_backs, LANE, name, opens, 40);
    }
    look(&hold_backs, &[waits(LANE, 1)], 59);
    assert_eq!(held(&hold_backs, LANE, 1), None);
    full(&hold_backs, LANE, "a", 95, 60);
    assert_eq!(held(&hold_backs, LANE, 1).as_deref(), Some("b"), "whoever asks when it is time");
    let of_engine = hold_backs.of_engine(&engine("b")).unwrap();
    assert_eq!((of_engine.event_id, of_engine.lane_id), (event(1), LANE));
    assert_eq!((of_engine.since, of_engine.opens_at), (at(60), at(80)));
    full(&hold_backs, LANE, "a", 70, 61);
    assert_eq!(held(&hold_backs, LANE, 1).as_deref(), Some("b"), "it is not changed without need");
    assert_eq!(hold_backs.left(LANE, event(1)), Some(engine("b")));
    full(&hold_backs, LANE, "a", 70, 62);
    assert_eq!((held(&hold_backs, LANE, 1), hold_backs.of_engine(&engine("b"))), (None, None));
    assert_eq!(look(&hold_backs, &[], 63), [""; 0]);
    assert_eq!((hold_backs.watched(), hold_backs.next_look(at(63), LOOK_INTERVAL)), (vec![], None));
}

#[test]
fn an_event_behind_another_one_that_has_waited_as_long_is_next() {
    let hold_backs = HoldBacks::default();
    hold_backs.suspect(&[LANE], at(40));
    look(&hold_backs, &[waits(LANE, 1)], 40);
    full(&hold_backs, LANE, "a", 90, 60);
    assert_eq!(held(&hold_backs, LANE, 1).as_deref(), Some("a"));
    assert_eq!(look(&hold_backs, &[waits(LANE, 2)], 61), [""; 0], "the same engine is held back for the next");
    assert_eq!((held(&hold_backs, LANE, 1), held(&hold_backs, LANE, 2).as_deref()), (None, Some("a")));
    assert_eq!(look(&hold_backs, &[], 62), ["a"], "paused, say");
}

#[test]
fn an_engine_that_is_gone_or_does_not_ask_any_more_is_replaced() {
    let hold_backs = HoldBacks::default();
    hold_backs.suspect(&[LANE], at(40));
    look(&hold_backs, &[waits(LANE, 1)], 40);
    full(&hold_backs, LANE, "a", 70, 50);
    full(&hold_backs, LANE, "b", 80, 50);
    full(&hold_backs, LANE, "c", 90, 60);
    assert_eq!(held(&hold_backs, LANE, 1).as_deref(), Some("a"));
    hold_backs.remove_engine(&engine("a"));
    assert_eq!(held(&hold_backs, LANE, 1), None);
    look(&hold_backs, &[waits(LANE, 1)], 61);
    assert_eq!(held(&hold_backs, LANE, 1).as_deref(), Some("b"));
    look(&hold_backs, &[waits(LANE, 1)], 199);
    assert_eq!(held(&hold_backs, LANE, 1).as_deref(), Some("b"));
    assert_eq!(look(&hold_backs, &[waits(LANE, 1)], 200), ["b"], "two minutes after it should have had room");
    assert_eq!(held(&hold_backs, LANE, 1).as_deref(), Some("c"));
}

#[test]
fn a_lane_that_nobody_asks_for_any_more_is_not_looked_at_for_ever() {
    let hold_backs = HoldBacks::default();
    hold_backs.suspect(&[LANE], at(40));
    look(&hold_backs, &[waits(LANE, 1)], 40);
    full(&hold_backs, LANE, "a", 50, 60);
    look(&hold_backs, &[waits(LANE, 1)], 179);
    assert_eq!(held(&hold_backs, LANE, 1).as_deref(), Some("a"));
    assert_eq!(look(&hold_backs, &[waits(LANE, 1)], 180), ["a"]);
    look(&hold_backs, &[waits(LANE, 1)], 3_659);
    assert_eq!(hold_backs.watched(), [waits(LANE, 1)]);
    look(&hold_backs, &[waits(LANE, 1)], 3_660);
    assert_eq!((hold_backs.watched(), hold_backs.next_look(at(3_660), LOOK_INTERVAL)), (vec![], None));
}

#[test]
fn at_most_a_tenth_of_the_engines_is_held_back_and_each_for_one_event() {
    let hold_backs = HoldBacks::default();
    let lanes: Vec<_> = (1..=5).map(LaneId).collect();
    let heads: Vec<_> = lanes.iter().map(|lane_id| waits(*lane_id, lane_id.0.unsigned_abs().into())).collect();
    hold_backs.suspect(&lanes, at(40));
    look(&hold_backs, &heads, 40);
    for number in 0..29 {
        for lane_id in &lanes {
            full(&hold_backs, *lane_id, &format!("e{number}"), 100 + number, 50);
        }
    }
    look(&hold_backs, &heads, 60);
    let held: Vec<_> = lanes.iter().filter_map(|lane_id| held(&hold_backs, *lane_id, lane_id.0 as u128)).collect();
    assert_eq!(held, ["e0", "e1"], "two of 29");
}

#[test]
fn what_is_known_does_not_grow_without_end() {
    let hold_backs = HoldBacks::default();
    let lanes: Vec<_> = (0..5_000).map(LaneId).collect();
    for claim in 0..2_000 {
        hold_backs.suspect(&lanes, at(60));
        let named = (claim + 1) * MAX_NAMED_LANES;
        assert_eq!(hold_backs.table().suspects.len(), named.min(MAX_SUSPECTS), "each claim names others");
    }
    let heads: Vec<_> = (0..5_000).map(|lane| waits(LaneId(lane), 1)).collect();
    for second in 60..80 {
        look(&hold_backs, &heads, second);
    }
    assert_eq!(hold_backs.watched().len(), MAX_WATCHED);
    let older = StarvingEvent { available_at: NOW - Duration::from_secs(1), due_at: at(59), ..waits(LaneId(900), 1) };
    let heads: Vec<_> = heads.into_iter().map(|head| if head.lane_id == LaneId(900) { older } else { head }).collect();
    for second in 80..90 {
        look(&hold_backs, &heads, second);
    }
    assert!(hold_backs.watched().contains(&older), "what has waited longest is watched");
    assert!(hold_backs.to_look_at(at(90)).len() <= MAX_WATCHED + MAX_LOOKS);
    for number in 0..2_000 {
        full(&hold_backs, LaneId(0), &format!("e{number}"), 100, 90);
    }
    assert_eq!(hold_backs.table().watched[&LaneId(0)].full.len(), MAX_ENGINES);
}
