//! The wire format of Enginehouse: requests, responses and problems, the same for server and client.
//!
//! A request is read in two steps. [`json::parse`] and [`query::parse`] see to its shape, and its `check` method
//! to its values; each names every bad field at once. What comes out of `check` is core's, and may be trusted.
//!
//! One file per resource: [`enqueue`], [`events`], [`settle`], [`engines`], [`claims`], [`event_types`] (and queues),
//! [`dead_letters`], [`scenario_runs`], [`stats`]; [`page`] for lists; [`problem`] for all that can go wrong.

pub mod claims;
pub mod dead_letters;
pub mod engines;
pub mod enqueue;
pub mod event_types;
pub mod events;
pub mod json;
pub mod page;
pub mod problem;
pub mod query;
pub mod scenario_runs;
pub mod settle;
pub mod stats;
