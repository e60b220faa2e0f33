//! `enginehouse schema up` and `down`: migrations, applied and taken back.

use clap::Args;
use enginehouse_store::migrations::{Dialect, Migration, migrate_postgres_to, revert_postgres};
use enginehouse_store::sqlite::{migrate_sqlite, revert_sqlite};
use serde_json::json;

use super::super::cli_error::CliError;
use super::super::open_error::unopened;
use super::super::output::one;
use super::super::server_and_output::OutputArgs;
use super::target::{SchemaStore, SchemaTarget, blocking, connect, unmigrated};

/// How far up.
#[derive(Debug, Args)]
pub(super) struct Up {
    /// The version to stop at [default: the newest]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    to: Option<i32>,
}

/// How far down.
#[derive(Debug, Args)]
pub(super) struct Down {
    /// The version to go back to; 0 is nothing at all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    to: i32,
    /// Lose the events that the store holds
    #[arg(long)]
    discard_data: bool,
}

pub(super) async fn up(output: &OutputArgs, target: &SchemaTarget, arguments: &Up) -> Result<(), CliError> {
    let applied = match target.store() {
        SchemaStore::Sqlite(path) => {
            let to = arguments.to.unwrap_or(Dialect::Sqlite.newest());
            let migrated = blocking(move || migrate_sqlite(&path, to)).await;
            migrated.map_err(|error| unopened(&error))?.iter().collect()
        }
        SchemaStore::Postgres(options) => {
            let to = arguments.to.unwrap_or(Dialect::Postgres.newest());
            let mut client = connect(&options).await?;
            migrate_postgres_to(&mut client, &target.schema, to).await.map_err(unmigrated)?
        }
    };
    show(output, target, "applied", &applied).await
}

pub(super) async fn down(output: &OutputArgs, target: &SchemaTarget, arguments: &Down) -> Result<(), CliError> {
    let &Down { to, discard_data } = arguments;
    let reverted = match target.store() {
        SchemaStore::Sqlite(path) => {
            let reverted = blocking(move || revert_sqlite(&path, to, discard_data)).await;
            reverted.map_err(|error| unopened(&error))?
        }
        SchemaStore::Postgres(options) => {
            let mut client = connect(&options).await?;
            revert_postgres(&mut client, &target.schema, to, discard_data).await.map_err(unmigrated)?
        }
    };
    show(output, target, "reverted", &reverted).await
}

/// Shows what was done, and what the store is now.
async fn show(
    output: &OutputArgs,
    target: &SchemaTarget,
    what: &'static str,
    migrations: &[&'static Migration],
) -> Result<(), CliError> {
    let version = target.status().await?.version();
    let done: Vec<_> = migrations
        .iter()
        .map(
            |migration| json!({ "version": migration.version, "name": migration.name, "oldest_compatible": migration.oldest_compatible }),
        )
        .collect();
    let document = json!({ "version": version, what: done });
    let mut fields = vec![("store", target.name()), ("version", version.to_string())];
    for migration in migrations {
        fields.push((what, format!("{} {}", migration.version, migration.name)));
    }
    one(output, &document, &version.to_string(), &fields)
}
