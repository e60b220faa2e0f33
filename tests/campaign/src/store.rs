//! The store of a campaign, with a disk that can be filled where that is possible.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;
use enginehouse_cluster::Cluster;

/// Where servers keep their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreChoice {
    Sqlite,
    Postgres,
}

/// How large a disk is that is to be filled.
const DISK_MEGABYTES: u32 = 768;

/// Something that servers can share, and what can be done to it.
pub(crate) struct CampaignStore {
    pub(crate) url: String,
    pub(crate) flags: Vec<String>,
    /// The folder of a data file on a disk of its own.
    pub(crate) small_disk: Option<PathBuf>,
    /// A database on a disk of its own.
    pub(crate) has_small_tablespace: bool,
    /// Goes with its server when dropped.
    _cluster: Option<Cluster>,
}

impl CampaignStore {
    /// Makes an empty one. `folder` is for a data file.
    pub(crate) fn make(kind: StoreChoice, folder: &Path, with_small_disk: bool) -> Result<Self> {
        match kind {
            StoreChoice::Sqlite => {
                let disk = folder.join("disk");
                std::fs::create_dir(&disk).context("a folder cannot be made")?;
                let small_disk = (with_small_disk && mount(&disk)).then(|| disk.clone());
                let url = format!("sqlite://{}", disk.join("enginehouse.db").display());
                Ok(Self { url, flags: Vec::new(), small_disk, has_small_tablespace: false, _cluster: None })
            }
            StoreChoice::Postgres => {
                let small = with_small_disk.then(|| Cluster::start_with_small_disk(DISK_MEGABYTES)).flatten();
                let has_small_tablespace = small.is_some();
                let cluster = small.unwrap_or_else(Cluster::start);
                let url = if has_small_tablespace {
                    cluster.create_database_on_small_disk()
                } else {
                    cluster.create_database()
                };
                // A server for tests does not wait for its disk, and full durability refuses that.
                let flags = ["--durability", "relaxed"].map(str::to_owned).to_vec();
                Ok(Self { url, flags, small_disk: None, has_small_tablespace, _cluster: Some(cluster) })
            }
        }
    }
}

/// Mounts a disk in memory, which goes with the mount namespace of this process.
fn mount(folder: &Path) -> bool {
    let size = format!("size={DISK_MEGABYTES}m");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).output();
    mounted.is_ok_and(|output| output.status.success())
}
