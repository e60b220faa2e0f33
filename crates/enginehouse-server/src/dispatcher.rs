//! Commands in, one transaction, answers after its commit.
//!
//! **Group commit.** The dispatcher gathers the commands that arrive while the transaction before them commits into the
//! next one. So the more callers there are, the fewer syncs each of them costs, and nobody waits for company: a lone command is
//! carried out at once. Each caller is answered only after the commit that holds its change is durable.
//!
//! **One's trouble.** A command that is refused changes nothing and spares its neighbours. If the transaction itself fails
//! for a reason that one command may have, each command is carried out again in a transaction of its own, and only that one fails.
//!
//! **Hanging up.** A caller that goes away cancels its waiting, not the work: commands are carried out here, on a thread of
//! the dispatcher's own, never in a request's future. What was claimed for a caller who has gone is given back.
//!
//! Invariant: nothing in here knows of HTTP.

mod batch;
mod claim;
mod clerk;
pub mod commands;
mod engines;
mod enqueue;
mod heartbeat;
mod operate;
mod registry;
mod report;
mod settings;
mod settle;
mod sweep;
mod waiting;
mod work;
mod working;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use enginehouse_core::policy::Policy;
use enginehouse_store::Store;
use tokio::sync::{mpsc, oneshot};

use self::commands::{Answer, Command, Failure};
pub use self::report::Report;
pub use self::sweep::Retention;
use crate::chance::Chance;

/// What an operator may decide about dispatch.
#[derive(Clone, Debug)]
pub struct Config {
    /// What holds for events where nothing nearer says otherwise.
    pub default_policy: Policy,
    /// How long finished events are kept.
    pub retention: Retention,
    /// The mark for processor time, in percent of one core, above which an engine gets no events; none if there is none.
    pub max_cpu_percent: Option<f64>,
    /// How many commands may wait.
    pub max_waiting_commands: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            default_policy: Policy::DEFAULT,
            retention: Retention::DEFAULT,
            max_cpu_percent: None,
            max_waiting_commands: 10_000,
        }
    }
}

/// Is told what every transaction has brought about, and how it went.
pub trait Observer: Send {
    /// A transaction has committed.
    fn committed(&self, commit: &Commit<'_>);
    /// A transaction has failed.
    fn failed(&self);
    /// So many claims wait, and so many commands.
    fn waiting(&self, claims: usize, commands: usize);
}

/// One transaction that has committed.
pub struct Commit<'a> {
    /// How many commands it held.
    pub commands: usize,
    /// How long it took, from its beginning to its commit.
    pub took: std::time::Duration,
    /// The store's time, as it saw it.
    pub now: enginehouse_core::time::Timestamp,
    /// What it has brought about.
    pub report: &'a Report,
    /// The lanes that the report counts by.
    pub lanes: &'a dyn Fn(enginehouse_core::ids::LaneId) -> Option<Arc<enginehouse_core::lane::LaneKey>>,
}

type Responder = oneshot::Sender<Result<Answer, Failure>>;

/// One command and who waits for its answer.
struct Job {
    command: Command,
    responder: Responder,
}

/// Hands commands to the dispatcher's thread. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    jobs: mpsc::Sender<Job>,
    going_down: Arc<AtomicBool>,
    wake: Arc<tokio::sync::Notify>,
}

/// The dispatcher's thread.
pub struct DispatcherThread(std::thread::JoinHandle<()>);

impl DispatcherThread {
    /// Whether the thread has ended: in a running server that is a bug or a lost store.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// Waits until every command that was accepted is answered. Call it after [`Dispatcher::shut_down`].
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the dispatcher's thread has panicked");
        }
    }
}

impl Dispatcher {
    /// Starts a dispatcher over `store`, on a thread of its own.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(
        store: Arc<dyn Store>,
        config: Config,
        chance: Box<dyn Chance>,
        observer: Box<dyn Observer>,
    ) -> std::io::Result<(Self, DispatcherThread)> {
        let (jobs, inbox) = mpsc::channel(config.max_waiting_commands);
        let going_down = Arc::new(AtomicBool::new(false));
        let wake = Arc::new(tokio::sync::Notify::new());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let work = work::Work::new(store, config, chance, observer, inbox, Arc::clone(&going_down), Arc::clone(&wake));
        let thread = std::thread::Builder::new()
            .name("enginehouse-writer".to_owned())
            .spawn(move || runtime.block_on(work.run()))?;
        Ok((Self { jobs, going_down, wake }, DispatcherThread(thread)))
    }

    /// Carries out a command.
    ///
    /// # Errors
    /// Why it was not. Unless the failure says that this is unknown, nothing was changed.
    pub async fn submit(&self, command: Command) -> Result<Answer, Failure> {
        if self.going_down.load(Ordering::Acquire) {
            return Err(Failure::ShuttingDown);
        }
        // Saturation must not make locks expire: what engines hold goes before what they want, and that before more work.
        let (free, all) = (self.jobs.capacity(), self.jobs.max_capacity());
        if free < all.saturating_mul(reserve_percent(&command)) / 100 {
            return Err(Failure::Overloaded);
        }
        let (responder, answer) = oneshot::channel();
        self.jobs.try_send(Job { command, responder }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Failure::Overloaded,
            mpsc::error::TrySendError::Closed(_) => Failure::ShuttingDown,
        })?;
        // The thread answers every job that it has taken; one that it had not taken when it ended was not carried out.
        answer.await.unwrap_or(Err(Failure::ShuttingDown))
    }

    /// Looks at what has fallen due, as the timers do.
    ///
    /// # Errors
    /// Why it did not.
    pub async fn sweep(&self) -> Result<(), Failure> {
        self.submit(Command::Sweep).await.map(|_| ())
    }

    /// Answers waiting claims with nothing and accepts no more commands. Those that were accepted are carried out.
    pub fn shut_down(&self) {
        self.going_down.store(true, Ordering::Release);
        self.wake.notify_one();
    }
}

/// How much of the room for waiting commands must be free for this one to be accepted, in percent.
const fn reserve_percent(command: &Command) -> usize {
    match command {
        Command::Enqueue(_) => 50,
        Command::Exchange { exchange, .. } if exchange.settlements.is_empty() && exchange.heartbeat.is_none() => 25,
        Command::RedrivePage { .. } | Command::DiscardPage { .. } => 25,
        _ => 0,
    }
}
