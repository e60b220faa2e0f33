//! What happened each minute.

use enginehouse_core::time::Timestamp;

use super::columns::{Arrays, Moment, params, sql};
use super::row_reader::RowReader;
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::Session;
use crate::postgres::wire::statement::EncodedStatement;
use crate::rows::{MinuteFilter, MinuteKey, MinuteRow};
use crate::table::MinuteColumns;

pub(crate) fn add(rows: &[MinuteRow]) -> PgResult<EncodedStatement> {
    let columns: Vec<_> = rows.iter().map(MinuteColumns::of).collect();
    EncodedStatement::new(sql!("add_minutes"), Arrays::of(&columns).parameters())
}

pub(crate) async fn delete(session: &Session, before: Timestamp, limit: u32) -> PgResult<u32> {
    let limit = i64::from(limit);
    let deleted = session.execute(sql!("delete_minutes"), params![TIMESTAMPTZ: &Moment(before), INT8: &limit]).await?;
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}

pub(crate) async fn of(
    shared: &PgState,
    filter: &MinuteFilter,
    after: Option<MinuteKey>,
    limit: u32,
) -> PgResult<Vec<MinuteRow>> {
    let place = filter.place(after);
    let (queue, event_type) = place.names();
    let of_queue = filter.queue.as_ref().map(|queue| queue.as_str());
    let of_type = filter.event_type.as_ref().map(|event_type| event_type.as_str());
    let (minute, to, limit) = (Moment(place.minute), Moment(filter.to), i64::from(limit));
    let session = shared.readers.session().await?;
    let wanted = params![
        TIMESTAMPTZ: &minute, TEXT: &queue, TEXT: &event_type, TIMESTAMPTZ: &to, TEXT: &of_queue, TEXT: &of_type, INT8: &limit
    ];
    let rows = session.query(sql!("minutes"), wanted).await?;
    RowReader::new(&shared.unreadable)
        .all("event_minutes", &rows, |columns| Ok(columns.group::<MinuteColumns<'_>>()?.into_row()?))
}
