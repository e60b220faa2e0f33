//! `enginehouse system`: how a server is set up, and what a person should look after.

use clap::Args;
use enginehouse_api::system::SettingInForce;

use super::cli_error::CliError;
use super::effect::{Effect, ServerCall};
use super::output::{Listed, one, or_dash, whole_list};
use super::server_and_output::{Common, OutputFormat};
use super::times::{TimeFormat, Times};
use crate::exit_codes::Exit;

/// Show how a running server is set up, where each setting comes from, and what to look after.
///
/// `enginehouse config` says what a server would be set up with here; `enginehouse doctor` reads the whole store besides.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enginehouse system
  enginehouse system -o json | jq -r '.advice[]'")]
pub(crate) struct SystemArgs {
    #[command(flatten)]
    common: Common,
}

impl SystemArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = Effect::Reads;
        ServerCall { common: &self.common, effect }
    }
}

pub(crate) async fn run(arguments: SystemArgs) -> Exit {
    let SystemArgs { common } = arguments;
    let result = show(&common).await;
    common.finish(result)
}

async fn show(common: &Common) -> Result<(), CliError> {
    let found = common.client.system().await;
    let found = found.map_err(|error| CliError::call("could not ask how the server is set up", error))?;
    let times = Times::new(TimeFormat::Relative);
    if matches!(common.format(), OutputFormat::Json | OutputFormat::Yaml) {
        return one(common, &found, "", &[]);
    }
    if common.format().is_table() {
        let list = |items: &[String]| if items.is_empty() { "none".to_owned() } else { items.join("\n") };
        let disk =
            found.disk.map(|disk| format!("{} of {} MiB are free", disk.free_bytes >> 20, disk.total_bytes >> 20));
        let fields = [
            ("name", or_dash(found.instance_name.as_ref())),
            ("version", found.server_version.clone()),
            ("up for", format!("{} s", found.uptime_seconds)),
            ("store", found.store.clone()),
            ("disk", or_dash(disk.as_ref())),
            ("findings", list(&found.findings)),
            ("advice", list(&found.advice)),
        ];
        one(common, &found, "", &fields)?;
    }
    whole_list(common, &times, found.settings)
}

impl Listed for SettingInForce {
    const HEADER: &'static [&'static str] = &["SETTING", "VALUE", "FROM"];

    fn row(&self, _times: &Times) -> Vec<String> {
        let value = Some(&self.value).filter(|value| !value.is_empty());
        vec![self.setting.clone(), or_dash(value), self.from.clone()]
    }

    fn id(&self) -> String {
        self.setting.clone()
    }
}
