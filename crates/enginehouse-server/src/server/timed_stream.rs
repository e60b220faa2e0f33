//! A stream with a time limit for each phase of a connection: it fails when its client lets one last too long, and hyper then
//! closes the connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::activity::Activity;
use super::client_stream::ClientStream;
use super::parse_errors::instead_of;
use crate::timers::{Timer, alarm};

/// How long the phases of a connection may last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// From the first byte of a request to the end of its headers; from the beginning of a connection, for the first.
    pub(super) header: Duration,
    /// From an answer to the first byte of the next request.
    pub(super) idle: Duration,
    /// How long the client may fall behind the least rate at which it has to take answers.
    pub(super) write: Duration,
    /// That rate.
    pub(super) min_bytes_per_second: usize,
}

/// What a connection waits for, while no request is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectionPhase {
    /// For the rest of the headers.
    Headers,
    /// For the next request.
    Idle,
    /// For nothing: a request is under way.
    Request,
}

/// A stream that fails when its client lets a phase last too long.
pub(super) struct TimedStream<S> {
    stream: S,
    /// What is read before anything of the stream.
    unread: Bytes,
    timeouts: Timeouts,
    activity: Activity,
    phase: ConnectionPhase,
    /// Whether a byte of the present request has arrived.
    has_begun_headers: bool,
    /// How many requests had begun when it was last looked.
    begun: usize,
    /// When the present phase is over.
    until: Pin<Box<Sleep>>,
    /// How long the client may take nothing of its answer now.
    credit: Duration,
    /// Since when a write is held up.
    held_up: Option<HeldUp>,
    /// How many requests had begun when all that was written had left.
    answered: usize,
    /// What is left of the answer that is written instead of hyper's own.
    instead: Option<Bytes>,
}

/// A write that the client holds up.
struct HeldUp {
    since: Instant,
    until: Pin<Box<Sleep>>,
}

impl<S> TimedStream<S> {
    pub(super) fn new(stream: S, timeouts: Timeouts, activity: Activity) -> Self {
        let until = Box::pin(alarm(Timer::now() + timeouts.header));
        Self {
            stream,
            unread: Bytes::new(),
            timeouts,
            activity,
            phase: ConnectionPhase::Headers,
            has_begun_headers: false,
            begun: 0,
            until,
            credit: timeouts.write,
            held_up: None,
            answered: 0,
            instead: None,
        }
    }

    /// Puts bytes before all others: they are read next.
    pub(super) fn unread(&mut self, bytes: &[u8]) {
        self.unread = [bytes, &self.unread].concat().into();
    }

    fn enter(&mut self, phase: ConnectionPhase) {
        self.phase = phase;
        let lasts = match phase {
            ConnectionPhase::Headers => self.timeouts.header,
            ConnectionPhase::Idle => self.timeouts.idle,
            ConnectionPhase::Request => return,
        };
        self.until.as_mut().reset(Timer::now() + lasts);
    }

    /// Notes which phase it is, seen from a read that brought something or nothing.
    fn look(&mut self, has_read: bool) {
        let begun = self.activity.begun();
        let has_begun = std::mem::replace(&mut self.begun, begun) != begun;
        self.has_begun_headers |= has_read;
        if self.activity.has_request() {
            self.phase = ConnectionPhase::Request;
        } else if self.phase == ConnectionPhase::Request || has_begun {
            // The answer is out; a quick one may have come and gone since the last look.
            self.has_begun_headers = has_read;
            self.enter(if has_read { ConnectionPhase::Headers } else { ConnectionPhase::Idle });
        } else if self.phase == ConnectionPhase::Idle && has_read {
            self.enter(ConnectionPhase::Headers);
        }
    }

    /// Says to the accept loop whether the connection may be closed to make room: if nothing has arrived of a request, and
    /// nothing is left of an answer. Answers whether it may go on.
    fn tell(&self) -> bool {
        let is_idle = self.phase != ConnectionPhase::Request && !self.has_begun_headers && self.held_up.is_none();
        if is_idle {
            self.activity.set_idle();
            !self.activity.is_closing()
        } else {
            self.activity.set_busy()
        }
    }
}

fn timed_out(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("the client took too long: {what}"))
}

fn evicted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "it was idle, and made room for another connection")
}

impl TimedStream<ClientStream> {
    /// Ends when the client has closed the connection.
    pub(super) async fn client_has_gone(&mut self) {
        if let Some(sent) = self.stream.closed_or_sent().await {
            self.unread = sent;
            std::future::pending().await
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.unread.is_empty() {
            let size = buf.remaining().min(self.unread.len());
            let bytes = self.unread.split_to(size);
            buf.put_slice(&bytes);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.activity.register(cx);
        self.look(buf.filled().len() > before);
        if !self.tell() {
            return Poll::Ready(Err(evicted()));
        }
        if read.is_pending() && self.phase != ConnectionPhase::Request && self.until.as_mut().poll(cx).is_ready() {
            let what =
                if self.phase == ConnectionPhase::Idle { "no further request" } else { "the headers of a request" };
            return Poll::Ready(Err(timed_out(what)));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> TimedStream<S> {
    /// Writes a problem document if `head` begins an answer of hyper's own. Once it is out, so is all that hyper wrote.
    fn write_instead(&mut self, cx: &mut Context<'_>, head: &[u8], length: usize) -> Option<Poll<io::Result<usize>>> {
        if self.instead.is_none() {
            let is_hypers_own = !self.activity.has_request() && self.activity.begun() == self.answered;
            self.instead = Some(is_hypers_own.then(|| instead_of(head)).flatten()?);
        }
        while let Some(rest) = self.instead.as_mut().filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(Ok(written)) => rest.advance(written),
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Pending => return Some(Poll::Pending),
            }
        }
        self.instead = None;
        Some(Poll::Ready(Ok(length)))
    }

    /// Keeps time while a write is held up. What the client takes earns it time, but never more than the limit.
    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
        bytes: impl Fn(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        let Poll::Ready(result) = written else {
            let until = Timer::now() + self.credit;
            self.activity.set_held_up(true);
            let held_up =
                self.held_up.get_or_insert_with(|| HeldUp { since: Timer::now(), until: Box::pin(alarm(until)) });
            return match held_up.until.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Err(timed_out("its answer"))),
                Poll::Pending => Poll::Pending,
            };
        };
        if let Some(held_up) = self.held_up.take() {
            self.activity.set_held_up(false);
            self.credit = self.credit.saturating_sub(Timer::now().saturating_duration_since(held_up.since));
            // A connection whose answer was the last thing to be written is not polled for a read once more.
            if !self.tell() {
                return Poll::Ready(Err(evicted()));
            }
        }
        if self.credit < self.timeouts.write
            && let Ok(result) = &result
        {
            let earned = bytes(result) as f64 / self.timeouts.min_bytes_per_second as f64;
            self.credit = self.credit.saturating_add(Duration::from_secs_f64(earned)).min(self.timeouts.write);
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let instead = self.write_instead(cx, buf, buf.len());
        let written = instead.unwrap_or_else(|| Pin::new(&mut self.stream).poll_write(cx, buf));
        self.written(cx, written, |bytes| *bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if flushed.is_ready() && !self.activity.has_request() {
            self.answered = self.activity.begun();
        }
        self.written(cx, flushed, |()| 0)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.written(cx, shut, |()| 0)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let head = bufs.first().map_or(&[][..], |buf| buf);
        let instead = self.write_instead(cx, head, bufs.iter().map(|buf| buf.len()).sum());
        let written = instead.unwrap_or_else(|| Pin::new(&mut self.stream).poll_write_vectored(cx, bufs));
        self.written(cx, written, |bytes| *bytes)
    }
}
