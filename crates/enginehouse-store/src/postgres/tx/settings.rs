//! What is set for event types and queues.

use std::collections::BTreeMap;

use enginehouse_core::ids::ScenarioRunId;
use enginehouse_core::pause::Pause;
use enginehouse_core::policy::Settings;
use tokio_postgres::Row;

use super::columns::{Arrays, params, sql};
use super::row_reader::RowReader;
use crate::postgres::wire::error::{PgResult, both};
use crate::postgres::wire::session::Session;
use crate::rows::{Pauses, SettingsRow, SettingsRows};
use crate::table::{ColumnValue, RunPauseColumns, SettingsColumns};
use crate::unreadable::UnreadableRows;

pub(crate) async fn all(session: &Session, unreadable: &UnreadableRows) -> PgResult<SettingsRows> {
    let (event_types, queues, run_pauses) = tokio::join!(
        session.query(sql!("settings_of_event_types"), params![]),
        session.query(sql!("settings_of_queues"), params![]),
        session.query(sql!("run_pauses"), params![]),
    );
    let ((event_types, queues), run_pauses) = both(both(event_types, queues), run_pauses)?;
    let mut reader = RowReader::new(unreadable);
    let (event_types, paused_types) = by_name(&mut reader, "event_types", &event_types)?;
    let (queues, paused_queues) = by_name(&mut reader, "queues", &queues)?;
    let scenario_runs = paused_runs(&mut reader, &run_pauses)?;
    let pauses = Pauses { event_types: paused_types, queues: paused_queues, scenario_runs };
    Ok(SettingsRows { event_types, queues, pauses })
}

fn paused_runs(reader: &mut RowReader<'_>, rows: &[Row]) -> PgResult<BTreeMap<ScenarioRunId, Pause>> {
    let mut found = BTreeMap::new();
    for row in rows {
        let Some(run) = reader.one("run_pauses", row, |columns| columns.read())? else { continue };
        let pause =
            reader.one("run_pauses", row, |columns| Ok(columns.group::<RunPauseColumns<'_>>()?.into_pause()?.1))?;
        found.insert(run, pause.unwrap_or(Pause::UNREADABLE));
    }
    Ok(found)
}

fn by_name<N: for<'a> ColumnValue<'a> + Ord + Clone>(
    reader: &mut RowReader<'_>,
    table: &'static str,
    rows: &[Row],
) -> PgResult<(BTreeMap<N, Settings>, BTreeMap<N, Pause>)> {
    let (mut found, mut pauses) = (BTreeMap::new(), BTreeMap::new());
    for row in rows {
        let Some(name) = reader.one(table, row, |columns| columns.read::<N>())? else { continue };
        let read = reader.one(table, row, |columns| {
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

pub(crate) async fn write(session: &Session, sql: &'static str, name: &str, row: &SettingsRow) -> PgResult<()> {
    let names = [name];
    let columns = [SettingsColumns::of(row)];
    session.execute(sql, Arrays::of(&columns).behind(params![TEXT_ARRAY: &&names[..]])).await?;
    Ok(())
}

pub(crate) async fn write_run_pause(session: &Session, run: &ScenarioRunId, pause: Option<&Pause>) -> PgResult<()> {
    let Some(pause) = pause else { return delete(session, sql!("delete_run_pause"), run.as_str()).await };
    let columns = [RunPauseColumns::of(run, pause)];
    session.execute(sql!("write_run_pause"), Arrays::of(&columns).parameters()).await?;
    Ok(())
}

pub(crate) async fn delete(session: &Session, sql: &'static str, name: &str) -> PgResult<()> {
    session.execute(sql, params![TEXT: &name]).await?;
    Ok(())
}
