//! `enginehouse schema sql`: migrations as a script for a database shell.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::Args;
use enginehouse_store::migrations::{Dialect, Migration, Refusal, SchemaName};
use serde_json::json;

use super::super::server_and_output::{Common, Format};
use super::super::trouble::{Trouble, written};
use super::place::Place;
use super::range::Range;
use crate::exit_codes::Exit;

/// What is to be printed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    range: Range,
    /// The statements that take the migrations back, the newest first
    #[arg(long)]
    down: bool,
}

pub(super) fn run(common: &Common, place: &Place, arguments: &Arguments) -> Result<(), Trouble> {
    let dialect = arguments.range.dialect(place);
    let migrations = arguments.range.migrations(dialect)?;
    let steps = if arguments.down {
        migrations.iter().rev().map(|migration| down(migration, &place.schema)).collect::<Result<_, _>>()?
    } else {
        migrations.iter().map(|migration| up(migration, &place.schema)).collect::<Vec<_>>()
    };
    let text = match common.output {
        Format::Table => script(dialect, &steps),
        Format::Json => format!("{}\n", json!(steps.iter().map(Step::document).collect::<Vec<_>>())),
        Format::Jsonl => steps.iter().map(|step| format!("{}\n", step.document())).collect(),
    };
    written(std::io::stdout().lock().write_all(text.as_bytes()))
}

/// One migration in one direction, for one schema.
pub(super) struct Step {
    pub(super) migration: &'static Migration,
    pub(super) statements: Vec<String>,
    is_down: bool,
}

pub(super) fn up(migration: &'static Migration, schema: &SchemaName) -> Step {
    let statements = migration.statements().map(|statement| schema.replace_in(statement).into_owned());
    Step { migration, statements: statements.collect(), is_down: false }
}

/// The way back, if there is one.
pub(super) fn down(migration: &'static Migration, schema: &SchemaName) -> Result<Step, Trouble> {
    let Some(statements) = migration.down_statements() else {
        let refusal = Refusal::NoWayBack { version: migration.version, name: migration.name };
        return Err(Trouble::new(Exit::Conflict, "nothing was printed", &refusal, refusal.advice()));
    };
    let statements = statements.map(|statement| schema.replace_in(statement).into_owned());
    Ok(Step { migration, statements: statements.collect(), is_down: true })
}

impl Step {
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
fn script(dialect: Dialect, steps: &[Step]) -> String {
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
