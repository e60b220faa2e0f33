//! Operations on their way: each server that runs lets the members of all of them have their turns.
//!
//! Servers of one store do not agree on who works for which operation. Whoever locks its row does, for one transaction, and so does
//! another one if that is killed.

pub mod runner;
pub(crate) mod search;
pub(crate) mod signal;
