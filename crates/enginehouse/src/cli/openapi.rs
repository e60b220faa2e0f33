//! `enginehouse openapi`: the description of the HTTP API, without a server.

use std::io::Write;

use clap::{Args, ValueEnum};

use super::cli_error::written;
use crate::exit_codes::Exit;

#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
pub(crate) struct OpenapiArgs {
    /// Of which version of OpenAPI the description is: 3.0 is for tools that know no 3.1
    #[arg(long, value_name = "VERSION", value_enum, default_value_t)]
    version: OpenapiVersion,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OpenapiVersion {
    #[value(name = "3.0")]
    Older,
    #[default]
    #[value(name = "3.1")]
    Current,
}

pub(crate) fn run(arguments: &OpenapiArgs) -> Exit {
    let document = match arguments.version {
        OpenapiVersion::Older => enginehouse_server::http::openapi_3_0_text(),
        OpenapiVersion::Current => enginehouse_server::http::openapi_text(),
    };
    match written(std::io::stdout().lock().write_all(document.as_bytes())) {
        Ok(()) => Exit::Done,
        Err(error) => {
            error.show(false);
            error.exit
        }
    }
}
