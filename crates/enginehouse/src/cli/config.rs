//! `enginehouse config`: what is in force, and where each value comes from.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use enginehouse_server::config::{SETTINGS, markdown};
use serde::Serialize;

use super::cli_error::{CliError, written};
use super::output::document;
use super::server_and_output::OutputFormat;
use super::settings_args::SettingArgs;
use crate::exit_codes::Exit;

/// What is to be shown.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  enginehouse config --config enginehouse.toml")]
pub(crate) struct ConfigArgs {
    /// The TOML file of settings
    #[arg(long, env = "ENGINEHOUSE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: OutputFormat,
    /// Print the page that documents every setting, instead
    #[arg(long)]
    markdown: bool,
    #[command(flatten)]
    settings: SettingArgs,
}

/// One setting, as it is shown.
#[derive(Serialize)]
struct ShownSetting {
    setting: &'static str,
    value: String,
    from: String,
}

pub(crate) fn run(arguments: &ConfigArgs) -> Exit {
    match show(arguments) {
        Ok(()) => Exit::Done,
        Err(error) => {
            error.show(arguments.output.is_document());
            error.exit
        }
    }
}

fn show(arguments: &ConfigArgs) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    if arguments.markdown {
        return written(out.write_all(markdown().as_bytes()));
    }
    let resolved = arguments.settings.resolve(arguments.config.as_ref())?;
    let shown: Vec<_> = SETTINGS
        .iter()
        .zip(&resolved.sources)
        .map(|(setting, source)| ShownSetting {
            setting: setting.name,
            value: (setting.get)(&resolved.config),
            from: source.to_string(),
        })
        .collect();
    let width = |of: fn(&ShownSetting) -> usize| shown.iter().map(of).max().unwrap_or(0);
    let (names, values) = (width(|shown| shown.setting.len()), width(|shown| shown.value.len()));
    let result = match arguments.output {
        OutputFormat::Json | OutputFormat::Yaml => out.write_all(document(arguments.output, &shown).as_bytes()),
        OutputFormat::Jsonl => {
            shown.iter().try_for_each(|shown| out.write_all(document(arguments.output, shown).as_bytes()))
        }
        OutputFormat::Name => shown.iter().try_for_each(|shown| writeln!(out, "{}", shown.setting)),
        OutputFormat::Table | OutputFormat::Wide => {
            shown.iter().try_for_each(|ShownSetting { setting, value, from }| {
                writeln!(out, "{setting:names$}  {value:values$}  {from}")
            })
        }
    };
    written(result)
}
