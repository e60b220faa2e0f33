//! `enginehouse completions`: scripts for shells.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::cli_error::written;
use crate::exit_codes::Exit;

/// Print a completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  enginehouse completions bash > /etc/bash_completion.d/enginehouse")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// A command line without its hidden commands, which clap completes, and describes in manual pages, like others.
pub(crate) fn visible(full: clap::Command) -> clap::Command {
    let commands: Vec<_> = full.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    let arguments: Vec<_> = full.get_arguments().cloned().collect();
    clap::Command::new(full.get_name().to_owned())
        .version(full.get_version().unwrap_or_default().to_owned())
        .about(full.get_about().cloned().unwrap_or_default())
        .after_help(full.get_after_help().cloned().unwrap_or_default())
        .args(arguments)
        .subcommands(commands)
}

pub(crate) fn run<C: CommandFactory>(arguments: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut visible(C::command()), "enginehouse", &mut script);
    match written(std::io::Write::write_all(&mut std::io::stdout(), &script)) {
        Ok(()) => Exit::Done,
        Err(error) => {
            error.show(false);
            error.exit
        }
    }
}
