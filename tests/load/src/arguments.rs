//! What the command line may ask for.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::classes::LoadClass;
use crate::systems::SystemName;

/// Measures queues side by side: ours, and what one would use instead.
#[derive(Parser)]
#[command(name = "enginehouse-load")]
pub(crate) struct LoadArgs {
    #[command(subcommand)]
    pub(crate) what: LoadCommand,
}

#[derive(Subcommand)]
pub(crate) enum LoadCommand {
    /// Every system in turn, in every class; writes a report and a plot
    Bench(SideBySideArgs),
    /// The same work on tables that are laid out in other ways; print medians
    Layouts(Layouts),
    /// Serve a constant by HTTP, as one of the systems
    #[command(hide = true)]
    Constant { port: u16 },
}

#[derive(clap::Args)]
pub(crate) struct SideBySideArgs {
    /// Two rounds of 0.7 s a phase, a backlog of 100 thousand, a snapshot of 3 s: shows that it works, and what is far off
    #[arg(long)]
    pub(crate) quick: bool,
    /// Rounds; in each, all systems take turns in every class [default: 5]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// Seconds of a phase [default: 1.5]
    #[arg(long, value_parser = positive)]
    seconds: Option<f64>,
    /// Events that wait in the large backlog [default: 1000000]
    #[arg(long, value_name = "EVENTS")]
    backlog: Option<usize>,
    /// For how long another session holds a snapshot; a release wants 10 [default: 1]
    #[arg(long, value_name = "MINUTES", value_parser = positive)]
    snapshot_minutes: Option<f64>,
    /// These classes alone
    #[arg(long, value_enum, value_name = "CLASS", value_delimiter = ',')]
    only: Vec<LoadClass>,
    /// These systems alone
    #[arg(long, value_enum, value_name = "SYSTEM", value_delimiter = ',')]
    systems: Vec<SystemName>,
    /// Where the report and the plot are written
    #[arg(long, value_name = "FOLDER", default_value = "target/bench")]
    pub(crate) out: PathBuf,
}

impl SideBySideArgs {
    pub(crate) fn rounds(&self) -> usize {
        self.rounds.map_or(if self.quick { 2 } else { 5 }, usize::from)
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.seconds.unwrap_or(if self.quick { 0.7 } else { 1.5 })
    }

    pub(crate) fn backlog(&self) -> usize {
        self.backlog.unwrap_or(if self.quick { 100_000 } else { 1_000_000 })
    }

    pub(crate) fn snapshot_seconds(&self) -> f64 {
        self.snapshot_minutes.unwrap_or(if self.quick { 0.05 } else { 1.0 }) * 60.0
    }

    pub(crate) fn wants(&self, class: LoadClass) -> bool {
        let is_chosen =
            |only: &LoadClass| *only == class || only.usual() == Some(class) || class.usual() == Some(*only);
        self.only.is_empty() || self.only.iter().any(is_chosen)
    }

    /// The systems of a class.
    pub(crate) fn systems(&self, class: LoadClass) -> Vec<SystemName> {
        let is_wanted = |system: &SystemName| self.systems.is_empty() || self.systems.contains(system);
        let all = SystemName::all().filter(is_wanted);
        all.filter(|system| self.wants(class) && class.is_for(*system)).collect()
    }
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

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && number < 1e6 => Ok(number),
        _ => Err("must be a number above 0".to_owned()),
    }
}
