//! Answers on stdout: tables for people, JSON and YAML for programs, ids for pipes.

mod answers;
mod documents;
mod listed;
mod listing;
mod notes;
mod table;

pub(crate) use self::answers::{document, one, or_dash, preview, show_below, text_of, whole_list};
pub(crate) use self::listed::Listed;
pub(crate) use self::listing::Part;
pub(crate) use self::notes::note;
