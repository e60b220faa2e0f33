//! What is set for event types and queues.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use enginehouse_core::policy::Settings;

use super::columns::{Columns, Json, params, sql, to_json};
use crate::postgres::wire::failure::Outcome;
use crate::postgres::wire::session::Session;
use crate::rows::SettingsRows;

pub(crate) async fn all(session: &Session) -> Outcome<SettingsRows> {
    let (event_types, queues) =
        tokio::join!(by_name(session, sql!("settings_of_event_types")), by_name(session, sql!("settings_of_queues")),);
    Ok(SettingsRows { event_types: event_types?, queues: queues? })
}

async fn by_name<N: FromStr<Err: Display> + Ord>(
    session: &Session,
    sql: &'static str,
) -> Outcome<BTreeMap<N, Settings>> {
    let rows = session.query(sql, params![]).await?;
    rows.iter()
        .map(|row| {
            let mut columns = Columns::of(row);
            let name = columns.parsed()?;
            let settings = Settings {
                retry_policy: columns.optional_json()?,
                visibility_timeout_seconds: columns.optional_number()?,
                max_processing_seconds: columns.optional_number()?,
                paused: columns.value()?,
            };
            Ok((name, settings))
        })
        .collect()
}

pub(crate) async fn write(session: &Session, sql: &'static str, name: &str, settings: &Settings) -> Outcome<()> {
    let Settings { retry_policy, visibility_timeout_seconds, max_processing_seconds, paused } = settings;
    let seconds = |value: &Option<u64>| value.map(|value| i64::try_from(value).unwrap_or(i64::MAX));
    let (visibility, processing) = (seconds(visibility_timeout_seconds), seconds(max_processing_seconds));
    let policy = retry_policy.as_ref().map(to_json).transpose()?;
    let policy = policy.as_deref().map(Json);
    session
        .execute(sql, params![TEXT: &name, JSON: &policy, INT8: &visibility, INT8: &processing, BOOL: paused])
        .await?;
    Ok(())
}

pub(crate) async fn delete(session: &Session, sql: &'static str, name: &str) -> Outcome<()> {
    session.execute(sql, params![TEXT: &name]).await?;
    Ok(())
}
