//! The Enginehouse server: HTTP over a dispatcher over a store.

pub mod access;
pub mod advice;
pub mod budget;
pub mod config;
pub mod dispatcher;
pub mod explain;
pub mod http;
mod load_history;
pub mod log_followers;
mod log_limit;
mod low_priority;
pub mod operations;
mod peer;
mod rate_limit;
pub mod rng;
pub mod server;
mod stream_hub;
pub mod telemetry;
mod timers;
pub mod trusted_proxies;
mod wake_queue;
