//! What is set for event types and queues, and the number that rises when it changes.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use enginehouse_core::ids::{EventType, QueueName};
use enginehouse_core::policy::Settings;
use rusqlite::{Connection, params};

use super::columns::{Columns, sql, to_json};
use super::failure::Outcome;
use super::writer::Writer;
use crate::rows::SettingsRows;

pub(super) fn all(connection: &Connection) -> Outcome<SettingsRows> {
    Ok(SettingsRows {
        event_types: by_name(connection, sql!("settings_of_event_types"))?,
        queues: by_name(connection, sql!("settings_of_queues"))?,
    })
}

fn by_name<N: FromStr<Err: Display> + Ord>(connection: &Connection, sql: &str) -> Outcome<BTreeMap<N, Settings>> {
    let mut statement = connection.prepare_cached(sql)?;
    statement
        .query_and_then([], |row| {
            let mut columns = Columns::of(row);
            let name = columns.parsed()?;
            let settings = Settings {
                retry_policy: columns.optional_json()?,
                visibility_timeout_seconds: columns.optional_number()?,
                max_processing_seconds: columns.optional_number()?,
                paused: columns.flag()?,
            };
            Ok((name, settings))
        })?
        .collect()
}

pub(super) fn write_event_type(
    connection: &Connection,
    event_type: &EventType,
    settings: Option<&Settings>,
) -> Outcome<()> {
    match settings {
        Some(settings) => write(connection, sql!("write_event_type"), event_type.as_str(), settings),
        None => delete(connection, sql!("delete_event_type"), event_type.as_str()),
    }
}

pub(super) fn write_queue(connection: &Connection, queue: &QueueName, settings: Option<&Settings>) -> Outcome<()> {
    match settings {
        Some(settings) => write(connection, sql!("write_queue"), queue.as_str(), settings),
        None => delete(connection, sql!("delete_queue"), queue.as_str()),
    }
}

fn write(connection: &Connection, sql: &str, name: &str, settings: &Settings) -> Outcome<()> {
    let Settings { retry_policy, visibility_timeout_seconds, max_processing_seconds, paused } = settings;
    let seconds = |value: &Option<u64>| value.map(|value| i64::try_from(value).unwrap_or(i64::MAX));
    connection.prepare_cached(sql)?.execute(params![
        name,
        retry_policy.as_ref().map(to_json).transpose()?,
        seconds(visibility_timeout_seconds),
        seconds(max_processing_seconds),
        paused,
    ])?;
    Ok(())
}

fn delete(connection: &Connection, sql: &str, name: &str) -> Outcome<()> {
    connection.prepare_cached(sql)?.execute([name])?;
    Ok(())
}

pub(super) fn registry_version(connection: &Connection) -> Outcome<i64> {
    Ok(connection.prepare_cached(sql!("registry_version"))?.query_row([], |row| row.get(0))?)
}

pub(super) fn raise_registry_version(writer: &mut Writer) -> Outcome<i64> {
    // The file forgets a number with the transaction that gave it, but whoever saw it may have cached under it.
    writer.highest_registry_version += 1;
    let version = writer.highest_registry_version;
    writer.connection.prepare_cached(sql!("write_registry_version"))?.execute([version])?;
    Ok(version)
}
