//! Who calls: the tokens of the store in memory, what their calls take of what all share, and addresses that send many that open
//! nothing.

pub(crate) mod denials;
pub(crate) mod failed_logins;
pub mod quotas;
pub(crate) mod token_cache;
pub mod token_changes;
pub(crate) mod token_watch;
