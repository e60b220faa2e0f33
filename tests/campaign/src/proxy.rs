//! A TCP proxy that cuts connections after a random number of bytes, in either direction.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// After how many bytes a connection is cut, as powers of two: some within a request, some after hundreds of them. None lives
/// for ever, or all clients would have one that does after a while.
const CUT_AFTER: std::ops::Range<f64> = 4.0..18.0;

/// A proxy before one server.
#[derive(Clone, Debug)]
pub(crate) struct CuttingProxy {
    address: SocketAddr,
    state: Arc<ProxyState>,
}

#[derive(Debug, Default)]
struct ProxyState {
    cuts: AtomicU64,
    is_calm: AtomicBool,
}

impl CuttingProxy {
    /// Starts one in front of a port of this machine.
    pub(crate) async fn before(port: u16, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let proxy = Self { address: listener.local_addr()?, state: Arc::default() };
        let state = Arc::clone(&proxy.state);
        let mut rng = StdRng::seed_from_u64(seed);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let bytes = rng.random_range(CUT_AFTER).exp2() as u64;
                // Which direction is cut.
                let (up, down) = match (state.is_calm.load(Ordering::Relaxed), rng.random_bool(0.5)) {
                    (true, _) => (u64::MAX, u64::MAX),
                    (false, true) => (bytes, u64::MAX),
                    (false, false) => (u64::MAX, bytes),
                };
                tokio::spawn(carry(client, port, up, down, Arc::clone(&state)));
            }
        });
        Ok(proxy)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts no connection that is made from now on.
    pub(crate) fn calm_down(&self) {
        self.state.is_calm.store(true, Ordering::Relaxed);
    }

    pub(crate) fn cuts(&self) -> u64 {
        self.state.cuts.load(Ordering::Relaxed)
    }
}

async fn carry(client: TcpStream, port: u16, up: u64, down: u64, state: Arc<ProxyState>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let is_cut = tokio::select! {
        is_cut = copy(from_client, to_server, up) => is_cut,
        is_cut = copy(from_server, to_client, down) => is_cut,
    };
    if is_cut {
        state.cuts.fetch_add(1, Ordering::Relaxed);
    }
}

/// Copies so many bytes. Answers whether it stopped because of their number.
async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut most: u64) -> bool {
    let mut part = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut part).await {
        let passed = read.min(usize::try_from(most).unwrap_or(usize::MAX));
        if to.write_all(&part[..passed]).await.is_err() {
            return false;
        }
        most -= passed as u64;
        if most == 0 {
            return true;
        }
    }
    false
}
