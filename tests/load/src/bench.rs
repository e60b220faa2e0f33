//! The side-by-side suite: starts all systems, lets them take turns, and writes what it has seen.

use std::collections::btree_map::{BTreeMap, Entry};
use std::time::Duration;

use anyhow::{Context, Result};
use enginehouse_cluster::Cluster;

use crate::arguments::SideBySideArgs;
use crate::classes::LoadClass;
use crate::disk::DiskSpeed;
use crate::phase::PhaseFigures;
use crate::processes::Disk;
use crate::report;
use crate::report::machine::Machine;
use crate::results::Results;
use crate::running::RunningSystem;
use crate::sql_session::{POSTGRES, hold_snapshot};
use crate::systems::SystemName;

/// What the large backlog is compared with.
const SMALL_BACKLOG: usize = 10_000;

struct Bench<'a> {
    of: &'a SideBySideArgs,
    cluster: Option<Cluster>,
    disk: Disk,
    results: Results,
}

pub(crate) async fn run(of: &SideBySideArgs) -> Result<()> {
    let machine = Machine::look()?;
    let classes = [LoadClass::BacklogSmall, LoadClass::BacklogLarge, LoadClass::SnapshotFree, LoadClass::SnapshotHeld];
    let mut systems = LoadClass::of_a_round().chain(classes).flat_map(|class| of.systems(class));
    let cluster = if systems.any(SystemName::needs_postgres) {
        Some(Cluster::try_start_with(POSTGRES).context("PostgreSQL does not start")?)
    } else {
        None
    };
    let disk = Disk::of(&std::env::temp_dir());
    let mut bench = Bench { of, cluster, disk, results: Results::default() };
    for round in 0..of.rounds() {
        bench.round(round).await?;
    }
    bench.backlog().await?;
    bench.snapshot().await?;
    let versions = report::machine::versions(bench.cluster.as_ref());
    report::write(of, &machine, &versions, &bench.results)
}

impl Bench<'_> {
    /// Every class once with every system, on servers and in databases that were empty at its beginning.
    async fn round(&mut self, round: usize) -> Result<()> {
        let length = Duration::from_secs_f64(self.of.seconds());
        // Just before the class that is compared with it.
        if self.of.wants(LoadClass::EnqueueOne) {
            let speed = DiskSpeed::measure(length / 2)?;
            progress(&format!(
                "round {}: disk: {:.0} overwrites/s, {:.0} appends/s",
                round + 1,
                speed.overwrites,
                speed.appends
            ));
            self.results.round(round).disk = Some(speed);
        }
        let mut running = BTreeMap::new();
        for class in LoadClass::of_a_round() {
            let mut systems = self.of.systems(class);
            if systems.is_empty() {
                continue;
            }
            // None is always the one that finds the disk and the memory as another has left them.
            let first = round % systems.len();
            systems.rotate_left(first);
            for name in systems {
                let system = match running.entry(name) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => entry.insert(self.start(name).await?),
                };
                self.phase(round, class, name, system, length).await?;
            }
        }
        Ok(())
    }

    /// Two servers of each system in turn, one of which has a large backlog.
    async fn backlog(&mut self) -> Result<()> {
        let length = Duration::from_secs_f64(self.of.seconds());
        for name in self.of.systems(LoadClass::BacklogLarge) {
            let (mut small, mut large) = (self.start(name).await?, self.start(name).await?);
            progress(&format!("{}: enqueueing {} events", name.label(), self.of.backlog()));
            small.fill(SMALL_BACKLOG).await?;
            large.fill(self.of.backlog()).await?;
            for round in 0..self.of.rounds() {
                self.phase(round, LoadClass::BacklogSmall, name, &mut small, length).await?;
                self.phase(round, LoadClass::BacklogLarge, name, &mut large, length).await?;
            }
        }
        Ok(())
    }

    /// Window after window: one with vacuum free, then those for which a snapshot is held, of which the last one counts.
    async fn snapshot(&mut self) -> Result<()> {
        let seconds = self.of.snapshot_seconds();
        let window = (seconds / 4.0).clamp(1.0, 30.0);
        let length = Duration::from_secs_f64(window);
        for name in self.of.systems(LoadClass::SnapshotHeld) {
            let mut system = self.start(name).await?;
            self.phase(0, LoadClass::SnapshotFree, name, &mut system, length).await?;
            let database = system.system.database().context("a snapshot is held in a database")?;
            let holder = hold_snapshot(database).await?;
            for _ in 0..(seconds / window).ceil() as usize {
                self.phase(0, LoadClass::SnapshotHeld, name, &mut system, length).await?;
            }
            drop(holder);
        }
        Ok(())
    }

    async fn start(&self, name: SystemName) -> Result<RunningSystem> {
        let system = name.start(self.cluster.as_ref(), self.of.reports).await;
        let system = system.with_context(|| format!("{} does not start", name.label()))?;
        Ok(RunningSystem { system, standing: 0 })
    }

    async fn phase(
        &mut self,
        round: usize,
        class: LoadClass,
        name: SystemName,
        system: &mut RunningSystem,
        length: Duration,
    ) -> Result<()> {
        let what = || format!("round {}: {}: {}", round + 1, class.title(), name.label());
        let figures = system.run(&class.phase(length), &self.disk).await.with_context(what)?;
        let PhaseFigures { rate, p50, p99, server_cpu, .. } = figures;
        progress(&format!("{}: {rate:.0}/s, p50 {p50:.2} p99 {p99:.2} ms, {server_cpu:.0} µs", what()));
        self.results.round(round).figures.insert((class, name), figures);
        Ok(())
    }
}

fn progress(line: &str) {
    eprintln!("{line}");
}
