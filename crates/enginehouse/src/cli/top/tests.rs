//! The screen without a terminal: parts of a stream go in, keys are pressed, and lines of text come out.

use enginehouse_api::stream::{StreamPart, StreamPartKind};
use enginehouse_client::TopicEvent;
use enginehouse_core::json::RawJson;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use serde_json::{Value, json};

use super::draw::TopFrame;
use super::keys::{NextStep, Overlay, ScreenState};
use super::rows::RowSubject;
use super::snapshot::TopSnapshot;
use super::text_of;

const NOW: &str = "2026-11-23T10:00:00.000Z";

fn part(topic: &str, kind: StreamPartKind, items: &[Value], gone: &[&str]) -> TopicEvent {
    TopicEvent::Part(StreamPart {
        topic: topic.to_owned(),
        kind,
        as_of: NOW.parse().unwrap(),
        items: items.iter().map(|item| serde_json::from_value::<RawJson>(item.clone()).unwrap()).collect(),
        gone: gone.iter().map(|key| (*key).to_owned()).collect(),
        more: false,
    })
}

fn engine(id: &str, status: &str, held: u32, run: &str) -> Value {
    json!({"engine_id": id, "engine_type": "sim", "epoch": 1, "status": status, "draining": false, "quarantine": null,
        "automatic_quarantines": [], "heartbeat_interval_seconds": 10, "lost_after_seconds": 30,
        "registered_at": NOW, "last_heartbeat_at": "2026-11-23T09:59:55.000Z", "locks_held": held,
        "metadata": {
            "static_config": {"resource_limits": {"max_concurrent_events": 4, "memory_limit_mb": 1000}},
            "dynamic_state": {"resource_utilization": {"cpu_percent": 50.0, "memory_usage_mb": 750.0},
                "current_scenario_run_id": run}}})
}

fn queue(name: &str, queued: u64, verdict: &str) -> Value {
    let rates = json!({"enqueued_per_second": 2.0, "claimed_per_second": 1.0, "completed_per_second": 1.5,
        "failed_per_second": 0.0, "lost_per_second": 0.0, "waiting": null, "processing": null});
    json!({"queue": name, "event_type": "frame", "paused": false, "lanes": 1, "queued": queued, "processing": 1,
        "completed": 9, "failed": 0, "cancelled": 0, "oldest_available_at": "2026-11-23T09:58:00.000Z",
        "verdict": verdict, "rates": rates})
}

fn overview() -> Value {
    let item = json!({"kind": "engine_lost", "summary": "Engine b is lost.", "count": 1, "since": null, "queue": null,
        "event_type": null, "engine_id": "b", "event_id": null});
    json!({"attention": [item], "events": {"queued": 7, "processing": 2, "completed": 9, "failed": 0, "cancelled": 0},
        "engines": {"active": 1, "draining": 0, "lost": 1, "stopped": 0}, "dead_letters": 3, "waiting_claims": 0,
        "oldest": null, "rates": queue("x", 0, "waiting")["rates"]})
}

fn given() -> TopSnapshot {
    let mut snapshot = TopSnapshot::default();
    let whole = StreamPartKind::Snapshot;
    let run = json!({"scenario_run_id": "night-7", "first_enqueued_at": NOW, "last_activity_at": NOW,
        "ends_per_second": 0.5, "paused_at": NOW,
        "events": {"queued": 5, "processing": 1, "completed": 20, "failed": 0, "cancelled": 0}});
    for event in [
        part("overview", whole, &[overview()], &[]),
        part(
            "engines",
            whole,
            &[engine("a", "active", 1, "night-7"), engine("b", "lost", 3, "\u{1b}[2J\u{202e}")],
            &[],
        ),
        part("queues", whole, &[queue("render", 7, "blocked"), queue("mail", 70, "runnable")], &[]),
        part("runs", whole, &[run], &[]),
    ] {
        snapshot.apply(event).unwrap();
    }
    snapshot
}

fn drawn(snapshot: &TopSnapshot, state: &ScreenState, fault: Option<&str>, (width, height): (u16, u16)) -> Vec<String> {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    let server = "enginehouse http://127.0.0.1:7420";
    TopFrame { snapshot, state, server, fault, has_colours: true }.draw(area, &mut buffer);
    text_of(&buffer)
}

fn press(state: &mut ScreenState, snapshot: &TopSnapshot, keys: &[KeyCode]) -> NextStep {
    let press_one = |_, key: &KeyCode| state.press(KeyEvent::new(*key, KeyModifiers::NONE), snapshot);
    keys.iter().fold(NextStep::Nothing, press_one)
}

#[test]
fn a_picture_has_what_matters_in_80_by_24() {
    let snapshot = given();
    let mut state = ScreenState::default();
    let lines = drawn(&snapshot, &state, None, (80, 24));
    assert_eq!(lines[0], "enginehouse http://127.0.0.1:7420  live");
    assert!(lines[1].starts_with("events  7 queued, 2 processing, 3 dead letters   engines  1 active"), "{lines:#?}");
    assert!(lines[3].contains("Engine b is lost."), "{lines:#?}");
    assert_eq!(lines[4], "ENGINE*             STATE      SLOTS       CPU        MEMORY     SEEN   RUN");
    assert_eq!(lines[5], "a                   active     █░░░ 1/4    ██░░ 50%   ███░ 75%   5s     night-7");
    assert!(lines[6].starts_with("b                   lost       ███░ 3/4"), "{lines:#?}");
    press(&mut state, &snapshot, &[KeyCode::Char('2')]);
    let lines = drawn(&snapshot, &state, None, (80, 24));
    assert!(lines[5].starts_with("mail / frame              70       1     2m00s   1.5"), "{lines:#?}");
    assert!(lines[6].ends_with("blocked"), "{lines:#?}");
    press(&mut state, &snapshot, &[KeyCode::Char('3')]);
    let lines = drawn(&snapshot, &state, Some("reconnecting: no answer"), (80, 24));
    assert_eq!(lines[0], "enginehouse http://127.0.0.1:7420  reconnecting: no answer");
    assert!(
        lines[5].starts_with("night-7                 5       1     20") && lines[5].ends_with("paused"),
        "{lines:#?}"
    );
}

#[test]
fn nothing_that_a_terminal_acts_on_is_drawn_and_every_size_is_borne() {
    let snapshot = given();
    for tab in ['1', '2', '3', '4'] {
        let mut state = ScreenState::default();
        press(&mut state, &snapshot, &[KeyCode::Char(tab), KeyCode::Char('?')]);
        for (width, height) in [(1, 1), (39, 30), (40, 8), (80, 24), (200, 60)] {
            let text = drawn(&snapshot, &state, None, (width, height)).join("\n");
            assert!(!text.contains(|letter: char| letter != '\n' && letter.is_control() || letter == '\u{202e}'));
        }
    }
    let text = drawn(&snapshot, &ScreenState::default(), None, (120, 24)).join("\n");
    assert!(text.contains("\\u{1b}[2J\\u{202e}"), "{text}");
}

#[test]
fn changes_are_taken_in_and_what_is_gone_goes() {
    let mut snapshot = given();
    let change = part("engines", StreamPartKind::Changes, &[engine("c", "active", 0, "")], &["b"]);
    snapshot.apply(change).unwrap();
    assert_eq!(snapshot.engines.keys().collect::<Vec<_>>(), ["a", "c"]);
    snapshot.apply(TopicEvent::Reset(vec!["engines".to_owned()])).unwrap();
    assert!(snapshot.engines.is_empty() && !snapshot.is_whole());
}

#[test]
fn a_change_is_asked_about_with_its_effect_and_its_command() {
    let snapshot = given();
    for (keys, command) in [
        (&['1', 'd'][..], "enginehouse engine drain a"),
        (&['1', 'j', 'r'], "enginehouse engine resume b"),
        (&['1', 'x'], "enginehouse engine quarantine a --reason 'put there in enginehouse top'"),
        (&['1', 'l'], "enginehouse engine lift a"),
        (&['2', 'p'], "enginehouse queue pause mail"),
        (&['2', 'j', 'r'], "enginehouse queue resume render"),
        (&['3', 'p'], "enginehouse run pause night-7"),
        (&['3', 'r'], "enginehouse run resume night-7"),
        (&['4', 'd'], "enginehouse engine drain b"),
    ] {
        let keys: Vec<_> = keys.iter().map(|letter| KeyCode::Char(*letter)).collect();
        let mut state = ScreenState::default();
        assert_eq!(press(&mut state, &snapshot, &keys), NextStep::Nothing);
        let Overlay::Question(action) = state.overlay.clone() else { panic!("{command}: {state:?}") };
        assert_eq!(action.command(), command);
        // What is too long for a line is wrapped between words.
        let lines = drawn(&snapshot, &state, None, (80, 24));
        let text = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        assert!(text.contains(command) && text.contains(&action.effect()), "{text}");
        // Only yes is yes.
        for no in [KeyCode::Enter, KeyCode::Esc, KeyCode::Char('n'), KeyCode::Char(' ')] {
            assert_eq!(press(&mut state.clone(), &snapshot, &[no]), NextStep::Nothing);
        }
        assert_eq!(press(&mut state, &snapshot, &[KeyCode::Char('y')]), NextStep::Act(action));
        assert_eq!(state.overlay, Overlay::Nothing);
    }
}

#[test]
fn rows_are_chosen_sorted_filtered_and_explained() {
    let mut snapshot = given();
    let mut state = ScreenState::default();
    let engine = |id: &str| RowSubject::Engine { engine_id: id.parse().unwrap() };
    assert_eq!(press(&mut state, &snapshot, &[KeyCode::Down, KeyCode::Enter]), NextStep::Explain(engine("b")));
    // What is chosen stays chosen where it moves to.
    snapshot.apply(part("engines", StreamPartKind::Changes, &[engine_of_the_front()], &[])).unwrap();
    assert_eq!(press(&mut state, &snapshot, &[KeyCode::Enter]), NextStep::Explain(engine("b")));
    // By slots, the fullest first.
    press(&mut state, &snapshot, &[KeyCode::Char('s'), KeyCode::Char('s')]);
    assert_eq!(state.rows(&snapshot)[0].subject, engine("b"));
    press(&mut state, &snapshot, &[KeyCode::Char('/'), KeyCode::Char('N'), KeyCode::Char('i'), KeyCode::Enter]);
    assert_eq!(state.rows(&snapshot).iter().map(|row| row.subject.clone()).collect::<Vec<_>>(), [engine("a")]);
    press(&mut state, &snapshot, &[KeyCode::Char('/'), KeyCode::Char('q'), KeyCode::Esc]);
    assert_eq!(state.filter, "Ni");
    press(&mut state, &snapshot, &[KeyCode::Esc]);
    assert_eq!(state.rows(&snapshot).len(), 3);
    assert_eq!(press(&mut state, &snapshot, &[KeyCode::Char('q')]), NextStep::Quit);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(state.press(interrupt, &snapshot), NextStep::Quit);
}

fn engine_of_the_front() -> Value {
    engine("Z", "active", 0, "")
}

#[test]
fn what_needs_a_person_stays_chosen_while_its_sentence_changes() {
    let lost = |id: &str, seconds: u32| {
        json!({"kind": "engine_lost", "summary": format!("engine {id} is silent for {seconds} s"), "count": 1, "since": null,
            "queue": null, "event_type": null, "engine_id": id, "event_id": null})
    };
    let shown = |seconds| {
        let mut overview = overview();
        overview["attention"] = json!([lost("a", seconds), lost("b", seconds)]);
        part("overview", StreamPartKind::Snapshot, &[overview], &[])
    };
    let mut snapshot = given();
    snapshot.apply(shown(30)).unwrap();
    let mut state = ScreenState::default();
    press(&mut state, &snapshot, &[KeyCode::Char('4'), KeyCode::Down]);
    snapshot.apply(shown(31)).unwrap();
    let second = RowSubject::Engine { engine_id: "b".parse().unwrap() };
    assert_eq!(press(&mut state, &snapshot, &[KeyCode::Enter]), NextStep::Explain(second));
}
