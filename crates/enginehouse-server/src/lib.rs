//! The Enginehouse server: HTTP over a dispatcher over a store.

pub mod chance;
pub mod config;
pub mod dispatcher;
mod timers;
