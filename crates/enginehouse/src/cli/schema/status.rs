//! `enginehouse schema status`: which migrations a store has.

use enginehouse_store::migrations::{Migrate, MigrationVerdict, Status};
use serde_json::json;

use super::super::cli_error::CliError;
use super::super::output::one;
use super::super::server_and_output::OutputArgs;
use super::target::SchemaTarget;
use crate::exit_codes::Exit;

pub(super) async fn show(output: &OutputArgs, target: &SchemaTarget) -> Result<(), CliError> {
    let status = target.status().await?;
    let (word, meaning) = in_words(&status);
    let applied = status.applied.iter().map(|row| {
        json!({ "version": row.version, "name": row.name, "oldest_compatible": row.oldest_compatible, "applied_at": row.applied_at })
    });
    let missing = missing(&status).iter().map(
        |migration| json!({ "version": migration.version, "name": migration.name, "oldest_compatible": migration.oldest_compatible }),
    );
    let document = json!({
        "dialect": status.dialect.name(),
        "version": status.version(),
        "newest": status.dialect.newest(),
        "status": word,
        "applied": applied.collect::<Vec<_>>(),
        "missing": missing.collect::<Vec<_>>(),
    });
    one(output, &document, &status.version().to_string(), &fields(target, &status, meaning))?;
    status.admit(Migrate::Check).map_err(|refusal| {
        CliError::new(Exit::Conflict, "this version cannot work with the schema as it is", &refusal, refusal.advice())
    })
}

fn fields(target: &SchemaTarget, status: &Status, meaning: String) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("store", target.name()),
        ("version", format!("{} (this version knows {})", status.version(), status.dialect.newest())),
        ("status", meaning),
    ];
    for row in &status.applied {
        fields.push(("applied", format!("{} {}, {}", row.version, row.name, row.applied_at)));
    }
    for migration in missing(status) {
        fields.push(("missing", format!("{} {}", migration.version, migration.name)));
    }
    fields
}

fn missing(status: &Status) -> &'static [enginehouse_store::migrations::Migration] {
    match status.verdict {
        MigrationVerdict::Behind(missing) => missing,
        _ => &[],
    }
}

/// For programs, and for people.
pub(in crate::cli) fn in_words(status: &Status) -> (&'static str, String) {
    match &status.verdict {
        MigrationVerdict::UpToDate => ("up_to_date", "up to date".to_owned()),
        MigrationVerdict::Behind(missing) if status.applied.is_empty() => {
            ("behind", format!("not made yet: {} migrations to come", missing.len()))
        }
        MigrationVerdict::Behind(missing) => ("behind", format!("behind: {} migrations to come", missing.len())),
        MigrationVerdict::NewerCompatible => ("newer", "newer, but this version can work with it".to_owned()),
        MigrationVerdict::NewerIncompatible => ("too_new", "too new for this version".to_owned()),
        MigrationVerdict::Foreign(why) => ("foreign", format!("not made by Enginehouse: {why}")),
    }
}
