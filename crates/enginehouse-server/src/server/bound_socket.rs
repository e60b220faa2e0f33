//! A socket that is listened on, of whichever kind.

use std::io;
use std::net::IpAddr;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::listen_address::ListenAddress;
use super::socket_file::SocketFile;

/// A socket that is listened on.
pub(super) struct BoundSocket {
    listener: SocketListener,
    /// Where it really listens: port 0 takes a free one.
    pub(super) address: ListenAddress,
}

enum SocketListener {
    Tcp(TcpListener),
    Unix(UnixListener, #[expect(dead_code, reason = "its file is removed when it is dropped")] SocketFile),
}

/// A connection that was accepted, on the event loop that accepted it.
pub(super) enum AcceptedSocket {
    /// With the address that it comes from.
    Tcp(TcpStream, IpAddr),
    Unix(UnixStream),
}

/// The same on its way to another event loop.
pub(super) enum DetachedSocket {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

impl BoundSocket {
    /// Listens. `socket_mode` says who may open a Unix socket.
    pub(super) async fn bind(address: &ListenAddress, socket_mode: u32) -> io::Result<Self> {
        match address {
            ListenAddress::Tcp(address) => {
                let listener = TcpListener::bind(address).await?;
                let address = listener.local_addr()?.into();
                Ok(Self { listener: SocketListener::Tcp(listener), address })
            }
            ListenAddress::Unix(path) => {
                let (listener, file) = SocketFile::listen(path, socket_mode).await?;
                Ok(Self { listener: SocketListener::Unix(listener, file), address: address.clone() })
            }
        }
    }

    pub(super) async fn accept(&self) -> io::Result<AcceptedSocket> {
        match &self.listener {
            SocketListener::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                Ok(AcceptedSocket::Tcp(stream, from.ip()))
            }
            SocketListener::Unix(listener, _) => Ok(AcceptedSocket::Unix(listener.accept().await?.0)),
        }
    }
}

impl AcceptedSocket {
    /// Where it comes from; none from a Unix socket.
    pub(super) const fn from(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(_, from) => Some(*from),
            Self::Unix(_) => None,
        }
    }

    /// The address of this machine that it was made to.
    pub(super) fn connected_to(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(stream, _) => stream.local_addr().ok().map(|address| address.ip()),
            Self::Unix(_) => None,
        }
    }

    /// Writes what the socket takes at once.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream, _) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
        }
    }

    /// Takes it from its event loop.
    pub(super) fn detach(self) -> io::Result<DetachedSocket> {
        match self {
            Self::Tcp(stream, _) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection waits with small packets");
                }
                Ok(DetachedSocket::Tcp(stream.into_std()?))
            }
            Self::Unix(stream) => Ok(DetachedSocket::Unix(stream.into_std()?)),
        }
    }
}
