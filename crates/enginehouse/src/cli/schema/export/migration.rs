//! A migration to be exported, and a file of it.

use enginehouse_store::migrations::{Dialect, Migration, SchemaName};

pub(super) struct MigrationFile {
    pub(super) name: String,
    pub(super) text: String,
}

/// One migration with its statements for a schema, and how to take it back, if it can be.
pub(super) struct ExportedMigration {
    pub(super) migration: &'static Migration,
    pub(super) dialect: Dialect,
    pub(super) schema: SchemaName,
    pub(super) up: Vec<String>,
    pub(super) down: Option<Vec<String>>,
}
