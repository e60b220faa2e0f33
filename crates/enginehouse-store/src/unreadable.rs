//! Rows that cannot be read, because somebody else has written them or they were damaged: each is passed over, counted, and
//! logged once. Everything else goes on.
//!
//! A store notes such a row with [`UnreadableRows::note`] wherever it comes across it. Whoever has asked for that very row is
//! told so by [`crate::StoreError::Unreadable`], or finds it with [`crate::TransactionTime::unreadable`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use crate::table::TABLES;

/// How many rows are kept, so that each is logged and counted once. What is found beyond them is not counted.
const MAX_KEPT: usize = 10_000;
/// How much of a key is shown.
const MAX_KEY_LENGTH: usize = 200;
/// How many bytes of a key are shown that are no id.
const MAX_SHOWN_BYTES: usize = 32;

/// A row that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableRow {
    pub table: &'static str,
    /// What finds the row: the values of its key, as far as they can be shown.
    pub key: String,
    /// The column and what is wrong with its value, without the value.
    pub why: String,
}

impl UnreadableRow {
    pub(crate) fn new(table: &'static str, key: impl fmt::Display, why: impl fmt::Display) -> Self {
        let key: String = key.to_string().chars().take(MAX_KEY_LENGTH).collect();
        Self { table, key: harmless(key), why: why.to_string() }
    }
}

impl fmt::Display for UnreadableRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {} of table {} cannot be read: {}", self.key, self.table, self.why)
    }
}

/// A text that may be anything, as it may stand in logs and on terminals.
pub(crate) fn harmless(text: String) -> String {
    if text.chars().any(char::is_control) { text.escape_debug().to_string() } else { text }
}

/// Bytes in a key, for people: an id as everywhere else, and anything else as SQL has it.
pub(crate) fn key_bytes(bytes: &[u8]) -> String {
    let digits = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    match Uuid::from_slice(bytes) {
        Ok(id) => id.hyphenated().to_string(),
        Err(_) if bytes.len() <= MAX_SHOWN_BYTES => format!("x'{}'", digits(bytes)),
        Err(_) => format!("x'{}…', {} bytes", digits(&bytes[..MAX_SHOWN_BYTES]), bytes.len()),
    }
}

/// The rows that one store has come across.
#[derive(Debug, Default)]
pub(crate) struct UnreadableRows(Mutex<RowKeys>);

#[derive(Debug, Default)]
struct RowKeys {
    keys: HashMap<&'static str, HashSet<String>>,
    rows: usize,
}

impl UnreadableRows {
    /// Counts a row and logs it, the first time that it is met.
    pub(crate) fn note(&self, row: &UnreadableRow) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let RowKeys { keys, rows } = &mut *known;
        let of_table = keys.entry(row.table).or_default();
        if *rows >= MAX_KEPT || of_table.contains(&row.key) {
            return;
        }
        of_table.insert(row.key.clone());
        *rows += 1;
        let UnreadableRow { table, key, why } = row;
        tracing::error!(
            table,
            key,
            why,
            "a row cannot be read and is passed over: `enginehouse doctor` lists all such rows, and what to do about them"
        );
    }

    /// How many rows were met since the store was opened, by table; of every table, so that the first one is an increase.
    pub(crate) fn counts(&self) -> Vec<(&'static str, u64)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts: BTreeMap<_, _> = TABLES.iter().map(|table| (table.name, 0)).collect();
        counts.extend(known.keys.iter().map(|(table, keys)| (*table, keys.len() as u64)));
        counts.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_counted_once_and_a_bound_holds() {
        let rows = UnreadableRows::default();
        for _ in 0..3 {
            rows.note(&UnreadableRow::new("lanes", 7, "unexpected value in column queue"));
        }
        rows.note(&UnreadableRow::new("events", "a\nb", "unexpected value in column attempt: -5"));
        let met = || rows.counts().into_iter().filter(|(_, rows)| *rows > 0).collect::<Vec<_>>();
        assert_eq!(met(), [("events", 1), ("lanes", 1)]);
        assert!(rows.counts().contains(&("engines", 0)), "a table without such rows is there too");
        for number in 0..MAX_KEPT {
            rows.note(&UnreadableRow::new("events", number, "why"));
        }
        assert_eq!(met(), [("events", MAX_KEPT as u64 - 1), ("lanes", 1)]);
    }

    #[test]
    fn an_id_is_shown_as_everywhere_and_other_bytes_as_sql_has_them() {
        let id = Uuid::from_u128(0x0193_f2a0_0000_7000_8000_0000_0000_0001);
        assert_eq!(key_bytes(id.as_bytes()), "0193f2a0-0000-7000-8000-000000000001");
        assert_eq!((key_bytes(&[]), key_bytes(&[0, 0xab])), ("x''".to_owned(), "x'00ab'".to_owned()));
        assert_eq!(key_bytes(&[0xff; 1_000]), format!("x'{}…', 1000 bytes", "ff".repeat(32)));
    }

    #[test]
    fn a_key_is_shown_without_control_characters_and_cut() {
        let row = UnreadableRow::new("engines", format!("a\u{1b}{}", "x".repeat(500)), "why");
        assert!(row.key.starts_with("a\\u{1b}xxx") && row.key.len() < 220, "{}", row.key);
    }
}
