//! Free ports.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ephemeral ports: the system gives no other process the port of a server that is down for a while, so that
/// it can start again where its clients look for it.
const PORTS: Range<u16> = 20_000..32_000;

/// How many ports a server tries if another process takes each of them first.
pub(crate) const ATTEMPTS: usize = 10;

static TRIED: AtomicU32 = AtomicU32::new(0);

/// A port that no process listens on. Another process may take it first: then the server tries the next.
pub(crate) fn free() -> io::Result<u16> {
    let count = u32::from(PORTS.end - PORTS.start);
    // Processes that begin together have ids next to each other, so they begin far from each other here.
    let first = std::process::id().wrapping_mul(7919);
    for _ in 0..count {
        let step = first.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % count;
        let port = PORTS.start + u16::try_from(step).expect("a step is less than the count of ports");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::other(format!("no port is free among {PORTS:?}")))
}
