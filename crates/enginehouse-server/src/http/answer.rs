//! Answers on their way: each takes room until its last byte has left the process, and not only until it was made.
//!
//! An answer that a client does not take lies in memory meanwhile. What only reads is refused when there is no room. What has
//! changed something must be told, so it takes room that is not there; but then nothing that answers at length is begun for
//! the same address. Events that were claimed are released if there is no room to send them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use enginehouse_api::events::Event;
use enginehouse_core::request::SettleCommand;
use enginehouse_core::transition::EventCommand;
use http_body_util::BodyExt;

use super::app::App;
use super::budgets::{AnswerRoom, CallOrigin, FREE_BYTES, Traffic};
use super::content_coding::{AnswerCoding, is_worth_packing};
use super::problem::ProblemResponse;
use super::wire;
use crate::dispatcher::answers::Claimed;

/// What an event takes in an answer besides its payload, about.
const BYTES_OF_AN_EVENT: usize = 1_024;

/// The room that a handler has taken for its answer: an extension of the response.
#[derive(Clone, Debug)]
pub(super) struct TakenRoom(Arc<Mutex<Option<AnswerRoom>>>);

impl TakenRoom {
    fn new(room: AnswerRoom) -> Self {
        Self(Arc::new(Mutex::new(Some(room))))
    }

    fn take(&self) -> Option<AnswerRoom> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The response with the room that it takes, or a refusal.
pub(super) async fn with_room(
    mut response: Response,
    caller: &CallOrigin,
    coding: AnswerCoding,
    app: &App,
) -> Response {
    let taken = response.extensions_mut().remove::<TakenRoom>().and_then(|taken| taken.take());
    // A body without a known size is a stream, which is never in memory as a whole.
    let Some(bytes) = response.body().size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    else {
        return response;
    };
    if bytes <= FREE_BYTES && !is_worth_packing(&response, coding, bytes) {
        return response;
    }
    let mut room = taken.unwrap_or_else(|| app.budgets().answer(caller));
    if caller.traffic != Traffic::Read {
        room.resize_anyway(bytes);
    } else if let Err(full) = room.grow(bytes) {
        return ProblemResponse::from(full).into_response();
    }
    let (mut parts, body) = response.into_parts();
    match body.collect().await {
        Ok(body) => {
            let plain = body.to_bytes();
            let bytes = coding.write(&mut parts.headers, plain.clone()).await;
            if bytes.len() < plain.len() {
                room.resize_anyway(bytes.len());
            }
            drop(plain);
            Response::from_parts(parts, Body::from(Bytes::from_owner(HeldBytes { bytes, _room: room })))
        }
        Err(error) => ProblemResponse::internal(format!("an answer cannot be read: {error}")).into_response(),
    }
}

/// The bytes of an answer. The connection drops them when they are written.
struct HeldBytes {
    bytes: Bytes,
    _room: AnswerRoom,
}

impl AsRef<[u8]> for HeldBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Of events that were claimed, those that there is room to send, and the room. The others are released: nobody attempts them.
pub(super) async fn sendable(app: &App, caller: &CallOrigin, claimed: Vec<Claimed>) -> (TakenRoom, Vec<Event>) {
    let mut room = app.budgets().answer(caller);
    let (mut sent, mut released) = (Vec::with_capacity(claimed.len()), Vec::new());
    for one in claimed {
        if released.is_empty() && room.grow(one.payload.as_str().len() + BYTES_OF_AN_EVENT).is_ok() {
            sent.push(wire::claimed(one));
        } else if let Some(lock) = &one.event.state.lock {
            let command = EventCommand::Release { token: lock.token, delay: Duration::ZERO };
            released.push(SettleCommand::new(one.event.event_id, command));
        }
    }
    if !released.is_empty()
        && let Err(error) = app.dispatcher().settle(released).await
    {
        // The engine's heartbeats do not list them: that brings them back, a little later.
        tracing::warn!(%error, "claimed events without room to be sent could not be released at once");
    }
    (TakenRoom::new(room), sent)
}
