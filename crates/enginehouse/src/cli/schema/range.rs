//! Which migrations are meant.

use clap::Args;
use enginehouse_store::migrations::{Dialect, Migration};

use super::super::cli_error::CliError;
use super::target::SchemaTarget;
use crate::exit_codes::Exit;

/// Which migrations, and whose SQL.
#[derive(Debug, Args)]
pub(super) struct Range {
    /// Whose SQL it is to be [default: that of --store, or postgres]
    #[arg(long, value_name = "DIALECT", value_parser = dialect)]
    dialect: Option<Dialect>,
    /// The first migration
    #[arg(long, value_name = "N", default_value_t = 1)]
    from: i32,
    /// The last migration [default: the newest]
    #[arg(long, value_name = "N")]
    to: Option<i32>,
}

fn dialect(word: &str) -> Result<Dialect, &'static str> {
    let known = [Dialect::Postgres, Dialect::Sqlite];
    known.into_iter().find(|dialect| dialect.name() == word).ok_or("must be postgres or sqlite")
}

impl Range {
    pub(super) fn dialect(&self, target: &SchemaTarget) -> Dialect {
        self.dialect.or(target.dialect()).unwrap_or(Dialect::Postgres)
    }

    /// The migrations, the oldest first; at least one.
    pub(super) fn migrations(&self, dialect: Dialect) -> Result<&'static [Migration], CliError> {
        let newest = dialect.newest();
        let to = self.to.unwrap_or(newest);
        if self.from < 1 || to > newest || self.from > to {
            return Err(CliError::new(
                Exit::Invalid,
                "there are no such migrations",
                format!("--from {} --to {to}, but {dialect} has migrations 1 to {newest}", self.from),
                "name two of them, the lower first; `enginehouse schema status` shows which ones a store has",
            ));
        }
        let all = dialect.migrations();
        let target = |version| all.iter().position(|migration| migration.version == version);
        Ok(target(self.from).zip(target(to)).map_or(&[], |(first, last)| &all[first..=last]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_both_its_ends() {
        for (from, to, want) in [
            (1, None, Some(vec![1, 2])),
            (2, None, Some(vec![2])),
            (1, Some(1), Some(vec![1])),
            (0, None, None),
            (2, Some(1), None),
            (1, Some(99), None),
            (99, None, None),
        ] {
            let range = Range { dialect: None, from, to };
            let got = range.migrations(Dialect::Sqlite).ok();
            let versions =
                got.map(|migrations| migrations.iter().map(|migration| migration.version).collect::<Vec<_>>());
            assert_eq!(versions, want, "{from} {to:?}");
        }
    }
}
