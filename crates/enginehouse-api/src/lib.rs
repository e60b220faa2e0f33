//! The wire format of Enginehouse: requests, responses and problems, the same for server and client.
//!
//! A request is a type that a client fills in, and a function `read` with which the server reads it into what core decides
//! on ([`enginehouse_core::input`]): checked, or with every bad field named.
//!
//! One file per resource: [`enqueue`], [`events`], [`bulk_events`], [`changes`], [`settle`], [`engines`], [`claims`], [`event_types`] (and queues),
//! [`dead_letters`], [`scenario_runs`], [`stats`], [`system`], [`explain`], [`suspects`], [`tokens`], [`operations`], [`whoami`]; [`page`] and [`filter`] for lists; [`problem`] for all that can go wrong.

pub mod audit;
pub mod bulk_events;
pub mod changes;
pub mod claims;
mod composed;
pub mod dead_letters;
mod each;
pub mod engines;
pub mod enqueue;
pub mod event_types;
pub mod events;
pub mod explain;
pub mod filter;
pub mod idempotency_keys;
pub mod logs;
pub mod minutes;
pub mod operations;
pub mod overview;
pub mod page;
pub mod problem;
pub mod reports;
pub mod scenario_runs;
pub mod settle;
pub mod stats;
pub mod stream;
pub mod suspects;
pub mod system;
pub mod tokens;
pub mod whoami;
