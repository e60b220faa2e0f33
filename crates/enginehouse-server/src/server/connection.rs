//! One connection: HTTP/1.1 over a stream with a time limit for each of its phases.
//!
//! hyper has a timeout for headers, but it includes the time between two requests. So it is off, and the stream itself keeps
//! time.
//!
//! **A connection whose request waits has no buffers.** hyper keeps at least 16 KiB of them for each connection, as many as
//! the last body was large, and gives none back. A fleet has a connection with a waiting claim for each engine. So once a
//! claim begins to wait, hyper's connection is taken apart: what is left is the stream, and the handler that waits. When it
//! has its answer, a new connection of hyper's is put together over the stream. It first reads a stand-in for the request, to
//! which the answer is given, and then goes on with what the client sends.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;

use axum::Router;
use hyper::server::conn::http1::{self, Parts};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use super::bound_socket::DetachedSocket;
use super::certificate_name::certificate_name;
use super::client_stream::ClientStream;
use super::current_request::{LongRequest, RequestService};
use super::handshake::Handshake;
use super::linger::linger;
use super::request_head::HeadCheck;
use super::timed_stream::{TimedStream, Timeouts};
use crate::peer::Peer;
use crate::telemetry::Metrics;

/// Largest headers of a request, its first line included.
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// Most that is read ahead of a connection.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

type HyperConnection = http1::Connection<TokioIo<TimedStream<ClientStream>>, RequestService>;

/// A connection that was accepted, and what it is served with.
pub(super) struct AcceptedConnection {
    pub(super) socket: DetachedSocket,
    pub(super) peer: Peer,
    /// What has to come before the first request; none without TLS.
    pub(super) handshake: Option<Handshake>,
    pub(super) head_check: HeadCheck,
    pub(super) router: Router,
    pub(super) timeouts: Timeouts,
    pub(super) activity: Activity,
    pub(super) metrics: Metrics,
}

/// What is read of the stream, once a handshake that has to come before is over.
async fn open(
    socket: DetachedSocket,
    handshake: Option<Handshake>,
    peer: &mut Peer,
    activity: &Activity,
    metrics: &Metrics,
) -> io::Result<ClientStream> {
    let stream = match socket {
        DetachedSocket::Tcp(stream) => TcpStream::from_std(stream)?,
        DetachedSocket::Unix(stream) => return Ok(ClientStream::Unix(UnixStream::from_std(stream)?)),
    };
    let Some(handshake) = handshake else { return Ok(ClientStream::Tcp(stream)) };
    let stream = handshake.with(stream, activity).await;
    let stream = stream.inspect_err(|_| metrics.tls().handshake_failed())?;
    if let Some([certificate, ..]) = stream.get_ref().1.peer_certificates() {
        peer.certificate_name = certificate_name(certificate);
        if peer.certificate_name.is_none() {
            metrics.tls().handshake_failed();
            return Err(io::Error::other("the certificate of the client has no name that it could be known by"));
        }
    }
    Ok(ClientStream::Tls(Box::new(stream)))
}

/// Serves a connection until it ends, or until the server shuts down and its request is answered.
pub(super) async fn serve(accepted: AcceptedConnection, shutdown: CancellationToken) {
    let AcceptedConnection { socket, mut peer, handshake, head_check, router, timeouts, activity, metrics } = accepted;
    let opened = tokio::select! {
        opened = Box::pin(open(socket, handshake, &mut peer, &activity, &metrics)) => opened,
        () = shutdown.cancelled() => return,
    };
    let stream = match opened {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!(%error, "a connection was lost before it was served"),
    };
    let mut stream = TimedStream::new(stream, timeouts, activity.clone());
    let service = RequestService::new(router, peer, head_check, activity.clone());
    loop {
        let connection = Box::new(connect(stream, service.clone()));
        // Apart, so that nothing of it takes memory while the request waits.
        let awake = Box::pin(until_long_wait(connection, &service, &activity, &shutdown));
        let (connection, mut request) = match awake.await {
            Driven::LongWait(connection, request) => (connection, request),
            Driven::Ended(connection, has_unread) => {
                if has_unread {
                    let stream = connection.into_parts().io.into_inner();
                    tokio::select! {
                        () = Box::pin(linger(stream)) => {}
                        () = shutdown.cancelled() => {}
                    }
                }
                return;
            }
        };
        let Parts { io, read_buf, .. } = connection.into_parts();
        stream = io.into_inner();
        // A copy, for what little there is holds all of the buffer.
        let read_ahead = read_buf.to_vec();
        drop(read_buf);
        let answer = tokio::select! {
            answer = &mut request.answer => answer,
            // What it has sent already must be read before it shows whether it has gone.
            () = stream.client_has_gone(), if read_ahead.is_empty() => return,
        };
        service.set_answer(answer);
        stream.unread(&read_ahead);
        stream.unread(request.stand_in(shutdown.is_cancelled()));
    }
}

fn connect(stream: TimedStream<ClientStream>, service: RequestService) -> HyperConnection {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        // A client that sends no more still reads. One that waits for events is looked after here.
        .half_close(true)
        .max_header_size(MAX_HEADER_BYTES)
        .max_buf_size(MAX_BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
}

/// Why a connection is driven no further.
enum Driven {
    /// Its request waits for long.
    LongWait(Box<HyperConnection>, LongRequest),
    /// It has ended; and whether bytes that nobody reads may still be on their way.
    Ended(Box<HyperConnection>, bool),
}

/// Drives a connection until it ends, or its request waits for long.
async fn until_long_wait(
    mut connection: Box<HyperConnection>,
    service: &RequestService,
    activity: &Activity,
    shutdown: &CancellationToken,
) -> Driven {
    let mut shutdown = pin!(shutdown.cancelled());
    let mut shuts_down = false;
    let request = poll_fn(|cx| {
        loop {
            if let Poll::Ready(ended) = Pin::new(&mut *connection).poll(cx) {
                let is_no_request = ended.as_ref().is_err_and(hyper::Error::is_parse);
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke off");
                }
                return Poll::Ready(Err(is_no_request || activity.has_unread()));
            }
            // An answer that was set is out before this: hyper closes a connection that has read nothing.
            if shuts_down || shutdown.as_mut().poll(cx).is_pending() {
                break;
            }
            shuts_down = true;
            Pin::new(&mut *connection).graceful_shutdown();
        }
        // hyper has nothing left to write, then: one answer is written before the next request is read.
        match activity.is_held_up() {
            true => Poll::Pending,
            false => service.take_long().map_or(Poll::Pending, |request| Poll::Ready(Ok(request))),
        }
    })
    .await;
    match request {
        Ok(request) => Driven::LongWait(connection, request),
        Err(has_unread) => Driven::Ended(connection, has_unread),
    }
}
