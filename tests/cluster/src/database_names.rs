//! Names of databases that are made for tests.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

pub(crate) const PREFIX: &str = "enginehouse_test_";

/// A random name for a database, unique among all processes.
pub(crate) fn fresh_name() -> String {
    // The standard library's only source of random numbers: each state has keys of its own, random in each thread.
    format!("{PREFIX}{:016x}", RandomState::new().build_hasher().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ() {
        let names: std::collections::BTreeSet<_> = (0..1000).map(|_| fresh_name()).collect();
        assert_eq!(names.len(), 1000);
    }
}
