//! `enginehouse schema export`: migrations as files for the chain that a team has already.

mod alembic;
mod django;
mod migration;
mod python;

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use enginehouse_store::migrations::Migration;
use serde_json::json;

use self::migration::{ExportedMigration, MigrationFile};
use super::super::cli_error::CliError;
use super::super::output::one;
use super::super::server_and_output::OutputArgs;
use super::print;
use super::range::Range;
use super::target::SchemaTarget;
use crate::exit_codes::Exit;

/// What is to be written, and where to.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// For which tool
    #[arg(long, value_enum)]
    format: FileFormat,
    /// The folder to write to; made if it is not there. A file that differs is never overwritten
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    range: Range,
    #[command(flatten)]
    names: ExportNames,
}

/// For which tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FileFormat {
    /// Revisions for Alembic, with psycopg, asyncpg or any other driver
    Alembic,
    /// NNNN_enginehouse_NAME.up.sql and .down.sql, as sqlx, golang-migrate and others read them
    Sql,
    /// V1__enginehouse_NAME.sql for Flyway
    Flyway,
    /// Migrations of a Django app
    Django,
}

/// How the files fit into the chain.
#[derive(Debug, Args)]
struct ExportNames {
    /// Alembic: the revision that the first one follows, as `alembic heads` shows it; `base` for none
    #[arg(long, value_name = "REVISION")]
    down_revision: Option<String>,
    /// Alembic: a branch of its own, with this label
    #[arg(long, value_name = "LABEL", conflicts_with = "down_revision")]
    branch_label: Option<String>,
    /// Flyway: what goes before each number, so that it does not meet those of others
    #[arg(long, value_name = "PREFIX", default_value = "")]
    version_prefix: String,
    /// Django: the label of the app whose migrations they are
    #[arg(long, value_name = "LABEL", default_value = "enginehouse")]
    app_label: String,
}

pub(super) fn run(output: &OutputArgs, target: &SchemaTarget, arguments: &ExportArgs) -> Result<(), CliError> {
    let dialect = arguments.range.dialect(target);
    let exports: Vec<_> = arguments
        .range
        .migrations(dialect)?
        .iter()
        .map(|migration| ExportedMigration {
            migration,
            dialect,
            schema: target.schema.clone(),
            up: print::up(migration, &target.schema).statements,
            down: print::down(migration, &target.schema).ok().map(|step| step.statements),
        })
        .collect();
    let files = files(arguments.format, &exports, &arguments.names)?;
    let written = write_all(&arguments.out, &files)?;
    let paths: Vec<_> = files.iter().map(|file| arguments.out.join(&file.name).display().to_string()).collect();
    let document = json!({ "migrations": exports.len(), "files": paths, "written": written });
    let mut fields: Vec<_> = paths.iter().map(|path| ("file", path.clone())).collect();
    fields.push(("migrations", exports.len().to_string()));
    fields.push(("written", in_words(written, files.len())));
    one(output, &document, &paths.join("\n"), &fields)
}

fn files(
    format: FileFormat,
    exports: &[ExportedMigration],
    names: &ExportNames,
) -> Result<Vec<MigrationFile>, CliError> {
    match format {
        FileFormat::Alembic => {
            let target =
                alembic::ChainStart::of(exports, names.down_revision.as_deref(), names.branch_label.as_deref())?;
            Ok(exports.iter().zip(target.chain(exports)).map(|(export, link)| alembic::file(export, &link)).collect())
        }
        FileFormat::Django => Ok(django::files(exports, &names.app_label)),
        FileFormat::Sql => Ok(exports.iter().flat_map(sql).collect()),
        FileFormat::Flyway => Ok(exports.iter().map(|export| flyway(export, &names.version_prefix)).collect()),
    }
}

fn sql(export: &ExportedMigration) -> Vec<MigrationFile> {
    let Migration { version, name, .. } = export.migration;
    let file = |direction: &str, statements: &[String]| MigrationFile {
        name: format!("{version:04}_enginehouse_{name}.{direction}.sql"),
        text: format!("{}\n", statements.join("\n\n")),
    };
    let down = export.down.as_ref().map(|statements| file("down", statements));
    std::iter::once(file("up", &export.up)).chain(down).collect()
}

fn flyway(export: &ExportedMigration, prefix: &str) -> MigrationFile {
    let Migration { version, name, .. } = export.migration;
    MigrationFile {
        name: format!("V{prefix}{version}__enginehouse_{name}.sql"),
        text: format!("{}\n", export.up.join("\n\n")),
    }
}

/// How many of the files were written.
fn in_words(written: usize, files: usize) -> String {
    let all = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
    match files - written {
        0 => all,
        there => format!(
            "{written} of {all}; {there} {} there already, and the same",
            if there == 1 { "was" } else { "were" }
        ),
    }
}

/// Writes the files that are not there yet. If one is there and differs, none is written.
fn write_all(folder: &Path, files: &[MigrationFile]) -> Result<usize, CliError> {
    let mut missing = Vec::new();
    for file in files {
        let path = folder.join(&file.name);
        match fs::read_to_string(&path) {
            Ok(text) if text == file.text => {}
            Ok(_) => return Err(differs(&path)),
            Err(error) if error.kind() == ErrorKind::NotFound => missing.push((path, &file.text)),
            Err(error) => return Err(unwritten(&path, &error)),
        }
    }
    fs::create_dir_all(folder).map_err(|error| unwritten(folder, &error))?;
    for (path, text) in &missing {
        let made = fs::OpenOptions::new().write(true).create_new(true).open(path);
        made.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| unwritten(path, &error))?;
    }
    Ok(missing.len())
}

fn differs(path: &Path) -> CliError {
    CliError::new(
        Exit::Conflict,
        "nothing was written",
        format!("{} is there already, and is not what would be written", path.display()),
        "export what is new only, with --from; or move the file away, if no database has it yet",
    )
}

fn unwritten(path: &Path, error: &std::io::Error) -> CliError {
    CliError::new(
        Exit::Failed,
        format!("{} was not written", path.display()),
        error,
        "name a folder that may be written to with --out",
    )
}

#[cfg(test)]
mod tests;
