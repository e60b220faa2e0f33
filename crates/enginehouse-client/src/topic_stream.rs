//! Topics that are followed: the parts of a stream of server-sent events.

use enginehouse_api::stream::StreamPart;
use serde::Deserialize;

use crate::error::Error;
use crate::transport::AnswerStream;

/// The largest part: all engines of a large fleet with what they say about themselves.
const MAX_PART: usize = 256 * 1024 * 1024;

/// What comes next in a stream.
#[derive(Clone, Debug)]
pub enum TopicEvent {
    /// What there is of a topic, or what of it has changed.
    Part(StreamPart),
    /// What is known of these topics is to be forgotten: they follow as a whole.
    Reset(Vec<String>),
}

/// Topics, as they change. Dropped, they are not followed any more.
#[derive(Debug)]
pub struct TopicStream {
    answer: AnswerStream,
    /// What has arrived of the next line.
    buffer: Vec<u8>,
    /// How much of it has no end of a line.
    looked_at: usize,
    is_reset: bool,
}

#[derive(Deserialize)]
struct ResetTopics {
    topics: Vec<String>,
}

impl TopicStream {
    pub(crate) const fn new(answer: AnswerStream) -> Self {
        Self { answer, buffer: Vec::new(), looked_at: 0, is_reset: false }
    }

    /// What comes next; none if the server stops.
    ///
    /// # Errors
    /// The connection broke, or what came is no part of a stream.
    pub async fn next(&mut self) -> Result<Option<TopicEvent>, Error> {
        loop {
            while let Some(end) = self.buffer[self.looked_at..].iter().position(|byte| *byte == b'\n') {
                let line: Vec<_> = self.buffer.drain(..=self.looked_at + end).collect();
                self.looked_at = 0;
                if let Some(event) = line.strip_prefix(b"event:") {
                    self.is_reset = event.trim_ascii() == b"reset";
                } else if let Some(data) = line.strip_prefix(b"data:") {
                    let read = match self.is_reset {
                        true => serde_json::from_slice(data).map(|ResetTopics { topics }| TopicEvent::Reset(topics)),
                        false => serde_json::from_slice(data).map(TopicEvent::Part),
                    };
                    return read.map(Some).map_err(|error| unexpected(error.to_string()));
                }
                // The others are ids and comments.
            }
            self.looked_at = self.buffer.len();
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
