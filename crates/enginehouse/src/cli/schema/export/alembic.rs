//! Revisions for Alembic.
//!
//! One call for each statement, and nothing that a driver or SQLAlchemy would read in it: asyncpg refuses two statements in one
//! call, `text()` takes `:a` for a parameter, and psycopg takes `%` for one wherever there is a list of parameters, be it empty.

use enginehouse_store::migrations::{Dialect, Migration};

use super::super::super::cli_error::CliError;
use super::migration::{ExportedMigration, MigrationFile};
use super::python::literal;
use crate::exit_codes::Exit;

/// The longest revision that Alembic's table holds is 32 characters.
const MAX_SLUG: usize = 14;

/// Where the first revision stands in the chain of the team.
pub(super) struct ChainStart {
    down_revision: Option<String>,
    branch_label: Option<String>,
}

/// How a revision hangs together with others.
pub(super) struct Link {
    revision: String,
    down_revision: Option<String>,
    branch_label: Option<String>,
}

impl ChainStart {
    pub(super) fn of(
        exports: &[ExportedMigration],
        down_revision: Option<&str>,
        branch_label: Option<&str>,
    ) -> Result<Self, CliError> {
        let first = exports.first();
        let is_first = first.is_some_and(|export| export.migration.version == 1);
        let down_revision = match (down_revision, branch_label) {
            (Some("base"), _) => None,
            (Some(revision), _) => Some(revision.to_owned()),
            (None, Some(_)) if is_first => None,
            (None, None) if is_first => {
                return Err(CliError::new(
                    Exit::Invalid,
                    "nothing was written",
                    "Alembic has to know which revision the first one follows",
                    "say --down-revision with what `alembic heads` shows, --down-revision base if there is none, or \
                     --branch-label enginehouse for a branch of its own",
                ));
            }
            // What came before it was exported before.
            (None, _) => first.map(|export| revision(export, export.migration.version - 1)),
        };
        Ok(Self { down_revision, branch_label: branch_label.filter(|_| is_first).map(str::to_owned) })
    }

    /// The links of revisions that follow each other.
    pub(super) fn chain(self, exports: &[ExportedMigration]) -> Vec<Link> {
        let Self { mut down_revision, mut branch_label } = self;
        let link = |export: &ExportedMigration| {
            let revision = revision(export, export.migration.version);
            let down_revision = down_revision.replace(revision.clone());
            Link { revision, down_revision, branch_label: branch_label.take() }
        };
        exports.iter().map(link).collect()
    }
}

/// The same for one migration wherever it is exported, so that others can name it.
fn revision(export: &ExportedMigration, version: i32) -> String {
    if export.schema.is_default() {
        return format!("enginehouse_{version:04}");
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let slug: String = export.schema.as_str().chars().map(plain).take(MAX_SLUG).collect();
    format!("enginehouse_{slug}_{version:04}")
}

pub(super) fn file(export: &ExportedMigration, link: &Link) -> MigrationFile {
    let Migration { version, name, .. } = export.migration;
    let Link { revision, down_revision, branch_label } = link;
    let or_none = |text: &Option<String>| text.as_deref().map_or_else(|| "None".to_owned(), literal);
    let words = name.replace('_', " ");
    let advice = advice(export);
    let (down_revision, branch_label) = (or_none(down_revision), or_none(branch_label));
    let upgrade = calls(&export.up);
    let downgrade = match &export.down {
        Some(statements) if export.migration.holds_events() => {
            format!("    # Every engine and every event is lost.\n{}", calls(statements))
        }
        Some(statements) => calls(statements),
        None => format!(
            "    raise NotImplementedError({})\n",
            literal("This migration has no way back: restore a backup that is older.")
        ),
    };
    let text = format!(
        r#""""Enginehouse, migration {version}: {words}.

Written by `enginehouse schema export`. Leave it as it is: servers compare the version, and nobody compares the tables.
"""

{advice}
from alembic import op

revision = {revision}
down_revision = {down_revision}
branch_labels = {branch_label}
depends_on = None


def upgrade() -> None:
{upgrade}

def downgrade() -> None:
{downgrade}

def run(statement: str) -> None:
    """Run one statement as it stands: nothing in it is a parameter."""
    if op.get_context().as_sql:
        op.get_context().impl.static_output(statement)
    else:
        op.get_bind().exec_driver_sql(statement, execution_options={{"no_parameters": True}})
"#,
        revision = literal(revision),
    );
    MigrationFile { name: format!("{revision}_{name}.py"), text }
}

fn calls(statements: &[String]) -> String {
    statements.iter().map(|statement| format!("    run({})\n", literal(statement))).collect()
}

/// What keeps `alembic revision --autogenerate` from dropping tables that no model has.
fn advice(export: &ExportedMigration) -> String {
    match export.dialect {
        Dialect::Postgres => format!(
            "\
# Autogenerate, as Alembic has it by default, does not look into other schemas than the database's own. With
# include_schemas=True it does, and would drop what no model has. Then let env.py say, wherever it calls
# context.configure():
#
#     def include_name(name, type_, parent_names):
#         return not (type_ == \"schema\" and name == {})
#
#     context.configure(..., include_schemas=True, include_name=include_name)
",
            literal(export.schema.as_str())
        ),
        Dialect::Sqlite => "\
# Give Enginehouse a file of its own: while a server has it open, nobody else can write to it. Autogenerate for that
# file would drop what no model has, so it should not be used there.
"
        .to_owned(),
    }
}
