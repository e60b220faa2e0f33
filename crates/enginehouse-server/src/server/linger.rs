//! How a connection ends behind an answer that came before its request had.
//!
//! Most clients send all of a body before they read. If the socket were closed while bytes are still coming in, the kernel
//! would answer those with a reset, and the client would lose the answer that lies in its buffer: it would see a broken pipe,
//! and not that its body is too large. So the server has said that it sends no more (its FIN is out), reads on for a little
//! while, and throws away what comes.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// The longest that it reads on.
const LONGEST: Duration = Duration::from_secs(10);
/// How long it waits for more.
const PAUSE: Duration = Duration::from_secs(2);
/// The most that it throws away: as much as the largest body that is read at all.
const MAX_BYTES: usize = enginehouse_core::limits::MAX_BATCH_BODY_BYTES;
/// How much at once.
const PIECE: usize = 16 * 1024;

/// Reads what a client still sends, until it has closed its side or takes too long.
pub(super) async fn linger(mut stream: impl AsyncRead + Unpin) {
    let reading = async {
        let mut thrown_away = 0;
        let mut piece = vec![0; PIECE];
        while thrown_away < MAX_BYTES {
            match timeout(PAUSE, stream.read(&mut piece)).await {
                Ok(Ok(read)) if read > 0 => thrown_away += read,
                // It has closed its side, or is silent.
                Ok(_) | Err(_) => return,
            }
        }
    };
    // However it ends, the connection is closed behind it.
    let _ = timeout(LONGEST, reading).await;
}
