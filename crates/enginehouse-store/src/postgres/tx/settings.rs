//! What is set for event types and queues.

use std::collections::BTreeMap;

use enginehouse_core::policy::Settings;

use super::columns::{Arrays, PgColumns, params, sql};
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::Session;
use crate::rows::SettingsRows;
use crate::table::{ColumnValue, SettingsColumns};

pub(crate) async fn all(session: &Session) -> PgResult<SettingsRows> {
    let (event_types, queues) =
        tokio::join!(by_name(session, sql!("settings_of_event_types")), by_name(session, sql!("settings_of_queues")),);
    Ok(SettingsRows { event_types: event_types?, queues: queues? })
}

async fn by_name<N: for<'a> ColumnValue<'a> + Ord>(
    session: &Session,
    sql: &'static str,
) -> PgResult<BTreeMap<N, Settings>> {
    let rows = session.query(sql, params![]).await?;
    rows.iter()
        .map(|row| {
            let mut columns = PgColumns::of(row);
            Ok((columns.read()?, columns.group::<SettingsColumns<'_>>()?.into_settings()?))
        })
        .collect()
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
