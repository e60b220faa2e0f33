//! What every migration keeps to.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::migrations::schema_name::words;
use crate::migrations::{Dialect, Migration};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");

fn all() -> impl Iterator<Item = (Dialect, &'static Migration)> {
    let dialects = [Dialect::Sqlite, Dialect::Postgres];
    dialects.into_iter().flat_map(|dialect| dialect.migrations().iter().map(move |migration| (dialect, migration)))
}

/// Every statement, up and down.
fn all_statements() -> impl Iterator<Item = (Dialect, &'static str)> {
    all().flat_map(|(dialect, migration)| {
        let down = migration.down_statements().into_iter().flatten();
        migration.statements().chain(down).map(move |statement| (dialect, statement))
    })
}

/// Every file, by its path from the folder.
fn files() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        for entry in std::fs::read_dir(format!("{FOLDER}/{dialect}")).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{dialect}/{}", entry.file_name().into_string().unwrap());
            files.insert(path, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
    files
}

/// Numbers without gaps, and files that are named by them.
#[test]
fn migrations_are_numbered_files() {
    let mut named = BTreeMap::new();
    for (dialect, migration) in all() {
        let name = format!("{dialect}/{:04}_{}", migration.version, migration.name);
        named.insert(format!("{name}.sql"), migration.up.to_owned());
        if let Some(down) = migration.down {
            named.insert(format!("{name}.down.sql"), down.to_owned());
        }
    }
    assert_eq!(files(), named);
    let of = |dialect: Dialect| dialect.migrations().iter().map(|step| (step.version, step.name)).collect::<Vec<_>>();
    assert_eq!(of(Dialect::Sqlite), of(Dialect::Postgres), "a number is one migration, whatever the dialect");
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        assert!((1..).zip(dialect.migrations()).all(|(version, step)| step.version == version));
    }
}

/// Once it is released, a migration is what some stores were made by: what is to be otherwise is another migration.
#[test]
fn a_migration_is_frozen() {
    let sums: BTreeMap<String, String> = files()
        .into_iter()
        .map(|(path, text)| {
            let sum = Sha256::digest(text.as_bytes());
            (path, sum.iter().map(|byte| format!("{byte:02x}")).collect())
        })
        .collect();
    let frozen = std::fs::read_to_string(format!("{FOLDER}/frozen.sha256")).unwrap_or_default();
    let frozen: BTreeMap<String, String> = frozen
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, path)| (path.to_owned(), sum.to_owned()))
        .collect();
    assert!(
        sums == frozen,
        "a migration is not what it was: add another one instead. For what is not released yet, and for a new one: \
         cd crates/enginehouse-store/migrations && sha256sum */*.sql > frozen.sha256"
    );
}

/// So that the version is known, whoever runs the statements.
#[test]
fn a_migration_writes_its_own_row() {
    for (dialect, Migration { version, name, oldest_compatible, .. }) in all() {
        let statements: Vec<_> = all_of(dialect, *version).collect();
        let has = |part: &str| statements.iter().any(|statement| statement.contains(part));
        match dialect {
            Dialect::Postgres => {
                let row = format!(
                    "insert into enginehouse.schema_version (version, name, oldest_compatible) values ({version}, '{name}', {oldest_compatible});"
                );
                assert!(statements.last().unwrap().ends_with(&row), "{dialect} {version} ends with: {row}");
            }
            Dialect::Sqlite => {
                assert!(has(&format!("values ({version}, '{name}', ")), "{dialect} {version} has no row");
                assert_eq!(*statements.last().unwrap(), format!("pragma user_version = {version};"));
            }
        }
    }
}

fn all_of(dialect: Dialect, version: i32) -> impl Iterator<Item = &'static str> {
    dialect.migrations().iter().filter(move |migration| migration.version == version).flat_map(Migration::statements)
}

/// And takes it away on the way down: with the table, or by itself.
#[test]
fn a_migration_takes_its_own_row_away() {
    for (dialect, migration) in all() {
        let Some(statements) = migration.down_statements() else { continue };
        let down: String = statements.collect();
        let (table, version) = match dialect {
            Dialect::Postgres => ("enginehouse.schema_version", migration.version),
            Dialect::Sqlite => ("schema_version", migration.version),
        };
        let takes = match migration.version {
            1 => down.contains(table),
            _ => down.contains(&format!("delete from {table} where version = {version};")),
        };
        assert!(takes, "{dialect} {version}");
        if dialect == Dialect::Sqlite {
            assert!(down.ends_with(&format!("pragma user_version = {};", version - 1)), "{version}");
        }
    }
}

/// One at a time, each closed, with nothing that the tools of others would read as theirs.
#[test]
fn a_statement_can_be_run_by_any_tool() {
    for (_, statement) in all_statements() {
        assert!(statement.ends_with(';'), "{statement}");
        assert!(!statement.contains("${"), "Flyway would put something in its place: {statement}");
        assert!(!statement.contains('\r') && !statement.contains('\t'), "{statement:?}");
        let code = statement.lines().find(|line| !line.starts_with("--")).unwrap();
        for word in ["begin", "commit", "rollback", "vacuum", "\\"] {
            assert!(!code.starts_with(word), "a migration is one transaction: {statement}");
        }
        assert!(!statement.contains("concurrently"), "a migration is one transaction: {statement}");
    }
}

/// Another schema takes the place of the word: so it is a qualifier or the name of the schema, and in no text.
#[test]
fn the_word_for_the_schema_is_used_for_nothing_else() {
    for (_, statement) in all_statements().filter(|(dialect, _)| *dialect == Dialect::Postgres) {
        for at in words(statement) {
            let (before, after) = (&statement[..at], &statement[at + "enginehouse".len()..]);
            let is_comment = before.rsplit('\n').next().unwrap().trim_start().starts_with("--");
            let is_name =
                ["schema ", "schema if not exists ", "search_path = "].iter().any(|word| before.ends_with(word));
            let is_qualifier = after.starts_with('.') && !before.ends_with(['\'', '"']);
            assert!(is_comment || is_name || is_qualifier, "{statement}");
        }
    }
}

#[test]
fn a_migration_works_with_servers_of_its_own_version() {
    assert!(all().all(|(_, migration)| (1..=migration.version).contains(&migration.oldest_compatible)));
}
