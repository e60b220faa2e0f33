//! What `cargo xtask package` makes is tried as docs/installing.md says: from nothing to a first event that is done.

mod contents;
mod debian;
mod given;
mod image;
mod node;
mod python;
