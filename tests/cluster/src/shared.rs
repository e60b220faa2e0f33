//! One server for all tests that want nothing but an empty database.

use std::sync::OnceLock;

use crate::cluster::Cluster;
use crate::database_names::{PREFIX, fresh_name};
use crate::programs::psql;

/// The environment variable with the URL of a server for tests.
pub const VARIABLE: &str = "ENGINEHOUSE_TEST_POSTGRES";

/// How the shared server is set: many tests with a pool each connect to it at the same time.
pub const SHARED_SETTINGS: &[(&str, &str)] = &[("max_connections", "300")];

/// A server that all tests of this process share, and other processes may.
#[derive(Debug)]
pub struct SharedServer {
    url: String,
    /// Holds the server of this process, if it has one. As a static it is never dropped: see the watchdog.
    _own: Option<Cluster>,
}

/// The server that [`VARIABLE`] names, or else one of this process, which is started when it is first asked for.
///
/// # Panics
/// PostgreSQL is not installed, or does not start.
pub fn shared() -> &'static SharedServer {
    static SHARED: OnceLock<SharedServer> = OnceLock::new();
    SHARED.get_or_init(|| match named() {
        Some(url) => SharedServer { url, _own: None },
        None => {
            let own = Cluster::start_with(SHARED_SETTINGS);
            SharedServer { url: own.url("postgres"), _own: Some(own) }
        }
    })
}

impl SharedServer {
    /// Where it is, with the database that is there from the beginning. No test writes to that.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes an empty database and answers where it is. Its name is no other's, also in other processes.
    ///
    /// It goes with the server. A server that [`VARIABLE`] names keeps it, as `enginehouse_test_…`.
    ///
    /// # Panics
    /// The server is not there, or refuses.
    pub fn fresh_database(&self) -> String {
        let name = fresh_name();
        psql(&self.url, &format!("create database {name}"));
        with_database(&self.url, &name)
    }

    /// Drops a database that was made for a test, even if a client is still connected: a test that makes hundreds
    /// would fill the disk.
    ///
    /// # Panics
    /// The URL is not one of [`fresh_database`](Self::fresh_database), or the server refuses.
    pub fn drop_database(&self, url: &str) {
        let name = url.split('?').next().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
        assert!(name.starts_with(PREFIX), "{url} was not made for a test");
        psql(&self.url, &format!("drop database if exists {name} with (force)"));
    }
}

/// What the environment says, if anything.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests names a server for all of their processes")]
fn named() -> Option<String> {
    let url = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty())?;
    assert!(url.starts_with("postgres://") || url.starts_with("postgresql://"), "{VARIABLE} is no URL: {url}");
    Some(url)
}

/// The URL of another database on the same server.
fn with_database(url: &str, database: &str) -> String {
    let (place, query) = url.split_once('?').map_or((url, None), |(place, query)| (place, Some(query)));
    let (scheme, rest) = place.split_once("://").unwrap_or(("postgres", place));
    let server = rest.split('/').next().unwrap_or_default();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{server}/{database}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_is_on_the_same_server() {
        for (url, want) in [
            ("postgres://postgres@127.0.0.1:5432/postgres", "postgres://postgres@127.0.0.1:5432/x"),
            ("postgresql://a:b@host", "postgresql://a:b@host/x"),
            ("postgres://a@host/?sslmode=require", "postgres://a@host/x?sslmode=require"),
            ("postgres://a@/db?host=/run/postgresql", "postgres://a@/x?host=/run/postgresql"),
        ] {
            assert_eq!(with_database(url, "x"), want);
        }
    }
}
