//! The mistakes of an input, each with the place where it is.

use std::cell::{Cell, RefCell};
use std::fmt::Display;

use super::unknown::{ListedFields, UnknownField};
use crate::invalid::{FieldError, Invalid, InvalidKind, pointer_key, shortened};
use crate::limits::MAX_FIELD_ERRORS;

/// Where a value is within its input. It becomes a pointer only if something is wrong there.
#[derive(Clone, Copy)]
pub(super) struct Location<'p> {
    pub(super) parent: Option<&'p Location<'p>>,
    pub(super) segment: PathSegment<'p>,
}

#[derive(Clone, Copy)]
pub(super) enum PathSegment<'p> {
    Key(&'p str),
    Index(usize),
}

impl<'p> Location<'p> {
    pub(super) const ROOT: Self = Location { parent: None, segment: PathSegment::Index(0) };

    pub(super) fn key(&'p self, key: &'p str) -> Location<'p> {
        Location { parent: Some(self), segment: PathSegment::Key(key) }
    }

    fn pointer(&self) -> String {
        let Some(parent) = self.parent else { return String::new() };
        match self.segment {
            PathSegment::Key(key) => format!("{}/{}", parent.pointer(), pointer_key(&shortened(key))),
            PathSegment::Index(index) => format!("{}/{index}", parent.pointer()),
        }
    }
}

/// Every mistake that was found.
#[derive(Default)]
pub(super) struct Errors {
    pub(super) found: RefCell<Vec<FieldError>>,
    listed: ListedFields,
    /// How many of them are about size.
    pub(super) too_large: Cell<usize>,
}

impl Errors {
    pub(super) fn note(&self, location: &Location<'_>, detail: impl Display) {
        if self.are_enough() {
            return;
        }
        let mut found = self.found.borrow_mut();
        let pointer = location.pointer();
        // A field is named once, with what was found first.
        if found.iter().all(|error| error.pointer != pointer) {
            found.push(FieldError { pointer, detail: detail.to_string() });
        }
    }

    /// Notes a field that its object has not.
    pub(super) fn note_unknown(&self, location: &Location<'_>, key: &str, names: &'static [&'static str]) {
        if !self.are_enough() {
            self.note(location, UnknownField { key, names, is_listed: self.listed.note(names) });
        }
    }

    /// Whether so many were found that no more are named.
    pub(super) fn are_enough(&self) -> bool {
        self.found.borrow().len() >= MAX_FIELD_ERRORS
    }

    pub(super) fn finish<T>(self, read: Option<T>) -> Result<T, Invalid> {
        let errors = self.found.into_inner();
        match read {
            Some(read) if errors.is_empty() => Ok(read),
            _ if self.too_large.get() == errors.len() => Err(Invalid { errors, kind: InvalidKind::TooLarge }),
            _ => Err(Invalid { errors, kind: InvalidKind::Fields }),
        }
    }
}
