//! Real servers under load and faults, with a history of every call and a checker of it.
//!
//! `faults` lets producers, engines and operators work through proxies that cut connections, while servers are killed and
//! stopped, rows held, clocks moved and disks filled by a schedule that a seed decides. In the end everything heals, every event
//! has to end, and the checker compares the history of all calls with what is in the store. It reports the latency of
//! bystanders too: engines that have nothing to do with what goes wrong.
//!
//! `soak` is a steady load without faults, to see that nothing grows.

#![expect(clippy::print_stdout, reason = "a report that nobody reads may end")]

mod arguments;
mod caller;
mod checker;
mod clients;
mod fault_campaign;
mod faults;
mod final_state;
mod history;
mod latency;
mod private_mounts;
mod proxy;
mod servers;
mod soak;
mod store;
mod test_bed;
mod windows;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::{CampaignArgs, CampaignCommand};

fn main() -> Result<ExitCode> {
    let arguments = CampaignArgs::parse();
    private_mounts::enter()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let passed = runtime.block_on(async {
        let running = async {
            match &arguments.what {
                CampaignCommand::Faults(faults) => fault_campaign::run(faults).await,
                CampaignCommand::Soak(soak) => soak::run(soak).await,
            }
        };
        let mut terminated = signal(SignalKind::terminate())?;
        // Dropped, it takes its servers along.
        tokio::select! {
            passed = running => passed,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
            _ = terminated.recv() => bail!("terminated"),
        }
    })?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
