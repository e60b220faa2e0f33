//! `enginehouse openapi`: the description of the HTTP API, without a server.

use std::io::Write;

use super::cli_error::written;
use crate::exit_codes::Exit;

pub(crate) fn run() -> Exit {
    let document = enginehouse_server::http::openapi_text();
    match written(std::io::stdout().lock().write_all(document.as_bytes())) {
        Ok(()) => Exit::Done,
        Err(error) => {
            error.show(false);
            error.exit
        }
    }
}
