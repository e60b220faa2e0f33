//! Reading the bodies of requests: never more than the limit, never more than there is room for, never for ever.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use enginehouse_api::problem::Code;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::app::App;
use super::budgets::{BodyRoom, CallOrigin};
use super::limits::Limits;
use super::problem::ProblemResponse;
use super::unpacking::{BodyCoding, Unpacker};
use crate::timers::Timer;

/// A body that has arrived, with the room that it takes until it is dropped.
#[derive(Debug)]
pub(crate) struct WholeBody {
    pub(crate) bytes: Bytes,
    _room: BodyRoom,
}

/// Reads the whole body of a request, of at most `max` bytes.
pub(crate) async fn read(request: Request, max: usize, app: &App) -> Result<WholeBody, ProblemResponse> {
    let caller = caller(&request)?;
    let (parts, body) = request.into_parts();
    refuse_announced(&parts.headers, &body, max)?;
    let body = IncomingBody::new(&parts.headers, body, app.limits())?;
    drop(parts);
    let room = app.budgets().body(&caller, app.limits().max_body_bytes);
    let reading = read_frames(body, max, room);
    timeout(app.limits().body_timeout, reading).await.unwrap_or_else(|_| Err(too_slow("it took too long as a whole")))
}

/// Who makes a call. The layer around all calls has noted it.
pub(crate) fn caller(request: &Request) -> Result<CallOrigin, ProblemResponse> {
    let caller = request.extensions().get().cloned();
    caller.ok_or_else(|| ProblemResponse::internal("a request has no caller"))
}

/// Refuses a body that is announced as too large, before any of it is read.
fn refuse_announced(headers: &HeaderMap, body: &Body, max: usize) -> Result<(), ProblemResponse> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let announced: u64 = length.unwrap_or(0).max(body.size_hint().lower());
    if announced > max as u64 { Err(ProblemResponse::too_large("the body", max)) } else { Ok(()) }
}

async fn read_frames(mut body: IncomingBody, max: usize, mut room: BodyRoom) -> Result<WholeBody, ProblemResponse> {
    let mut read = BytesMut::new();
    while let Some(data) = body.next().await? {
        let size = read.len() + data.len();
        if size > max {
            let what = if body.unpacker.is_some() { "the unpacked body" } else { "the body" };
            return Err(ProblemResponse::too_large(what, max));
        }
        room.resize(size)?;
        if read.is_empty() && body.is_at_end() {
            return Ok(WholeBody { bytes: data, _room: room });
        }
        read.extend_from_slice(&data);
    }
    Ok(WholeBody { bytes: read.freeze(), _room: room })
}

/// How long a client may still keep the server waiting.
///
/// A client may fall behind the least rate by the grace and no more, so that bytes that came quickly do not pay for a long
/// pause. Only the time in which the server waits for bytes counts: a client that the server keeps waiting is not to blame.
#[derive(Clone, Copy, Debug)]
struct Pace {
    credit: Duration,
    grace: Duration,
    min_bytes_per_second: usize,
}

impl Pace {
    const fn new(grace: Duration, min_bytes_per_second: usize) -> Self {
        Self { credit: grace, grace, min_bytes_per_second }
    }

    fn waited(&mut self, time: Duration) {
        self.credit = self.credit.saturating_sub(time);
    }

    fn received(&mut self, bytes: usize) {
        let earned = Duration::from_secs_f64(bytes as f64 / self.min_bytes_per_second as f64);
        self.credit = self.credit.saturating_add(earned).min(self.grace);
    }

    fn too_slow(&self) -> ProblemResponse {
        let Self { grace, min_bytes_per_second, .. } = self;
        let grace = grace.as_secs_f64();
        too_slow(&format!(
            "it fell {grace} s behind {min_bytes_per_second} bytes a second (setting min_bytes_per_second)"
        ))
    }
}

/// A body that arrives, and must do so at a certain rate.
pub(crate) struct IncomingBody {
    body: Body,
    pace: Pace,
    unpacker: Option<Box<Unpacker>>,
}

impl IncomingBody {
    pub(crate) fn new(headers: &HeaderMap, body: Body, limits: &Limits) -> Result<Self, ProblemResponse> {
        let unpacker = match BodyCoding::of(headers)? {
            BodyCoding::Plain => None,
            BodyCoding::Gzip => Some(Box::new(Unpacker::new())),
        };
        Ok(Self { body, pace: Pace::new(limits.body_grace, limits.min_bytes_per_second), unpacker })
    }

    fn is_at_end(&self) -> bool {
        self.body.is_end_stream() && self.unpacker.is_none()
    }

    /// The next bytes, unpacked; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ProblemResponse> {
        loop {
            let Some(unpacker) = &mut self.unpacker else { return self.next_received().await };
            if let Some(unpacked) = unpacker.next()? {
                // A few bytes that become many keep nobody else on this thread waiting.
                tokio::task::yield_now().await;
                return Ok(Some(unpacked));
            }
            let received = self.next_received().await?;
            let Some(unpacker) = &mut self.unpacker else { return Ok(received) };
            match received {
                Some(packed) => unpacker.give(packed),
                None => return unpacker.finish(),
            }
        }
    }

    /// The next bytes as they were sent; none at the end.
    async fn next_received(&mut self) -> Result<Option<Bytes>, ProblemResponse> {
        loop {
            let since = Timer::now();
            let frame = match timeout(self.pace.credit, self.body.frame()).await {
                Err(_) => return Err(self.pace.too_slow()),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return Err(broken_off(&error)),
                Ok(Some(Ok(frame))) => frame,
            };
            self.pace.waited(Timer::now().saturating_duration_since(since));
            // Trailers say nothing to us.
            if let Ok(data) = frame.into_data()
                && !data.is_empty()
            {
                self.pace.received(data.len());
                return Ok(Some(data));
            }
        }
    }
}

fn too_slow(why: &str) -> ProblemResponse {
    ProblemResponse::new(Code::Timeout, format!("the body did not arrive in time: {why}"))
}

fn broken_off(error: &axum::Error) -> ProblemResponse {
    enginehouse_api::problem::Problem::malformed(format!("the body broke off: {error}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many seconds of silence a client may afford after what it did: `+N` bytes sent, `-N` seconds of silence.
    fn check(what: &[i64], credit: f64) {
        let mut pace = Pace::new(Duration::from_secs(10), 1_000);
        for step in what {
            match usize::try_from(*step) {
                Ok(bytes) => pace.received(bytes),
                Err(_) => pace.waited(Duration::from_secs(step.unsigned_abs())),
            }
        }
        assert_eq!(pace.credit.as_secs_f64(), credit, "{what:?}");
    }

    #[test]
    fn a_client_may_fall_behind_by_the_grace_and_no_more() {
        check(&[], 10.0);
        check(&[-4, 1_000], 7.0);
        check(&[-9, 1, -1], 0.001);
        check(&[64_000_000, -10], 0.0);
        check(&[-10, 2_000, -1, 1_000], 2.0);
    }
}
