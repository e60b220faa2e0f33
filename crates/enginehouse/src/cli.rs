//! The command line: one file per command.

pub(crate) mod accept_clock;
pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod cli_error;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod dead;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod engine;
pub(crate) mod engine_run;
pub(crate) mod enqueue;
pub(crate) mod event;
pub(crate) mod event_type;
mod log_output;
mod open_error;
pub(crate) mod openapi;
pub(crate) mod output;
pub(crate) mod queue;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod server_and_output;
pub(crate) mod settings;
pub(crate) mod settings_args;
mod signals;
pub(crate) mod store;
pub(crate) mod terminal_text;
