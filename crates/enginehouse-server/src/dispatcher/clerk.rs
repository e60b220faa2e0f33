//! A clerk carries out one batch: together if it can be, again if another transaction was in the way, one by one if one
//! command may be what fails.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use enginehouse_store::{Applied, Store, StoreError};
use futures_util::FutureExt;
use tokio::time::Instant;

use super::batch::{Done, Run, SharedIds};
use super::commands::Command;
use super::registry::Registry;
use super::report::Due;
use super::waiting::{News, Parked, Waiting};
use super::{Config, Job};
use crate::chance::SharedChance;
use crate::timers::Timer;

/// How often a command is carried out again when another transaction was in its way.
const MAX_CONFLICTS: usize = 5;
/// How often a batch is, before its commands are carried out one by one: so that the one that somebody is in the way of keeps
/// nobody else waiting.
const MAX_CONFLICTS_TOGETHER: usize = 2;

/// Carries out one batch at a time, with copies of its own of what many commands share.
pub(super) struct Clerk {
    pub(super) registry: Registry,
    pub(super) chance: SharedChance,
}

/// A batch that has ended, one way or another.
pub(super) struct Finished {
    pub(super) clerk: Clerk,
    pub(super) outcomes: Vec<Outcome>,
    /// Waiting claims that were taken out and have no answer.
    pub(super) woken: Vec<Parked>,
    pub(super) of: Began,
}

/// Commands that were carried out together.
pub(super) struct Outcome {
    pub(super) jobs: Vec<Job>,
    pub(super) result: Result<Done, StoreError>,
    /// Waiting claims that have an answer.
    pub(super) served: Vec<Parked>,
    pub(super) took: Duration,
}

/// What was known when a batch began.
pub(super) struct Began {
    /// How many batches had made something ready.
    pub(super) ready_batches: u64,
    /// How many had begun before it.
    pub(super) begun: u64,
    /// Whether others were under way.
    pub(super) had_company: bool,
    /// Whether it looks at what has fallen due, and what it was told of that.
    pub(super) chores: Option<Due>,
    pub(super) news: News,
    pub(super) resumed: bool,
    pub(super) heard_at: Instant,
}

/// What a clerk works with while a batch is carried out.
pub(super) struct Desk {
    pub(super) store: Arc<dyn Store>,
    pub(super) config: Arc<Config>,
    pub(super) ids: SharedIds,
    pub(super) waiting: Arc<Mutex<Waiting>>,
    pub(super) due: Due,
    pub(super) clerk: Clerk,
    pub(super) woken: Vec<Parked>,
}

impl Desk {
    /// Carries out jobs together; one by one, if one of them may be what fails.
    pub(super) async fn carry_out(mut self, jobs: Vec<Job>, of: Began) -> Finished {
        let began = Timer::now();
        let commands: Vec<_> = jobs.iter().map(|job| &job.command).collect();
        let most_conflicts = if jobs.len() > 1 { MAX_CONFLICTS_TOGETHER } else { MAX_CONFLICTS };
        let result = self.transact(&commands, &of, most_conflicts).await;
        let mut outcomes = Vec::new();
        match result {
            Err(error @ (StoreError::Corrupt(_) | StoreError::Conflict(_))) if jobs.len() > 1 => {
                match &error {
                    StoreError::Conflict(_) => {
                        tracing::warn!(%error, commands = jobs.len(), "commands are tried one by one");
                    }
                    _ => {
                        tracing::error!(%error, commands = jobs.len(), "a transaction failed: its commands are tried one by one");
                    }
                }
                for job in jobs {
                    let began = Timer::now();
                    let result = self.transact(&[&job.command], &of, MAX_CONFLICTS).await.map_err(given_up);
                    if let Err(error) = &result {
                        // What fails alone is answered there.
                        tracing::error!(%error, "a transaction failed");
                    }
                    let served = self.take_served(&result);
                    outcomes.push(Outcome { jobs: vec![job], result, served, took: began.elapsed() });
                }
            }
            result => {
                let result = result.map_err(given_up);
                if let Err(error) = &result {
                    tracing::error!(%error, commands = jobs.len(), "a transaction failed");
                }
                let served = self.take_served(&result);
                outcomes.push(Outcome { jobs, result, served, took: began.elapsed() });
            }
        }
        Finished { clerk: self.clerk, outcomes, woken: self.woken, of }
    }

    /// Takes out the waiting claims that have an answer now, so that a transaction after this one does not serve them too.
    fn take_served(&mut self, result: &Result<Done, StoreError>) -> Vec<Parked> {
        let Ok(done) = result else { return Vec::new() };
        let (served, woken) = std::mem::take(&mut self.woken)
            .into_iter()
            .partition(|parked| done.given.iter().any(|(number, _)| *number == parked.number));
        self.woken = woken;
        served
    }

    /// Runs one transaction, again if another one was in its way. A panic within it is a bug, and treated as a failure of
    /// it alone.
    async fn transact(&mut self, commands: &[&Command], of: &Began, most_conflicts: usize) -> Result<Done, StoreError> {
        let mut conflicts = 0;
        loop {
            let mut run = Run {
                store: &*self.store,
                config: &self.config,
                registry: &mut self.clerk.registry,
                chance: &mut self.clerk.chance,
                ids: &self.ids,
                waiting: &self.waiting,
                woken: &mut self.woken,
                news: of.news.clone(),
                due: self.due,
                chores: of.chores.is_some(),
                resumed: of.resumed,
                heard_at: of.heard_at,
            };
            let done = AssertUnwindSafe(run.commands(commands)).catch_unwind().await.unwrap_or_else(|panic| {
                let why = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let why = why.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
                Err(StoreError::Corrupt(format!("an operation has panicked: {why}")))
            });
            let Err(error) = done else { return done };
            // What was read or changed in it is not to be trusted any more.
            self.clerk.registry.forget();
            match error {
                StoreError::Conflict(why) if conflicts < most_conflicts => {
                    conflicts += 1;
                    tracing::debug!(why, conflicts, "another transaction was in the way: once more");
                }
                error => return Err(error),
            }
        }
    }
}

/// What a caller is told of a transaction that somebody was in the way of again and again.
fn given_up(error: StoreError) -> StoreError {
    match error {
        StoreError::Conflict(reason) => StoreError::Unavailable { applied: Applied::No, reason },
        error => error,
    }
}
