//! What is set for event types and queues, and the number that rises when it changes.

use std::collections::BTreeMap;

use enginehouse_core::ids::{EventType, QueueName, ScenarioRunId};
use enginehouse_core::pause::Pause;
use enginehouse_core::policy::Settings;
use enginehouse_core::time::Timestamp;
use rusqlite::params;

use super::columns::{Parameters, one_value, sql};
use super::connection::SqliteConnection;
use super::engines;
use super::failure::SqliteResult;
use super::writer::Writer;
use crate::rows::{Pauses, RegistryChange, RegistryChangesSince, SettingsRow, SettingsRows};
use crate::table::{ColumnValue, RunPauseColumns, SettingsColumns};

pub(super) fn all(connection: &SqliteConnection) -> SqliteResult<SettingsRows> {
    let (event_types, paused_types) = by_name(connection, "event_types", sql!("settings_of_event_types"))?;
    let (queues, paused_queues) = by_name(connection, "queues", sql!("settings_of_queues"))?;
    let pauses = Pauses { event_types: paused_types, queues: paused_queues, scenario_runs: run_pauses(connection)? };
    Ok(SettingsRows { event_types, queues, pauses })
}

fn run_pauses(connection: &SqliteConnection) -> SqliteResult<BTreeMap<ScenarioRunId, Pause>> {
    let mut statement = connection.prepare_cached(sql!("run_pauses"))?;
    let mut rows = statement.query([])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let Some(run) = connection.readable("run_pauses", row, |columns| columns.read())? else { continue };
        let pause = connection
            .readable("run_pauses", row, |columns| Ok(columns.group::<RunPauseColumns<'_>>()?.into_pause()?.1))?;
        found.insert(run, pause.unwrap_or(Pause::UNREADABLE));
    }
    Ok(found)
}

fn by_name<N: for<'a> ColumnValue<'a> + Ord + Clone>(
    connection: &SqliteConnection,
    table: &'static str,
    sql: &str,
) -> SqliteResult<(BTreeMap<N, Settings>, BTreeMap<N, Pause>)> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let (mut found, mut pauses) = (BTreeMap::new(), BTreeMap::new());
    while let Some(row) = rows.next()? {
        let Some(name) = connection.readable(table, row, |columns| columns.read::<N>())? else { continue };
        let read = connection.readable(table, row, |columns| {
            columns.read::<&str>()?;
            Ok(columns.group::<SettingsColumns<'_>>()?.into_row()?)
        })?;
        let SettingsRow { settings, pause } =
            read.unwrap_or(SettingsRow { settings: Settings::UNREADABLE, pause: None });
        pauses.extend(pause.map(|pause| (name.clone(), pause)));
        found.insert(name, settings);
    }
    Ok((found, pauses))
}

pub(super) fn pruning_held_until(connection: &SqliteConnection) -> SqliteResult<Timestamp> {
    let until: Option<i64> = one_value(connection, sql!("pruning_held_until"))?;
    Ok(Timestamp::from_millis(until.unwrap_or(0)))
}

pub(super) fn hold_pruning(connection: &SqliteConnection, until: Timestamp) -> SqliteResult<()> {
    connection.prepare_cached(sql!("hold_pruning"))?.execute([until.as_millis()])?;
    Ok(())
}

pub(super) fn write_event_type(
    connection: &SqliteConnection,
    event_type: &EventType,
    row: Option<&SettingsRow>,
) -> SqliteResult<()> {
    match row {
        Some(row) => write(connection, sql!("write_event_type"), event_type.as_str(), row),
        None => delete(connection, sql!("delete_event_type"), event_type.as_str()),
    }
}

pub(super) fn write_queue(
    connection: &SqliteConnection,
    queue: &QueueName,
    row: Option<&SettingsRow>,
) -> SqliteResult<()> {
    match row {
        Some(row) => write(connection, sql!("write_queue"), queue.as_str(), row),
        None => delete(connection, sql!("delete_queue"), queue.as_str()),
    }
}

pub(super) fn write_run_pause(
    connection: &SqliteConnection,
    run: &ScenarioRunId,
    pause: Option<&Pause>,
) -> SqliteResult<()> {
    let Some(pause) = pause else { return delete(connection, sql!("delete_run_pause"), run.as_str()) };
    let mut statement = connection.prepare_cached(sql!("write_run_pause"))?;
    Parameters::of(&mut statement).group(&RunPauseColumns::of(run, pause)).execute()?;
    Ok(())
}

fn write(connection: &SqliteConnection, sql: &str, name: &str, row: &SettingsRow) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql)?;
    Parameters::of(&mut statement).value(&name).group(&SettingsColumns::of(row)).execute()?;
    Ok(())
}

fn delete(connection: &SqliteConnection, sql: &str, name: &str) -> SqliteResult<()> {
    connection.prepare_cached(sql)?.execute([name])?;
    Ok(())
}

pub(super) fn registry_version(connection: &SqliteConnection) -> SqliteResult<i64> {
    one_value(connection, sql!("registry_version"))
}

pub(super) fn registry_since(
    connection: &SqliteConnection,
    version: Option<i64>,
) -> SqliteResult<RegistryChangesSince> {
    let mut statement = connection.prepare_cached(sql!("registry_parts"))?;
    let (settings_version, deleted_version): (i64, i64) =
        statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let is_complete = version.is_none_or(|since| since < deleted_version);
    let engines = match version {
        Some(since) if !is_complete => engines::since(connection, since)?,
        _ => engines::all(connection)?,
    };
    let settings = match version.is_none_or(|since| since < settings_version) {
        true => Some(all(connection)?),
        false => None,
    };
    Ok(RegistryChangesSince { settings, engines, is_complete })
}

pub(super) fn raise_registry_version(writer: &mut Writer, change: RegistryChange<'_>) -> SqliteResult<i64> {
    // The file forgets a number with the transaction that gave it, but whoever saw it may have cached under it.
    writer.highest_registry_version += 1;
    let version = writer.highest_registry_version;
    writer.connection.prepare_cached(sql!("write_registry_version"))?.execute([version])?;
    let mark = |part: &str| writer.connection.prepare_cached(sql!("mark_registry"))?.execute(params![part, version]);
    match change {
        RegistryChange::Settings => drop(mark("settings_version")?),
        RegistryChange::Tokens => drop(mark("tokens_version")?),
        RegistryChange::EnginesDeleted => drop(mark("engines_deleted_version")?),
        RegistryChange::Engines(ids) => {
            let mut statement = writer.connection.prepare_cached(sql!("mark_engines"))?;
            for engine_id in ids {
                statement.execute(params![engine_id.as_str(), version])?;
            }
        }
    }
    Ok(version)
}
