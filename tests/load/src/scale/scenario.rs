//! What is measured at scale, and on what.

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum ScaleScenario {
    /// Many events wait: how fast they are loaded, and what a start, claims, statistics and lists take then
    Backlog,
    /// Old events are deleted beside a light load
    Retention,
    /// Engines send heartbeats beside a steady load
    Fleet,
    /// Claims wait, and each event wakes one
    Waiting,
    /// Engines fall silent within a second, and others get what they held
    Lost,
    /// Somebody asks why events wait, of a large backlog and a large fleet, beside claims
    Explanations,
    /// Dashboards are open and lists are filtered, beside a fleet and a large backlog
    Dashboards,
}

/// Where the events are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum ScaleStore {
    Sqlite,
    Postgres,
}

impl ScaleScenario {
    /// As the command line has it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl ScaleStore {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}
