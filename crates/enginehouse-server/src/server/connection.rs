//! One connection: HTTP/1.1 over a stream with a time limit for each of its phases.
//!
//! hyper has a timeout for headers, but it includes the time between two requests. So it is off, and the stream itself keeps
//! time: it fails when the client exceeds the limit of the present phase, and hyper then closes the connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tower::ServiceExt;

use crate::timers::{Timer, alarm};

/// Largest headers of a request, its first line included.
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// Most that is read ahead of a connection.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// How long the phases of a connection may last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// From the first byte of a request to the end of its headers; from the beginning of a connection, for the first.
    pub(super) header: Duration,
    /// From an answer to the first byte of the next request.
    pub(super) idle: Duration,
    /// Without taking a byte of an answer.
    pub(super) write: Duration,
}

/// Serves a connection until it ends, or until the server shuts down and its request is answered.
pub(super) async fn serve(stream: TcpStream, router: Router, timeouts: Timeouts, shutdown: Watcher) {
    let under_way = RequestsUnderWay::default();
    let io = TokioIo::new(TimedStream::new(stream, timeouts, under_way.clone()));
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let counted = under_way.begin();
        let answered = router.clone().oneshot(request.map(Body::new));
        async move { answered.await.map(|response| response.map(|body| CountedBody { body, _request: counted })) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_header_size(MAX_HEADER_BYTES)
        .max_buf_size(MAX_BUFFER_BYTES)
        .serve_connection(io, service);
    if let Err(error) = shutdown.watch(connection).await {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// How many requests of a connection are under way: from their headers to the end of their answer.
#[derive(Clone, Debug, Default)]
struct RequestsUnderWay(Arc<Requests>);

#[derive(Debug, Default)]
struct Requests {
    under_way: AtomicUsize,
    begun: AtomicUsize,
    /// The task that waits for the next request: hyper has already polled for it when the answer before it ends.
    reader: AtomicWaker,
}

impl RequestsUnderWay {
    fn begin(&self) -> OneRequest {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
        OneRequest(self.clone())
    }

    fn is_any(&self) -> bool {
        self.0.under_way.load(Ordering::Relaxed) > 0
    }

    fn begun(&self) -> usize {
        self.0.begun.load(Ordering::Relaxed)
    }
}

/// One request that is under way, until dropped.
struct OneRequest(RequestsUnderWay);

impl Drop for OneRequest {
    fn drop(&mut self) {
        let requests = &self.0.0;
        requests.under_way.fetch_sub(1, Ordering::Relaxed);
        requests.reader.wake();
    }
}

/// The body of an answer, whose request is under way as long as it lasts.
struct CountedBody {
    body: Body,
    _request: OneRequest,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
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
struct TimedStream<S> {
    stream: S,
    timeouts: Timeouts,
    under_way: RequestsUnderWay,
    phase: ConnectionPhase,
    /// How many requests had begun when it was last looked.
    begun: usize,
    /// When the present phase is over.
    until: Pin<Box<Sleep>>,
    /// When a byte of the answer must have been taken; none while nothing is held up.
    write_until: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedStream<S> {
    fn new(stream: S, timeouts: Timeouts, under_way: RequestsUnderWay) -> Self {
        let until = Box::pin(alarm(Timer::now() + timeouts.header));
        Self { stream, timeouts, under_way, phase: ConnectionPhase::Headers, begun: 0, until, write_until: None }
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
        let begun = self.under_way.begun();
        let has_begun = std::mem::replace(&mut self.begun, begun) != begun;
        if self.under_way.is_any() {
            self.phase = ConnectionPhase::Request;
        } else if self.phase == ConnectionPhase::Request || has_begun {
            // The answer is out; a quick one may have come and gone since the last look.
            self.enter(if has_read { ConnectionPhase::Headers } else { ConnectionPhase::Idle });
        } else if self.phase == ConnectionPhase::Idle && has_read {
            self.enter(ConnectionPhase::Headers);
        }
    }
}

fn timed_out(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("the client took too long: {what}"))
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.under_way.0.reader.register(cx.waker());
        self.look(buf.filled().len() > before);
        if read.is_pending() && self.phase != ConnectionPhase::Request && self.until.as_mut().poll(cx).is_ready() {
            let what =
                if self.phase == ConnectionPhase::Idle { "no further request" } else { "the headers of a request" };
            return Poll::Ready(Err(timed_out(what)));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> TimedStream<S> {
    /// Keeps time while a write is held up.
    fn written<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_until = None;
            return written;
        }
        let lasts = self.timeouts.write;
        let until = self.write_until.get_or_insert_with(|| Box::pin(alarm(Timer::now() + lasts)));
        match until.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(timed_out("its answer"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.written(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.written(cx, shut)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(cx, written)
    }
}
