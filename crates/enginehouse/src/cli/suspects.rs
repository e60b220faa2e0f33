//! `enginehouse suspects`: engines and versions that fail more than others do.

use clap::Args;
use enginehouse_api::suspects::SuspectView;
use enginehouse_core::ids::EventType;

use super::cli_error::CliError;
use super::effect::{Effect, ServerCall};
use super::output::{Listed, note, one, or_dash, whole_list};
use super::quarantine;
use super::server_and_output::{Common, OutputFormat};
use super::times::{TimeFormat, Times};
use crate::exit_codes::Exit;

/// List engines and versions that fail more than others do at the same work, the surest first.
///
/// A server judges by the attempts that it has seen the end of since it was started.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  enginehouse suspects -o wide")]
pub(crate) struct SuspectsArgs {
    #[command(flatten)]
    common: Common,
}

impl SuspectsArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = Effect::Reads;
        ServerCall { common: &self.common, effect }
    }
}

pub(crate) async fn run(arguments: SuspectsArgs) -> Exit {
    let SuspectsArgs { common } = arguments;
    let result = show(&common).await;
    common.finish(result)
}

async fn show(common: &Common) -> Result<(), CliError> {
    let found = common.client.suspects().await;
    let found = found.map_err(|error| CliError::call("could not list suspects", error))?;
    let left_out = found.left_out;
    if matches!(common.format(), OutputFormat::Json | OutputFormat::Yaml) {
        one(common, &found, "", &[])?;
    } else {
        whole_list(common, &Times::new(TimeFormat::Relative), found.suspects)?;
    }
    if left_out > 0 {
        note(&format!("these are the surest; {left_out} more are left out"));
    }
    Ok(())
}

impl Listed for SuspectView {
    const HEADER: &'static [&'static str] = &["WHO", "AT", "SINCE", "SURE", "QUARANTINE", "WHY", "LOST", "EVIDENCE"];
    const WIDE: &'static [&'static str] = &["LOST", "EVIDENCE"];

    fn row(&self, times: &Times) -> Vec<String> {
        let types: Vec<_> = self.event_types.iter().map(EventType::as_str).collect();
        let evidence: Vec<_> = self.evidence.iter().map(ToString::to_string).collect();
        let version = || format!("version {}", or_dash(self.engine_version.as_ref()));
        vec![
            self.engine_id.as_ref().map_or_else(version, ToString::to_string),
            types.join(", "),
            times.show(self.since),
            format!("{:.3} %", self.probability * 100.0),
            quarantine::end_in_a_cell(self.quarantine.as_ref(), &self.automatic_quarantines, times),
            self.summary.clone(),
            self.lost.to_string(),
            evidence.join(", "),
        ]
    }

    /// An engine's, for whoever puts it in quarantine. A version has none.
    fn id(&self) -> String {
        self.engine_id.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}
