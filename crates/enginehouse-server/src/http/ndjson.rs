//! Enqueueing a stream of lines, one event each: of any length, in bounded memory.
//!
//! Good lines are enqueued in chunks, one command each, and the next chunk is read once the one before it is durable. So a
//! producer is never told of more than is stored, and is slowed down to what the store can take.

use std::time::Duration;

use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use enginehouse_api::enqueue::{LineError, NdjsonResponse};
use enginehouse_api::problem::Problem;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::applied::Applied;
use enginehouse_core::event::NewEvent;
use enginehouse_core::input::read_json;
use enginehouse_core::invalid::{FieldError, Invalid};
use enginehouse_core::limits::MAX_BODY_BYTES;
use futures_util::{StreamExt, stream};

use super::app::App;
use super::body::{IncomingBody, caller};
use super::budgets::CallOrigin;
use super::enqueuing::enqueue;
use super::problem::{ProblemResponse, conflict};
use super::selected::{check_enqueue, conflict_shown_to};
use super::wire::Warnings;
use crate::dispatcher::answers::Enqueued;
use crate::dispatcher::reply::DispatchError;
use crate::timers::pause;

/// What a stream of lines may call itself.
pub(super) const MEDIA_TYPES: [&str; 4] =
    ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"];

/// Longest line.
const MAX_LINE: usize = MAX_BODY_BYTES;
/// Most events of one command.
const CHUNK_EVENTS: usize = 1_000;
/// From how many bytes on a chunk is full.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// How many bad fields are named.
const MAX_ERRORS: usize = 1_000;
/// How many events of a chunk with conflicts are under way at once.
const AT_ONCE: usize = 100;
/// How often, and how long apart, a chunk is tried that meets a full queue of commands.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// Enqueues the good lines of a body.
pub(super) async fn enqueue_lines(
    app: &App,
    principal: &Principal,
    request: Request,
) -> Result<NdjsonResponse, ProblemResponse> {
    let caller = caller(&request)?;
    let _place = app.budgets().stream(&caller)?;
    let mut room = app.budgets().body(&caller, app.limits().max_body_bytes);
    room.resize(MAX_LINE)?;
    let (parts, body) = request.into_parts();
    let body = IncomingBody::new(&parts.headers, body, app.limits())?;
    drop(parts);
    let mut lines = Lines { body, buffer: BytesMut::new(), searched: 0, number: 0 };
    let caller = &caller;
    let mut stream = LineStream {
        app,
        caller,
        principal,
        answer: NdjsonResponse::default(),
        warnings: Warnings::default(),
        lines_done: 0,
    };
    let mut chunk = Chunk::default();
    loop {
        let line = match lines.next().await {
            Ok(line) => line,
            // What has arrived before is good.
            Err(problem) => {
                stream.enqueue(chunk).await?;
                stream.lines_done = lines.number;
                return Err(stream.broken_off(problem));
            }
        };
        let is_last = line.is_none();
        if let Some(line) = line {
            stream.read(line, &mut chunk);
        }
        // Where there is no room for more lines, those that are there make room. The next line has its own.
        let has_no_room = room.resize(MAX_LINE + chunk.bytes).is_err();
        if is_last || chunk.is_full() || has_no_room {
            stream.enqueue(std::mem::take(&mut chunk)).await?;
            stream.lines_done = lines.number;
            room.resize(MAX_LINE)?;
        }
        if is_last {
            return Ok(stream.answer);
        }
    }
}

/// Events of some lines, each with the number of its line.
#[derive(Default)]
struct Chunk {
    events: Vec<(u64, NewEvent)>,
    bytes: usize,
}

impl Chunk {
    fn is_full(&self) -> bool {
        self.events.len() == CHUNK_EVENTS || self.bytes >= CHUNK_BYTES
    }
}

/// What became of the lines so far.
struct LineStream<'a> {
    app: &'a App,
    caller: &'a CallOrigin,
    principal: &'a Principal,
    answer: NdjsonResponse,
    warnings: Warnings,
    /// How many lines were dealt with.
    lines_done: u64,
}

impl<'a> LineStream<'a> {
    /// Reads one line: an event for the chunk, or errors.
    fn read(&mut self, line: Line, chunk: &mut Chunk) {
        let event = match line.text {
            None => Err(Invalid::field("", format_args!("the line is longer than {MAX_LINE} bytes")).errors),
            Some(text) => read_json(&text, NewEvent::read)
                .inspect(|_| chunk.bytes += text.len())
                .map_err(|refused| refused.errors),
        };
        let event = event.and_then(|event| match check_enqueue(self.principal, &event) {
            Ok(()) => Ok(event),
            Err(refused) => Err(Invalid::field("", refused.into_document().detail).errors),
        });
        match event {
            Ok(event) => chunk.events.push((line.number, event)),
            Err(errors) => self.reject(line.number, errors),
        }
    }

    fn reject(&mut self, line: u64, errors: Vec<FieldError>) {
        self.answer.rejected += 1;
        let room = MAX_ERRORS.saturating_sub(self.answer.errors.len());
        let errors = errors.into_iter().take(room);
        self.answer.errors.extend(errors.map(|FieldError { pointer, detail }| LineError { line, pointer, detail }));
    }

    /// Enqueues a chunk as one command; if an idempotency key is in use, each of its events as its own.
    async fn enqueue(&mut self, chunk: Chunk) -> Result<(), ProblemResponse> {
        if chunk.events.is_empty() {
            return Ok(());
        }
        let events: Vec<_> = chunk.events.iter().map(|(_, event)| event.clone()).collect();
        let patient = self.patient();
        match patient.enqueue(events).await {
            Ok(enqueued) => self.note(&enqueued),
            Err(failure) if conflict(&failure).is_some() => self.enqueue_each(chunk).await?,
            Err(failure) => return Err(self.broken_off(failure.into())),
        }
        Ok(())
    }

    fn patient(&self) -> Patient<'a> {
        Patient { app: self.app, caller: self.caller, principal: self.principal }
    }

    async fn enqueue_each(&mut self, chunk: Chunk) -> Result<(), ProblemResponse> {
        let patient = self.patient();
        let each =
            chunk.events.into_iter().map(|(line, event)| async move { (line, patient.enqueue(vec![event]).await) });
        let mut each = stream::iter(each).buffered(AT_ONCE);
        while let Some((line, enqueued)) = each.next().await {
            match enqueued {
                Ok(enqueued) => self.note(&enqueued),
                Err(failure) if conflict(&failure).is_some() => {
                    let document = ProblemResponse::from(failure).into_document();
                    let detail = conflict_shown_to(self.principal, document).detail;
                    self.reject(line, Invalid::field("/idempotency_key", detail).errors);
                }
                Err(failure) => return Err(self.broken_off(failure.into())),
            }
        }
        Ok(())
    }

    fn note(&mut self, enqueued: &[Enqueued]) {
        let duplicates = enqueued.iter().filter(|one| one.duplicate).count() as u64;
        self.answer.enqueued += enqueued.len() as u64 - duplicates;
        self.answer.duplicates += duplicates;
        self.answer.warnings.extend(self.warnings.of(enqueued));
    }

    /// The stream ends here: the problem says how far it came.
    fn broken_off(&self, problem: ProblemResponse) -> ProblemResponse {
        let NdjsonResponse { enqueued, duplicates, rejected, .. } = &self.answer;
        let lines_done = self.lines_done;
        let message = format!(
            "of the first {lines_done} lines, {enqueued} were enqueued, {duplicates} were duplicates and {rejected} were refused"
        );
        problem.with(|document| Problem {
            detail: format!("{}; {message}", document.detail),
            applied: if *enqueued == 0 { document.applied } else { Some(Applied::Unknown) },
            ..document
        })
    }
}

/// Enqueues, and waits where there is no room for it now: a stream is slowed down, not refused.
#[derive(Clone, Copy)]
struct Patient<'a> {
    app: &'a App,
    caller: &'a CallOrigin,
    principal: &'a Principal,
}

impl Patient<'_> {
    async fn enqueue(self, events: Vec<NewEvent>) -> Result<Vec<Enqueued>, DispatchError> {
        let Self { app, caller, principal } = self;
        let mut tries = 1;
        loop {
            match enqueue(app, caller, principal, events.clone()).await {
                Err(DispatchError::Overloaded) if tries < TRIES => {
                    tries += 1;
                    pause(PAUSE).await;
                }
                Err(DispatchError::QuotaExceeded(exceeded)) => pause(exceeded.retry_after).await,
                answered => return answered,
            }
        }
    }
}

/// One line that is not blank.
struct Line {
    /// Counted from 1; blank lines count.
    number: u64,
    /// None if it is too long.
    text: Option<Bytes>,
}

/// The lines of a body.
struct Lines {
    body: IncomingBody,
    buffer: BytesMut,
    /// How much of the buffer holds no end of a line.
    searched: usize,
    /// The number of the last line.
    number: u64,
}

impl Lines {
    /// The next line that is not blank; none at the end.
    async fn next(&mut self) -> Result<Option<Line>, ProblemResponse> {
        loop {
            let Some(text) = self.next_any().await? else { return Ok(None) };
            self.number += 1;
            let number = self.number;
            match text {
                Some(text) if text.iter().all(u8::is_ascii_whitespace) => {}
                text => return Ok(Some(Line { number, text })),
            }
        }
    }

    async fn next_any(&mut self) -> Result<Option<Option<Bytes>>, ProblemResponse> {
        let mut is_too_long = false;
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + end + 1).freeze();
                self.searched = 0;
                let line = line.slice(..line.len() - 1);
                return Ok(Some((!is_too_long && line.len() <= MAX_LINE).then_some(line)));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > MAX_LINE {
                is_too_long = true;
                self.buffer.clear();
                self.searched = 0;
            }
            match self.body.next().await? {
                Some(data) => self.buffer.extend_from_slice(&data),
                None if self.buffer.is_empty() && !is_too_long => return Ok(None),
                None => {
                    let line = self.buffer.split().freeze();
                    self.searched = 0;
                    return Ok(Some((!is_too_long && line.len() <= MAX_LINE).then_some(line)));
                }
            }
        }
    }
}
