//! What the command line may ask for.

use clap::{Parser, Subcommand, ValueEnum};

/// Measures a server, and queues in SQL beside it, on one PostgreSQL in one run.
#[derive(Parser)]
pub(crate) struct LoadArgs {
    #[command(subcommand)]
    pub(crate) what: LoadCommand,
}

#[derive(Subcommand)]
pub(crate) enum LoadCommand {
    /// Enqueue, then claim and complete, with each contender in turn, again and again; print medians and ratios
    Rounds(Rounds),
    /// A steady load on one contender while another session holds a snapshot; print a line for each window
    Steady(Steady),
    /// The same work on tables that are laid out in other ways; print medians
    Layouts(Layouts),
}

/// A queue that is measured.
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
    /// The session that holds the snapshot has written something, and does not commit it
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
