//! PostgreSQL's `pg_snapshot`: which transactions had ended at a moment.
//!
//! Transaction ids alone do not tell what is new since then, because a transaction with a lower id may commit later. What is
//! new was written by a transaction that began after the snapshot or was in progress in it.

use crate::postgres::tx::columns::Xid;
use crate::postgres::wire::error::{PgError, PgResult};

/// Every transaction before `xmax` that is not in `xip` had ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PgSnapshot {
    pub(crate) xmax: Xid,
    /// The transactions in progress.
    pub(crate) xip: Vec<Xid>,
}

impl PgSnapshot {
    /// Reads `xmin:xmax:xip,xip`.
    pub(crate) fn parse(text: &str) -> PgResult<Self> {
        let unexpected = || PgError::Bug(format!("not a snapshot: {text}"));
        let number = |part: &str| part.parse().map(Xid).map_err(|_| unexpected());
        let mut parts = text.split(':');
        let (Some(_), Some(xmax), Some(xip)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(unexpected());
        };
        let xip = xip.split(',').filter(|part| !part.is_empty()).map(number).collect::<PgResult<_>>()?;
        Ok(Self { xmax: number(xmax)?, xip })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_read_as_postgresql_writes_it() {
        let read = |text| PgSnapshot::parse(text).map(|snapshot| (snapshot.xmax.0, snapshot.xip)).ok();
        assert_eq!(read("10:10:"), Some((10, vec![])));
        assert_eq!(read("10:20:10,14,15"), Some((20, vec![Xid(10), Xid(14), Xid(15)])));
        assert_eq!(read("10:20"), None);
        assert_eq!(read("10:x:"), None);
    }
}
