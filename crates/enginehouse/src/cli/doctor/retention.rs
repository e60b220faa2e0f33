//! Whether finished events are deleted.

use enginehouse_core::time::Timestamp;

/// Whether finished events are deleted, for people.
pub(super) fn retention(pruning_held_until: Option<Timestamp>) -> String {
    pruning_held_until.map_or_else(
        || "finished events are deleted when it ends".to_owned(),
        |until| format!("held until {until}: the clock has leapt; if it is right, run `enginehouse accept-clock`"),
    )
}
