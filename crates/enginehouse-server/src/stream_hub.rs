//! What streams tell of, made once for all who see the same.
//!
//! A view is a topic as callers with the same reach see it: rows by their keys. While somebody listens, one producer makes its rows
//! anew about once a second, and what has changed is one message, which all listeners are sent. Messages have numbers that
//! rise over all views, and the last ones are kept for a while: whoever comes back with the number of the last one that they
//! have goes on behind it, and whoever has missed some is sent the whole view again. So nobody's slowness takes any memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::time::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::timers::Timer;

/// Most streams at once.
pub(crate) const MAX_STREAMS: usize = 256;
/// Most of them with one token or, where there are no tokens, from one address.
pub(crate) const MAX_STREAMS_OF_ONE: usize = 64;
/// Most views at once, those that are kept for whoever comes back included.
pub(crate) const MAX_VIEWS: usize = 256;
/// How many messages of a view are kept.
const MAX_MESSAGES: usize = 60;
/// How many bytes of messages of a view are kept, but for the last message.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// How long a view is kept that nobody listens to.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// How many of those are kept.
const MAX_LEFT_VIEWS: usize = 16;

/// A topic, and how it is seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ViewKey {
    /// The topic, as it is asked for.
    pub(crate) topic: String,
    /// What stands behind `event:` in the stream.
    pub(crate) name: &'static str,
    /// What the caller may see of it, in any words that are equal exactly if it is the same.
    pub(crate) reach: String,
}

/// What a topic shows at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopicRows {
    pub(crate) as_of: Timestamp,
    /// JSON by key.
    pub(crate) rows: BTreeMap<String, Arc<str>>,
    /// Whether there are more rows than these.
    pub(crate) more: bool,
}

/// Everybody who listens. Cheap to clone.
#[derive(Clone)]
pub(crate) struct StreamHub(Arc<HubParts>);

struct HubParts {
    /// Tells the ids of this server's messages from those of others.
    instance: u64,
    state: Mutex<HubState>,
    /// Wakes whoever listens; true once all streams are to end.
    changed: watch::Sender<bool>,
}

#[derive(Default)]
struct HubState {
    /// The number of the last message.
    last: u64,
    views: HashMap<ViewKey, View>,
    streams: HashMap<String, usize>,
    is_closed: bool,
}

struct View {
    /// None until they were made for the first time.
    shown: Option<Arc<TopicRows>>,
    /// Whether `shown` was made since somebody began to listen.
    is_current: bool,
    messages: VecDeque<(u64, Arc<str>)>,
    message_bytes: usize,
    /// All messages with a higher number are kept.
    complete_since: u64,
    /// The number of the last message, or of the first rows.
    last: u64,
    /// All rows as one message, made when somebody first needs it.
    snapshot: Option<Arc<str>>,
    listeners: usize,
    has_producer: bool,
    producer: Option<AbortOnDropHandle<()>>,
    left_at: Instant,
}

/// Why a stream cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamRefused {
    /// As many are open as may be.
    TooMany,
    /// As many of this caller's are.
    TooManyOfCaller,
    /// The server stops.
    Closed,
}

/// Where a caller has come to in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ViewPosition {
    /// They know nothing of it.
    Nowhere,
    /// They have all up to this message.
    At(u64),
}

/// One stream, until this is dropped.
pub(crate) struct Subscription {
    hub: StreamHub,
    caller: String,
    views: Vec<(ViewKey, ViewPosition)>,
    /// Topics of which the caller has to forget what they know.
    lost: Vec<String>,
    topics_hash: u64,
    changed: watch::Receiver<bool>,
}

/// What is to be sent next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StreamFrame {
    pub(crate) event: &'static str,
    pub(crate) id: Option<String>,
    pub(crate) data: Arc<str>,
}

impl StreamHub {
    pub(crate) fn new(instance: u64) -> Self {
        Self(Arc::new(HubParts { instance, state: Mutex::default(), changed: watch::Sender::new(false) }))
    }

    fn lock(&self) -> MutexGuard<'_, HubState> {
        // No code that holds it can panic half-way through a change.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a stream, behind the message that the caller has seen last. Answers the views that nobody makes yet: whoever asks has
    /// to start their producers, see [`StreamHub::produced_by`].
    pub(crate) fn open(
        &self,
        caller: &str,
        keys: Vec<ViewKey>,
        last_event_id: Option<&str>,
    ) -> Result<(Subscription, Vec<ViewKey>), StreamRefused> {
        let mut hasher = DefaultHasher::new();
        keys.hash(&mut hasher);
        let topics_hash = hasher.finish();
        let mut state = self.lock();
        if state.is_closed {
            return Err(StreamRefused::Closed);
        }
        state.prune_left(Timer::now());
        if state.streams.values().sum::<usize>() >= MAX_STREAMS {
            return Err(StreamRefused::TooMany);
        }
        let of_caller = state.streams.get(caller).copied().unwrap_or_default();
        if of_caller >= MAX_STREAMS_OF_ONE {
            return Err(StreamRefused::TooManyOfCaller);
        }
        let new = keys.iter().filter(|key| !state.views.contains_key(key)).count();
        if state.views.len() + new > MAX_VIEWS {
            return Err(StreamRefused::TooMany);
        }
        state.streams.insert(caller.to_owned(), of_caller + 1);
        let seen = last_event_id.map(|id| self.seen(id, topics_hash));
        let (mut views, mut lost, mut unmade) = (Vec::new(), Vec::new(), Vec::new());
        for key in keys {
            let view = state.view(&key);
            view.listeners += 1;
            let position = match seen {
                Some(Some(seen)) if view.complete_since <= seen => ViewPosition::At(seen),
                Some(_) => {
                    lost.push(key.topic.clone());
                    ViewPosition::Nowhere
                }
                None => ViewPosition::Nowhere,
            };
            if !std::mem::replace(&mut view.has_producer, true) {
                unmade.push(key.clone());
            }
            views.push((key, position));
        }
        drop(state);
        let changed = self.0.changed.subscribe();
        let hub = self.clone();
        Ok((Subscription { hub, caller: caller.to_owned(), views, lost, topics_hash, changed }, unmade))
    }

    /// The number in the id of a message, if it is one of this server and of a stream with these topics.
    fn seen(&self, id: &str, topics_hash: u64) -> Option<u64> {
        let mut parts = id.splitn(3, '-').map(|part| u64::from_str_radix(part, 16).ok());
        let [instance, topics, number] = [parts.next()??, parts.next()??, parts.next()??];
        (instance == self.0.instance && topics == topics_hash).then_some(number)
    }

    /// Keeps who makes a view. They end when nobody listens any more.
    pub(crate) fn produced_by(&self, key: &ViewKey, producer: AbortOnDropHandle<()>) {
        let mut state = self.lock();
        if let Some(view) = state.views.get_mut(key).filter(|view| view.listeners > 0) {
            view.producer = Some(producer);
        }
    }

    /// What a view showed last.
    pub(crate) fn shown(&self, key: &ViewKey) -> Option<Arc<TopicRows>> {
        self.lock().views.get(key)?.shown.clone()
    }

    /// A view shows something else now. Whoever makes it says what it showed before, and is answered what it shows from now on: if
    /// that was something else, somebody else makes it, and this changes nothing.
    pub(crate) fn update(
        &self,
        key: &ViewKey,
        before: Option<&Arc<TopicRows>>,
        now: TopicRows,
    ) -> Option<Arc<TopicRows>> {
        // Compared and written while nobody waits for it.
        let message = before.and_then(|before| changes(&key.topic, before, &now));
        let mut guard = self.lock();
        let state = &mut *guard;
        let view = state.views.get_mut(key)?;
        let is_of_before = match (before, &view.shown) {
            (Some(before), Some(shown)) => Arc::ptr_eq(before, shown),
            (before, shown) => before.is_none() && shown.is_none(),
        };
        if !is_of_before {
            return view.shown.clone();
        }
        let was_current = std::mem::replace(&mut view.is_current, true);
        match (before, message) {
            (None, _) => {
                state.last += 1;
                (view.last, view.complete_since) = (state.last, state.last);
            }
            (Some(_), Some(message)) => {
                state.last += 1;
                view.add(state.last, message);
            }
            // As it was. When that was seen last is told with the next change.
            (Some(before), None) if was_current => return Some(Arc::clone(before)),
            (Some(_), None) => {}
        }
        let now = Arc::new(now);
        (view.shown, view.snapshot) = (Some(Arc::clone(&now)), None);
        drop(guard);
        self.0.changed.send_replace(false);
        Some(now)
    }

    /// Ends all streams, and lets none begin.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let views = std::mem::take(&mut state.views);
        drop(state);
        // With them, whoever makes them ends.
        drop(views);
        self.0.changed.send_replace(true);
    }
}

impl HubState {
    fn view(&mut self, key: &ViewKey) -> &mut View {
        let next = self.last + 1;
        let Self { views, last, .. } = self;
        views.entry(key.clone()).or_insert_with(|| {
            // A number of its own: what somebody has seen of an earlier view of this name is older.
            *last = next;
            View {
                shown: None,
                is_current: false,
                messages: VecDeque::new(),
                message_bytes: 0,
                complete_since: next,
                last: next,
                snapshot: None,
                listeners: 0,
                has_producer: false,
                producer: None,
                left_at: Timer::now(),
            }
        })
    }

    /// Forgets views that nobody has listened to for a while, and the oldest if they are many.
    fn prune_left(&mut self, now: Instant) {
        self.views.retain(|_, view| view.listeners > 0 || now.duration_since(view.left_at) < KEPT_FOR);
        let mut left: Vec<_> = self.views.iter().filter(|(_, view)| view.listeners == 0).collect();
        if left.len() > MAX_LEFT_VIEWS {
            left.sort_by_key(|(_, view)| view.left_at);
            left.truncate(left.len() - MAX_LEFT_VIEWS);
            let keys: Vec<_> = left.into_iter().map(|(key, _)| key.clone()).collect();
            keys.iter().for_each(|key| drop(self.views.remove(key)));
        }
    }
}

impl View {
    /// A message, for which the oldest ones may have to go.
    fn add(&mut self, number: u64, message: Arc<str>) {
        self.last = number;
        self.message_bytes += message.len();
        self.messages.push_back((number, message));
        while self.messages.len() > 1
            && (self.messages.len() > MAX_MESSAGES || self.message_bytes > MAX_MESSAGE_BYTES)
            && let Some((number, message)) = self.messages.pop_front()
        {
            self.message_bytes -= message.len();
            self.complete_since = number;
        }
    }

    fn snapshot(&mut self, key: &ViewKey) -> Option<Arc<str>> {
        let shown = self.shown.as_ref().filter(|_| self.is_current)?;
        let snapshot = self.snapshot.get_or_insert_with(|| {
            let rows = shown.rows.values().map(|row| &**row);
            part(&key.topic, "snapshot", shown, rows, &[])
        });
        Some(Arc::clone(snapshot))
    }
}

impl Subscription {
    /// All that the caller does not have yet. First what they have to forget, then views as a whole, then what has changed, in
    /// the order in which it did. An id is only given to a message behind which nothing that came before it is missing.
    pub(crate) fn take(&mut self) -> Vec<StreamFrame> {
        self.changed.borrow_and_update();
        let mut lost = std::mem::take(&mut self.lost);
        let (mut wholes, mut changes) = (Vec::new(), Vec::new());
        let mut state = self.hub.lock();
        let last = state.last;
        let mut knows_all = true;
        for (key, position) in &mut self.views {
            let Some(view) = state.views.get_mut(key) else { continue };
            if let ViewPosition::At(seen) = *position {
                if view.complete_since <= seen {
                    let new = view.messages.iter().filter(|(number, _)| *number > seen);
                    changes.extend(new.map(|(number, text)| (*number, key.name, Arc::clone(text))));
                    *position = ViewPosition::At(last);
                    continue;
                }
                lost.push(key.topic.clone());
                *position = ViewPosition::Nowhere;
            }
            match view.snapshot(key) {
                Some(snapshot) => {
                    wholes.push((key.name, snapshot));
                    *position = ViewPosition::At(last);
                }
                None => knows_all = false,
            }
        }
        drop(state);
        changes.sort_unstable_by_key(|(number, ..)| *number);
        let id = |number| {
            let id = format!("{:x}-{:x}-{number:x}", self.hub.0.instance, self.topics_hash);
            Some(id).filter(|_| knows_all)
        };
        let mut frames = Vec::with_capacity(wholes.len() + changes.len() + 1);
        if !lost.is_empty() {
            let data = serde_json::json!({ "topics": lost }).to_string().into();
            frames.push(StreamFrame { event: "reset", id: None, data });
        }
        let (count, is_followed) = (wholes.len(), !changes.is_empty());
        frames.extend(wholes.into_iter().enumerate().map(|(place, (event, data))| {
            let is_last = place + 1 == count && !is_followed;
            StreamFrame { event, id: id(last).filter(|_| is_last), data }
        }));
        frames.extend(changes.into_iter().map(|(number, event, data)| StreamFrame { event, id: id(number), data }));
        frames
    }

    /// Waits until there may be more. Answers whether the stream goes on.
    pub(crate) async fn changed(&mut self) -> bool {
        // What has changed since the last look is answered at once.
        !self.is_over() && self.changed.changed().await.is_ok() && !self.is_over()
    }

    /// Whether all streams are to end.
    pub(crate) fn is_over(&self) -> bool {
        *self.changed.borrow()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        if let Some(streams) = state.streams.get_mut(&self.caller) {
            *streams -= 1;
            if *streams == 0 {
                state.streams.remove(&self.caller);
            }
        }
        let mut ended = Vec::new();
        for (key, _) in &self.views {
            if let Some(view) = state.views.get_mut(key) {
                view.listeners -= 1;
                if view.listeners == 0 {
                    view.left_at = Timer::now();
                    (view.is_current, view.has_producer) = (false, false);
                    ended.push(view.producer.take());
                }
            }
        }
        drop(state);
    }
}

/// What has changed from one moment to another; nothing if nothing has.
fn changes(topic: &str, before: &TopicRows, now: &TopicRows) -> Option<Arc<str>> {
    let is_new = |(key, row): &(&String, &Arc<str>)| before.rows.get(*key) != Some(row);
    let new: Vec<_> = now.rows.iter().filter(is_new).map(|(_, row)| &**row).collect();
    let gone: Vec<_> = before.rows.keys().filter(|key| !now.rows.contains_key(*key)).collect();
    let is_same = new.is_empty() && gone.is_empty() && before.more == now.more;
    (!is_same).then(|| part(topic, "changes", now, new.into_iter(), &gone))
}

/// The data of one message.
fn part<'r>(
    topic: &str,
    kind: &str,
    of: &TopicRows,
    rows: impl Iterator<Item = &'r str>,
    gone: &[&String],
) -> Arc<str> {
    let TopicRows { as_of, more, .. } = of;
    // Topics and kinds are words that need no escapes; keys may.
    let gone = serde_json::to_string(gone).unwrap_or_default();
    let mut text = format!("{{\"topic\":\"{topic}\",\"kind\":\"{kind}\",\"as_of\":\"{as_of}\",\"items\":[");
    for (place, row) in rows.enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(row);
    }
    text.push_str(&format!("],\"gone\":{gone},\"more\":{more}}}"));
    text.into()
}

#[cfg(test)]
mod tests;
