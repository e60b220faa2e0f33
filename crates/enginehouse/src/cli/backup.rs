//! `enginehouse backup`: a consistent copy of a data file, while a server goes on with it.

use std::path::PathBuf;

use clap::Args;
use enginehouse_store::sqlite::{BackUpError, back_up};
use enginehouse_store::{StoreError, StoreUrl};
use serde_json::json;

use super::cli_error::CliError;
use super::open_error::unopened;
use super::output::one;
use super::server_and_output::OutputArgs;
use super::settings_args::SettingArgs;
use crate::exit_codes::Exit;

/// What is to be copied, and where to.
#[derive(Debug, Args)]
#[command(after_help = "\
The copy is complete, synced and checked before it appears under its name.

Example:
  enginehouse backup /backups/enginehouse-monday.db \\
    --store sqlite:///var/lib/enginehouse/enginehouse.db")]
pub(crate) struct BackupArgs {
    /// The file to write; it must not exist yet
    #[arg(value_name = "FILE")]
    to: PathBuf,
    /// The TOML file of settings
    #[arg(long, env = "ENGINEHOUSE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    settings: SettingArgs,
}

pub(crate) async fn run(arguments: BackupArgs) -> Exit {
    let result = copy(&arguments).await;
    arguments.output.finish(result)
}

async fn copy(arguments: &BackupArgs) -> Result<(), CliError> {
    let StoreUrl::Sqlite(from) = arguments.settings.resolve(arguments.config.as_ref())?.config.store else {
        return Err(CliError::new(
            Exit::Invalid,
            "this is for data files of SQLite",
            "the store is a PostgreSQL database",
            "back it up with PostgreSQL's own tools: docs/postgresql.md says how",
        ));
    };
    let bytes = back_up(&from, &arguments.to).await.map_err(|error| match error {
        BackUpError::Open(error) => unopened(&error),
        BackUpError::Copy(error) => {
            let not_written = format!("{} was not written", arguments.to.display());
            // Whether a link or a folder: what is there stays.
            if std::fs::symlink_metadata(&arguments.to).is_ok() {
                let hint = "name a file that is not there yet: a backup overwrites nothing";
                return CliError::new(Exit::Conflict, not_written, "there is something of this name", hint);
            }
            let why = match error {
                StoreError::Unavailable { reason, .. } => reason,
                error => error.to_string(),
            };
            CliError::new(Exit::Failed, not_written, why, "name a new file in a folder that has room for it")
        }
    })?;
    let to = arguments.to.display().to_string();
    let document = json!({ "from": from.display().to_string(), "to": to, "bytes": bytes });
    let fields =
        [("from", from.display().to_string()), ("to", to.clone()), ("size", format!("{bytes} bytes, checked"))];
    one(&arguments.output, &document, &to, &fields)
}
