//! Reading the bodies of requests: never more than the limit, never more than there is room for, never for ever.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use enginehouse_api::problem::Code;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::app::App;
use super::problem::ProblemResponse;

/// How much room is made before anything has arrived.
const FIRST_ROOM: usize = 16 * 1024;

/// The room that the body of one request takes. It is released when the request is answered or given up: until then
/// what was made of the body takes as much.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Room {
    /// Takes room for so many bytes more.
    pub(crate) fn take(&self, app: &App, bytes: usize) -> Result<(), ProblemResponse> {
        let wanted = u32::try_from(bytes).map_err(|_| ProblemResponse::no_room_for_bodies())?;
        let more = Arc::clone(app.room_for_bodies())
            .try_acquire_many_owned(wanted)
            .map_err(|_| ProblemResponse::no_room_for_bodies())?;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.as_mut() {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
        Ok(())
    }
}

/// Reads a whole body of at most `max` bytes.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    max: usize,
    room: &Room,
    app: &App,
) -> Result<Bytes, ProblemResponse> {
    refuse_announced(headers, &body, max)?;
    timeout(app.limits().body_timeout, read_frames(body, max, room, app)).await.unwrap_or_else(|_| Err(too_slow()))
}

/// Refuses a body that is announced as too large, before any of it is read.
fn refuse_announced(headers: &HeaderMap, body: &Body, max: usize) -> Result<(), ProblemResponse> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let announced: u64 = length.unwrap_or(0).max(body.size_hint().lower());
    if announced > max as u64 { Err(ProblemResponse::too_large("the body", max)) } else { Ok(()) }
}

async fn read_frames(mut body: Body, max: usize, room: &Room, app: &App) -> Result<Bytes, ProblemResponse> {
    let mut read = BytesMut::new();
    let mut taken = 0;
    while let Some(data) = next_data(&mut body, app).await? {
        let size = read.len() + data.len();
        if size > max {
            return Err(ProblemResponse::too_large("the body", max));
        }
        if size > taken {
            let more = (size - taken).max(taken.max(FIRST_ROOM).min(max - taken));
            room.take(app, more)?;
            taken += more;
        }
        if read.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

/// The next piece of a body; none at its end.
pub(crate) async fn next_data(body: &mut Body, app: &App) -> Result<Option<Bytes>, ProblemResponse> {
    loop {
        let frame = match timeout(app.limits().body_stall_timeout, body.frame()).await {
            Err(_) => return Err(too_slow()),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => return Err(broken_off(&error)),
            Ok(Some(Ok(frame))) => frame,
        };
        // Trailers say nothing to us.
        if let Ok(data) = frame.into_data()
            && !data.is_empty()
        {
            return Ok(Some(data));
        }
    }
}

fn too_slow() -> ProblemResponse {
    ProblemResponse::new(Code::Timeout, "the body did not arrive in time")
}

fn broken_off(error: &axum::Error) -> ProblemResponse {
    enginehouse_api::problem::Problem::malformed(format!("the body broke off: {error}")).into()
}
