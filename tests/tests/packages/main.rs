//! What `cargo xtask package` makes is tried as docs/installing.md says: from nothing to a first event that is done.

#![expect(clippy::print_stdout, reason = "tests show how long each way of installing takes")]

mod contents;
mod debian;
mod given;
mod image;
mod kubernetes;
mod node;
mod python;
mod sdks;
