//! The address of a store, as people write it: in a setting, on the command line, as one side of a copy.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::postgres;

/// Which store, and so which kind of store.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `sqlite://` and the path of a file.
    Sqlite(PathBuf),
    /// `postgres://…`, as libpq reads it. It may hold a password: only [`fmt::Display`] is safe to show.
    Postgres(String),
}

impl FromStr for StoreUrl {
    /// What an address must be, without the one that was given: it may hold a password.
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            // Other programs read parameters there; here they would be a part of the file's name.
            if path.contains('?') {
                return Err(
                    "has parameters after ?, and sqlite:// knows none: name the file alone; how it is opened is said \
                     by the settings durability, max_store_mb and migrate"
                        .to_owned(),
                );
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            postgres::check_url(url)?;
            return Ok(Self::Postgres(url.to_owned()));
        }
        if url.contains('=') && !url.contains("://") {
            return Err("must be an address: instead of libpq's keywords and values, write \
                 postgres://user@host:5432/database"
                .to_owned());
        }
        Err("must be sqlite:// and the path of a file, such as sqlite://enginehouse.db, or the address of a PostgreSQL \
             database, such as postgres://user@host:5432/database"
            .to_owned())
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => f.write_str(&postgres::without_password(url)),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_file_or_a_database() {
        let read = |url: &str| url.parse::<StoreUrl>();
        assert_eq!(read("sqlite://a.db"), Ok(StoreUrl::Sqlite("a.db".into())));
        assert_eq!(read("sqlite:///var/a.db"), Ok(StoreUrl::Sqlite("/var/a.db".into())));
        for url in ["postgres://h/d", "postgresql://h/d"] {
            assert_eq!(read(url), Ok(StoreUrl::Postgres(url.to_owned())));
        }
        for url in ["host=h", "host=h password=secret"] {
            let why = read(url).unwrap_err();
            assert!(
                why.starts_with("must be an address: instead of libpq's keywords") && !why.contains("secret"),
                "{why}"
            );
        }
        for url in ["", "a.db", "sqlite://", "mysql://h/d"] {
            assert!(read(url).unwrap_err().starts_with("must be sqlite:// and the path of a file"), "{url}");
        }
        for url in ["sqlite://a.db?mode=ro", "sqlite://a.db?", "sqlite://?cache=shared"] {
            assert!(read(url).unwrap_err().starts_with("has parameters after ?, and sqlite:// knows none"), "{url}");
        }
        let why = read("postgres://h/d?mode=ro").unwrap_err();
        assert!(why.contains("parameter mode is unknown") && why.contains("sslmode, sslrootcert"), "{why}");
        let why = read("postgres://u:secret@h:port/d").unwrap_err();
        assert!(!why.contains("secret"), "{why}");
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in ["postgres://ann:secret@h/d", "postgres://h/d?password=secret"] {
            let read: StoreUrl = url.parse().unwrap();
            for shown in [format!("{read}"), format!("{read:?}")] {
                assert!(shown.contains("***") && !shown.contains("secret"), "{shown}");
            }
        }
    }
}
