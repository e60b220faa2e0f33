//! A store that a command opens by itself, instead of asking a server.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use enginehouse_store::{Store, StoreError};

use super::cli_error::CliError;
use super::serve::open;
use super::settings_args::SettingArgs;
use crate::exit_codes::Exit;

/// Where the store is, if not behind a server.
#[derive(Clone, Debug, Args)]
pub(crate) struct OfflineStoreArgs {
    /// The store itself, instead of a server: sqlite://PATH, which no server may have open, or postgres://USER@HOST/DATABASE
    #[arg(long, global = true, value_name = "URL", help_heading = "Store")]
    pub(crate) store: Option<String>,
    /// The schema in a PostgreSQL database [default: enginehouse]
    #[arg(long, global = true, value_name = "NAME", requires = "store", help_heading = "Store")]
    pub(crate) schema: Option<String>,
    /// The TOML file of settings, by which a store is opened
    #[arg(long, env = "ENGINEHOUSE_CONFIG", global = true, value_name = "FILE", help_heading = "Store")]
    config: Option<PathBuf>,
}

impl OfflineStoreArgs {
    /// Opens the store, if one is named.
    pub(crate) async fn open(&self) -> Result<Option<Arc<dyn Store>>, CliError> {
        let Some(store) = &self.store else { return Ok(None) };
        let settings = SettingArgs::of([("store", Some(store)), ("schema", self.schema.as_ref())]);
        open(&settings.resolve(self.config.as_ref())?.config).await.map(Some)
    }
}

/// What to say if a store that is open fails.
pub(crate) fn store_failed(error: StoreError) -> CliError {
    CliError::new(Exit::Failed, "the store failed", error, "run `enginehouse doctor` on it")
}
