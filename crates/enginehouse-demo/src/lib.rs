//! The demo: a fleet of engines renders one picture, tile by tile, and one of them is killed on the way.
//!
//! Only the failures are staged. The server is `enginehouse serve`, each engine is a process of its own that calls it over
//! HTTP, and the one that is killed is killed with SIGKILL. [`run`] is the demo, [`run_engine`] is one of its engines, and
//! [`run_fleet`] keeps a fleet busy for whoever wants to look around.

mod busy_fleet;
mod busy_work;
mod engine;
mod fleet;
mod output;
mod picture;
mod proof;
mod recovery;
mod scene;
mod story;
mod tiles;
mod timing;

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use tokio::signal::unix::{SignalKind, signal};

pub use self::busy_fleet::{BusyFleetConfig, run_fleet};
pub use self::engine::{EngineConfig, run_engine};
use self::fleet::DemoFleet;
use self::output::ProgressOutput;
pub use self::output::say;
use self::picture::{PictureSettings, Tile};
use self::scene::Scene;
use self::timing::{now, seconds};

/// The picture, at the least quality: a fast machine follows more paths.
const PICTURE: PictureSettings = PictureSettings { width: 1280, height: 720, samples: 1 };
/// How much each tile adds to the time that the rendering should take.
const SECONDS_PER_TILE: f64 = 0.17;
/// How long all the rendering should take.
const RENDERING_SECONDS: std::ops::RangeInclusive<f64> = 4.0..=22.0;

/// What the demo should do.
#[derive(Clone, Debug)]
pub struct DemoConfig {
    /// The `enginehouse` program: the demo starts it as `serve` for its server and as `demo-engine` for each engine.
    pub program: PathBuf,
    pub engines: u32,
    /// Into how many tiles the picture is cut.
    pub tiles: u32,
    /// Where the picture is written to, as PNG.
    pub output: PathBuf,
    /// Whether the server goes on until Ctrl-C when the picture is done.
    pub keep_serving: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoEnd {
    /// The picture is written, and every tile completed exactly once.
    Proved,
    /// The picture is written, but the server's records do not prove it. What they say was printed.
    Refuted,
    /// SIGINT or SIGTERM came before the picture was done.
    Interrupted,
}

/// Runs the demo, and prints its story.
///
/// # Errors
/// A process could not be started or has ended by itself, a call failed, or something did not happen in time. The error
/// says where the logs are.
pub async fn run(config: DemoConfig) -> anyhow::Result<DemoEnd> {
    // Register the handlers before anything is started: a signal must not leave processes behind.
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let folder = tempfile::Builder::new().prefix("enginehouse-demo-").tempdir().context("cannot make a folder")?;
    let mut fleet = DemoFleet::new(config.program.clone(), folder.path().to_owned());
    let performed = tokio::select! {
        performed = perform(&config, &mut fleet) => performed,
        _ = interrupt.recv() => Ok(DemoEnd::Interrupted),
        _ = terminate.recv() => Ok(DemoEnd::Interrupted),
    };
    if config.keep_serving && matches!(performed, Ok(DemoEnd::Proved | DemoEnd::Refuted)) {
        say("Serving until Ctrl-C.");
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
    fleet.stop().await;
    performed.map_err(|error| {
        let logs = fleet.last_log_lines();
        anyhow!(
            "the demo failed: {error:#}\n{logs}\nThe data file and all logs are kept in {}",
            folder.keep().display()
        )
    })
}

/// Everything from the first process to the proof.
async fn perform(config: &DemoConfig, fleet: &mut DemoFleet) -> anyhow::Result<DemoEnd> {
    let began = now();
    let scene = Scene::new();
    let tiles = tiles::tiles(&scene, affordable(&scene, config.tiles), config.tiles);
    let client = fleet.start_server().await?;
    let output = ProgressOutput::new(began, config.tiles);
    // A link is of use only if the server outlives the story.
    let address = if config.keep_serving { format!(": {}", client.url()) } else { String::new() };
    output.print(&format!("A server on a throwaway SQLite file has started{address}"));
    let recovery = story::run(&client, fleet, &tiles, config.engines, &output).await?;
    output.clear_bars();
    let proof = proof::check(&client, &scene, &tiles).await?;
    let path = std::path::absolute(&config.output).context("the picture's path is not one")?;
    tokio::fs::write(&path, proof.picture.to_png()?)
        .await
        .with_context(|| format!("cannot write the picture to {}", path.display()))?;
    output::preview(&proof.picture);
    output::summary(&recovery, &proof, began, &path);
    if config.keep_serving {
        output::links(client.url());
    }
    Ok(if proof.objections.is_empty() { DemoEnd::Proved } else { DemoEnd::Refuted })
}

/// The picture with as many samples as this machine can afford in the time that the demo should take.
fn affordable(scene: &Scene, tiles: u32) -> PictureSettings {
    let tenth = PictureSettings { width: PICTURE.width / 10, height: PICTURE.height / 10, ..PICTURE };
    let began = now();
    scene.render(tenth, Tile { x: 0, y: 0, w: tenth.width, h: tenth.height }, || true);
    // That was a hundredth of the pixels. The half with glass in it gets twice the samples.
    let seconds_per_sample = seconds(began) * 100.0 * 1.5;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
    let wanted = (f64::from(tiles) * SECONDS_PER_TILE).clamp(*RENDERING_SECONDS.start(), *RENDERING_SECONDS.end());
    let samples = (wanted * cores.min(8.0) / seconds_per_sample.max(1e-6)).clamp(1.0, 256.0) as u32;
    PictureSettings { samples, ..PICTURE }
}
