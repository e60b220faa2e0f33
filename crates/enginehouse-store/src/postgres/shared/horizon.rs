//! Which transactions had ended at a moment, so that what is new since can be asked for exactly.
//!
//! Numbers of transactions do not tell: a lower one may commit later, however long it takes. A snapshot tells: new is what
//! began after it, or was under way.

use crate::postgres::tx::columns::Xid;
use crate::postgres::wire::failure::{Failure, Outcome};

/// A `pg_snapshot`: every transaction before `xmax` that is not in `under_way` had ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Horizon {
    pub(crate) xmax: Xid,
    pub(crate) under_way: Vec<Xid>,
}

impl Horizon {
    /// Reads `xmin:xmax:xip,xip`.
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        let unexpected = || Failure::Row(format!("not a snapshot: {text}"));
        let number = |part: &str| part.parse().map(Xid).map_err(|_| unexpected());
        let mut parts = text.split(':');
        let (Some(_), Some(xmax), Some(under_way)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(unexpected());
        };
        let under_way = under_way.split(',').filter(|part| !part.is_empty()).map(number).collect::<Outcome<_>>()?;
        Ok(Self { xmax: number(xmax)?, under_way })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_read_as_postgresql_writes_it() {
        let read = |text| Horizon::parse(text).map(|snapshot| (snapshot.xmax.0, snapshot.under_way)).ok();
        assert_eq!(read("10:10:"), Some((10, vec![])));
        assert_eq!(read("10:20:10,14,15"), Some((20, vec![Xid(10), Xid(14), Xid(15)])));
        assert_eq!(read("10:20"), None);
        assert_eq!(read("10:x:"), None);
    }
}
