//! One TCP connection to a server, and the parts that answers are made of in every protocol here: lines, and so many bytes.
//!
//! The client shares the machine with what it measures, so it does as little as it can: a request is one write of bytes that
//! were put together before, and an answer is read out of one buffer.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

pub(crate) struct Wire {
    stream: BufReader<Either<TcpStream, Box<TlsStream<TcpStream>>>>,
    line: Vec<u8>,
}

impl Wire {
    pub(crate) async fn open(port: u16) -> Result<Self> {
        Self::open_from(Ipv4Addr::LOCALHOST, port).await
    }

    /// Speaks TLS with a server that is called localhost.
    pub(crate) async fn open_tls(port: u16, tls: &TlsConnector) -> Result<Self> {
        let stream = connected(Ipv4Addr::LOCALHOST, port).await?;
        let stream = tls.connect("localhost".try_into()?, stream).await.context("the server speaks no such TLS")?;
        Ok(Self::of(Either::Right(Box::new(stream))))
    }

    /// Comes from another address of the loopback: servers share among addresses what they have.
    pub(crate) async fn open_from(source: Ipv4Addr, port: u16) -> Result<Self> {
        Ok(Self::of(Either::Left(connected(source, port).await?)))
    }

    fn of(stream: Either<TcpStream, Box<TlsStream<TcpStream>>>) -> Self {
        Self { stream: BufReader::with_capacity(64 << 10, stream), line: Vec::new() }
    }

    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(request).await?;
        // TLS keeps back what the socket did not take at once.
        Ok(stream.flush().await?)
    }

    /// The next line without its end.
    pub(crate) async fn line(&mut self) -> Result<&str> {
        self.line.clear();
        if self.stream.read_until(b'\n', &mut self.line).await? == 0 {
            bail!("the server has closed the connection");
        }
        Ok(std::str::from_utf8(&self.line)?.trim_end())
    }

    /// So many bytes.
    pub(crate) async fn bytes(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).await?;
        Ok(bytes)
    }
}

async fn connected(source: Ipv4Addr, port: u16) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4().context("cannot make a socket")?;
    socket.bind(SocketAddr::from((source, 0))).with_context(|| format!("cannot come from {source}"))?;
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = socket.connect(server).await.context("cannot connect to the server")?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
