//! One connection: HTTP/1.1 over a stream with a time limit for each of its phases.
//!
//! hyper has a timeout for headers, but it includes the time between two requests. So it is off, and the stream itself keeps
//! time.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;
use tower::ServiceExt;

use super::activity::{Activity, OneRequest};
use super::timed_stream::{TimedStream, Timeouts};
use crate::budget::ClientAddress;

/// Largest headers of a request, its first line included.
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// Most that is read ahead of a connection.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// Serves a connection until it ends, or until the server shuts down and its request is answered.
pub(super) async fn serve(
    stream: TcpStream,
    address: ClientAddress,
    router: Router,
    timeouts: Timeouts,
    activity: Activity,
    shutdown: Watcher,
) {
    let io = TokioIo::new(TimedStream::new(stream, timeouts, activity.clone()));
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let counted = activity.begin();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(address);
        let answered = router.clone().oneshot(request);
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
