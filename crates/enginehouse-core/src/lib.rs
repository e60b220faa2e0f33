//! The rules of Enginehouse: pure functions over plain data.
//!
//! Nothing here does I/O, reads a clock, draws a random number or awaits. The caller brings
//! the facts, the time and the random numbers; core answers with a decision, as data.
//!
//! Read in this order:
//!
//! - [`ids`]: what things are called; a type for each kind of name.
//! - [`time`]: a [`Timestamp`](time::Timestamp) is a millisecond of UTC, everywhere.
//! - [`limits`]: every number that a user can run into.
//! - [`invalid`]: a refused input, every bad field named by JSON pointer.
//! - [`input`]: reading what a caller sent; every mistake noted where it is.
//! - [`json`]: JSON text that passes through unparsed, byte for byte.
//! - [`canonical_json`]: one text for all JSON texts that say the same.
//! - [`applied`]: whether a request that failed has changed anything.
//! - [`event`]: an **event** is one unit of work; its five statuses, and what is asked at enqueue.
//! - [`event_changes`]: what people change about an event that waits, or goes back in its queue.
//! - [`fingerprint`]: what tells a request from another one with the same idempotency key.
//! - [`generation`]: what keeps epochs and serials from being given twice after a restore.
//! - [`lock`]: a **lock** is one engine's exclusive, time-limited right to process one event.
//! - [`policy`]: how an event is retried: event over event type over queue over default.
//! - [`retention`]: how long finished events are kept, and what is known of one that is not there.
//! - [`retry`]: a failed attempt or a lost lock: again, failed, or a **dead letter**; [`retry_elsewhere`]: on which engine.
//! - [`transition`]: every way in which an event may move, as one function.
//! - [`version`]: versions of engines' software, and the ranges that events ask for.
//! - [`lane`]: a **lane** is all events that no engine could tell apart for dispatch.
//! - [`engine`]: an **engine** is a registered worker; its **epoch** counts its registrations.
//! - [`report`]: what an engine reports of an attempt: usage, progress, a checkpoint, its log.
//! - [`request`]: what engines ask for, checked.
//! - [`pause`]: since when a queue or an event type is kept from being claimed, and why.
//! - [`quarantine`]: what keeps an engine from events without stopping it.
//! - [`gates`]: what an engine must pass to claim an event.
//! - [`nearest_name`]: what somebody may have meant who misspelt a name.
//! - [`miss`]: what keeps every engine from an event for good.
//! - [`change`]: the smallest change that would let an event run.
//! - [`fleet`]: all engines at one moment, in classes of equal abilities.
//! - [`verdict`]: what holds an event, in one word.
//! - [`explain`]: why an event does not run.
//! - [`when_blocked`]: what becomes of events that nobody can run for a while.
//! - [`durations`]: how long events waited and took, as histograms.
//! - [`minutes`]: what happened within one minute, for charts.
//! - [`hold_back`]: what an engine is not given, so that an event that has waited long fits it.
//! - [`blame`]: which engines and versions fail more than others do.
//! - [`grace`]: what must not expire after an outage.
//! - [`label`]: one label of an event, as whoever looks for events names it.
//! - [`error_group`]: which failures are of one kind, and what their group is called.
//! - [`access`]: who calls, and what they may do: tokens, roles, permissions, selectors.
//! - [`audit`]: what people did, linked to a chain that shows whether somebody has changed it.
//! - [`filter`]: which events, engines and dead letters a list is about, and the language in which people say it.

pub mod access;
pub mod applied;
pub mod audit;
pub mod blame;
pub mod canonical_json;
pub mod change;
pub mod durations;
pub mod engine;
pub mod error_group;
pub mod event;
pub mod event_changes;
pub mod explain;
pub mod filter;
pub mod fingerprint;
pub mod fleet;
pub mod gates;
pub mod generation;
pub mod grace;
pub mod hold_back;
pub mod ids;
pub mod input;
pub mod invalid;
pub mod json;
pub mod label;
pub mod lane;
pub mod limits;
pub mod lock;
pub mod minutes;
pub mod miss;
pub mod nearest_name;
pub mod operation;
pub mod pause;
pub mod policy;
pub mod quarantine;
pub mod report;
pub mod request;
pub mod retention;
pub mod retry;
pub mod retry_elsewhere;
pub mod run_activity;
pub mod time;
pub mod trace_parent;
pub mod transition;
pub mod verdict;
pub mod version;
pub mod when_blocked;
