//! `enginehouse schema`: the schema of a store, brought up to date by this program or by the tools of others.

mod change;
mod export;
mod print;
mod range;
mod status;
mod target;

use clap::{Args, Subcommand};

pub(super) use self::status::in_words;
use self::target::SchemaTargetArgs;
use super::cli_error::CliError;
use super::server_and_output::OutputArgs;
use crate::exit_codes::Exit;

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    target: SchemaTargetArgs,
    #[command(subcommand)]
    verb: SchemaCommand,
}

#[derive(Debug, Subcommand)]
enum SchemaCommand {
    /// Show which migrations a store has, and whether this version can work with it
    #[command(after_help = "\
Exit status 0 only if `serve --migrate check` would start.

Examples:
  enginehouse schema status --store postgres://queue@db/app
  enginehouse schema status \\
    --store sqlite:///var/lib/enginehouse/enginehouse.db --output json")]
    Status,
    /// Bring a store up to date
    #[command(after_help = "\
Servers may go on with a PostgreSQL store meanwhile; an SQLite file must not be in use.

Examples:
  enginehouse schema up --store postgres://owner@db/app
  enginehouse schema up --to 1 --store postgres://owner@db/app --schema queue")]
    Up(change::Up),
    /// Take a store back to an older version
    #[command(after_help = "\
Version 0 is nothing at all: every engine and every event is lost.

Examples:
  enginehouse schema down --to 1 --store postgres://owner@db/app
  enginehouse schema down --to 0 --discard-data \\
    --store postgres://owner@db/app")]
    Down(change::Down),
    /// Print the statements of migrations, for a person with a database shell
    #[command(after_help = "\
Examples:
  enginehouse schema sql --dialect postgres | psql -X -v ON_ERROR_STOP=1 \\
    postgres://owner@db/app
  enginehouse schema sql --dialect postgres --from 2 --schema queue
  enginehouse schema sql --dialect postgres --down --from 2 --to 2")]
    Sql(print::PrintArgs),
    /// Write migrations as files for a team's own chain
    #[command(after_help = "\
docs/migrations.md explains each format.

Examples:
  enginehouse schema export --format alembic --out migrations/versions \\
    --down-revision 1f3b5c7d9e11
  enginehouse schema export --format alembic --out migrations/versions \\
    --branch-label enginehouse
  enginehouse schema export --format django --out enginehouse/migrations
  enginehouse schema export --format flyway --out db/migration \\
    --version-prefix 20261125.
  enginehouse schema export --format sql --out migrations --from 2")]
    Export(export::ExportArgs),
}

pub(crate) async fn run(arguments: SchemaArgs) -> Exit {
    let SchemaArgs { output, target, verb } = arguments;
    let result = carry_out(&output, &target, verb).await;
    output.finish(result)
}

async fn carry_out(output: &OutputArgs, target: &SchemaTargetArgs, verb: SchemaCommand) -> Result<(), CliError> {
    let target = target.resolve()?;
    match verb {
        SchemaCommand::Status => status::show(output, &target).await,
        SchemaCommand::Up(arguments) => change::up(output, &target, &arguments).await,
        SchemaCommand::Down(arguments) => change::down(output, &target, &arguments).await,
        SchemaCommand::Sql(arguments) => print::run(output, &target, &arguments),
        SchemaCommand::Export(arguments) => export::run(output, &target, &arguments),
    }
}
