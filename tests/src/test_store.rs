//! Where the servers of a test keep their rows.

use std::process::Command;

use tempfile::TempDir;

use crate::{Serving, command, run, text};

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A database on the server that tests share.
    Postgres,
}

/// A file or a database of its own, which goes with it.
pub enum Place {
    /// The folder of a data file.
    Folder(TempDir),
    /// The URL of a database.
    Database(String),
}

impl Place {
    /// An empty one.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn on(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::Folder(tempfile::tempdir().expect("a folder can be made")),
            Kind::Postgres => Self::Database(enginehouse_cluster::shared().fresh_database()),
        }
    }

    /// Its URL.
    pub fn store(&self) -> String {
        match self {
            Self::Folder(folder) => format!("sqlite://{}", folder.path().join("house.db").display()),
            Self::Database(url) => url.clone(),
        }
    }

    /// Starts a server on it, with more flags, and waits until it listens.
    pub fn serve(&self, flags: &[&str]) -> Serving {
        self.serve_with(command(["serve"]), flags)
    }

    /// The same, by a command that is prepared.
    pub fn serve_with(&self, mut command: Command, flags: &[&str]) -> Serving {
        if let Self::Database(_) = self {
            // The shared server does not wait for its disk, and full durability refuses that.
            command.args(["--durability", "relaxed"]);
        }
        Serving::with(command, &self.store(), flags)
    }

    /// Makes sure that every row in it is sound.
    ///
    /// # Panics
    /// One is not.
    pub fn examine(&self) {
        // The database of the tests does not wait for its disk.
        let arguments = ["doctor", "--store", &self.store(), "--durability", "relaxed"];
        let doctor = run("http://127.0.0.1:9", arguments, "");
        assert!(doctor.status.success(), "{}{}", text(&doctor.stdout), text(&doctor.stderr));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Database(url) = self {
            enginehouse_cluster::shared().drop_database(url);
        }
    }
}
