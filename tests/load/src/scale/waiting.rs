//! Claims wait, and each event wakes one.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::finding::ScaleFigure;
use super::probe::{CpuShare, metric_reaches, server_memory};
use super::scenario::ScaleStore;
use super::server_start::ScaleBench;
use crate::queue::{Purpose, QueueSystem};
use crate::systems::{EngineSpec, HttpConnection, LoadEngine};

/// Connections of one address of the loopback: a server shares what it has among addresses.
const OF_AN_ADDRESS: usize = 50;
/// How many connect and register at once.
const AT_ONCE: usize = 64;
/// The longest that a claim may wait for.
const WAIT_SECONDS: u64 = 60;
/// Who is not answered for so long is not woken.
const WAKE_LIMIT: Duration = Duration::from_secs(10);

/// An answer to a claim that waited.
enum WaitAnswer {
    /// It was given an event.
    Woken(Instant),
    /// It was given nothing, before its wait had ended.
    InVain,
    Failed(anyhow::Error),
}

pub(super) async fn measure(bench: &ScaleBench<'_>, store: ScaleStore) -> Result<Vec<ScaleFigure>> {
    let (claims, events) = (bench.of.waiting(), bench.of.wakes());
    let connections = claims + claims / 5 + 200;
    allow_open_files(connections as u64)?;
    let connections = connections.to_string();
    let server = bench.start(store, &["--max-connections", &connections]).await?;
    let (port, pid) = (server.server().port(), server.server().pid());
    let mut producer = server.connect(Purpose::Enqueue).await?;
    let before = server_memory(pid);

    let (answers, mut answered) = unbounded_channel();
    let (room, mut waiting) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for number in 0..claims {
        let (room, answers) = (Arc::clone(&room), answers.clone());
        waiting.spawn(async move {
            if let Err(error) = wait(port, number, &room, &answers).await {
                answers.send(WaitAnswer::Failed(error)).ok();
            }
        });
    }
    tokio::select! {
        reached = metric_reaches(port, "enginehouse_waiting_claims", claims as f64) => reached?,
        answer = answered.recv() => match answer {
            Some(WaitAnswer::Failed(error)) => return Err(error),
            _ => bail!("a claim is answered although there is nothing to claim"),
        },
    }
    let memory = (server_memory(pid) - before) / 1024.0 / claims as f64;

    let share = CpuShare::begin(&server);
    let began = Instant::now();
    let (mut times, mut in_vain) = (Vec::with_capacity(events), 0);
    for _ in 0..events {
        let sent = Instant::now();
        producer.enqueue(1).await?;
        times.push(woken(&mut answered, &mut in_vain).await?.saturating_duration_since(sent));
    }
    let rate = events as f64 / began.elapsed().as_secs_f64();
    let (server_cpu, database_cpu) = share.percent();
    // All that was enqueued has woken somebody: nobody else is.
    while let Ok(answer) = answered.try_recv() {
        match answer {
            WaitAnswer::Failed(error) => return Err(error),
            WaitAnswer::Woken(_) | WaitAnswer::InVain => in_vain += 1,
        }
    }
    let mut found =
        vec![ScaleFigure::new(format!("memory of one of {claims} claims, engine and connection, KiB"), memory)];
    let [half, most] = ScaleFigure::of_times("from an enqueue to the claim's answer", &mut times);
    found.extend([
        half.at_most(10.0),
        most.at_most(50.0),
        ScaleFigure::new("claims woken in vain", in_vain as f64).at_most(0.0),
        ScaleFigure::new("one at a time, events/s", rate),
        ScaleFigure::new("processor time of the server, % of one", server_cpu),
        ScaleFigure::new("processor time of PostgreSQL, % of one", database_cpu),
    ]);
    Ok(found)
}

/// When the next claim is given an event.
async fn woken(answered: &mut UnboundedReceiver<WaitAnswer>, in_vain: &mut usize) -> Result<Instant> {
    loop {
        let answer = timeout(WAKE_LIMIT, answered.recv()).await.context("an event wakes no claim")?;
        match answer.context("nobody waits any more")? {
            WaitAnswer::Woken(at) => return Ok(at),
            WaitAnswer::InVain => *in_vain += 1,
            WaitAnswer::Failed(error) => return Err(error),
        }
    }
}

/// Registers an engine, and claims one event after the other for it.
async fn wait(port: u16, number: usize, room: &Semaphore, answers: &UnboundedSender<WaitAnswer>) -> Result<()> {
    let (mut http, engine) = {
        let _room = room.acquire().await?;
        let mut http = HttpConnection::open_from(address(number)?, port).await?;
        let name = format!("waiting-{number}");
        let spec = EngineSpec { name: &name, batch: 1, heartbeat_seconds: 10, specialty: None };
        let engine = LoadEngine::register(&mut http, &spec).await?;
        (http, engine)
    };
    loop {
        let began = Instant::now();
        let held = engine.claim(&mut http, 1, WAIT_SECONDS).await?;
        let answer = match held.first() {
            Some(_) => WaitAnswer::Woken(Instant::now()),
            None if began.elapsed() < Duration::from_secs(WAIT_SECONDS - 1) => WaitAnswer::InVain,
            None => continue,
        };
        if answers.send(answer).is_err() {
            return Ok(());
        }
        for lock in held {
            lock.complete(&mut http, "").await?;
        }
    }
}

/// Where one of so many comes from.
fn address(number: usize) -> Result<Ipv4Addr> {
    let block =
        u16::try_from(number / OF_AN_ADDRESS).context("there are too many claims for the loopback's addresses")?;
    let [high, low] = block.to_be_bytes();
    Ok(Ipv4Addr::new(127, 1, high, low))
}

/// Asks the kernel for as many descriptors as connections need, here and in the server.
fn allow_open_files(connections: u64) -> Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = connections + 1_000;
    if current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    if maximum.is_some_and(|maximum| maximum < wanted) {
        bail!(
            "a process may open {maximum:?} files here, and {wanted} are needed: raise `ulimit -n`, or lower `--waiting`"
        );
    }
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_of_the_loopback_and_are_shared_by_few() {
        let addresses =
            [0, OF_AN_ADDRESS - 1, OF_AN_ADDRESS, 300 * OF_AN_ADDRESS].map(|number| address(number).unwrap());
        let of = |high, low| Ipv4Addr::new(127, 1, high, low);
        assert_eq!(addresses, [of(0, 0), of(0, 0), of(0, 1), of(1, 44)]);
        assert!(addresses.iter().all(Ipv4Addr::is_loopback));
    }
}
