//! The suite at scale: our server against what it has to stand, on both stores.

mod backlog;
mod dashboards;
mod explanations;
mod finding;
mod finished_events;
mod fleet;
mod lost;
mod probe;
mod retention;
mod scenario;
mod server_start;
mod waiting;

use anyhow::{Context, Result};
use enginehouse_cluster::Cluster;

pub(crate) use self::finding::{Limit, ScaleFigure, ScaleFindings};
pub(crate) use self::scenario::{ScaleScenario, ScaleStore};
use self::server_start::ScaleBench;
use crate::arguments::ScaleArgs;
use crate::processes::Disk;
use crate::report;
use crate::report::machine::Machine;
use crate::sql_session::POSTGRES;

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
            let found = measure(&bench, scenario, store).await;
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

async fn measure(bench: &ScaleBench<'_>, scenario: ScaleScenario, store: ScaleStore) -> Result<Vec<ScaleFigure>> {
    match scenario {
        ScaleScenario::Backlog => backlog::measure(bench, store).await,
        ScaleScenario::Retention => retention::measure(bench, store).await,
        ScaleScenario::Fleet => fleet::measure(bench, store).await,
        ScaleScenario::Waiting => waiting::measure(bench, store).await,
        ScaleScenario::Lost => lost::measure(bench, store).await,
        ScaleScenario::Explanations => explanations::measure(bench, store).await,
        ScaleScenario::Dashboards => dashboards::measure(bench, store).await,
    }
}
