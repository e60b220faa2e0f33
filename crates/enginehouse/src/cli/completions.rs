//! `enginehouse completions`: scripts for shells.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::cli_error::written;
use crate::exit_codes::Exit;

/// Print a completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  enginehouse completions bash > /etc/bash_completion.d/enginehouse")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn run<C: CommandFactory>(arguments: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut C::command(), "enginehouse", &mut script);
    match written(std::io::Write::write_all(&mut std::io::stdout(), &script)) {
        Ok(()) => Exit::Done,
        Err(error) => {
            error.show(false);
            error.exit
        }
    }
}
