//! The bytes of a connection, encrypted or not.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

/// How much is read ahead of a client whose request waits.
const READ_AHEAD: usize = 16;

/// The bytes of a connection. What is common costs nothing more than a look at which it is.
pub(super) enum ClientStream {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// Boxed, for it is ten times as large.
    Tls(Box<TlsStream<TcpStream>>),
}

impl ClientStream {
    /// Ends when the client has closed the connection, or has sent something: then with what was taken of it. One that has
    /// sent something is there; whether it stays, only shows once that is read.
    pub(super) async fn closed_or_sent(&mut self) -> Option<Bytes> {
        match self {
            Self::Tcp(stream) => match stream.peek(&mut [0]).await {
                Ok(0) | Err(_) => None,
                Ok(_) => Some(Bytes::new()),
            },
            // It cannot be looked at without taking what is there.
            Self::Unix(stream) => read_ahead(stream).await,
            // A client of TLS says farewell before it closes: only who decrypts that knows that it is no request.
            Self::Tls(stream) => read_ahead(stream).await,
        }
    }
}

async fn read_ahead(stream: &mut (impl AsyncRead + Unpin)) -> Option<Bytes> {
    let mut ahead = [0; READ_AHEAD];
    match stream.read(&mut ahead).await {
        Ok(0) | Err(_) => None,
        Ok(read) => Some(Bytes::copy_from_slice(&ahead[..read])),
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }
}
