//! Which schema is meant: a file, or a schema in a database.

use std::path::PathBuf;

use clap::Args;
use enginehouse_server::config::{Config, SETTINGS, ValueSource};
use enginehouse_store::StoreUrl;
use enginehouse_store::migrations::{Dialect, MigrateError, SchemaName, Status, postgres_status};
use enginehouse_store::postgres::PostgresOptions;
use enginehouse_store::sqlite::schema_status;
use tokio_postgres::Client;

use super::super::cli_error::CliError;
use super::super::open_error::{unopened, unusable};
use super::super::settings_args::{SettingArgs, postgres_options};
use crate::exit_codes::Exit;

/// Where the schema is, from the same settings as a server's.
#[derive(Clone, Debug, Args)]
pub(super) struct SchemaTargetArgs {
    /// Where the rows are: sqlite://PATH, or postgres://USER:PASSWORD@HOST/DATABASE; else ENGINEHOUSE_STORE says it
    #[arg(long, global = true, value_name = "URL", help_heading = "Store")]
    store: Option<String>,
    /// The schema in a PostgreSQL database; else ENGINEHOUSE_SCHEMA says it [default: enginehouse]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Store")]
    schema: Option<String>,
    /// The TOML file of settings
    #[arg(long, env = "ENGINEHOUSE_CONFIG", global = true, value_name = "FILE", help_heading = "Store")]
    config: Option<PathBuf>,
}

impl SchemaTargetArgs {
    pub(super) fn resolve(&self) -> Result<SchemaTarget, CliError> {
        let settings = SettingArgs::of([("store", self.store.as_ref()), ("schema", self.schema.as_ref())]);
        let resolved = settings.resolve(self.config.as_ref())?;
        let sources = SETTINGS.iter().zip(&resolved.sources);
        let is_named =
            sources.into_iter().any(|(setting, from)| setting.name == "store" && *from != ValueSource::Default);
        Ok(SchemaTarget { schema: resolved.config.schema.clone(), config: resolved.config, is_named })
    }
}

/// Where the schema is.
#[derive(Clone, Debug)]
pub(super) struct SchemaTarget {
    config: Config,
    is_named: bool,
    pub(super) schema: SchemaName,
}

/// Where a store is to be found.
pub(super) enum SchemaStore {
    Sqlite(PathBuf),
    Postgres(Box<PostgresOptions>),
}

impl SchemaTarget {
    pub(super) fn store(&self) -> SchemaStore {
        match &self.config.store {
            StoreUrl::Sqlite(path) => SchemaStore::Sqlite(path.clone()),
            StoreUrl::Postgres(url) => SchemaStore::Postgres(Box::new(postgres_options(&self.config, url))),
        }
    }

    /// Whose SQL it is, if the store was named.
    pub(super) fn dialect(&self) -> Option<Dialect> {
        self.is_named.then_some(match self.config.store {
            StoreUrl::Sqlite(_) => Dialect::Sqlite,
            StoreUrl::Postgres(_) => Dialect::Postgres,
        })
    }

    /// Its name for people: never with a password.
    pub(super) fn name(&self) -> String {
        match &self.config.store {
            StoreUrl::Sqlite(path) => path.display().to_string(),
            store @ StoreUrl::Postgres(_) => format!("schema {} of {store}", self.schema),
        }
    }

    /// What the schema has.
    pub(super) async fn status(&self) -> Result<Status, CliError> {
        match self.store() {
            SchemaStore::Sqlite(path) => blocking(move || schema_status(&path)).await.map_err(|error| unopened(&error)),
            SchemaStore::Postgres(options) => {
                let client = connect(&options).await?;
                postgres_status(&client, &self.schema).await.map_err(unmigrated)
            }
        }
    }
}

/// Runs what blocks on a thread for it.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

pub(super) async fn connect(options: &PostgresOptions) -> Result<Client, CliError> {
    enginehouse_store::postgres::connect(options).await.map_err(|error| unusable(&error))
}

/// Why a schema in PostgreSQL was not read or changed, for people.
pub(super) fn unmigrated(error: MigrateError) -> CliError {
    let (exit, hint) = match &error {
        MigrateError::Refused { schema, refusal } => {
            return CliError::new(
                Exit::Conflict,
                format!("schema {schema} is left as it is"),
                refusal,
                refusal.advice(),
            );
        }
        MigrateError::NotAllowed { .. } => (Exit::Forbidden, "connect as the owner of the schema"),
        MigrateError::Locked { .. } => (Exit::Conflict, "see who holds the lock, and try again"),
        MigrateError::Statement { .. } => (Exit::Failed, "see what the message says; nothing of the migration is left"),
        MigrateError::Unavailable { .. } => {
            (Exit::Unreachable, "check that PostgreSQL is running there, and try again")
        }
    };
    CliError::new(exit, "the schema was not read or changed as asked", error, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, want: &str) {
        let store = Some(url.to_owned());
        let got = match (SchemaTargetArgs { store, schema: None, config: None }).resolve() {
            Ok(target) => target.name(),
            Err(error) => error.why,
        };
        assert!(got.contains(want) && !got.contains("secret"), "{url}: {got}");
    }

    #[test]
    fn a_store_is_named_without_its_password() {
        check("sqlite://a.db", "a.db");
        check("postgres://ann:secret@db/app", "schema enginehouse of postgres://ann:***@db/app");
        check("mysql://x", "must be sqlite:// and the path of a file");
        check("sqlite://", "must be sqlite:// and the path of a file");
        check("postgres://db:port/x", "invalid");
    }
}
