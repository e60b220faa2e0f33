//! Measures queues side by side: ours, and what one would use instead; and ours at scale, by itself.
//!
//! Each connection is a closed loop: it asks, waits for the answer and asks again. Rates are events; times are from the
//! sending of a call to its whole answer. Nothing here is a test: it prints what it has seen.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measurement that nobody reads may end")]

mod arguments;
mod bench;
mod classes;
mod disk;
mod layouts;
mod measurement;
mod pacing;
mod phase;
mod processes;
mod queue;
mod report;
mod results;
mod running;
mod scale;
mod sql_session;
mod systems;
mod targets;
mod throwaway;
mod wire;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::{LoadArgs, LoadCommand};

#[tokio::main]
async fn main() -> ExitCode {
    match until_interrupted(LoadArgs::parse().what).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does what was asked for. What it has started goes with it, also when it is interrupted.
async fn until_interrupted(what: LoadCommand) -> Result<()> {
    let doing = async {
        match what {
            LoadCommand::Bench(bench) => bench::run(&bench).await,
            LoadCommand::Scale(scale) => scale::run(&scale).await,
            LoadCommand::Layouts(layouts) => layouts::run(&layouts).await,
            LoadCommand::Constant { port } => systems::serve_constant(port).await,
        }
    };
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = doing => done,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}
