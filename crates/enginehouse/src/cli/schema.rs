//! `enginehouse schema`: the schema of a store, brought up to date by this program or by the tools of others.

mod change;
mod export;
mod place;
mod print;
mod range;
mod status;

use clap::{Args, Subcommand};

use self::place::PlaceArgs;
pub(super) use self::status::in_words;
use super::server_and_output::Common;
use super::trouble::Trouble;
use crate::exit_codes::Exit;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show which migrations a store has, and whether this version can work with it
    #[command(
        after_help = "Exit status 0 only if `serve --migrate check` would start.\n\nExamples:\n  enginehouse schema status --store postgres://queue@db/app\n  enginehouse schema status --store sqlite:///var/lib/enginehouse/enginehouse.db --output json"
    )]
    Status,
    /// Bring a store up to date
    #[command(
        after_help = "Servers may go on with a PostgreSQL store meanwhile; an SQLite file must not be in use.\n\nExamples:\n  enginehouse schema up --store postgres://owner@db/app\n  enginehouse schema up --to 1 --store postgres://owner@db/app --schema queue"
    )]
    Up(change::Up),
    /// Take a store back to an older version
    #[command(
        after_help = "Version 0 is nothing at all: every engine and every event is lost.\n\nExamples:\n  enginehouse schema down --to 1 --store postgres://owner@db/app\n  enginehouse schema down --to 0 --discard-data --store postgres://owner@db/app"
    )]
    Down(change::Down),
    /// Print the statements of migrations, for a person with a database shell
    #[command(
        after_help = "Examples:\n  enginehouse schema sql --dialect postgres | psql -X -v ON_ERROR_STOP=1 postgres://owner@db/app\n  enginehouse schema sql --dialect postgres --from 2 --schema queue\n  enginehouse schema sql --dialect postgres --down --from 2 --to 2"
    )]
    Sql(print::Arguments),
    /// Write migrations as files for a team's own chain
    #[command(
        after_help = "docs/migrations.md explains each format.\n\nExamples:\n  enginehouse schema export --format alembic --out migrations/versions --down-revision 1f3b5c7d9e11\n  enginehouse schema export --format alembic --out migrations/versions --branch-label enginehouse\n  enginehouse schema export --format django --out enginehouse/migrations\n  enginehouse schema export --format flyway --out db/migration --version-prefix 20261125.\n  enginehouse schema export --format sql --out migrations --from 2"
    )]
    Export(export::Arguments),
}

pub(crate) async fn run(arguments: Arguments) -> Exit {
    let Arguments { common, place, verb } = arguments;
    let result = carry_out(&common, &place, verb).await;
    common.finish(result)
}

async fn carry_out(common: &Common, place: &PlaceArgs, verb: Verb) -> Result<(), Trouble> {
    let place = place.resolve()?;
    match verb {
        Verb::Status => status::show(common, &place).await,
        Verb::Up(arguments) => change::up(common, &place, &arguments).await,
        Verb::Down(arguments) => change::down(common, &place, &arguments).await,
        Verb::Sql(arguments) => print::run(common, &place, &arguments),
        Verb::Export(arguments) => export::run(common, &place, &arguments),
    }
}
