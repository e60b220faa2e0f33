//! `enginehouse demo`: a fleet of engines renders one picture, tile by tile, and comes to harm on the way.
//!
//! Nothing in it is staged but the harm: the server is `enginehouse serve`, each engine is a process of its own that
//! speaks to it over HTTP, and the one that is killed is killed with SIGKILL.

mod engine;
mod fleet;
mod picture;
mod proof;
mod scene;
mod show;
mod story;
mod tiles;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

pub(crate) use self::engine::{DemoEngineArgs, run_engine};
use self::fleet::Fleet;
use self::scene::{Format, Glass, Scene, Tile};
use self::show::Show;

/// How wide the picture is, in pixels.
const WIDTH: u32 = 1280;
/// How high.
const HEIGHT: u32 = 720;
/// How long the rendering of one tile should take of the whole demo's time.
const SECONDS_PER_TILE: f64 = 0.17;
/// How long all the rendering should take.
const RENDERING_SECONDS: std::ops::RangeInclusive<f64> = 4.0..=22.0;

/// Watch a fleet of engines render a picture, lose one of its engines and recover.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  enginehouse demo --engines 6 --output picture.png --exit")]
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
    /// End at once when the picture is done, with status 0 only if everything held
    #[arg(long)]
    exit: bool,
}

/// Runs the demo. Answers its exit status.
pub(crate) async fn run(arguments: DemoArgs) -> anyhow::Result<u8> {
    // Asked for before anything is started, so that nothing is left behind.
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let folder = tempfile::Builder::new().prefix("enginehouse-demo-").tempdir().context("cannot make a folder")?;
    let mut fleet = Fleet::new(folder.path().to_owned());
    let ended = tokio::select! {
        ended = perform(&arguments, &mut fleet) => Some(ended),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    let status = match ended {
        None => {
            println!("\nstopped");
            130
        }
        Some(Ok(true)) if arguments.exit => 0,
        Some(Ok(held)) => {
            if !arguments.exit {
                println!("Serving until Ctrl-C.");
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            u8::from(!held)
        }
        Some(Err(error)) => {
            fleet.stop().await;
            eprintln!("error: the demo did not come to its end: {error:#}");
            eprintln!("{}", fleet.last_log_lines());
            eprintln!("The data file and all logs are kept in {}", folder.keep().display());
            return Ok(1);
        }
    };
    fleet.stop().await;
    Ok(status)
}

/// Everything from the first process to the proof. Answers whether everything held.
async fn perform(arguments: &DemoArgs, fleet: &mut Fleet) -> anyhow::Result<bool> {
    let began = now();
    let scene = Scene::evening();
    let samples = affordable_samples(&scene, arguments.tiles);
    let work = tiles::work(&scene, Format { width: WIDTH, height: HEIGHT, samples }, arguments.tiles);
    let client = fleet.start_server().await?;
    let show = Show::new(began, arguments.tiles);
    show.say(&format!("A server on a throwaway SQLite file serves on {}", client.url()));
    let told = story::tell(&client, fleet, &work, arguments.engines, &show).await?;
    show.finish();
    let proof = proof::check(&client, &scene, &work).await?;
    let path = std::path::absolute(&arguments.output).context("the picture's path is not one")?;
    tokio::fs::write(&path, proof.picture.to_png()?)
        .await
        .with_context(|| format!("cannot write the picture to {}", path.display()))?;
    show::preview(&proof.picture);
    show::summary(&told, &proof, began, &path, client.url());
    Ok(proof.troubles.is_empty())
}

/// How many paths for each pixel this machine can follow in the time that the demo should take: at least one.
fn affordable_samples(scene: &Scene, tiles: u32) -> u32 {
    let tiny = Format { width: WIDTH / 10, height: HEIGHT / 10, samples: 1 };
    let all = Tile { x: 0, y: 0, w: tiny.width, h: tiny.height };
    let began = now();
    scene.render(tiny, all, Glass::Refracted, || true);
    // A hundredth of the pixels; and what is not glass gets half of the samples, which is near enough.
    let seconds_per_sample = now().saturating_duration_since(began).as_secs_f64() * 100.0 * 0.6;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
    let wanted = (f64::from(tiles) * SECONDS_PER_TILE).clamp(*RENDERING_SECONDS.start(), *RENDERING_SECONDS.end());
    (wanted * cores.min(8.0) / seconds_per_sample.max(1e-6)).clamp(1.0, 256.0) as u32
}

/// The present moment of the clock that only runs.
fn now() -> Instant {
    Instant::now()
}

/// Seconds and tenths since then.
fn seconds(since: Instant) -> f64 {
    now().saturating_duration_since(since).as_secs_f64()
}

/// Asks again and again until the answer is some.
async fn until<T>(
    what: &str,
    within: Duration,
    mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let asking = async {
        let mut again = tokio::time::interval(Duration::from_millis(100));
        loop {
            again.tick().await;
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
        }
    };
    tokio::time::timeout(within, asking).await.with_context(|| format!("not within {within:?}: {what}"))?
}
