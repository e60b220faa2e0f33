//! Waiting for a condition, with a limit.

use std::io;
use std::time::{Duration, Instant};

/// The longest that anything here is waited for. Reached only when it never comes.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Looks again and again until there is something to see, or looking fails.
#[expect(clippy::disallowed_methods, reason = "a limit, and the pause between two looks at what gives no signal")]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> io::Result<Option<T>>) -> io::Result<T> {
    let begin = Instant::now();
    loop {
        if let Some(seen) = look()? {
            return Ok(seen);
        }
        if begin.elapsed() > LIMIT {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("not within {LIMIT:?}: {what}")));
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}
