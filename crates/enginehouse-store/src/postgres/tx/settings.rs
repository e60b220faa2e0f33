//! What is set for event types and queues.

use std::collections::BTreeMap;

use enginehouse_core::pause::Pause;
use enginehouse_core::policy::Settings;
use tokio_postgres::Row;

use super::columns::{Arrays, params, sql};
use super::row_reader::RowReader;
use crate::postgres::wire::error::{PgResult, both};
use crate::postgres::wire::session::Session;
use crate::rows::{Pauses, SettingsRow, SettingsRows};
use crate::table::{ColumnValue, SettingsColumns};
use crate::unreadable::UnreadableRows;

pub(crate) async fn all(session: &Session, unreadable: &UnreadableRows) -> PgResult<SettingsRows> {
    let (event_types, queues) = tokio::join!(
        session.query(sql!("settings_of_event_types"), params![]),
        session.query(sql!("settings_of_queues"), params![]),
    );
    let (event_types, queues) = both(event_types, queues)?;
    let mut reader = RowReader::new(unreadable);
    let (event_types, paused_types) = by_name(&mut reader, "event_types", &event_types)?;
    let (queues, paused_queues) = by_name(&mut reader, "queues", &queues)?;
    Ok(SettingsRows { event_types, queues, pauses: Pauses { event_types: paused_types, queues: paused_queues } })
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

pub(crate) async fn delete(session: &Session, sql: &'static str, name: &str) -> PgResult<()> {
    session.execute(sql, params![TEXT: &name]).await?;
    Ok(())
}
