//! The generation of the store, which rises when the database is not the one that was served last.

use enginehouse_core::generation::Generation;

use crate::postgres::tx::columns::{PgColumns, params, sql};
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::pool::Connections;

/// Begins a new generation if the schema was restored, or a standby was promoted. Several servers may do so at once: the generation
/// then rises more than once, and all of them go on with the last.
pub(crate) async fn settle_in(readers: &Connections) -> PgResult<()> {
    let session = readers.session().await?;
    for row in &session.query(sql!("settle_in"), params![]).await? {
        let mut columns = PgColumns::of(row);
        let (key, value) = (columns.value::<String>()?, columns.value()?);
        if key == "generation" {
            let generation = Generation::from_number(value);
            tracing::warn!(
                %generation,
                "the database was restored or promoted: epochs and lock serials go on with a new generation"
            );
        }
    }
    Ok(())
}

/// The present one.
pub(crate) async fn read(readers: &Connections) -> PgResult<Option<i64>> {
    let rows = readers.session().await?.query(sql!("generation"), params![]).await?;
    rows.first().map(|row| PgColumns::of(row).value()).transpose()
}
