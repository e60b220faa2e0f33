//! `enginehouse doctor`: looks at a data file or a database, whether or not servers are running on it.

mod advice;
mod database;
mod retention;
mod security;

use std::path::{Path, PathBuf};

use clap::Args;
use enginehouse_server::config::Config;
use enginehouse_store::StoreUrl;
use enginehouse_store::sqlite::{Inspection, inspect};
use serde_json::json;

use self::advice::repair_of_rows;
use self::retention::retention;
use super::cli_error::CliError;
use super::open_error::unopened;
use super::output::{note, one};
use super::server_and_output::{OutputArgs, OutputFormat};
use super::settings_args::SettingArgs;
use crate::exit_codes::Exit;

/// Which store is to be looked at.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 0 only if nothing is wrong. Advice is about tokens, certificates and files that are in order now, or do the store no harm.

Examples:
  enginehouse doctor --store sqlite:///var/lib/enginehouse/enginehouse.db
  enginehouse doctor --store postgres://queue@db/app --output json")]
pub(crate) struct DoctorArgs {
    /// The TOML file of settings
    #[arg(long, env = "ENGINEHOUSE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    settings: SettingArgs,
}

pub(crate) async fn run(arguments: DoctorArgs) -> Exit {
    let result = look(&arguments).await;
    arguments.output.finish(result)
}

async fn look(arguments: &DoctorArgs) -> Result<(), CliError> {
    let config = arguments.settings.resolve(arguments.config.as_ref())?.config;
    if arguments.output.output == OutputFormat::Table {
        note("reading every row; this takes a while for a large store");
    }
    match &config.store {
        StoreUrl::Sqlite(path) => look_at_file(arguments, &config, path).await,
        StoreUrl::Postgres(url) => database::look(&arguments.output, &config, url).await,
    }
}

async fn look_at_file(arguments: &DoctorArgs, config: &Config, path: &Path) -> Result<(), CliError> {
    let found = inspect(path).await.map_err(|error| unopened(&error))?;
    show(&arguments.output, &found, &security::advice(config, &found.tokens))?;
    if found.findings.is_empty() {
        return Ok(());
    }
    Err(CliError::new(
        Exit::Failed,
        format!("{} is not sound", found.path.display()),
        found.findings.join("; "),
        repair_of_rows(&found.findings)
            .unwrap_or("stop the server, keep a copy of the file and the files beside it, and restore the last backup"),
    ))
}

fn show(output: &OutputArgs, found: &Inspection, advice: &[String]) -> Result<(), CliError> {
    let counts = found.counts;
    let document = json!({
        "path": found.path.display().to_string(),
        "schema": found.schema,
        "newest_schema": found.newest_schema,
        "sqlite_version": found.sqlite_version,
        "held_by": found.holder,
        "file_bytes": found.file_bytes,
        "log_bytes": found.log_bytes,
        "events": {
            "queued": counts.queued, "processing": counts.processing, "completed": counts.completed,
            "failed": counts.failed, "cancelled": counts.cancelled,
        },
        "pruning_held_until": found.pruning_held_until,
        "findings": found.findings,
        "advice": advice,
    });
    let path = found.path.display().to_string();
    let fields = [
        ("file", path.clone()),
        ("held by", found.holder.clone().unwrap_or_else(|| "nobody".to_owned())),
        ("schema", format!("{} (this version knows {})", found.schema, found.newest_schema)),
        ("sqlite", found.sqlite_version.to_owned()),
        ("size", format!("{} bytes, and {} bytes of log", found.file_bytes, found.log_bytes)),
        (
            "events",
            format!(
                "{} queued, {} processing, {} completed, {} failed, {} cancelled",
                counts.queued, counts.processing, counts.completed, counts.failed, counts.cancelled
            ),
        ),
        ("retention", retention(found.pruning_held_until)),
        (
            "findings",
            if found.findings.is_empty() { "none: all is well".to_owned() } else { found.findings.join("\n") },
        ),
        ("advice", security::in_words(advice)),
    ];
    one(output, &document, &path, &fields)
}
