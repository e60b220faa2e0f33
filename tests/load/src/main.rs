//! Measures a server, and queues in SQL beside it, on one PostgreSQL in one run.
//!
//! Each connection is a closed loop: it asks, waits for the answer and asks again. Rates are events; times are from the
//! sending of a call to its whole answer. Nothing here is a test: it prints what it has seen.

#![expect(clippy::print_stdout, reason = "a measurement that nobody reads may end")]

mod arguments;
mod http;
mod layouts;
mod measurement;
mod peers;
mod rounds;
mod steady;

use anyhow::Result;
use clap::Parser;

use crate::arguments::{LoadArgs, LoadCommand};

#[tokio::main]
async fn main() -> Result<()> {
    match LoadArgs::parse().what {
        LoadCommand::Rounds(rounds) => rounds::run(&rounds).await,
        LoadCommand::Steady(steady) => steady::run(&steady).await,
        LoadCommand::Layouts(layouts) => layouts::run(&layouts).await,
    }
}
