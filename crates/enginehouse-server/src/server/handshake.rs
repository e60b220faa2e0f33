//! How a connection becomes one of TLS.
//!
//! A handshake takes a signature, which keeps a processor busy for up to some milliseconds, and then waits for its client. A
//! fleet that comes back all at once must not keep the heartbeats of others waiting meanwhile. So a thread computes one
//! handshake in each turn of its event loop: between two of them, whatever else is ready has its turn.
//!
//! A client that never ends its handshake keeps nobody waiting either. Its connection counts as idle, and so makes room for
//! others (`open_connections`), and it is closed when its time is over.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use enginehouse_api::problem::Problem;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::activity::Activity;
use super::linger::linger;
use super::parse_errors::written;

/// The first byte of a client that speaks TLS.
const HANDSHAKE_RECORD: u8 = 22;
/// How much of an answer may be encrypted and not yet sent: a record. A slow client has taken it before its time is over.
const MAX_UNSENT: usize = 16 * 1024;

/// What a handshake needs.
pub(super) struct Handshake {
    pub(super) config: Arc<rustls::ServerConfig>,
    /// Of the thread: who holds it computes a handshake.
    pub(super) turns: Arc<Semaphore>,
    /// How long the client may take.
    pub(super) limit: Duration,
}

impl Handshake {
    /// Answers the encrypted stream.
    ///
    /// # Errors
    /// The client speaks no TLS that the server does, or takes too long; or its place was given to another connection.
    pub(super) async fn with(self, stream: TcpStream, activity: &Activity) -> io::Result<TlsStream<TcpStream>> {
        let limit = self.limit;
        let closing = poll_fn(|cx| {
            activity.register(cx);
            if activity.is_closing() { Poll::Ready(()) } else { Poll::Pending }
        });
        activity.set_idle();
        let too_late = || io::Error::new(io::ErrorKind::TimedOut, "the client took too long: its handshake");
        let evicted = || io::Error::new(io::ErrorKind::ConnectionAborted, "it made room for another connection");
        let stream = tokio::select! {
            result = timeout(limit, self.carry_out(stream)) => result.map_err(|_| too_late())??,
            () = closing => return Err(evicted()),
        };
        if activity.set_busy() { Ok(stream) } else { Err(evicted()) }
    }

    async fn carry_out(self, mut stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if first[0] != HANDSHAKE_RECORD {
            say_that_it_is_tls(&mut stream).await;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the client does not speak TLS"));
        }
        let hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
        // Nobody closes it.
        let turn = self.turns.acquire().await.map_err(io::Error::other)?;
        let mut rest = hello.into_stream_with(self.config, |session| session.set_buffer_limit(Some(MAX_UNSENT)));
        let computed = poll_fn(|cx| Poll::Ready(Pin::new(&mut rest).poll(cx))).await;
        yield_now().await;
        drop(turn);
        match computed {
            Poll::Ready(stream) => stream,
            Poll::Pending => rest.await,
        }
    }
}

/// Answers a client that speaks plain HTTP, in its own words.
async fn say_that_it_is_tls(stream: &mut TcpStream) {
    let problem = Problem::malformed("this server speaks TLS: call it by https://");
    let answer = written(&problem, "HTTP/1.1 400 Bad Request");
    // Whether it arrives or not, the connection is closed.
    if stream.write_all(&answer).await.is_ok() && stream.shutdown().await.is_ok() {
        linger(stream).await;
    }
}
