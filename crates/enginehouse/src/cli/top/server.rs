//! What the screen calls the server, and an answer of it that cannot be read.

use super::super::cli_error::CliError;
use super::super::server_and_output::Common;
use crate::exit_codes::Exit;

/// What stands first on the screen.
pub(super) fn server_name(common: &Common) -> String {
    let url = common.client.url();
    match common.client.production() {
        Some(context) => format!("enginehouse {url} PRODUCTION {context}"),
        None => format!("enginehouse {url}"),
    }
}

/// What the server tells is not what this program knows.
pub(super) fn not_understood(error: serde_json::Error) -> CliError {
    CliError::new(
        Exit::Failed,
        "could not read what the server tells",
        error,
        "use the version of this program that the server has",
    )
}
