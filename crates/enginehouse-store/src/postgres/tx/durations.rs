//! How long events waited and took, as daily histograms.

use enginehouse_core::ids::EventType;
use enginehouse_core::time::Timestamp;

use super::columns::{Arrays, Moment, params, sql};
use super::row_reader::RowReader;
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::Session;
use crate::postgres::wire::statement::EncodedStatement;
use crate::rows::DurationRow;
use crate::table::DurationColumns;

pub(crate) fn add(rows: &[DurationRow]) -> PgResult<EncodedStatement> {
    let columns: Vec<_> = rows.iter().map(DurationColumns::of).collect();
    EncodedStatement::new(sql!("add_durations"), Arrays::of(&columns).parameters())
}

pub(crate) async fn delete(session: &Session, before: Timestamp, limit: u32) -> PgResult<u32> {
    let limit = i64::from(limit);
    let deleted =
        session.execute(sql!("delete_durations"), params![TIMESTAMPTZ: &Moment(before), INT8: &limit]).await?;
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}

pub(crate) async fn of(shared: &PgState, event_type: Option<&EventType>) -> PgResult<Vec<DurationRow>> {
    let session = shared.readers.session().await?;
    let rows = match event_type {
        Some(event_type) => session.query(sql!("durations_of_type"), params![TEXT: &event_type.as_str()]).await?,
        None => session.query(sql!("durations"), params![]).await?,
    };
    RowReader::new(&shared.unreadable)
        .all("duration_histograms", &rows, |columns| Ok(columns.group::<DurationColumns<'_>>()?.into_row()?))
}
