//! The same calls over PostgreSQL: the same answers, word for word.

mod app;
mod attempts;
mod dead_letters;
mod described;
mod engines;
mod events;
mod explaining;
mod filters;
mod given_tokens;
mod logs;
mod minutes;
mod operations;
mod overview;
mod permissions;
mod refusals;
mod reports;
mod selectors;
mod sessions;
mod settings;
mod settling;
mod stream;
#[path = "../under_test/mod.rs"]
mod under_test;
mod unreadable_rows;

const ON: under_test::Kind = under_test::Kind::Postgres;
