//! `enginehouse demo`, and the hidden `enginehouse demo-engine` that it starts.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use enginehouse_core::ids::EngineId;
use enginehouse_demo::{BusyFleetConfig, DemoConfig, DemoEnd, EngineConfig};

use super::engine_run::load::LoadMeter;
use super::output::note;

/// Watch a fleet of engines render a picture, lose one of its engines and recover.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  enginehouse demo --engines 6 --output picture.png --exit
  enginehouse demo --fleet 40")]
pub(crate) struct DemoArgs {
    /// How many engines
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(3..=16))]
    engines: u32,
    /// Into how many tiles the picture is cut
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u32).range(16..=1000))]
    tiles: u32,
    /// Where to write the picture
    #[arg(long, value_name = "FILE", default_value = "enginehouse-demo.png")]
    output: PathBuf,
    /// Render no picture: keep a fleet of so many engines busy until Ctrl-C, with something slow, something flaky and something
    /// that no engine can run. Each engine keeps a connection or two
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(4..=2_000), conflicts_with_all = ["engines", "tiles", "output", "exit"])]
    fleet: Option<u32>,
    /// End at once when the picture is done, with status 0 only if everything held
    #[arg(long)]
    exit: bool,
}

/// Be one engine of the demo. It ends when its stdin does.
#[derive(Debug, Args)]
pub(crate) struct DemoEngineArgs {
    #[arg(long)]
    url: String,
    #[arg(long)]
    engine_id: EngineId,
    #[arg(long)]
    glass: bool,
    #[arg(long)]
    max_concurrent: u32,
    #[arg(long)]
    memory_mb: u64,
}

pub(crate) async fn run(arguments: DemoArgs) -> u8 {
    let demo = async {
        let program = std::env::current_exe().context("this program does not know where it is")?;
        let DemoArgs { engines, tiles, output, exit, fleet } = arguments;
        if let Some(engines) = fleet {
            enginehouse_demo::run_fleet(BusyFleetConfig { program, engines }).await?;
            return Ok(DemoEnd::Interrupted);
        }
        enginehouse_demo::run(DemoConfig { program, engines, tiles, output, keep_serving: !exit }).await
    };
    match demo.await {
        Ok(DemoEnd::Proved) => 0,
        Ok(DemoEnd::Refuted) => 1,
        Ok(DemoEnd::Interrupted) => {
            enginehouse_demo::say("\nstopped");
            130
        }
        Err(error) => failed(&error),
    }
}

pub(crate) async fn run_engine(arguments: DemoEngineArgs) -> u8 {
    let DemoEngineArgs { url, engine_id, glass, max_concurrent, memory_mb } = arguments;
    let load = LoadMeter::default();
    let load = Box::new(move || load.state());
    let ended = enginehouse_demo::run_engine(EngineConfig { url, engine_id, glass, max_concurrent, memory_mb, load });
    ended.await.map_or_else(|error| failed(&error), |()| 0)
}

fn failed(error: &anyhow::Error) -> u8 {
    note(&format!("error: {error:#}"));
    1
}
