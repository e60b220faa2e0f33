//! `enginehouse accept-clock`: the clock has leapt, and is right.

use clap::Args;
use serde_json::json;

use super::cli_error::CliError;
use super::effect::{Effect, ServerCall};
use super::output::one;
use super::server_and_output::Common;
use crate::exit_codes::Exit;

/// Which server is to be told.
#[derive(Debug, Args)]
#[command(after_help = "\
After the clock has leapt ahead by more than an hour, or no server ran for so long, no finished event is deleted for a day.

Example:
  enginehouse accept-clock")]
pub(crate) struct AcceptClockArgs {
    #[command(flatten)]
    common: Common,
}

impl AcceptClockArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = Effect::Changes;
        ServerCall { common: &self.common, effect }
    }
}

pub(crate) async fn run(arguments: AcceptClockArgs) -> Exit {
    let result = accept(&arguments.common).await;
    arguments.common.finish(result)
}

async fn accept(common: &Common) -> Result<(), CliError> {
    let failed = |error| CliError::call("could not accept the clock", error);
    common.client.accept_clock().await.map_err(failed)?;
    let now = common.client.stats().await.map_err(failed)?.now;
    let fields = [("now", now.to_string()), ("retention", "finished events are deleted when it ends".to_owned())];
    one(common, &json!({ "now": now }), &now.to_string(), &fields)
}
