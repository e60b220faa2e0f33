//! Streams of what changes, as server-sent events.

mod topics;

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use bytes::Bytes;
use enginehouse_api::problem::{Code, Problem};
use enginehouse_api::stream::{StreamQuery, StreamTopics};
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, header};

use super::app::App;
use super::budgets::CallOrigin;
use super::params::Query;
use super::problem::{ProblemResponse, ReadProblems};
use crate::stream_hub::{MAX_STREAMS, MAX_STREAMS_OF_ONE, MAX_VIEWS, StreamFrame, StreamRefused, Subscription};
use crate::timers::pause;

/// How long nothing is sent until a comment shows that the stream is there yet.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What a stream begins with: after how many milliseconds a browser comes back. It also has the headers sent at once.
const BEGINNING: &[u8] = b"retry: 2000\n\n";

/// Follow what changes: server-sent events, each topic about once a second at most.
///
/// A part of the stream is an event with the name of its topic and one JSON object: `kind` is `snapshot` for all there is and
/// `changes` for what differs since the part before, `items` has what is there or has changed, `gone` the keys of what is not
/// there any more, `as_of` the moment, `more` whether there is more than is told of. Items of `overview` are one `Overview`, of
/// `engines` an `Engine` each, of `queues` a `QueueActivity` each, of `runs` a `ScenarioRun` each, of `event:ID` one `Event`. The
/// header `Last-Event-ID` goes on behind a part that was seen; where that cannot be, an event `reset` names topics in `topics`,
/// whose snapshots follow.
#[utoipa::path(get, path = "/v1/stream", tag = "house", extensions(("x-permission" = json!({ "any_of": [Permission::StatsRead.name(), Permission::EnginesRead.name(), Permission::EventsRead.name()], "selectors": true }))),
    params(StreamQuery, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last part that was seen.")),
    responses((status = 200, description = "What there is, and what changes from then on.", content((String = "text/event-stream"))), ReadProblems))]
pub(super) async fn follow_topics(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Extension(caller): Extension<CallOrigin>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ProblemResponse> {
    let StreamQuery { topics: StreamTopics(topics) } = query.read(StreamQuery::read)?;
    for topic in &topics {
        topics::check_permission(&app, &principal, topic).await?;
    }
    let keys = topics.iter().map(|topic| topics::view_key(&principal, topic)).collect();
    let last_event_id = headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
    let owner = principal.accessor().map_or_else(|| caller.address().to_string(), ToString::to_string);
    let opened = app.streams().open(&owner, keys, last_event_id);
    let (subscription, unmade) = opened.map_err(refused)?;
    for key in unmade {
        if let Some(topic) = topics.iter().find(|topic| topic.to_string() == key.topic) {
            let producer = topics::keep_current(app.clone(), key.clone(), *topic, principal.clone());
            app.streams().produced_by(&key, app.spawn_at_low_priority(producer));
        }
    }
    let state = (subscription, true);
    let parts = stream::unfold(state, |(mut subscription, is_first)| async move {
        let bytes = if is_first { Bytes::from_static(BEGINNING) } else { next_parts(&mut subscription).await? };
        Some((Ok::<_, Infallible>(bytes), (subscription, false)))
    });
    let mut response = Response::new(Body::from_stream(parts));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that gather answers before they pass them on do not gather this one.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn refused(why: StreamRefused) -> ProblemResponse {
    let detail = match why {
        StreamRefused::TooMany => {
            format!("as many streams are open as may be at once: {MAX_STREAMS}, of {MAX_VIEWS} different things")
        }
        StreamRefused::TooManyOfCaller => {
            format!("as many streams of one token, or of one address, are open as may be: {MAX_STREAMS_OF_ONE}")
        }
        StreamRefused::Closed => return Problem::shutting_down().into(),
    };
    Problem { retry_after_seconds: Some(1), ..Problem::new(Code::Overloaded, detail) }.into()
}

/// All that there is to be sent; a comment if there is nothing for long, and none once the stream is over.
async fn next_parts(subscription: &mut Subscription) -> Option<Bytes> {
    loop {
        if subscription.is_over() {
            return None;
        }
        let frames = subscription.take();
        if !frames.is_empty() {
            return Some(written(&frames));
        }
        tokio::select! {
            goes_on = subscription.changed() => if !goes_on { return None },
            () = pause(HEARTBEAT) => return Some(Bytes::from_static(b": nothing new\n\n")),
        }
    }
}

fn written(frames: &[StreamFrame]) -> Bytes {
    let length = frames.iter().map(|frame| frame.data.len() + 100).sum();
    let mut text = String::with_capacity(length);
    for StreamFrame { event, id, data } in frames {
        let id = id.iter().flat_map(|id| ["id: ", id, "\n"]);
        // JSON is one line.
        text.extend(["event: ", event, "\n"].into_iter().chain(id).chain(["data: ", data, "\n\n"]));
    }
    text.into()
}
