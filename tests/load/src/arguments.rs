//! What the command line may ask for.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::classes::LoadClass;
use crate::scale::{ScaleScenario, ScaleStore};
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
    /// Our server by itself: large backlogs, fleets and losses; writes a report
    Scale(ScaleArgs),
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
    /// Our engines report usage, progress and a line of a log with each event that they complete
    #[arg(long)]
    pub(crate) reports: bool,
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

    /// Whether a system is wanted: as the command line says, or else all but those that are only of use beside one of them.
    pub(crate) fn takes_part(&self, system: SystemName) -> bool {
        if self.systems.is_empty() { system.is_usual() } else { self.systems.contains(&system) }
    }

    /// The systems of a class.
    pub(crate) fn systems(&self, class: LoadClass) -> Vec<SystemName> {
        let all = SystemName::all().filter(|system| self.takes_part(*system));
        all.filter(|system| self.wants(class) && class.is_for(*system)).collect()
    }
}

#[derive(clap::Args)]
pub(crate) struct ScaleArgs {
    /// A hundredth of everything: shows that it works
    #[arg(long)]
    pub(crate) quick: bool,
    /// Events that wait in the backlog [default: 10000000]
    #[arg(long, value_name = "EVENTS", value_parser = some())]
    backlog: Option<u64>,
    /// Old events that retention deletes [default: 5000000]
    #[arg(long, value_name = "EVENTS", value_parser = some())]
    retention: Option<u64>,
    /// Engines that send heartbeats [default: 50000]
    #[arg(long, value_name = "ENGINES", value_parser = some())]
    engines: Option<u64>,
    /// Claims that wait [default: 10000]
    #[arg(long, value_name = "CLAIMS", value_parser = some())]
    waiting: Option<u64>,
    /// Engines that are lost [default: 1000]
    #[arg(long, value_name = "ENGINES", value_parser = some())]
    lost: Option<u64>,
    /// These scenarios alone
    #[arg(long, value_enum, value_name = "SCENARIO", value_delimiter = ',')]
    only: Vec<ScaleScenario>,
    /// These stores alone
    #[arg(long, value_enum, value_name = "STORE", value_delimiter = ',')]
    systems: Vec<ScaleStore>,
    /// Where the report is written
    #[arg(long, value_name = "FOLDER", default_value = "target/bench")]
    pub(crate) out: PathBuf,
}

impl ScaleArgs {
    pub(crate) fn backlog(&self) -> usize {
        self.size(self.backlog, 10_000_000)
    }

    pub(crate) fn retention(&self) -> usize {
        self.size(self.retention, 5_000_000)
    }

    pub(crate) fn engines(&self) -> usize {
        self.size(self.engines, 50_000)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.size(self.waiting, 10_000)
    }

    pub(crate) fn lost(&self) -> usize {
        self.size(self.lost, 1_000)
    }

    /// How many events wake a claim.
    pub(crate) fn wakes(&self) -> usize {
        if self.quick { 200 } else { 5_000 }
    }

    /// How long a load is steady. Each engine sends a heartbeat every 10 s.
    pub(crate) fn steady(&self) -> Duration {
        Duration::from_secs(if self.quick { 5 } else { 40 })
    }

    fn size(&self, given: Option<u64>, usual: usize) -> usize {
        given.map_or(if self.quick { usual / 100 } else { usual }, |given| given as usize)
    }

    pub(crate) fn scenarios(&self) -> impl Iterator<Item = ScaleScenario> {
        let all = ScaleScenario::value_variants().iter().copied();
        all.filter(|scenario| self.only.is_empty() || self.only.contains(scenario))
    }

    pub(crate) fn stores(&self) -> impl Iterator<Item = ScaleStore> {
        let all = ScaleStore::value_variants().iter().copied();
        all.filter(|store| self.systems.is_empty() || self.systems.contains(store))
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

/// Any count but none.
fn some() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..=100_000_000)
}
