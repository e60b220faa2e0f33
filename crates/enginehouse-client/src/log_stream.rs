//! A log that is followed: the parts of a stream of server-sent events.

use enginehouse_api::logs::LogPart;

use crate::error::Error;
use crate::transport::AnswerStream;

/// The largest part: the end of a log as JSON, in which a byte may take six.
const MAX_PART: usize = 1024 * 1024;

/// The log of an attempt, as it grows. Dropped, it is not followed any more.
#[derive(Debug)]
pub struct LogStream {
    answer: AnswerStream,
    /// What has arrived of the next line.
    buffer: Vec<u8>,
}

impl LogStream {
    pub(crate) const fn new(answer: AnswerStream) -> Self {
        Self { answer, buffer: Vec::new() }
    }

    /// What comes next; none at the end, or if the server stops.
    ///
    /// # Errors
    /// The connection broke, or what came is no log.
    pub async fn next(&mut self) -> Result<Option<LogPart>, Error> {
        loop {
            while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<_> = self.buffer.drain(..=end).collect();
                // The other lines name the event, or are comments.
                if let Some(data) = line.strip_prefix(b"data:") {
                    let part = serde_json::from_slice(data);
                    return part.map(Some).map_err(|error| unexpected(error.to_string()));
                }
            }
            match self.answer.next().await? {
                Some(chunk) if self.buffer.len() + chunk.len() <= MAX_PART => self.buffer.extend_from_slice(&chunk),
                Some(_) => return Err(unexpected(format!("a line has more than {MAX_PART} bytes"))),
                None => return Ok(None),
            }
        }
    }
}

const fn unexpected(reason: String) -> Error {
    Error::Unexpected { status: 200, reason }
}
