//! What a contributor runs: check, test, bench, openapi, docs, ui, pictures, package, tidy.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what a contributor runs may panic when nobody reads it"
)]

use std::process::ExitCode;

use clap::Parser;

mod bench;
mod check;
mod docs;
mod openapi;
mod orphans;
mod package;
mod pictures;
mod process;
mod test;
mod tidy;
mod tools;
mod ui;

/// What a contributor runs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum XtaskCommand {
    /// Check format, lints, tidiness and, where cargo-deny is installed, dependencies
    Check,
    /// Build everything and run every test; the last line counts them
    Test,
    /// Measure the release build beside other queues, or with `--scale` by itself; `cargo xtask bench --help` and `cargo xtask bench --scale --help` list the flags
    #[command(disable_help_flag = true)]
    Bench {
        /// `--scale` or nothing, then as `enginehouse-load scale` and `enginehouse-load bench` take them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FLAGS")]
        flags: Vec<String>,
    },
    /// Write openapi.json
    Openapi,
    /// Write the pages of docs/ that are generated
    Docs,
    /// Check and build the dashboard: needs Node
    Ui,
    /// Take pictures of every page of the dashboard over the demo's fleet: needs Node and Chromium
    Pictures(pictures::PicturesArgs),
    /// Make what people install: a Debian package, wheels, packages for npm, both with the SDKs, and a container image
    Package(package::PackageArgs),
    /// Check what no compiler does: links, names, words, layers, circles, SQL, leftovers
    Tidy,
}

fn main() -> ExitCode {
    let done = match XtaskCommand::parse() {
        XtaskCommand::Check => check::run(),
        XtaskCommand::Test => return test::run(),
        XtaskCommand::Bench { flags } => bench::run(&flags),
        XtaskCommand::Openapi => openapi::run(),
        XtaskCommand::Docs => docs::run(),
        XtaskCommand::Ui => ui::run(),
        XtaskCommand::Pictures(arguments) => pictures::take(&arguments),
        XtaskCommand::Package(arguments) => package::make(&arguments),
        XtaskCommand::Tidy => tidy::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
