//! What the command line may ask for.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::faults::Fault;
use crate::store::StoreChoice;

/// Real servers under load and faults, with a history of every call and a checker of it.
#[derive(Parser)]
pub(crate) struct CampaignArgs {
    #[command(subcommand)]
    pub(crate) what: CampaignCommand,
}

#[derive(Subcommand)]
pub(crate) enum CampaignCommand {
    /// Load and faults by a seeded schedule; checks the history in the end, and prints what bystanders have waited
    Faults(FaultsArgs),
    /// A steady load without faults; prints memory, descriptors and WAL, and whether they are flat
    Soak(SoakArgs),
}

/// What is under test.
#[derive(clap::Args)]
pub(crate) struct TargetArgs {
    /// The store
    #[arg(long, value_enum, default_value = "sqlite")]
    pub(crate) store: StoreChoice,
    /// How many servers; SQLite has one
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) servers: u32,
    /// The server: this binary, or else the one beside this program
    #[arg(long, value_name = "PATH")]
    pub(crate) server_binary: Option<PathBuf>,
    /// How long
    #[arg(long, value_name = "MINUTES", default_value_t = 1.0)]
    pub(crate) minutes: f64,
    /// Decides every random number of clients and faults
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(clap::Args)]
pub(crate) struct FaultsArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Producers, and as many engines, for each server
    #[arg(long, default_value_t = 4)]
    pub(crate) clients: usize,
    /// These faults only; all that can happen here if left out
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Fault>,
    /// How long events may take to end once the faults have stopped
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub(crate) recovery_seconds: u64,
    /// Writes the history there, a line for each operation
    #[arg(long, value_name = "FILE")]
    pub(crate) history: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct SoakArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Events a second
    #[arg(long, default_value_t = 200)]
    pub(crate) rate: u64,
    /// How far the second half may be above the first
    #[arg(long, value_name = "PERCENT", default_value_t = 15.0)]
    pub(crate) growth: f64,
}
