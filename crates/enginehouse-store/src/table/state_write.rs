//! Which columns of a state are written: for what happens to every event, only those that it changes.

use super::column::{Column, ColumnGroup, index_of};
use super::events::StateColumns;

/// The columns of a state that one statement writes: fewer than all of them for what happens to every event. A column that
/// is written costs its value, its constraints and its indexes, whether it changes or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StateWrite {
    /// A lock is given or taken back.
    Lock,
    /// A lock ends with success.
    Completion,
    /// A lock lasts longer.
    Renewal,
    /// Anything.
    Whole,
}

impl StateWrite {
    /// The columns for lists, from the first to the last.
    pub(super) const LOCK: &'static [Column] = &picked::<16>(LOCK_BITS);
    pub(super) const COMPLETION: &'static [Column] = &picked::<13>(COMPLETION_BITS);
    pub(super) const RENEWAL: &'static [Column] = &picked::<2>(RENEWAL_BITS);

    /// The smallest that writes every column in which a state differs from the one that was read.
    pub(crate) fn of(read: &StateColumns<'_>, state: &StateColumns<'_>) -> Self {
        let changed = state.differs_from(read);
        let covers = |columns: u32| changed & !columns == 0;
        match () {
            () if covers(RENEWAL_BITS) => Self::Renewal,
            () if covers(LOCK_BITS) => Self::Lock,
            () if covers(COMPLETION_BITS) => Self::Completion,
            () => Self::Whole,
        }
    }

    /// Whether it writes the column of a place in [`StateColumns::COLUMNS`].
    pub(crate) fn has(self, place: usize) -> bool {
        let columns = match self {
            Self::Lock => LOCK_BITS,
            Self::Completion => COMPLETION_BITS,
            Self::Renewal => RENEWAL_BITS,
            Self::Whole => return true,
        };
        columns & (1 << place) != 0
    }
}

/// Bit `n` stands for column `n` of [`StateColumns::COLUMNS`].
const LOCK_BITS: u32 = bits_of(&[
    "status",
    "attempt",
    "claimed_at",
    "engine_id",
    "engine_software_version",
    "lock_holder",
    "lock_serial",
    "lock_secret",
    "lock_engine_epoch",
    "lock_expires_at",
    "lock_visibility_timeout_ms",
    "lock_max_processing_ms",
    "lock_progress_timeout_ms",
    "lock_progress_due_at",
    "lock_unlisted_heartbeats",
    "settled_by",
]);
const COMPLETION_BITS: u32 = bits_of(&[
    "status",
    "finished_at",
    "lock_holder",
    "lock_engine_epoch",
    "lock_expires_at",
    "lock_visibility_timeout_ms",
    "lock_max_processing_ms",
    "lock_progress_timeout_ms",
    "lock_progress_due_at",
    "lock_unlisted_heartbeats",
    "settled_by",
    "result_checksum",
    "result",
]);
const RENEWAL_BITS: u32 = bits_of(&["lock_expires_at", "lock_unlisted_heartbeats"]);

const fn bits_of(names: &[&str]) -> u32 {
    let (mut bits, mut at) = (0, 0);
    while at < names.len() {
        bits |= 1 << index_of(StateColumns::COLUMNS, names[at]);
        at += 1;
    }
    bits
}

const fn picked<const N: usize>(bits: u32) -> [Column; N] {
    let mut columns = [StateColumns::COLUMNS[0]; N];
    let (mut place, mut count) = (0, 0);
    while place < StateColumns::COLUMNS.len() {
        if bits & (1 << place) != 0 {
            columns[count] = StateColumns::COLUMNS[place];
            count += 1;
        }
        place += 1;
    }
    assert!(count == N, "a list has as many columns as it names");
    columns
}
