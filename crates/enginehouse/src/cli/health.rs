//! `enginehouse health`: is a server ready?

use clap::Args;
use enginehouse_client::Client;
use serde_json::json;

use super::cli_error::CliError;
use super::effect::{Effect, ServerCall};
use super::output::one;
use super::server_and_output::Common;
use crate::exit_codes::Exit;

/// Say whether a server is ready: with exit status 0 if it is, and another one if it is not, or is not there.
///
/// It asks `/readyz`, once, which needs no token: for the health check of a container, and for scripts that wait.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  until enginehouse health; do sleep 1; done")]
pub(crate) struct HealthArgs {
    #[command(flatten)]
    common: Common,
}

impl HealthArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = Effect::Reads;
        ServerCall { common: &self.common, effect }
    }
}

pub(crate) async fn run(arguments: HealthArgs) -> Exit {
    let result = look(&arguments.common).await;
    arguments.common.finish(result)
}

async fn look(common: &Common) -> Result<(), CliError> {
    // Whoever asks wants to know how it is now, and asks again by itself.
    let client = Client::clone(&common.client).with_max_repeats(0);
    client.ready().await.map_err(|error| CliError::call("the server is not ready", error))?;
    one(common, &json!({ "status": "ready" }), "ready", &[("status", "ready".to_owned())])
}
