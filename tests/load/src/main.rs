//! Measures a server, and queues in SQL beside it, on one PostgreSQL in one run.
//!
//! Each connection is a closed loop: it asks, waits for the answer and asks again. Rates are events; times are from the
//! sending of a call to its whole answer. Nothing here is a test: it prints what it has seen.

mod http;
mod layouts;
mod peers;
mod rounds;
mod steady;

use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

/// Measures a server, and queues in SQL beside it, on one PostgreSQL in one run.
#[derive(Parser)]
struct LoadArgs {
    #[command(subcommand)]
    what: LoadCommand,
}

#[derive(Subcommand)]
enum LoadCommand {
    /// Enqueue, then claim and complete, with each contender in turn, again and again; print medians and ratios
    Rounds(Rounds),
    /// A steady load on one contender while another session holds a snapshot; print a line for each window
    Steady(Steady),
    /// The same work on tables that are laid out in other ways; print medians
    Layouts(Layouts),
}

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Contender {
    /// The server, through HTTP
    Enginehouse,
    /// A table, a partial index, `for update skip locked`, rows kept
    SkipLocked,
    /// The same, rows deleted when done
    SkipLockedDelete,
    /// pgmq's functions, which must be in the database
    Pgmq,
    /// River's tables, whose migrations must have been run; shorter statements than its client's, rows kept
    River,
}

#[derive(clap::Args)]
pub(crate) struct Rounds {
    /// Servers to be measured, their connections spread evenly
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub(crate) server: Vec<String>,
    /// The database of the peers
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Whom to measure
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) contenders: Vec<Contender>,
    /// Connections
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    /// Events of each call
    #[arg(long, default_value_t = 1)]
    pub(crate) batch: usize,
    /// Rounds
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Seconds of each phase
    #[arg(long, default_value_t = 3.0)]
    pub(crate) seconds: f64,
}

#[derive(clap::Args)]
pub(crate) struct Steady {
    /// The server
    #[arg(long, value_name = "URL")]
    pub(crate) server: Vec<String>,
    /// The database
    #[arg(long, value_name = "URL")]
    pub(crate) database: String,
    /// Whom to measure
    #[arg(long, value_enum)]
    pub(crate) contender: Contender,
    /// Connections that claim and complete; a quarter as many enqueue
    #[arg(long, default_value_t = 16)]
    pub(crate) connections: usize,
    /// Events of each claim
    #[arg(long, default_value_t = 10)]
    pub(crate) batch: usize,
    /// Events enqueued a second, at most
    #[arg(long, default_value_t = 1000, value_parser = at_least_one)]
    pub(crate) rate: usize,
    /// Seconds before the snapshot is taken, while it is held, and after
    #[arg(long, value_delimiter = ',', default_value = "30,60,30")]
    pub(crate) phases: Vec<u64>,
    /// Seconds of a window
    #[arg(long, default_value_t = 10)]
    pub(crate) window: u64,
    /// The session that holds the snapshot has written something, and forgotten to commit it
    #[arg(long)]
    pub(crate) writer: bool,
}

#[derive(clap::Args)]
pub(crate) struct Layouts {
    /// The database; its schema `layout` is dropped
    #[arg(long, value_name = "URL")]
    pub(crate) database: String,
    /// Connections, each of which enqueues, claims and completes in turn
    #[arg(long, default_value_t = 8)]
    pub(crate) connections: usize,
    /// Events of each call
    #[arg(long, default_value_t = 20)]
    pub(crate) batch: usize,
    /// Rounds
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Seconds of each run
    #[arg(long, default_value_t = 30)]
    pub(crate) seconds: u64,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("must be a number of at least 1".to_owned()),
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    match LoadArgs::parse().what {
        LoadCommand::Rounds(rounds) => rounds::run(&rounds).await,
        LoadCommand::Steady(steady) => steady::run(&steady).await,
        LoadCommand::Layouts(layouts) => layouts::run(&layouts).await,
    }
}

/// LoadCommand calls took.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) events: usize,
    pub(crate) times: Vec<Duration>,
}

impl Taken {
    pub(crate) fn add(&mut self, other: Self) {
        self.events += other.events;
        self.times.extend(other.times);
    }

    /// The time that so many of a hundred calls took at most, in milliseconds.
    pub(crate) fn percentile(&mut self, percent: usize) -> f64 {
        self.times.sort_unstable();
        let index = (self.times.len() * percent / 100).min(self.times.len().saturating_sub(1));
        self.times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    }
}

/// The middle one of some figures.
pub(crate) fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}

/// A payload of 200 bytes.
pub(crate) fn payload() -> String {
    format!(r#"{{"data":"{}"}}"#, "x".repeat(189))
}
