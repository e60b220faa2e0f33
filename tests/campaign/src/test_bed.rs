//! The servers and the store under test.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::arguments::TargetArgs;
use crate::private_mounts;
use crate::servers::{CampaignServer, ServerSetup, Servers};
use crate::store::{CampaignStore, StoreChoice};

/// All that is started. Dropped, it goes: first the servers, then the store, then the folder.
pub(crate) struct TestBed {
    pub(crate) servers: Servers,
    pub(crate) store: CampaignStore,
    folder: Option<TempDir>,
}

impl TestBed {
    /// Starts them on an empty store. With a small disk, it can be filled; with clocks of their own, those can be moved.
    pub(crate) async fn start(
        arguments: &TargetArgs,
        with_small_disk: bool,
        with_own_clocks: bool,
        more_flags: &[&str],
    ) -> Result<Self> {
        let is_alone = arguments.servers == 1;
        ensure!(is_alone || arguments.store == StoreChoice::Postgres, "one server at a time can have a data file");
        let folder = tempfile::Builder::new().prefix("enginehouse-campaign-").tempdir()?;
        let with_small_disk = with_small_disk && private_mounts::are_private();
        let store = CampaignStore::make(arguments.store, folder.path(), with_small_disk)?;
        let setup = Arc::new(ServerSetup {
            binary: arguments.server_binary.clone().map_or_else(binary_beside, Ok)?,
            store: store.url.clone(),
            flags: store
                .flags
                .iter()
                .map(String::as_str)
                .chain(more_flags.iter().copied())
                .map(str::to_owned)
                .collect(),
            folder: folder.path().to_owned(),
            has_own_clock: with_own_clocks,
        });
        let mut this = Self { servers: Servers(Vec::new()), store, folder: Some(folder) };
        for index in 0..arguments.servers as usize {
            this.servers.0.push(CampaignServer::start(index, &setup).await?);
        }
        Ok(this)
    }

    /// Keeps the folder with logs and data for whoever wants to know more.
    pub(crate) fn keep(&mut self) -> Option<PathBuf> {
        self.folder.take().map(TempDir::keep)
    }
}

fn binary_beside() -> Result<PathBuf> {
    let this = std::env::current_exe().context("this program does not know where it is")?;
    let binary = this.with_file_name("enginehouse");
    ensure!(binary.exists(), "{} is not there: build it, or name one by --server-binary", binary.display());
    Ok(binary)
}
