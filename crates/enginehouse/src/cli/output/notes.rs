//! What is said beside an answer.

use std::io::Write;

use crate::cli::terminal_text::indented;

/// Writes a note for a person to stderr, apart from the answer.
pub(crate) fn note(text: &str) {
    // Without stderr there is nowhere to write it.
    let _ = writeln!(std::io::stderr(), "{}", indented(text, 2));
}
