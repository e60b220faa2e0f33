//! What is to be made of the migrations that a schema says it has.

use enginehouse_core::time::Timestamp;

use super::{Dialect, Migrate, Migration};

/// A row of `schema_version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedMigration {
    /// Its number.
    pub version: i32,
    /// What it brought.
    pub name: String,
    /// The oldest version whose servers can work with the schema since.
    pub oldest_compatible: i32,
    /// When it was applied.
    pub applied_at: Timestamp,
}

/// What a schema is to this program.
#[derive(Debug)]
pub struct Status {
    /// Whose SQL it is.
    pub dialect: Dialect,
    /// Which migrations it has, in order.
    pub applied: Vec<AppliedMigration>,
    /// What that means.
    pub verdict: MigrationVerdict,
}

/// How a schema stands to what this program knows.
#[derive(Debug)]
pub enum MigrationVerdict {
    /// It is the one that this program works with.
    UpToDate,
    /// These migrations are to come.
    Behind(&'static [Migration]),
    /// A newer program has migrated it, and this one can work with it still.
    NewerCompatible,
    /// A newer program has migrated it, and this one cannot work with it any more.
    NewerIncompatible,
    /// No version of this program has made it so.
    Foreign(String),
}

/// Why a schema is not worked with, or not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaRefusal {
    /// Migrations are missing.
    #[error("the schema is at version {version}, and this program needs {needed}")]
    Behind {
        /// Its version.
        version: i32,
        /// The version that is needed.
        needed: i32,
    },
    /// A newer program has changed it too much.
    #[error(
        "the schema is at version {version}, and this program knows no newer one than {known}; what came since is too much \
             for it: {names}"
    )]
    Newer {
        /// Its version.
        version: i32,
        /// The newest version that this program knows.
        known: i32,
        /// The migrations that it would have to know.
        names: String,
    },
    /// No version of this program has made it so.
    #[error("the schema is not one that Enginehouse has made: {why}")]
    Foreign {
        /// What is odd about it.
        why: String,
    },
    /// There is no such version.
    #[error("there is no version {to}: this program knows 0, which is nothing, to {newest}")]
    NoSuchVersion {
        /// The version that was asked for.
        to: i32,
        /// The newest.
        newest: i32,
    },
    /// A migration cannot be taken back without losing something.
    #[error("migration {version} ({name}) has no way back")]
    NoWayBack {
        /// Its number.
        version: i32,
        /// What it brought.
        name: &'static str,
    },
    /// Only a newer program knows how to take back what it did.
    #[error("the schema is at version {version}, and this program knows no newer one than {known}")]
    UnknownWayBack {
        /// Its version.
        version: i32,
        /// The newest version that this program knows.
        known: i32,
    },
    /// There is something to lose.
    #[error("the schema holds events, and all would be lost")]
    HoldsEvents,
}

impl SchemaRefusal {
    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::Behind { .. } => "run `enginehouse schema up`, or serve with --migrate auto".to_owned(),
            Self::Newer { known, .. } => format!(
                "upgrade Enginehouse to the version that migrated the schema, or take its migrations back with that \
                 version's `enginehouse schema down --to {known}`"
            ),
            Self::Foreign { .. } => {
                "name another place, or put this one back into the state that a version of Enginehouse left \
                                     it in"
                    .to_owned()
            }
            Self::NoSuchVersion { .. } => "`enginehouse schema status` shows the versions".to_owned(),
            Self::NoWayBack { .. } => "restore a backup that is older instead".to_owned(),
            Self::UnknownWayBack { .. } => "take it back with the version of Enginehouse that migrated it".to_owned(),
            Self::HoldsEvents => "say --discard-data if you mean it".to_owned(),
        }
    }
}

impl Status {
    /// Judges a schema by its rows, which are in order.
    pub fn of(dialect: Dialect, applied: Vec<AppliedMigration>) -> Self {
        let verdict = judge(dialect.migrations(), &applied);
        Self { dialect, applied, verdict }
    }

    /// The newest migration that it has; 0 for none.
    pub fn version(&self) -> i32 {
        self.applied.last().map_or(0, |last| last.version)
    }

    /// Refuses everything but the newest schema that this program knows, and says what to do.
    pub(crate) fn require_newest(&self) -> Result<(), String> {
        if matches!(self.verdict, MigrationVerdict::UpToDate) {
            return Ok(());
        }
        let (found, newest) = (self.version(), self.dialect.newest());
        Err(format!("has a schema of version {found}, and not {newest}: bring it there with `enginehouse schema`"))
    }

    /// Whether it has this migration.
    pub fn has(&self, version: i32) -> bool {
        self.applied.iter().any(|row| row.version == version)
    }

    /// Refuses a schema that a server cannot work with, or that it may not bring up to date. A newer one that it can work
    /// with is a warning in the log.
    ///
    /// # Errors
    /// A [`SchemaRefusal`] says what to do.
    pub fn admit(&self, migrate: Migrate) -> Result<(), SchemaRefusal> {
        let (version, known) = (self.version(), self.dialect.newest());
        match &self.verdict {
            _ if migrate == Migrate::Off => Ok(()),
            MigrationVerdict::UpToDate => Ok(()),
            MigrationVerdict::Behind(_) if migrate == Migrate::Auto => Ok(()),
            MigrationVerdict::Behind(_) => Err(SchemaRefusal::Behind { version, needed: known }),
            MigrationVerdict::NewerCompatible => {
                tracing::warn!(
                    version,
                    known,
                    "a newer version of Enginehouse has migrated the schema: upgrade this one soon"
                );
                Ok(())
            }
            MigrationVerdict::NewerIncompatible => {
                let unknown = self.applied.iter().filter(|row| row.oldest_compatible > known);
                let names: Vec<_> = unknown.map(|row| row.name.as_str()).collect();
                Err(SchemaRefusal::Newer { version, known, names: names.join(", ") })
            }
            MigrationVerdict::Foreign(why) => Err(SchemaRefusal::Foreign { why: why.clone() }),
        }
    }

    /// The migrations that are to come, up to a version, in order.
    ///
    /// # Errors
    /// A [`SchemaRefusal`] says what to do.
    pub fn way_up(&self, to: i32) -> Result<&'static [Migration], SchemaRefusal> {
        self.require_known(to)?;
        self.admit(Migrate::Auto)?;
        let MigrationVerdict::Behind(missing) = self.verdict else { return Ok(&[]) };
        let count = missing.iter().take_while(|migration| migration.version <= to).count();
        Ok(&missing[..count])
    }

    /// The migrations that are to be taken back, down to a version, the newest first.
    ///
    /// # Errors
    /// A [`SchemaRefusal`] says what to do.
    pub fn way_down(&self, to: i32) -> Result<Vec<&'static Migration>, SchemaRefusal> {
        self.require_known(to)?;
        let (version, known) = (self.version(), self.dialect.newest());
        if let MigrationVerdict::Foreign(why) = &self.verdict {
            return Err(SchemaRefusal::Foreign { why: why.clone() });
        }
        if version > known {
            return Err(SchemaRefusal::UnknownWayBack { version, known });
        }
        way_back(self.dialect.migrations(), version, to)
    }

    fn require_known(&self, to: i32) -> Result<(), SchemaRefusal> {
        let newest = self.dialect.newest();
        if (0..=newest).contains(&to) { Ok(()) } else { Err(SchemaRefusal::NoSuchVersion { to, newest }) }
    }
}

/// Compares the rows of a schema, in order, with the migrations that are known.
fn judge(known: &'static [Migration], applied: &[AppliedMigration]) -> MigrationVerdict {
    for (row, version) in applied.iter().zip(1..) {
        if row.version != version {
            return MigrationVerdict::Foreign(format!("it has migration {} without {version}", row.version));
        }
    }
    for (row, migration) in applied.iter().zip(known) {
        if row.name != migration.name {
            return MigrationVerdict::Foreign(format!(
                "its migration {} is {:?}, not {:?}",
                row.version, row.name, migration.name
            ));
        }
    }
    match applied.get(known.len()..) {
        None => MigrationVerdict::Behind(&known[applied.len()..]),
        Some([]) => MigrationVerdict::UpToDate,
        Some(newer) if newer.iter().any(|row| row.oldest_compatible > known.last().map_or(0, |last| last.version)) => {
            MigrationVerdict::NewerIncompatible
        }
        Some(_) => MigrationVerdict::NewerCompatible,
    }
}

/// The migrations from one version back to another, if each can be taken back.
fn way_back(known: &'static [Migration], from: i32, to: i32) -> Result<Vec<&'static Migration>, SchemaRefusal> {
    let way = known.iter().rev().filter(|migration| migration.version > to && migration.version <= from);
    way.map(|migration| match migration.down {
        Some(_) => Ok(migration),
        None => Err(SchemaRefusal::NoWayBack { version: migration.version, name: migration.name }),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn step(version: i32, name: &'static str, down: Option<&'static str>) -> Migration {
        Migration { version, name, oldest_compatible: 1, up: "", down }
    }

    const KNOWN: &[Migration] = &[step(1, "one", Some("")), step(2, "two", None), step(3, "three", Some(""))];

    /// `1 one, 4 four@3`: servers that know 3 can work with it. Without a number, all can.
    fn rows(text: &str) -> Vec<AppliedMigration> {
        let row = |text: &str| {
            let (version, name) = text.split_once(' ').unwrap();
            let (name, oldest) = name.split_once('@').unwrap_or((name, "1"));
            AppliedMigration {
                version: version.parse().unwrap(),
                name: name.to_owned(),
                oldest_compatible: oldest.parse().unwrap(),
                applied_at: Timestamp::MIN,
            }
        };
        text.split(", ").filter(|row| !row.is_empty()).map(row).collect()
    }

    #[track_caller]
    fn check(applied: &str, want: &str) {
        let got = match judge(KNOWN, &rows(applied)) {
            MigrationVerdict::UpToDate => "up to date".to_owned(),
            MigrationVerdict::Behind(missing) => {
                let names: Vec<_> = missing.iter().map(|migration| migration.name).collect();
                format!("behind: {}", names.join(", "))
            }
            MigrationVerdict::NewerCompatible => "newer".to_owned(),
            MigrationVerdict::NewerIncompatible => "too new".to_owned(),
            MigrationVerdict::Foreign(why) => format!("foreign: {why}"),
        };
        assert_eq!(got, want, "{applied}");
    }

    #[test]
    fn a_schema_is_judged_by_its_rows() {
        check("", "behind: one, two, three");
        check("1 one", "behind: two, three");
        check("1 one, 2 two, 3 three", "up to date");
        check("1 one, 2 two, 3 three, 4 four", "newer");
        check("1 one, 2 two, 3 three, 4 four, 5 five", "newer");
        check("1 one, 2 two, 3 three, 4 four, 5 five@3", "newer");
        check("1 one, 2 two, 3 three, 4 four, 5 five@4", "too new");
        check("1 one, 2 two, 3 three, 4 four, 5 five@5", "too new");
        check("1 one, 2 two, 3 three, 4 four@4, 5 five", "too new");
        check("1 one, 3 three", "foreign: it has migration 3 without 2");
        check("0 zero", "foreign: it has migration 0 without 1");
        check("1 one, 2 zwei", "foreign: its migration 2 is \"zwei\", not \"two\"");
        check("1 one, 2 two, 3 three, 5 five", "foreign: it has migration 5 without 4");
    }

    #[track_caller]
    fn check_way_down(applied: &str, to: i32, want: &str) {
        let status = Status::of(Dialect::Sqlite, rows(applied));
        let got = match status.way_down(to) {
            Ok(way) => way.iter().map(|migration| migration.name).collect::<Vec<_>>().join(", "),
            Err(refusal) => refusal.to_string(),
        };
        assert!(got.starts_with(want), "{applied} down to {to}: {got}");
    }

    #[test]
    fn the_way_down_is_the_way_up_backwards() {
        let all = "1 engines_and_events, 2 enqueue_in_sql";
        check_way_down(all, 0, "enqueue_in_sql, engines_and_events");
        check_way_down(all, 1, "enqueue_in_sql");
        check_way_down(all, 2, "");
        check_way_down("", 0, "");
        check_way_down(all, 3, "there is no version 3: this program knows 0, which is nothing, to 2");
        check_way_down(all, -1, "there is no version -1");
        check_way_down(
            "1 engines_and_events, 2 enqueue_in_sql, 3 new",
            1,
            "the schema is at version 3, and this program knows no newer one than 2",
        );
        check_way_down("1 other", 0, "the schema is not one that Enginehouse has made");
    }

    #[test]
    fn what_has_no_way_back_is_not_taken_back() {
        let names = |way: Vec<&Migration>| way.iter().map(|migration| migration.name).collect::<Vec<_>>();
        assert_eq!(way_back(KNOWN, 3, 2).map(names), Ok(vec!["three"]));
        assert_eq!(way_back(KNOWN, 3, 1).map(names), Err(SchemaRefusal::NoWayBack { version: 2, name: "two" }));
        assert_eq!(way_back(KNOWN, 1, 0).map(names), Ok(vec!["one"]));
    }

    #[track_caller]
    fn check_admission(applied: &str, migrate: Migrate, want: &str) {
        let got = match Status::of(Dialect::Sqlite, rows(applied)).admit(migrate) {
            Ok(()) => "admitted".to_owned(),
            Err(refusal) => refusal.to_string(),
        };
        assert!(got.starts_with(want), "{applied}, {migrate}: {got}");
    }

    #[test]
    fn a_server_is_told_what_to_do_about_a_schema() {
        let (one, all) = ("1 engines_and_events", "1 engines_and_events, 2 enqueue_in_sql");
        check_admission(one, Migrate::Auto, "admitted");
        check_admission(one, Migrate::Check, "the schema is at version 1, and this program needs 2");
        check_admission(one, Migrate::Off, "admitted");
        for migrate in [Migrate::Auto, Migrate::Check] {
            check_admission(all, migrate, "admitted");
            check_admission(&format!("{all}, 3 more"), migrate, "admitted");
            check_admission(
                &format!("{all}, 3 more@3, 4 less"),
                migrate,
                "the schema is at version 4, and this program knows no newer one than 2; what came since is too much for it: more",
            );
            check_admission("2 x", migrate, "the schema is not one that Enginehouse has made");
        }
    }
}
