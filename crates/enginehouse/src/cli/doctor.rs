//! `enginehouse doctor`: looks at a data file or a database, whether or not servers are running on it.

mod database;

use std::path::{Path, PathBuf};

use clap::Args;
use enginehouse_store::StoreUrl;
use enginehouse_store::sqlite::{Inspection, OpenError, inspect};
use serde_json::json;

use super::cli_error::CliError;
use super::output::{note, one};
use super::server_and_output::{Common, Format};
use super::settings_args::SettingArgs;
use crate::exit_codes::Exit;

/// Which store is to be looked at.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status 0 only if nothing is wrong.\n\nExamples:\n  enginehouse doctor --store sqlite:///var/lib/enginehouse/enginehouse.db\n  enginehouse doctor --store postgres://queue@db/app --output json"
)]
pub(crate) struct DoctorArgs {
    /// The TOML file of settings
    #[arg(long, env = "ENGINEHOUSE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingArgs,
}

pub(crate) async fn run(arguments: DoctorArgs) -> Exit {
    let result = look(&arguments).await;
    arguments.common.finish(result)
}

async fn look(arguments: &DoctorArgs) -> Result<(), CliError> {
    let config = arguments.settings.resolve(arguments.config.as_ref())?.config;
    if arguments.common.output == Format::Table {
        note("reading every row; this takes a while for a large store");
    }
    match &config.store {
        StoreUrl::Sqlite(path) => look_at_file(arguments, path).await,
        StoreUrl::Postgres(url) => database::look(&arguments.common, &config, url).await,
    }
}

async fn look_at_file(arguments: &DoctorArgs, path: &Path) -> Result<(), CliError> {
    let found = inspect(path).await.map_err(|error| unopened(&error))?;
    show(&arguments.common, &found)?;
    if found.findings.is_empty() {
        return Ok(());
    }
    Err(CliError::new(
        Exit::Failed,
        format!("{} is not sound", found.path.display()),
        found.findings.join("; "),
        "stop the server, keep a copy of the file and the files beside it, and restore the last backup",
    ))
}

/// Why a database cannot be used, for people.
pub(crate) fn unusable(error: &enginehouse_store::postgres::OpenError) -> CliError {
    use enginehouse_store::migrations::MigrateError;
    use enginehouse_store::postgres::OpenError;
    let (exit, hint) = match error {
        OpenError::Schema(MigrateError::Refused { .. }) => (Exit::Conflict, "see what the message says"),
        OpenError::Schema(_) => (Exit::Failed, "see what the message says"),
        OpenError::UnfinishedCopy { .. } => (Exit::Conflict, "go on with the copy, or copy again into another schema"),
        OpenError::BadUrl(_) => (Exit::Invalid, "name it with --store postgres://user@host:5432/database"),
        OpenError::Unreachable { .. } => {
            (Exit::Unreachable, "see that the database runs, lets this user in, and is named by --store")
        }
    };
    CliError::new(exit, "the database cannot be used", error, hint)
}

/// Why a data file cannot be opened, for people.
pub(crate) fn unopened(error: &OpenError) -> CliError {
    if let OpenError::Schema { path, refusal } = error {
        return CliError::new(
            Exit::Conflict,
            format!("{} cannot be opened", path.display()),
            refusal,
            refusal.advice(),
        );
    }
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        why = format!("{why}: {error}");
        source = error.source();
    }
    let (exit, hint) = match error {
        OpenError::InUse { .. } => {
            (Exit::Conflict, "stop the process that holds it, or name another file with --store")
        }
        OpenError::Missing { .. } | OpenError::NoFolder { .. } => {
            (Exit::NotFound, "name the data file with --store sqlite://PATH")
        }
        OpenError::NotOurs { .. } | OpenError::NotAFile { .. } => {
            (Exit::Invalid, "name the data file with --store sqlite://PATH")
        }
        OpenError::UnfinishedCopy { .. } => (Exit::Conflict, "go on with the copy, or copy again into another file"),
        OpenError::SqliteTooOld { .. }
        | OpenError::Io { .. }
        | OpenError::Unreadable { .. }
        | OpenError::Schema { .. } => (Exit::Failed, "see what the message says"),
    };
    CliError::new(exit, "the data file cannot be opened", why, hint)
}

fn show(common: &Common, found: &Inspection) -> Result<(), CliError> {
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
        "findings": found.findings,
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
        (
            "findings",
            if found.findings.is_empty() { "none: all is well".to_owned() } else { found.findings.join("\n") },
        ),
    ];
    one(common, &document, &path, &fields)
}
