//! `enginehouse man`: a manual page for each command.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};

use super::cli_error::CliError;
use super::completions::visible;
use crate::exit_codes::Exit;

/// Write manual pages into a folder: `enginehouse.1`, and one for each command.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  enginehouse man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The folder, which is made if it is not there
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub(crate) fn run<C: CommandFactory>(arguments: &ManArgs) -> Exit {
    let Err(error) = write_pages(visible(C::command()), &arguments.folder) else { return Exit::Done };
    let why = format!("{}: {error}", arguments.folder.display());
    let error =
        CliError::new(Exit::Failed, "could not write the manual pages", why, "name a folder that can be written to");
    error.show(false);
    error.exit
}

fn write_pages(mut command: Command, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    // Each then knows the name that it is called by, and the options that all have.
    command.build();
    write_page(&command, folder)
}

/// Writes the page of a command, then those of its own.
fn write_page(command: &Command, folder: &Path) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    fs::write(folder.join(format!("{name}.1")), page)?;
    let subcommands = command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help");
    subcommands.into_iter().try_for_each(|sub| write_page(sub, folder))
}
