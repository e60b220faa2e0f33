//! What a PostgreSQL database is, and how it is.

use std::fmt::Write as _;

use enginehouse_server::config::Config;
use enginehouse_store::Durability;
use enginehouse_store::migrations::{Dialect, Migrate, SchemaRefusal, Status};
use enginehouse_store::postgres::{PostgresInspection, inspect};
use serde_json::json;

use super::super::cli_error::CliError;
use super::super::open_error::unusable;
use super::super::output::one;
use super::super::schema::in_words;
use super::super::server_and_output::OutputArgs;
use super::super::settings_args::postgres_options;
use super::advice::repair_of_rows;
use super::retention::retention;
use super::security;
use crate::exit_codes::Exit;

pub(super) async fn look(output: &OutputArgs, config: &Config, url: &str) -> Result<(), CliError> {
    let found = inspect(postgres_options(config, url)).await.map_err(|error| unusable(&error))?;
    let status = Status::of(Dialect::Postgres, found.migrations.clone());
    let refusal = status.admit(Migrate::Check).err();
    show(output, &found, &status, &security::advice(config, &found.tokens))?;
    let faults = faults(&found, refusal.as_ref(), config.durability);
    if faults.is_empty() {
        return Ok(());
    }
    let hint = match refusal {
        Some(refusal) => refusal.advice(),
        None if found.findings.is_empty() => {
            "turn the settings of the database on, or set durability to relaxed if a power cut may take back commits"
                .to_owned()
        }
        None => repair_of_rows(&found.findings)
            .unwrap_or("stop the servers, keep a dump of the database, and restore the last backup")
            .to_owned(),
    };
    Err(CliError::new(Exit::Failed, format!("{} is not sound", found.place), faults.join("; "), hint))
}

/// What is wrong. A session that holds back vacuum makes the store slow, but not wrong.
fn faults(found: &PostgresInspection, refusal: Option<&SchemaRefusal>, durability: Durability) -> Vec<String> {
    let mut faults: Vec<_> = refusal.map(ToString::to_string).into_iter().collect();
    if durability == Durability::Full {
        let weak = found.weak_settings.iter();
        faults.extend(weak.map(|(name, value)| format!("durability is full, but the database has {name} {value}")));
    }
    faults.extend(found.findings.iter().cloned());
    faults
}

fn show(output: &OutputArgs, found: &PostgresInspection, status: &Status, advice: &[String]) -> Result<(), CliError> {
    let counts = found.counts;
    let (word, meaning) = in_words(status);
    let migrations = found.migrations.iter().map(|row| {
        json!({ "version": row.version, "name": row.name, "oldest_compatible": row.oldest_compatible, "applied_at": row.applied_at })
    });
    let tables = found.tables.iter().map(|table| {
        json!({
            "table": table.table, "bytes": table.bytes, "index_bytes": table.index_bytes, "live_rows": table.live_rows,
            "dead_rows": table.dead_rows, "vacuumed_at": table.vacuumed_at,
        })
    });
    let indexes =
        found.indexes.iter().map(|index| json!({ "index": index.index, "table": index.table, "bytes": index.bytes }));
    let holders = found.vacuum_holders.iter().map(|holder| {
        json!({
            "kind": holder.kind.name(), "name": holder.name, "pid": holder.pid, "user": holder.user,
            "client": holder.client, "state": holder.state, "since": holder.since,
            "transactions": holder.transactions, "dead_rows": holder.dead_rows,
        })
    });
    let weak = found.weak_settings.iter().map(|(name, value)| json!({ "name": name, "value": value }));
    let document = json!({
        "place": found.place,
        "postgresql_version": found.server_version,
        "is_pooled": found.is_pooled,
        "schema": status.version(),
        "newest_schema": status.dialect.newest(),
        "schema_status": word,
        "migrations": migrations.collect::<Vec<_>>(),
        "weak_settings": weak.collect::<Vec<_>>(),
        "tables": tables.collect::<Vec<_>>(),
        "indexes": indexes.collect::<Vec<_>>(),
        "vacuum_holders": holders.collect::<Vec<_>>(),
        "events": {
            "queued": counts.queued, "processing": counts.processing, "completed": counts.completed,
            "failed": counts.failed, "cancelled": counts.cancelled,
        },
        "pruning_held_until": found.pruning_held_until,
        "findings": found.findings,
        "advice": advice,
    });
    let or = |lines: Vec<String>, none: &str| if lines.is_empty() { none.to_owned() } else { lines.join("\n") };
    let settings = found.weak_settings.iter().map(|(name, value)| format!("{name} is {value}: not durable")).collect();
    let holders = found.vacuum_holders.iter().map(|holder| format!("held back by {holder}")).collect();
    let pooler = if found.is_pooled { "mixes up connections, as in transaction mode" } else { "none" };
    let mut fields = vec![
        ("database", found.place.clone()),
        ("postgresql", found.server_version.clone()),
        ("pooler", pooler.to_owned()),
        ("schema", format!("{} (this version knows {}), {meaning}", status.version(), status.dialect.newest())),
        ("settings", or(settings, "durable")),
    ];
    if !found.tables.is_empty() {
        fields.push(("size", size(found)));
    }
    fields.extend([
        ("vacuum", or(holders, "held back by nobody")),
        (
            "events",
            format!(
                "{} queued, {} processing, {} completed, {} failed, {} cancelled",
                counts.queued, counts.processing, counts.completed, counts.failed, counts.cancelled
            ),
        ),
        ("retention", retention(found.pruning_held_until)),
        ("findings", or(found.findings.clone(), "none: all is well")),
        ("advice", security::in_words(advice)),
    ]);
    one(output, &document, &found.place, &fields)
}

/// One line in all, and one for each table that is more than empty.
fn size(found: &PostgresInspection) -> String {
    let all: u64 = found.tables.iter().map(|table| table.bytes + table.index_bytes).sum();
    let mut text = format!("{all} bytes in all");
    for table in found.tables.iter().filter(|table| table.live_rows + table.dead_rows > 0) {
        let vacuumed = table.vacuumed_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        write!(
            text,
            "\n  {}: {} bytes and {} of indexes, {} rows and {} dead, vacuumed {vacuumed}",
            table.table, table.bytes, table.index_bytes, table.live_rows, table.dead_rows
        )
        .expect("a text takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use enginehouse_store::rows::StatusCounts;

    use super::*;

    fn database(weak: &[&str], findings: &[&str]) -> PostgresInspection {
        PostgresInspection {
            place: "db:5432/app".to_owned(),
            server_version: "17.1".to_owned(),
            is_pooled: false,
            weak_settings: weak.iter().map(|name| ((*name).to_owned(), "off".to_owned())).collect(),
            migrations: Vec::new(),
            tables: Vec::new(),
            indexes: Vec::new(),
            counts: StatusCounts::default(),
            pruning_held_until: None,
            vacuum_holders: Vec::new(),
            tokens: Vec::new(),
            findings: findings.iter().map(|finding| (*finding).to_owned()).collect(),
        }
    }

    #[track_caller]
    fn check(found: &PostgresInspection, refusal: Option<SchemaRefusal>, durability: Durability, want: &[&str]) {
        assert_eq!(faults(found, refusal.as_ref(), durability), want);
    }

    #[test]
    fn only_what_is_wrong_is_a_failure() {
        check(&database(&[], &[]), None, Durability::Full, &[]);
        check(&database(&["fsync"], &[]), None, Durability::Relaxed, &[]);
        check(
            &database(&["fsync"], &["lane 1 is not there"]),
            Some(SchemaRefusal::Behind { version: 1, needed: 2 }),
            Durability::Full,
            &[
                "the schema is at version 1, and this program needs 2",
                "durability is full, but the database has fsync off",
                "lane 1 is not there",
            ],
        );
    }
}
