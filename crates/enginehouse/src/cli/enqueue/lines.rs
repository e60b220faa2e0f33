//! Reads events from lines, in chunks that one request can carry.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_core::event::NewEvent;
use enginehouse_core::ids::EventType;
use enginehouse_core::input::read_json;
use enginehouse_core::invalid::{FieldError, Invalid};
use enginehouse_core::json::RawJson;
use enginehouse_core::limits::MAX_PAYLOAD_BYTES;
use serde_json::value::RawValue;

use super::template::Template;

/// Most lines of a chunk.
const MAX_LINES: usize = 1_000;
/// A chunk ends when it has so many bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The longest line: more than any event may have, and little enough for any machine.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// How lines are read.
#[derive(Clone, Debug)]
pub(super) struct LineFormat {
    /// Each line is a payload of this event type; an event as the API takes it, if none.
    pub(super) each: Option<(EventType, Template)>,
    /// The field of the payload that holds the idempotency key.
    pub(super) key_field: Option<String>,
}

/// One line that is not empty.
#[derive(Debug)]
pub(super) struct EventLine {
    /// Counted from 1; empty lines count.
    pub(super) number: u64,
    /// The event, or what is wrong.
    pub(super) event: Result<EnqueueRequest, Vec<FieldError>>,
}

/// Some lines in a row.
#[derive(Debug, Default)]
pub(super) struct LineChunk {
    pub(super) lines: Vec<EventLine>,
    /// How many bytes of the file it took.
    pub(super) bytes: usize,
}

/// A file as chunks.
pub(super) struct LineChunks<R> {
    reader: R,
    format: LineFormat,
    number: u64,
}

impl<R: BufRead> LineChunks<R> {
    pub(super) const fn new(reader: R, format: LineFormat) -> Self {
        Self { reader, format, number: 0 }
    }

    fn next_chunk(&mut self) -> io::Result<Option<LineChunk>> {
        let mut chunk = LineChunk::default();
        let mut line = Vec::new();
        while chunk.lines.len() < MAX_LINES && chunk.bytes < MAX_BYTES {
            line.clear();
            let read = self.read_line(&mut line)?;
            if read == 0 {
                break;
            }
            chunk.bytes += read;
            self.number += 1;
            let event = match line.trim_ascii() {
                [] => continue,
                _ if read > line.len() => {
                    Err(wrong("", format_args!("longer than {MAX_LINE_BYTES} bytes: {read} bytes")))
                }
                text => self.format.event(text),
            };
            chunk.lines.push(EventLine { number: self.number, event });
        }
        Ok((chunk.bytes > 0).then_some(chunk))
    }

    /// Reads one line, and keeps no more of it than the longest may have. Answers how many bytes it was.
    fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<usize> {
        // Room for the end of the line, too.
        let most = MAX_LINE_BYTES as u64 + 2;
        let mut read = self.reader.by_ref().take(most).read_until(b'\n', line)?;
        let mut rest = Vec::new();
        while read as u64 >= most && line.last() != Some(&b'\n') && rest.last() != Some(&b'\n') {
            rest.clear();
            match self.reader.by_ref().take(most).read_until(b'\n', &mut rest)? {
                0 => break,
                more => read += more,
            }
        }
        Ok(read)
    }
}

impl<R: BufRead> Iterator for LineChunks<R> {
    type Item = io::Result<LineChunk>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_chunk().transpose()
    }
}

impl LineFormat {
    /// The event that a line stands for, fully checked.
    fn event(&self, text: &[u8]) -> Result<EnqueueRequest, Vec<FieldError>> {
        let mut event = match &self.each {
            None => {
                read_json(text, NewEvent::read).map_err(|refused| refused.errors)?;
                serde_json::from_slice(text).map_err(|error| wrong("", error))?
            }
            Some((event_type, template)) => {
                let payload =
                    read_json(text, |value| value.json(MAX_PAYLOAD_BYTES)).map_err(|refused| refused.errors)?;
                template.event(event_type, Some(payload))
            }
        };
        if let (Some(field), None) = (&self.key_field, &event.idempotency_key) {
            let payload = event.payload.as_ref().map_or("{}", RawJson::as_str);
            let key = key_in(payload, field).map_err(|why| wrong(field, format_args!("no idempotency key: {why}")))?;
            event.idempotency_key = Some(key);
        }
        event.check().map_err(|refused| refused.errors)?;
        Ok(event)
    }
}

fn wrong(pointer: &str, detail: impl std::fmt::Display) -> Vec<FieldError> {
    Invalid::field(pointer, detail).errors
}

/// The text of a field, or of a number as it is written: two long numbers are never taken for one.
fn key_in(payload: &str, field: &str) -> Result<String, String> {
    let steps: Vec<_> = match field.strip_prefix('/') {
        Some(pointer) => pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect(),
        None => vec![field.to_owned()],
    };
    let mut value = payload;
    for step in &steps {
        let fields: HashMap<String, &RawValue> =
            serde_json::from_str(value).map_err(|_| "the payload is no object there".to_owned())?;
        value = fields.get(step).ok_or("the field is missing")?.get();
    }
    match value.as_bytes().first() {
        Some(b'"') => serde_json::from_str(value).map_err(|error| error.to_string()),
        Some(b'-' | b'0'..=b'9') => Ok(value.to_owned()),
        _ => Err("the field is neither text nor a number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, each: Option<&str>, key_field: Option<&str>) -> Vec<LineChunk> {
        let each = each.map(|event_type| (event_type.parse().unwrap(), Template::default()));
        let format = LineFormat { each, key_field: key_field.map(Into::into) };
        LineChunks::new(text.as_bytes(), format).collect::<Result<_, _>>().unwrap()
    }

    /// The lines as `number: event or error`.
    fn shown(chunks: &[LineChunk]) -> Vec<String> {
        let show = |line: &EventLine| match &line.event {
            Ok(event) => format!("{}: {}", line.number, serde_json::to_string(event).unwrap()),
            Err(errors) => format!("{}: {}", line.number, Invalid::fields(errors.clone())),
        };
        chunks.iter().flat_map(|chunk| chunk.lines.iter().map(show)).collect()
    }

    #[test]
    fn a_line_is_an_event_or_names_what_is_wrong() {
        let text = "{\"event_type\":\"a\",\"payload\":{ \"n\": 1.50 }}\r\n\n  \n{\"event_type\":7,\"priority\":\"x\"}\n{\n{\"event_type\":\"a\",\"priority\":12}";
        assert_eq!(
            shown(&read(text, None, None)),
            [
                "1: {\"event_type\":\"a\",\"payload\":{ \"n\": 1.50 }}",
                "4: /event_type: must be a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning \
                 with a letter or digit, was 7; /priority: must be a whole number between 0 and 9, was \"x\"",
                "5: not valid JSON: the text ends too early, at line 1, column 2",
                "6: /priority: must be a whole number between 0 and 9, was 12"
            ]
        );
    }

    #[test]
    fn with_an_event_type_a_line_is_a_payload() {
        assert_eq!(
            shown(&read("{ \"n\": 1.50 }\n null \nx\n", Some("a"), None)),
            [
                "1: {\"event_type\":\"a\",\"payload\":{ \"n\": 1.50 }}",
                "2: {\"event_type\":\"a\",\"payload\":null}",
                "3: not valid JSON: the text has 'x' where it cannot be, at line 1, column 1"
            ]
        );
    }

    #[test]
    fn a_key_comes_from_the_payload_as_it_is_written() {
        let keys = |text: &str, field: &str| -> Vec<_> {
            read(text, Some("a"), Some(field))
                .iter()
                .flat_map(|chunk| &chunk.lines)
                .map(|line| match &line.event {
                    Ok(event) => event.idempotency_key.clone().unwrap(),
                    Err(errors) => errors[0].detail.clone(),
                })
                .collect()
        };
        assert_eq!(
            keys("{\"id\":\"a\\u0062\"}\n{\"id\":12345678901234567890123}\n{\"id\":[]}\n{}\n[]", "id"),
            [
                "ab",
                "12345678901234567890123",
                "no idempotency key: the field is neither text nor a number",
                "no idempotency key: the field is missing",
                "no idempotency key: the payload is no object there"
            ]
        );
        assert_eq!(keys("{\"a\":{\"b/c\":1}}", "/a/b~1c"), ["1"]);
    }

    #[test]
    fn an_event_of_the_api_has_its_key_in_its_payload_or_names_it_itself() {
        let text = "{\"event_type\":\"a\",\"payload\":{\"id\":1}}\n{\"event_type\":\"a\",\"idempotency_key\":\"own\"}";
        let chunks = read(text, None, Some("id"));
        let keys: Vec<_> =
            chunks[0].lines.iter().map(|line| line.event.as_ref().unwrap().idempotency_key.clone().unwrap()).collect();
        assert_eq!(keys, ["1", "own"]);
    }

    #[test]
    fn a_chunk_ends_after_a_thousand_lines_or_four_mebibytes() {
        let many = read(&"1\n".repeat(2_500), Some("a"), None);
        assert_eq!(many.iter().map(|chunk| chunk.lines.len()).collect::<Vec<_>>(), [1_000, 1_000, 500]);
        let large = read(&format!("\"{}\"\n", "x".repeat(200_000)).repeat(50), Some("a"), None);
        assert_eq!(large.iter().map(|chunk| chunk.lines.len()).collect::<Vec<_>>(), [21, 21, 8]);
    }

    #[test]
    fn a_line_without_end_takes_little_memory_and_is_named() {
        let text = format!("1\n{}\n2\n{}", "x".repeat(5_000_000), "y".repeat(3_000_000));
        let chunks = read(&text, Some("a"), None);
        assert_eq!(
            shown(&chunks).iter().map(|line| line.chars().take(40).collect::<String>()).collect::<Vec<_>>(),
            [
                "1: {\"event_type\":\"a\",\"payload\":1}",
                "2: longer than 1048576 bytes: 5000001 by",
                "3: {\"event_type\":\"a\",\"payload\":2}",
                "4: longer than 1048576 bytes: 3000000 by",
            ]
        );
        assert_eq!(chunks.iter().map(|chunk| chunk.bytes).sum::<usize>(), text.len());
    }
}
