//! A store for the servers of a test: a data file or a database.

use std::process::Command;

use tempfile::TempDir;

use crate::{TestServer, command, run, text};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// A file.
    Sqlite,
    /// A database on the server that tests share.
    Postgres,
}

/// A data file or a database that nothing else uses, removed with this value.
pub enum TestStore {
    /// The folder of a data file.
    Folder(TempDir),
    /// The URL of a database.
    Database(String),
}

impl TestStore {
    /// An empty one.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn on(kind: StoreKind) -> Self {
        match kind {
            StoreKind::Sqlite => Self::Folder(tempfile::tempdir().expect("a folder can be made")),
            StoreKind::Postgres => Self::Database(enginehouse_cluster::shared().fresh_database()),
        }
    }

    pub fn url(&self) -> String {
        match self {
            Self::Folder(folder) => format!("sqlite://{}", folder.path().join("enginehouse.db").display()),
            Self::Database(url) => url.clone(),
        }
    }

    /// Starts a server on it, with more flags, and waits until it listens.
    pub fn serve(&self, flags: &[&str]) -> TestServer {
        self.serve_with(command(["serve"]), flags)
    }

    /// The same, by a command that is prepared.
    pub fn serve_with(&self, mut command: Command, flags: &[&str]) -> TestServer {
        if let Self::Database(_) = self {
            // The shared server does not wait for its disk, and full durability refuses that.
            command.args(["--durability", "relaxed"]);
        }
        TestServer::with(command, &self.url(), flags)
    }

    /// Makes sure that every row in it is sound.
    ///
    /// # Panics
    /// One is not.
    pub fn examine(&self) {
        // The database of the tests does not wait for its disk.
        let arguments = ["doctor", "--store", &self.url(), "--durability", "relaxed"];
        let doctor = run("http://127.0.0.1:9", arguments, "");
        assert!(doctor.status.success(), "{}{}", text(&doctor.stdout), text(&doctor.stderr));
    }
}

impl Drop for TestStore {
    fn drop(&mut self) {
        if let Self::Database(url) = self {
            enginehouse_cluster::shared().drop_database(url);
        }
    }
}
