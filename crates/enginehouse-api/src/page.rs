//! Lists: a page at a time, each with the cursor of the next.

use enginehouse_core::invalid::Check;
use enginehouse_core::limits::{DEFAULT_PAGE, MAX_PAGE};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// At most `limit` items, in the order of the list.
    pub items: Vec<T>,
    /// Send it as `cursor` to get the next page; null on the last one. Opaque.
    pub next_cursor: Option<String>,
}

/// Which page of a list that has no filter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Most items of the page; 1 to 1,000, 50 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl PageQuery {
    /// Checks the limit; a cursor is checked by whoever made it.
    ///
    /// # Errors
    /// A limit out of range.
    pub fn check(&self) -> Result<u32, enginehouse_core::invalid::Invalid> {
        let mut check = Check::default();
        let limit = check_limit(self.limit, &mut check);
        check.finish(limit)
    }
}

/// The limit of a page: what is asked, or 50.
pub(crate) fn check_limit(limit: Option<u64>, check: &mut Check) -> u32 {
    let limit = limit.unwrap_or(u64::from(DEFAULT_PAGE));
    check.range("/limit", limit, 1, u64::from(MAX_PAGE));
    u32::try_from(limit).unwrap_or(MAX_PAGE)
}
