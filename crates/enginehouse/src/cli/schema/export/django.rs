//! Migrations of a Django app.

use enginehouse_store::migrations::Migration;

use super::migration::{ExportedMigration, MigrationFile};
use super::python::literal;

pub(super) fn files(exports: &[ExportedMigration], app_label: &str) -> Vec<MigrationFile> {
    // Without it, Django does not take the folder for migrations.
    let package = MigrationFile { name: "__init__.py".to_owned(), text: String::new() };
    std::iter::once(package).chain(exports.iter().map(|export| file(export, app_label))).collect()
}

fn file(export: &ExportedMigration, app_label: &str) -> MigrationFile {
    let Migration { version, name, .. } = export.migration;
    let words = name.replace('_', " ");
    let before = export.dialect.migrations().iter().find(|migration| migration.version == version - 1);
    let dependencies = before.map_or_else(String::new, |before| {
        format!("({}, {})", literal(app_label), literal(&format!("{:04}_{}", before.version, before.name)))
    });
    let up = list(&export.up);
    let (comment, down) = match &export.down {
        Some(statements) if export.migration.holds_events() => {
            ("            # Every engine and every event is lost.\n", list(statements))
        }
        Some(statements) => ("", list(statements)),
        None => ("            # There is no way back: restore a backup that is older.\n", "None".to_owned()),
    };
    let text = format!(
        r#""""Enginehouse, migration {version}: {words}.

Written by `enginehouse schema export`. Leave it as it is: servers compare the version, and nobody compares the tables.
"""

from django.db import migrations


class Migration(migrations.Migration):
    initial = {initial}
    dependencies = [{dependencies}]
    # A list of statements: Django neither splits them nor looks for parameters in them.
    operations = [
        migrations.RunSQL(
            sql={up},
{comment}            reverse_sql={down},
        ),
    ]
"#,
        initial = if before.is_none() { "True" } else { "False" },
    );
    MigrationFile { name: format!("{version:04}_{name}.py"), text }
}

fn list(statements: &[String]) -> String {
    let items: String =
        statements.iter().map(|statement| format!("                {},\n", literal(statement))).collect();
    format!("[\n{items}            ]")
}
