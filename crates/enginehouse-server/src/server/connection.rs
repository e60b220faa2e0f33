//! One connection: HTTP/1.1 over a stream that knows how long each of its phases may last.
//!
//! hyper has a timeout for headers, but counts the time between two requests in; so it is off, and the stream itself keeps
//! time: it fails when the client lets the present phase last too long, and hyper then gives the connection up.

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
use enginehouse_api::problem::{Applied, Code, Problem};
use futures_util::task::AtomicWaker;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::timers::{Timer, alarm};

/// Largest headers of a request, its first line included.
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// Most that is read ahead of a connection.
const MAX_BUFFER_BYTES: usize = 64 * 1024;
/// How long the refusal of a connection may take.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

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

/// Serves a connection until it ends, or until the server goes down and its request is answered.
pub(super) async fn serve(stream: TcpStream, router: Router, timeouts: Timeouts, going_down: CancellationToken) {
    let under_way = UnderWay::default();
    let io = TokioIo::new(Timed::new(stream, timeouts, under_way.clone()));
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let counted = under_way.begin();
        let answered = router.clone().oneshot(request.map(Body::new));
        async move { answered.await.map(|response| response.map(|body| Counted { body, _request: counted })) }
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_header_size(MAX_HEADER_BYTES)
            .max_buf_size(MAX_BUFFER_BYTES)
            .serve_connection(io, service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = going_down.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// Tells a client that there are too many connections, and closes its own.
pub(super) async fn refuse(mut stream: TcpStream) {
    let answer = async {
        stream.write_all(refusal().as_bytes()).await?;
        stream.shutdown().await
    };
    // Whoever does not take it has gone, or is what the cap is for.
    timeout(REFUSAL_TIMEOUT, answer).await.ok();
}

fn refusal() -> String {
    let problem = Problem {
        retry_after_seconds: Some(1),
        applied: Some(Applied::No),
        ..Problem::new(Code::Overloaded, "the server has as many connections as it takes")
    };
    // A problem holds nothing that JSON cannot say.
    let body = serde_json::to_string(&problem).unwrap_or_default();
    format!(
        "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// How many requests of a connection are under way: from their headers to the end of their answer.
#[derive(Clone, Debug, Default)]
struct UnderWay(Arc<Requests>);

#[derive(Debug, Default)]
struct Requests {
    under_way: AtomicUsize,
    begun: AtomicUsize,
    /// Whoever waits for the next request: hyper has looked for it already when the answer before it ends.
    reader: AtomicWaker,
}

impl UnderWay {
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
struct OneRequest(UnderWay);

impl Drop for OneRequest {
    fn drop(&mut self) {
        let requests = &self.0.0;
        requests.under_way.fetch_sub(1, Ordering::Relaxed);
        requests.reader.wake();
    }
}

/// The body of an answer, whose request is under way as long as it lasts.
struct Counted {
    body: Body,
    _request: OneRequest,
}

impl HttpBody for Counted {
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
enum Phase {
    /// For the rest of the headers.
    Headers,
    /// For the next request.
    Idle,
    /// For nothing: a request is under way.
    Request,
}

/// A stream that fails when its client lets a phase last too long.
struct Timed<S> {
    stream: S,
    timeouts: Timeouts,
    under_way: UnderWay,
    phase: Phase,
    /// How many requests had begun when it was last looked.
    begun: usize,
    /// When the present phase is over.
    until: Pin<Box<Sleep>>,
    /// When a byte of the answer must have been taken; none while nothing is held up.
    write_until: Option<Pin<Box<Sleep>>>,
}

impl<S> Timed<S> {
    fn new(stream: S, timeouts: Timeouts, under_way: UnderWay) -> Self {
        let until = Box::pin(alarm(Timer::now() + timeouts.header));
        Self { stream, timeouts, under_way, phase: Phase::Headers, begun: 0, until, write_until: None }
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        let lasts = match phase {
            Phase::Headers => self.timeouts.header,
            Phase::Idle => self.timeouts.idle,
            Phase::Request => return,
        };
        self.until.as_mut().reset(Timer::now() + lasts);
    }

    /// Notes which phase it is, seen from a read that brought something or nothing.
    fn look(&mut self, has_read: bool) {
        let begun = self.under_way.begun();
        let has_begun = std::mem::replace(&mut self.begun, begun) != begun;
        if self.under_way.is_any() {
            self.phase = Phase::Request;
        } else if self.phase == Phase::Request || has_begun {
            // The answer is out; a quick one may have come and gone since the last look.
            self.enter(if has_read { Phase::Headers } else { Phase::Idle });
        } else if self.phase == Phase::Idle && has_read {
            self.enter(Phase::Headers);
        }
    }
}

fn timed_out(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("the client took too long: {what}"))
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.under_way.0.reader.register(cx.waker());
        self.look(buf.filled().len() > before);
        if read.is_pending() && self.phase != Phase::Request && self.until.as_mut().poll(cx).is_ready() {
            let what = if self.phase == Phase::Idle { "no further request" } else { "the headers of a request" };
            return Poll::Ready(Err(timed_out(what)));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> Timed<S> {
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

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
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
