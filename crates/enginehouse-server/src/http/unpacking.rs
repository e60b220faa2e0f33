//! Bodies that are packed with gzip: unpacked a piece at a time, so that a few bytes never become many in memory at once.

use std::io::{self, Write};

use bytes::{Buf, Bytes};
use enginehouse_api::problem::{Code, Problem};
use enginehouse_core::invalid::shortened;
use flate2::write::MultiGzDecoder;
use http::{HeaderMap, header};

use super::problem::ProblemResponse;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyCoding {
    Plain,
    Gzip,
}

impl BodyCoding {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, ProblemResponse> {
        let mut coding = Self::Plain;
        for value in headers.get_all(header::CONTENT_ENCODING) {
            let text = String::from_utf8_lossy(value.as_bytes());
            for name in text.split(',').map(|name| name.trim().to_ascii_lowercase()) {
                coding = match (&*name, coding) {
                    ("" | "identity", before) => before,
                    ("gzip" | "x-gzip", Self::Plain) => Self::Gzip,
                    _ => {
                        let detail = format!("Content-Encoding must be gzip or absent, was {:?}", shortened(&text));
                        return Err(ProblemResponse::new(Code::UnsupportedMediaType, detail));
                    }
                };
            }
        }
        Ok(coding)
    }
}

/// Unpacks what arrives. It gives no more than some 32 KiB at once, and takes in no more before those are taken.
pub(super) struct Unpacker {
    decoder: MultiGzDecoder<Vec<u8>>,
    /// What has arrived and is still packed.
    packed: Bytes,
    has_begun: bool,
}

impl Unpacker {
    pub(super) fn new() -> Self {
        Self { decoder: MultiGzDecoder::new(Vec::new()), packed: Bytes::new(), has_begun: false }
    }

    /// Takes in what has arrived, after all before it was unpacked.
    pub(super) fn give(&mut self, packed: Bytes) {
        self.has_begun = true;
        self.packed = packed;
    }

    /// The next unpacked bytes; none if more has to arrive.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, ProblemResponse> {
        while !self.packed.is_empty() {
            let read = self.decoder.write(&self.packed).map_err(|error| not_gzip(&error))?;
            self.packed.advance(read);
            if self.packed.is_empty() {
                self.decoder.flush().map_err(|error| not_gzip(&error))?;
            }
            if let unpacked @ Some(_) = self.take() {
                return Ok(unpacked);
            }
        }
        Ok(None)
    }

    /// The last bytes, at the end of the body; and that it is whole. Nothing is a whole body, too.
    pub(super) fn finish(&mut self) -> Result<Option<Bytes>, ProblemResponse> {
        if !std::mem::take(&mut self.has_begun) {
            return Ok(None);
        }
        self.decoder.try_finish().map_err(|error| not_gzip(&error))?;
        Ok(self.take())
    }

    fn take(&mut self) -> Option<Bytes> {
        let unpacked = std::mem::take(self.decoder.get_mut());
        if unpacked.is_empty() { None } else { Some(unpacked.into()) }
    }
}

fn not_gzip(error: &io::Error) -> ProblemResponse {
    let why = match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early",
        _ => "its bytes are not those of gzip, or are damaged",
    };
    Problem::malformed(format!("the body cannot be unpacked with gzip: {why}")).into()
}
