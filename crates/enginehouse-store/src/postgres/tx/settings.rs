//! What is set for event types and queues.

use std::collections::BTreeMap;

use enginehouse_core::policy::Settings;
use tokio_postgres::Row;

use super::columns::{Arrays, params, sql};
use super::row_reader::RowReader;
use crate::postgres::wire::error::{PgResult, both};
use crate::postgres::wire::session::Session;
use crate::rows::SettingsRows;
use crate::table::{ColumnValue, SettingsColumns};
use crate::unreadable::UnreadableRows;

pub(crate) async fn all(session: &Session, unreadable: &UnreadableRows) -> PgResult<SettingsRows> {
    let (event_types, queues) = tokio::join!(
        session.query(sql!("settings_of_event_types"), params![]),
        session.query(sql!("settings_of_queues"), params![]),
    );
    let (event_types, queues) = both(event_types, queues)?;
    let mut reader = RowReader::new(unreadable);
    Ok(SettingsRows {
        event_types: by_name(&mut reader, "event_types", &event_types)?,
        queues: by_name(&mut reader, "queues", &queues)?,
    })
}

fn by_name<N: for<'a> ColumnValue<'a> + Ord>(
    reader: &mut RowReader<'_>,
    table: &'static str,
    rows: &[Row],
) -> PgResult<BTreeMap<N, Settings>> {
    let mut found = BTreeMap::new();
    for row in rows {
        let Some(name) = reader.one(table, row, |columns| columns.read::<N>())? else { continue };
        let settings = reader.one(table, row, |columns| {
            columns.read::<&str>()?;
            Ok(columns.group::<SettingsColumns<'_>>()?.into_settings()?)
        })?;
        found.insert(name, settings.unwrap_or(Settings::UNREADABLE));
    }
    Ok(found)
}

pub(crate) async fn write(session: &Session, sql: &'static str, name: &str, settings: &Settings) -> PgResult<()> {
    let names = [name];
    let columns = [SettingsColumns::of(settings)];
    session.execute(sql, Arrays::of(&columns).behind(params![TEXT_ARRAY: &&names[..]])).await?;
    Ok(())
}

pub(crate) async fn delete(session: &Session, sql: &'static str, name: &str) -> PgResult<()> {
    session.execute(sql, params![TEXT: &name]).await?;
    Ok(())
}
