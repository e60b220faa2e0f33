//! The suite at scale: our server against what it has to stand, on both stores.

mod backlog;
mod finding;
mod finished_events;
mod fleet;
mod lost;
mod probe;
mod retention;
mod scenario;
mod waiting;

use anyhow::{Context, Result};
use enginehouse_cluster::Cluster;

pub(crate) use self::finding::{Finding, Limit, ScaleFindings};
pub(crate) use self::scenario::{ScaleScenario, ScaleStore};
use crate::arguments::ScaleArgs;
use crate::processes::Disk;
use crate::report;
use crate::report::machine::Machine;
use crate::sql_session::POSTGRES;
use crate::systems::Enginehouse;

/// What scenarios are given.
struct ScaleBench<'a> {
    of: &'a ScaleArgs,
    cluster: Option<Cluster>,
    disk: Disk,
}

pub(crate) async fn run(of: &ScaleArgs) -> Result<()> {
    let machine = Machine::look()?;
    let cluster = if of.stores().any(|store| store == ScaleStore::Postgres) {
        Some(Cluster::try_start_with(POSTGRES).context("PostgreSQL does not start")?)
    } else {
        None
    };
    let bench = ScaleBench { of, cluster, disk: Disk::of(&std::env::temp_dir()) };
    let versions = report::machine::versions(bench.cluster.as_ref());
    let mut findings = ScaleFindings::default();
    for scenario in of.scenarios() {
        for store in of.stores() {
            eprintln!("{}: {}", scenario.name(), store.label());
            let found = bench.measure(scenario, store).await;
            let found = found.with_context(|| format!("{}: {}", scenario.name(), store.label()))?;
            for finding in &found {
                eprintln!("    {}", finding.line());
            }
            findings.add(scenario, store, found);
            // What has been seen is not lost with what comes next.
            report::scale::write(of, &machine, &versions, &findings)?;
        }
    }
    println!("{}", report::scale::page(&machine, &versions, &findings));
    Ok(())
}

impl ScaleBench<'_> {
    async fn measure(&self, scenario: ScaleScenario, store: ScaleStore) -> Result<Vec<Finding>> {
        match scenario {
            ScaleScenario::Backlog => backlog::measure(self, store).await,
            ScaleScenario::Retention => retention::measure(self, store).await,
            ScaleScenario::Fleet => fleet::measure(self, store).await,
            ScaleScenario::Waiting => waiting::measure(self, store).await,
            ScaleScenario::Lost => lost::measure(self, store).await,
        }
    }

    /// A server with nothing in it, and these flags beside its defaults.
    async fn start(&self, store: ScaleStore, flags: &[&str]) -> Result<Enginehouse> {
        match store {
            ScaleStore::Sqlite => Enginehouse::on_sqlite(flags).await,
            ScaleStore::Postgres => {
                let cluster = self.cluster.as_ref().context("the suite's PostgreSQL does not run")?;
                Enginehouse::on_postgres(cluster, flags).await
            }
        }
    }
}
