//! What the transactions of one server share, and what several servers on one database need to tell each other.

pub(crate) mod changes;
pub(crate) mod fold;
pub(crate) mod health;
pub(crate) mod horizon;
pub(crate) mod keeper;
pub(crate) mod lanes;
pub(crate) mod restored;
pub(crate) mod scan_positions;
pub(crate) mod state;
pub(crate) mod vacuum;
pub(crate) mod watch;
