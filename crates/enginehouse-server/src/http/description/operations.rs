//! The operations of a path.

use utoipa::openapi::path::{Operation, PathItem};

/// Those of the methods that calls have.
pub(super) fn of(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}
