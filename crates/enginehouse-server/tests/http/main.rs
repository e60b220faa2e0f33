//! Every call of the HTTP API, in process: what is sent, and what comes back, word for word.
//!
//! Clock, chance and ids are set, so that a transcript is the same every time.

mod allowed_addresses;
mod answers;
mod app;
mod attempts;
mod auditing;
mod bad_input;
mod bounds;
mod bulk_events;
mod certificates;
mod client_certificates;
mod clock;
mod connections;
mod coverage;
mod dashboard;
mod dead_letters;
mod described;
mod description;
mod documents;
mod early_answers;
mod encodings;
mod engines;
mod events;
mod explaining;
mod filters;
mod given_tokens;
mod hints;
mod hosts;
mod logins;
mod logs;
mod long_waits;
mod metrics_apart;
mod minutes;
mod operations;
mod overview;
mod pages;
mod permissions;
mod proxies;
mod quotas;
mod refusals;
mod reports;
mod request_fields;
mod running_server;
mod selectors;
mod sessions;
mod settings;
mod settling;
mod sharing;
mod sockets;
mod stream;
mod suspects;
mod system;
mod tls;
#[path = "../under_test/mod.rs"]
mod under_test;
mod unreadable_rows;

const ON: under_test::Kind = under_test::Kind::Sqlite;
