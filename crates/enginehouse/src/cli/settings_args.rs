//! The settings of a server as flags: one for each row of their table.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, FromArgMatches};
use enginehouse_server::config::{Config, Resolved, SETTINGS, Setting, environment, resolve};
use enginehouse_store::postgres::PostgresOptions;

use super::cli_error::CliError;
use crate::exit_codes::Exit;

/// What the command line says about settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct SettingArgs {
    flags: BTreeMap<String, String>,
}

impl SettingArgs {
    /// The same for a command that has flags for some settings only.
    pub(crate) fn of<'a>(flags: impl IntoIterator<Item = (&'static str, Option<&'a String>)>) -> Self {
        let given = flags.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.clone())));
        Self { flags: given.collect() }
    }

    /// Puts the configuration together: these flags over the environment over the file over the defaults.
    pub(crate) fn resolve(&self, file: Option<&PathBuf>) -> Result<Resolved, CliError> {
        resolve(&self.flags, &environment, file.map(PathBuf::as_path)).map_err(|error| {
            CliError::new(
                Exit::Invalid,
                "the configuration cannot be used",
                error,
                "correct it there; `enginehouse config` shows every setting and docs/configuration.md explains it",
            )
        })
    }
}

/// How to open the database that is configured.
pub(crate) fn postgres_options(config: &Config, url: &str) -> PostgresOptions {
    PostgresOptions {
        schema: config.schema.clone(),
        durability: config.durability,
        max_transactions: config.max_transactions,
        max_lanes: Some(config.dispatch.caps.max_lanes),
        pooler: config.postgres_pooler,
        migrate: config.migrate,
        ..PostgresOptions::new(url)
    }
}

/// What a setting is for, and what it is if nobody says anything.
fn about_with_default(setting: &Setting) -> String {
    match (setting.get)(&Config::default()) {
        none if none.is_empty() => setting.about.to_owned(),
        default => format!("{} [default: {default}]", setting.about),
    }
}

fn flag(setting: &Setting) -> Arg {
    let arg = Arg::new(setting.name)
        .long(setting.name.replace('_', "-"))
        .value_name(setting.placeholder)
        .help(about_with_default(setting))
        .help_heading("Settings");
    // `--insecure` alone says yes.
    if setting.placeholder == "BOOL" {
        arg.num_args(0..=1).default_missing_value("true").require_equals(true)
    } else {
        arg
    }
}

impl Args for SettingArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.args(SETTINGS.iter().map(flag))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for setting in SETTINGS {
            if let Some(value) = matches.get_one::<String>(setting.name) {
                self.flags.insert(setting.name.to_owned(), value.clone());
            }
        }
        Ok(())
    }
}
