//! `enginehouse openapi`: the description of the HTTP API, without a server.

use std::io::Write;

use super::trouble::{Trouble, written};
use crate::exit_codes::Exit;

pub(crate) fn run() -> Exit {
    let shown = enginehouse_server::http::openapi()
        .to_pretty_json()
        .map_err(|error| {
            Trouble::new(Exit::Failed, "could not write the OpenAPI document", error, "report this as a bug")
        })
        .and_then(|document| written(writeln!(std::io::stdout().lock(), "{document}")));
    match shown {
        Ok(()) => Exit::Done,
        Err(trouble) => {
            trouble.show(false);
            trouble.exit
        }
    }
}
