//! Which schema is meant: a file, or a schema in a database.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use enginehouse_store::migrations::{Dialect, MigrateError, SchemaName, Status, postgres_status};
use enginehouse_store::postgres;
use enginehouse_store::sqlite::schema_status;
use tokio_postgres::Client;

use super::super::doctor::unopened;
use super::super::trouble::Trouble;
use crate::exit_codes::Exit;

/// Where the schema is.
#[derive(Clone, Debug, Args)]
pub(super) struct Place {
    /// Where the rows are: sqlite://PATH, or postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(
        long,
        env = "ENGINEHOUSE_STORE",
        hide_env_values = true,
        global = true,
        value_name = "URL",
        help_heading = "Store"
    )]
    store: Option<StoreUrl>,
    /// The schema in a PostgreSQL database
    #[arg(
        long,
        env = "ENGINEHOUSE_SCHEMA",
        default_value = "enginehouse",
        global = true,
        value_name = "NAME",
        help_heading = "Store"
    )]
    pub(super) schema: SchemaName,
}

/// What `--store` says.
#[derive(Clone, Debug)]
pub(super) enum StoreUrl {
    Sqlite(PathBuf),
    Postgres(String),
}

impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            return Ok(Self::Sqlite(path.into()));
        }
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err("must be sqlite://PATH, or postgres://USER:PASSWORD@HOST/DATABASE".to_owned());
        }
        postgres::check_url(url)?;
        Ok(Self::Postgres(url.to_owned()))
    }
}

impl Place {
    /// Where the store is; the same as where a server would look, if nothing is said.
    pub(super) fn store(&self) -> StoreUrl {
        self.store.clone().unwrap_or_else(|| StoreUrl::Sqlite("enginehouse.db".into()))
    }

    /// Whose SQL it is, if the store was named.
    pub(super) fn dialect(&self) -> Option<Dialect> {
        self.store.as_ref().map(|store| match store {
            StoreUrl::Sqlite(_) => Dialect::Sqlite,
            StoreUrl::Postgres(_) => Dialect::Postgres,
        })
    }

    /// Its name for people: never with a password.
    pub(super) fn name(&self) -> String {
        match self.store() {
            StoreUrl::Sqlite(path) => path.display().to_string(),
            StoreUrl::Postgres(url) => {
                let database = postgres::database_name(&url).unwrap_or_else(|| "postgres".to_owned());
                format!("schema {} of database {database}", self.schema)
            }
        }
    }

    /// What the schema has.
    pub(super) async fn status(&self) -> Result<Status, Trouble> {
        match self.store() {
            StoreUrl::Sqlite(path) => blocking(move || schema_status(&path)).await.map_err(|error| unopened(&error)),
            StoreUrl::Postgres(url) => {
                let client = connect(&url).await?;
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

pub(super) async fn connect(url: &str) -> Result<Client, Trouble> {
    postgres::connect(url, "enginehouse schema").await.map_err(|why| {
        Trouble::new(
            Exit::Unreachable,
            "the database cannot be reached",
            why,
            "check that PostgreSQL is running there, and the user, password and database in --store",
        )
    })
}

/// Why a schema in PostgreSQL is not known, or not as it was to be, as trouble.
pub(super) fn unmigrated(error: MigrateError) -> Trouble {
    let (exit, hint) = match &error {
        MigrateError::Refused { schema, refusal } => {
            return Trouble::new(
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
    Trouble::new(exit, "the schema was not read or changed as asked", error, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, want: &str) {
        let got = match url.parse::<StoreUrl>() {
            Ok(store) => Place { store: Some(store), schema: SchemaName::default() }.name(),
            Err(why) => why,
        };
        assert_eq!(got, want, "{url}");
    }

    #[test]
    fn a_store_is_named_without_its_password() {
        check("sqlite://a.db", "a.db");
        check("postgres://ann:secret@db/app", "schema enginehouse of database app");
        check("postgresql://ann:secret@db", "schema enginehouse of database ann");
        check("mysql://x", "must be sqlite://PATH, or postgres://USER:PASSWORD@HOST/DATABASE");
        check("sqlite://", "must be sqlite://PATH, or postgres://USER:PASSWORD@HOST/DATABASE");
        check("postgres://db:port/x", "invalid value for option `port`");
        check("postgres://db/x?sslmode=verify-full", "schema enginehouse of database x");
    }
}
