//! A value on its way from one store to another, and what stands for a table in a few bytes.

use sha2::{Digest, Sha256};

use crate::table::{Cell, Cells, Unexpected};
use crate::unreadable::key_bytes;

/// A value as SQLite keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CopiedValue {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

pub(crate) type Row = Vec<CopiedValue>;

impl From<Cell<'_>> for CopiedValue {
    fn from(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Number(number) => Self::Number(number),
            Cell::Text(text) => Self::Text(text.to_owned()),
            Cell::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
        }
    }
}

impl CopiedValue {
    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Number(number) => Cell::Number(*number),
            Self::Text(text) => Cell::Text(text),
            Self::Bytes(bytes) => Cell::Bytes(bytes),
        }
    }

    /// About how much memory it takes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Null | Self::Number(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// A row, to be read as the server would.
pub(crate) struct RowCells<'a>(std::slice::Iter<'a, CopiedValue>);

impl<'a> RowCells<'a> {
    pub(crate) fn of(row: &'a [CopiedValue]) -> Self {
        Self(row.iter())
    }
}

impl<'a> Cells<'a> for RowCells<'a> {
    type Error = Unexpected;

    fn next_cell(&mut self) -> Result<Cell<'a>, Unexpected> {
        self.0.next().map(CopiedValue::cell).ok_or_else(|| Unexpected::new("?", "the row has no more columns"))
    }
}

/// The key of a row as a text, by which a copy that was cut off goes on.
pub(crate) fn key_to_text(key: &[CopiedValue]) -> String {
    let values: Vec<serde_json::Value> = key
        .iter()
        .map(|value| match value {
            CopiedValue::Null => serde_json::Value::Null,
            CopiedValue::Number(number) => (*number).into(),
            CopiedValue::Text(text) => text.as_str().into(),
            CopiedValue::Bytes(bytes) => bytes.clone().into(),
        })
        .collect();
    serde_json::Value::from(values).to_string()
}

/// The same for people.
pub(crate) fn key_in_words(key: &[CopiedValue]) -> String {
    let values: Vec<_> = key
        .iter()
        .map(|value| match value {
            CopiedValue::Null => "null".to_owned(),
            CopiedValue::Number(number) => number.to_string(),
            CopiedValue::Text(text) => text.clone(),
            CopiedValue::Bytes(bytes) => key_bytes(bytes),
        })
        .collect();
    values.join(", ")
}

pub(crate) fn key_from_text(text: &str) -> Option<Row> {
    let values: Vec<serde_json::Value> = serde_json::from_str(text).ok()?;
    let value = |value: serde_json::Value| match value {
        serde_json::Value::Number(number) => number.as_i64().map(CopiedValue::Number),
        serde_json::Value::String(text) => Some(CopiedValue::Text(text)),
        serde_json::Value::Array(bytes) => {
            let byte = |byte: serde_json::Value| u8::try_from(byte.as_u64()?).ok();
            bytes.into_iter().map(byte).collect::<Option<_>>().map(CopiedValue::Bytes)
        }
        // No key holds anything else.
        _ => None,
    };
    values.into_iter().map(value).collect()
}

/// What a table holds: how many rows, and a hash of them all in the order of their keys.
#[derive(Clone, Default)]
pub(crate) struct Summary {
    rows: u64,
    hash: Sha256,
}

impl Summary {
    pub(crate) fn add(&mut self, row: &Row) {
        self.rows += 1;
        for value in row {
            // A kind and a length before each: no two rows read the same.
            match value {
                CopiedValue::Null => self.hash.update([0]),
                CopiedValue::Number(number) => {
                    self.hash.update([1]);
                    self.hash.update(number.to_be_bytes());
                }
                CopiedValue::Text(text) => self.add_bytes(2, text.as_bytes()),
                CopiedValue::Bytes(bytes) => self.add_bytes(3, bytes),
            }
        }
    }

    fn add_bytes(&mut self, kind: u8, bytes: &[u8]) {
        self.hash.update([kind]);
        self.hash.update((bytes.len() as u64).to_be_bytes());
        self.hash.update(bytes);
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The hash as hexadecimal digits.
    pub(crate) fn digest(self) -> String {
        self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_text_and_comes_back() {
        let text = CopiedValue::Text("a\"ü\u{1f600}".to_owned());
        let key = vec![text, CopiedValue::Number(i64::MIN), CopiedValue::Bytes(vec![0, 7, u8::MAX])];
        assert_eq!(key_from_text(&key_to_text(&key)), Some(key));
        assert_eq!((key_from_text("{}"), key_from_text("[[256]]")), (None, None));
    }

    #[test]
    fn rows_that_differ_differ_in_their_summary() {
        let text = |text: &str| CopiedValue::Text(text.to_owned());
        let summaries = [
            vec![],
            vec![vec![CopiedValue::Null]],
            vec![vec![text("")]],
            vec![vec![CopiedValue::Bytes(vec![])]],
            vec![vec![CopiedValue::Number(0)]],
            vec![vec![text("ab"), text("c")]],
            vec![vec![text("a"), text("bc")]],
            vec![vec![text("a"), text("b")], vec![text("c")]],
        ]
        .map(|rows: Vec<Row>| {
            let mut summary = Summary::default();
            rows.iter().for_each(|row| summary.add(row));
            summary.digest()
        });
        let different: std::collections::BTreeSet<_> = summaries.iter().collect();
        assert_eq!(different.len(), summaries.len());
    }
}
