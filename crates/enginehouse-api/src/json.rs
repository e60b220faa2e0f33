//! A strict parser that names every bad field of a body, not only the first.
//!
//! serde stops at the first mistake. So a body that is JSON but of the wrong shape is read again and again: each
//! time the field that was refused is noted and cut out of the text, until the rest parses, nothing can be
//! cut, or the allowance is used up. A good body is read once and never copied.

use std::collections::{HashMap, HashSet};

use enginehouse_core::invalid::{FieldError, Invalid, pointer_key};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::Segment;

use crate::problem::Problem;

mod cut;
mod strict;

use cut::Step;
use strict::Strict;

/// How many bad fields are named at most.
const MAX_ROUNDS: usize = 64;
/// How many bytes are read again at most to find them: a large body has a smaller number of rounds.
const MAX_WORK: usize = 128 * 1024 * 1024;

/// Why a body was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseProblem {
    /// It is not JSON.
    #[error("not valid JSON: {0}")]
    Malformed(String),
    /// It is JSON, but not what was asked for.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

impl From<ParseProblem> for Problem {
    fn from(problem: ParseProblem) -> Self {
        match problem {
            ParseProblem::Malformed(_) => Self::malformed(problem.to_string()),
            ParseProblem::Invalid(invalid) => invalid.into(),
        }
    }
}

/// Reads a body, which is an object.
///
/// # Errors
/// [`ParseProblem::Malformed`] with line and column, or every bad field.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ParseProblem> {
    strictly(serde_json::Deserializer::from_slice(body)).map_err(|first| {
        let text = match std::str::from_utf8(body) {
            Ok(text) => text,
            Err(error) => return ParseProblem::Malformed(error.to_string()),
        };
        // Whatever is wrong with a text that this reads is a matter of shape: numbers out of range and deep
        // nesting, which serde_json counts as syntax, included.
        if serde_json::from_str::<IgnoredAny>(text).is_err() {
            return ParseProblem::Malformed(first.to_string());
        }
        ParseProblem::Invalid(Invalid::fields(bad_fields::<T>(text.to_owned())))
    })
}

fn strictly<'a, T, R>(mut parser: serde_json::Deserializer<R>) -> Result<T, serde_json::Error>
where
    T: DeserializeOwned,
    R: serde_json::de::Read<'a>,
{
    let read = T::deserialize(Strict(&mut parser))?;
    parser.end()?;
    Ok(read)
}

/// Every bad field of a text that is JSON, but not a `T`.
fn bad_fields<T: DeserializeOwned>(mut text: String) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = Vec::new();
    let mut cuts = Cuts::default();
    let rounds = (MAX_WORK / text.len().max(1)).clamp(1, MAX_ROUNDS);
    for _ in 0..rounds {
        let Some(refused) = first_refusal::<T>(&text) else { break };
        let pointer = cuts.original_pointer(&refused.path);
        // What is missing because it was cut out has been named already.
        if !(refused.is_missing && cuts.pointers.contains(&pointer)) {
            errors.push(FieldError { pointer, detail: refused.detail });
        }
        // Of an object that lacks a field, serde has seen all the others by then: it goes as a whole.
        let path = if refused.is_missing { parents(&refused.path) } else { &refused.path };
        let Some(shorter) = cut::cut(&text, path) else { break };
        cuts.note(path);
        text = shorter;
    }
    errors
}

fn parents(path: &[Step]) -> &[Step] {
    path.split_last().map_or(&[], |(_, parents)| parents)
}

/// One refusal of serde.
struct Refused {
    /// Where, in the text as it is by now.
    path: Vec<Step>,
    detail: String,
    is_missing: bool,
}

fn first_refusal<T: DeserializeOwned>(text: &str) -> Option<Refused> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let error = serde_path_to_error::deserialize::<_, T>(Strict(&mut parser)).err()?;
    let mut path = Vec::new();
    for segment in error.path() {
        match segment {
            Segment::Seq { index } => path.push(Step::Index(*index)),
            Segment::Map { key } => path.push(Step::Key(key.clone())),
            // An enum's variant is no step of the document, and what is unknown has no pointer.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let said = error.inner().to_string();
    let said = said.rfind(" at line ").map_or(said.as_str(), |end| &said[..end]);
    // serde names these at the object that they are in, not at the field itself.
    if let Some(name) = quoted(said, "missing field `") {
        path.push(Step::Key(name.to_owned()));
        return Some(Refused { path, detail: "required, but missing".to_owned(), is_missing: true });
    }
    if let Some(name) = quoted(said, "duplicate field `") {
        path.push(Step::Key(name.to_owned()));
        return Some(Refused { path, detail: "given twice".to_owned(), is_missing: false });
    }
    Some(Refused { path, detail: said.to_owned(), is_missing: false })
}

/// The name in backticks of an error that begins with `kind`.
fn quoted<'a>(detail: &'a str, kind: &str) -> Option<&'a str> {
    detail.strip_prefix(kind)?.strip_suffix('`')
}

/// What was cut out of a text.
#[derive(Default)]
struct Cuts {
    /// By their places in the original text.
    pointers: HashSet<String>,
    /// By pointer of an array: the elements that are gone, in order, as they were counted in the original text.
    gaps: HashMap<String, Vec<usize>>,
}

impl Cuts {
    /// Notes the cut of what is at `path` of the text as it is by now.
    fn note(&mut self, path: &[Step]) {
        if let Some(Step::Index(index)) = path.last() {
            let gaps = self.gaps.entry(self.original_pointer(parents(path))).or_default();
            let place = original_index(*index, gaps);
            gaps.insert(gaps.partition_point(|gap| *gap < place), place);
        } else {
            self.pointers.insert(self.original_pointer(path));
        }
    }

    /// The pointer that a path had in the original text.
    fn original_pointer(&self, path: &[Step]) -> String {
        let mut pointer = String::new();
        for step in path {
            let next = match step {
                Step::Key(key) => pointer_key(key),
                Step::Index(index) => {
                    original_index(*index, self.gaps.get(&pointer).map_or(&[], Vec::as_slice)).to_string()
                }
            };
            pointer.push('/');
            pointer.push_str(&next);
        }
        pointer
    }
}

/// The place that an element had before the elements at `gaps` were cut.
fn original_index(index: usize, gaps: &[usize]) -> usize {
    gaps.iter().fold(index, |place, gap| if *gap <= place { place + 1 } else { place })
}

#[cfg(test)]
mod tests;
