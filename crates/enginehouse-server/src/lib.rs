//! The Enginehouse server: HTTP over a dispatcher over a store.

pub mod chance;
pub mod dispatcher;
mod timers;
