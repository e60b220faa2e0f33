//! The schema, made by numbered migrations.

use std::fmt;

/// For now.
pub async fn migrate_postgres(client: &tokio_postgres::Client) -> Result<(), tokio_postgres::Error> {
    let there = client.query_one("select to_regclass('enginehouse.schema_version') is not null", &[]).await?;
    if !there.get::<_, bool>(0) {
        let text = include_str!("../migrations/postgres/0001_engines_and_events.sql");
        for statement in text.split("\n-- statement\n").skip(1) {
            client.batch_execute(statement).await?;
        }
    }
    Ok(())
}

/// The schema of a PostgreSQL database that the tables are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaName(String);

impl SchemaName {
    /// The one that migrations and statements are written with.
    pub const DEFAULT: &str = "enginehouse";

    /// Whether it is the one that statements are written with.
    pub fn is_default(&self) -> bool {
        self.0 == Self::DEFAULT
    }

    /// A statement with this schema in place of the one it is written with.
    pub fn replace_in(&self, sql: &str) -> String {
        sql.replace("enginehouse.", &format!("{}.", self))
    }

    /// The name as it is, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for SchemaName {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl std::str::FromStr for SchemaName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}
