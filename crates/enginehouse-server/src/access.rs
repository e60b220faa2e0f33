//! Who calls: the tokens of the store in memory, and addresses that send many that open nothing.

pub(crate) mod denials;
pub(crate) mod failed_logins;
pub(crate) mod token_cache;
pub mod token_changes;
pub(crate) mod token_watch;
