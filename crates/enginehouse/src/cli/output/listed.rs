//! What a list shows of each thing.

use serde::Serialize;

use super::super::times::Times;

/// Something that a list shows.
pub(crate) trait Listed: Serialize {
    /// The columns. The first is the id.
    const HEADER: &'static [&'static str];
    /// Those of them that only a wide table has.
    const WIDE: &'static [&'static str] = &[];
    /// One cell for each column.
    fn row(&self, times: &Times) -> Vec<String>;
    /// What `-o name` shows; nothing, if it is empty.
    fn id(&self) -> String;
}
