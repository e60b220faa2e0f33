//! `enginehouse schema sql`: migrations as a script for a database shell.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::Args;
use enginehouse_store::migrations::{Dialect, Migration, SchemaName, SchemaRefusal};
use serde_json::json;

use super::super::cli_error::{CliError, written};
use super::super::output::document;
use super::super::server_and_output::{OutputArgs, OutputFormat};
use super::range::Range;
use super::target::SchemaTarget;
use crate::exit_codes::Exit;

/// What is to be printed.
#[derive(Debug, Args)]
pub(super) struct PrintArgs {
    #[command(flatten)]
    range: Range,
    /// The statements that take the migrations back, the newest first
    #[arg(long)]
    down: bool,
}

pub(super) fn run(output: &OutputArgs, target: &SchemaTarget, arguments: &PrintArgs) -> Result<(), CliError> {
    let dialect = arguments.range.dialect(target);
    let migrations = arguments.range.migrations(dialect)?;
    let steps = if arguments.down {
        migrations.iter().rev().map(|migration| down(migration, &target.schema)).collect::<Result<_, _>>()?
    } else {
        migrations.iter().map(|migration| up(migration, &target.schema)).collect::<Vec<_>>()
    };
    let documents: Vec<_> = steps.iter().map(SqlStep::document).collect();
    let text = match output.format() {
        OutputFormat::Table | OutputFormat::Wide => script(dialect, &steps),
        format @ (OutputFormat::Json | OutputFormat::Yaml) => document(format, &documents),
        format @ OutputFormat::Jsonl => documents.iter().map(|step| document(format, step)).collect(),
        OutputFormat::Name => migrations.iter().map(|migration| format!("{}\n", migration.version)).collect(),
    };
    written(std::io::stdout().lock().write_all(text.as_bytes()))
}

/// One migration in one direction, for one schema.
pub(super) struct SqlStep {
    pub(super) migration: &'static Migration,
    pub(super) statements: Vec<String>,
    is_down: bool,
}

pub(super) fn up(migration: &'static Migration, schema: &SchemaName) -> SqlStep {
    let statements = migration.statements().map(|statement| schema.replace_in(statement).into_owned());
    SqlStep { migration, statements: statements.collect(), is_down: false }
}

/// The way back, if there is one.
pub(super) fn down(migration: &'static Migration, schema: &SchemaName) -> Result<SqlStep, CliError> {
    let Some(statements) = migration.down_statements() else {
        let refusal = SchemaRefusal::NoWayBack { version: migration.version, name: migration.name };
        return Err(CliError::new(Exit::Conflict, "nothing was printed", &refusal, refusal.advice()));
    };
    let statements = statements.map(|statement| schema.replace_in(statement).into_owned());
    Ok(SqlStep { migration, statements: statements.collect(), is_down: true })
}

impl SqlStep {
    fn document(&self) -> serde_json::Value {
        let direction = if self.is_down { "down" } else { "up" };
        let Migration { version, name, oldest_compatible, .. } = self.migration;
        json!({
            "version": version, "name": name, "oldest_compatible": oldest_compatible,
            "direction": direction, "statements": self.statements,
        })
    }
}

/// One transaction for each migration, so that a shell that goes on after an error changes nothing.
fn script(dialect: Dialect, steps: &[SqlStep]) -> String {
    let (begin, advice) = match dialect {
        Dialect::Postgres => ("begin", "psql -X -v ON_ERROR_STOP=1 -f FILE"),
        Dialect::Sqlite => ("begin immediate", "sqlite3 -bail enginehouse.db < FILE, while no server has it open"),
    };
    let mut script = format!("-- Enginehouse's migrations, each in one transaction. Run them with: {advice}\n");
    for step in steps {
        let Migration { version, name, .. } = step.migration;
        let what = match (step.is_down, step.migration.holds_events()) {
            (false, _) => "",
            (true, false) => ", taken back",
            (true, true) => ", taken back: every engine and every event is lost",
        };
        let statements = step.statements.join("\n\n");
        write!(script, "\n{begin};\n\n-- Migration {version}, {name}{what}\n\n{statements}\n\ncommit;\n")
            .expect("a text takes everything");
    }
    script
}
