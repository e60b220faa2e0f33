//! What scenarios are given, and how each starts a server.

use anyhow::{Context, Result};
use enginehouse_cluster::Cluster;

use super::scenario::ScaleStore;
use crate::arguments::ScaleArgs;
use crate::processes::Disk;
use crate::systems::Enginehouse;

/// What scenarios are given.
pub(super) struct ScaleBench<'a> {
    pub(super) of: &'a ScaleArgs,
    pub(super) cluster: Option<Cluster>,
    pub(super) disk: Disk,
}

impl ScaleBench<'_> {
    /// A server with nothing in it, and these flags beside its defaults.
    pub(super) async fn start(&self, store: ScaleStore, flags: &[&str]) -> Result<Enginehouse> {
        match store {
            ScaleStore::Sqlite => Enginehouse::on_sqlite(flags).await,
            ScaleStore::Postgres => {
                let cluster = self.cluster.as_ref().context("the suite's PostgreSQL does not run")?;
                Enginehouse::on_postgres(cluster, flags).await
            }
        }
    }
}
