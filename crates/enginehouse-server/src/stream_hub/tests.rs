use serde_json::{Value, json};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn key(topic: &str) -> ViewKey {
    ViewKey { topic: topic.to_owned(), name: "engines", reach: String::new() }
}

fn rows(rows: &[(&str, u32)]) -> TopicRows {
    let rows = rows.iter().map(|(key, value)| ((*key).to_owned(), value.to_string().into())).collect();
    TopicRows { as_of: NOW, rows, more: false }
}

/// A view with what makes it.
struct Made {
    hub: StreamHub,
    key: ViewKey,
    before: Option<Arc<TopicRows>>,
}

impl Made {
    fn show(&mut self, now: &[(&str, u32)]) {
        self.before = self.hub.update(&self.key, self.before.as_ref(), rows(now));
    }
}

fn open(hub: &StreamHub, topics: &[&str], last: Option<&str>) -> Subscription {
    hub.open("someone", topics.iter().map(|topic| key(topic)).collect(), last).unwrap().0
}

fn made(hub: &StreamHub, topic: &str) -> Made {
    Made { hub: hub.clone(), key: key(topic), before: hub.shown(&key(topic)) }
}

/// Kind or name, items, what is gone; and whether it has an id.
fn taken(stream: &mut Subscription) -> Vec<(String, Value, Value, bool)> {
    let shown = |frame: StreamFrame| {
        let data: Value = serde_json::from_str(&frame.data).unwrap();
        let kind = data["kind"].as_str().unwrap_or(frame.event).to_owned();
        let items = if kind == "reset" { data["topics"].clone() } else { data["items"].clone() };
        (kind, items, data["gone"].clone(), frame.id.is_some())
    };
    stream.take().into_iter().map(shown).collect()
}

fn last_id(stream: &mut Subscription) -> String {
    stream.take().into_iter().filter_map(|frame| frame.id).next_back().unwrap()
}

fn snapshot(items: Value) -> (String, Value, Value, bool) {
    ("snapshot".to_owned(), items, json!([]), true)
}

fn changed(items: Value, gone: Value) -> (String, Value, Value, bool) {
    ("changes".to_owned(), items, gone, true)
}

#[test]
fn a_stream_begins_with_all_there_is_and_goes_on_with_what_changes() {
    let hub = StreamHub::new(7);
    let (mut stream, unmade) = hub.open("someone", vec![key("a")], None).unwrap();
    assert_eq!(unmade, [key("a")]);
    assert_eq!(taken(&mut stream), [], "nothing is known yet");
    let mut view = made(&hub, "a");
    view.show(&[("x", 1), ("y", 2)]);
    assert_eq!(taken(&mut stream), [snapshot(json!([1, 2]))]);
    view.show(&[("x", 1), ("y", 2)]);
    assert_eq!(taken(&mut stream), [], "nothing has changed");
    view.show(&[("x", 3), ("z", 4)]);
    view.show(&[("z", 5)]);
    // Whoever comes later shares the view, and has it as it is.
    let (mut later, unmade) = hub.open("other", vec![key("a")], None).unwrap();
    assert_eq!(unmade, []);
    assert_eq!(taken(&mut later), [snapshot(json!([5]))]);
    assert_eq!(taken(&mut stream), [changed(json!([3, 4]), json!(["y"])), changed(json!([5]), json!(["x"]))]);
    view.show(&[("z", 6)]);
    assert_eq!(taken(&mut stream), taken(&mut later));
}

#[test]
fn whoever_comes_back_goes_on_behind_what_they_have() {
    let hub = StreamHub::new(7);
    let mut stream = open(&hub, &["a", "b"], None);
    let (mut one, mut other) = (made(&hub, "a"), made(&hub, "b"));
    one.show(&[("x", 1)]);
    other.show(&[("y", 1)]);
    let id = last_id(&mut stream);
    drop(stream);
    // While nobody listens, nothing is made; what has changed meanwhile is told by what is made next.
    let (mut again, unmade) = hub.open("someone", vec![key("a"), key("b")], Some(&id)).unwrap();
    assert_eq!(unmade.len(), 2);
    assert_eq!(taken(&mut again), []);
    let (mut one, mut other) = (made(&hub, "a"), made(&hub, "b"));
    one.show(&[("x", 2)]);
    other.show(&[("y", 1)]);
    assert_eq!(taken(&mut again), [changed(json!([2]), json!([]))]);
    // From the same place, for the second time: it is still kept.
    assert_eq!(taken(&mut open(&hub, &["a", "b"], Some(&id))), [changed(json!([2]), json!([]))]);
}

#[test]
fn whoever_cannot_go_on_is_told_to_forget() {
    let hub = StreamHub::new(7);
    let mut stream = open(&hub, &["a"], None);
    let mut view = made(&hub, "a");
    view.show(&[("x", 0)]);
    let id = last_id(&mut stream);
    let reset = ("reset".to_owned(), json!(["a"]), Value::Null, false);
    let other_server = StreamHub::new(8);
    let other_topics = last_id(&mut {
        let stream = open(&hub, &["a", "b"], None);
        made(&hub, "b").show(&[]);
        stream
    });
    for wrong in ["", "nonsense", "7-1", &id.replace("7-", "8-"), &other_topics] {
        assert_eq!(taken(&mut open(&hub, &["a"], Some(wrong))), [reset.clone(), snapshot(json!([0]))], "{wrong}");
    }
    let mut on_another_server = open(&other_server, &["a"], Some(&id));
    assert_eq!(taken(&mut on_another_server), std::slice::from_ref(&reset));
    made(&other_server, "a").show(&[("x", 9)]);
    assert_eq!(taken(&mut on_another_server), [snapshot(json!([9]))]);

    // A caller who takes nothing is no queue that grows: they lose what they did not take.
    for value in 1..=u32::try_from(MAX_MESSAGES).unwrap() {
        view.show(&[("x", value)]);
    }
    let kept = taken(&mut open(&hub, &["a"], Some(&id)));
    assert_eq!((kept.len(), &kept[0].1), (MAX_MESSAGES, &json!([1])));
    view.show(&[("x", 1_000)]);
    assert_eq!(taken(&mut stream), [reset.clone(), snapshot(json!([1_000]))]);
    assert_eq!(taken(&mut open(&hub, &["a"], Some(&id))), [reset, snapshot(json!([1_000]))]);
}

/// One that was ended may be at its last step while the next has begun: then the views of callers would not be what they are sent.
#[test]
fn only_one_makes_a_view() {
    let hub = StreamHub::new(7);
    let mut stream = open(&hub, &["a"], None);
    let mut ended = made(&hub, "a");
    ended.show(&[("x", 1), ("y", 1)]);
    let mut next = made(&hub, "a");
    next.show(&[("x", 2), ("y", 1)]);
    ended.show(&[("x", 1)]);
    assert_eq!(taken(&mut stream), [snapshot(json!([2, 1]))]);
    // It goes on from what is shown.
    ended.show(&[("x", 3)]);
    assert_eq!(taken(&mut stream), [changed(json!([3]), json!(["y"]))]);
}

#[test]
fn messages_take_a_bounded_room() {
    let hub = StreamHub::new(7);
    let stream = open(&hub, &["a"], None);
    let large = |value: u32| TopicRows {
        rows: BTreeMap::from([("x".to_owned(), format!("\"{value}{}\"", "x".repeat(400_000)).into())]),
        ..rows(&[])
    };
    let mut before = hub.update(&key("a"), None, large(0));
    for value in 1..9 {
        before = hub.update(&key("a"), before.as_ref(), large(value));
    }
    let state = hub.lock();
    let view = &state.views[&key("a")];
    assert_eq!((view.messages.len(), view.message_bytes < MAX_MESSAGE_BYTES), (2, true));
    drop(state);
    drop(stream);
}

/// An id says that everything before it was sent: while a view is not there yet, none is given.
#[test]
fn nobody_goes_on_behind_something_that_they_were_not_sent() {
    let hub = StreamHub::new(7);
    let mut stream = open(&hub, &["a", "b"], None);
    let mut view = made(&hub, "a");
    view.show(&[("x", 1)]);
    view.show(&[("x", 2)]);
    assert!(stream.take().iter().all(|frame| frame.id.is_none()));
    view.show(&[("x", 3)]);
    assert!(stream.take().iter().all(|frame| frame.id.is_none()));
    made(&hub, "b").show(&[]);
    assert_eq!(stream.take().iter().filter(|frame| frame.id.is_some()).count(), 1);
    // Changes come in the order in which they were made, whatever their topics are, and after the views that are sent as a whole.
    let mut other = made(&hub, "b");
    view.show(&[("x", 4)]);
    other.show(&[("y", 5)]);
    view.show(&[("x", 6)]);
    let items: Vec<_> = taken(&mut stream).into_iter().map(|(_, items, ..)| items).collect();
    assert_eq!(items, [json!([4]), json!([5]), json!([6])]);
}

#[test]
fn streams_are_bounded_and_those_that_end_make_room() {
    let hub = StreamHub::new(7);
    let refused = |caller: &str, topic: &str| hub.open(caller, vec![key(topic)], None).err();
    let mut mine: Vec<_> = (0..MAX_STREAMS_OF_ONE).map(|_| open(&hub, &["a"], None)).collect();
    assert_eq!(refused("someone", "a"), Some(StreamRefused::TooManyOfCaller));
    assert_eq!(refused("other", "a"), None);
    mine.pop();
    mine.push(open(&hub, &["a"], None));
    let others: Vec<_> = (MAX_STREAMS_OF_ONE..MAX_STREAMS)
        .map(|number| hub.open(&format!("caller {number}"), vec![key("a")], None).unwrap())
        .collect();
    assert_eq!(refused("other", "a"), Some(StreamRefused::TooMany));
    drop((mine, others));
    assert!(hub.lock().streams.is_empty());

    // Views are, too, and those that nobody listens to any more make room.
    let many: Vec<_> = (0..MAX_VIEWS - 1)
        .map(|number| hub.open(&format!("caller {number}"), vec![key(&number.to_string())], None).unwrap())
        .collect();
    assert_eq!(refused("other", "one more"), Some(StreamRefused::TooMany));
    drop(many);
    assert_eq!(refused("other", "one more"), None);
    assert!(hub.lock().views.len() <= MAX_LEFT_VIEWS + 1);
}

#[tokio::test]
async fn who_makes_a_view_ends_with_its_last_listener() {
    let hub = StreamHub::new(7);
    let (one, unmade) = hub.open("one", vec![key("a")], None).unwrap();
    let other = open(&hub, &["a"], None);
    let producer = tokio::spawn(std::future::pending::<()>());
    let aborted = producer.abort_handle();
    hub.produced_by(&unmade[0], AbortOnDropHandle::new(producer));
    drop(one);
    tokio::task::yield_now().await;
    assert!(!aborted.is_finished(), "somebody listens still");
    drop(other);
    while !aborted.is_finished() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn whoever_waits_is_woken_by_a_change_and_by_the_end() {
    let hub = StreamHub::new(7);
    let mut stream = open(&hub, &["a"], None);
    stream.take();
    made(&hub, "a").show(&[("x", 1)]);
    assert!(stream.changed().await, "what has changed before the wait counts");
    assert_eq!(stream.take().len(), 1);
    hub.close();
    assert!(!stream.changed().await);
    assert_eq!(hub.open("someone", vec![key("a")], None).err(), Some(StreamRefused::Closed));
}
