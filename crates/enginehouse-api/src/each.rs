//! Parts of a request that are refused one by one.

use std::cell::Cell;

use enginehouse_core::input::Value;
use enginehouse_core::invalid::Invalid;
use enginehouse_core::limits::MAX_FIELD_ERRORS;

/// Reads parts by themselves. All refusals together name no more fields than that of another request, but each one names a
/// field.
pub(crate) struct Each {
    errors_left: Cell<usize>,
}

impl Each {
    pub(crate) const fn new() -> Self {
        Self { errors_left: Cell::new(MAX_FIELD_ERRORS) }
    }

    pub(crate) fn read<T>(&self, part: Value<'_>, read: impl FnOnce(Value<'_>) -> Option<T>) -> Result<T, Invalid> {
        part.alone(read).map_err(|mut why| {
            why.errors.truncate(self.errors_left.get().max(1));
            self.errors_left.set(self.errors_left.get().saturating_sub(why.errors.len()));
            why
        })
    }
}
