//! `faults`: load, faults, recovery, check.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::ValueEnum;
use enginehouse_core::ids::EngineId;
use enginehouse_core::time::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::process::Signal;
use tokio::task::JoinSet;

use crate::arguments::FaultsArgs;
use crate::caller::Caller;
use crate::checker::check;
use crate::clients::engine::INTERVAL;
use crate::clients::{ClientFleet, bystander, engine, operator, pause, producer};
use crate::faults::sql::SqlFaults;
use crate::faults::{Fault, FaultCounts, FaultTargets};
use crate::final_state::FinalState;
use crate::history::{CallHistory, CallOutcome};
use crate::latency::Latencies;
use crate::proxy::CuttingProxy;
use crate::servers::can_move_clocks;
use crate::store::StoreChoice;
use crate::test_bed::TestBed;
use crate::windows::Windows;

/// How long clients may take to end once they are told to.
const LAST_CALLS: Duration = Duration::from_secs(60);
/// The status of a server that stopped as it was asked to.
const CLEAN_EXIT: &str = "exit status: 0";
/// How long a producer waits between two events.
const PACE: Duration = Duration::from_millis(25);

/// How far the store's time may be ahead of a clock that nobody sets: a start after a crash begins up to a second later.
const MAX_LEAD: Duration = Duration::from_secs(2);

#[expect(clippy::disallowed_methods, reason = "compared with the time of the store")]
fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Answers whether everything held.
pub(crate) async fn run(arguments: &FaultsArgs) -> Result<bool> {
    let seed = arguments.target.seed;
    let mut rng = StdRng::seed_from_u64(seed);
    let wanted = |fault: Fault| arguments.only.is_empty() || arguments.only.contains(&fault);
    let is_sqlite = arguments.target.store == StoreChoice::Sqlite;
    let own_clocks = is_sqlite && wanted(Fault::ClockJump) && can_move_clocks();
    let mut target = TestBed::start(&arguments.target, wanted(Fault::FullDisk), own_clocks, &[]).await?;
    let servers = target.servers.0.clone();
    let (history, fleet, windows, latencies) =
        (CallHistory::begin(), ClientFleet::default(), Windows::default(), Latencies::default());
    let has_small_disk = target.store.small_disk.is_some() || target.store.has_small_tablespace;
    let mut kinds = Vec::new();
    for fault in Fault::value_variants().iter().copied().filter(|fault| wanted(*fault)) {
        match fault {
            Fault::HeldRow | Fault::OpenTransaction if is_sqlite => {}
            Fault::ClockJump if !is_sqlite => {}
            Fault::ClockJump if !own_clocks => println!("not tried: clock jumps; faketime is not installed"),
            Fault::FullDisk if !has_small_disk => println!("not tried: a full disk; this process may not mount one"),
            _ => kinds.push(fault),
        }
    }

    let mut proxies = Vec::new();
    let mut clients = JoinSet::new();
    for server in &servers {
        let proxy = CuttingProxy::before(server.port, rng.random()).await?;
        let through_proxy = || Caller::to(&proxy.url(), &history);
        for number in 0..arguments.clients {
            let name = format!("{}-{number}", server.index);
            clients.spawn(producer::produce(
                through_proxy()?,
                fleet.clone(),
                format!("key-{name}"),
                rng.random(),
                PACE,
            ));
            let engine_id: EngineId = format!("engine-{name}").parse()?;
            clients.spawn(engine::work(through_proxy()?, fleet.clone(), engine_id, rng.random()));
        }
        clients.spawn(operator::operate(through_proxy()?, fleet.clone(), rng.random()));
        let direct = Caller::to(&server.url(), &history)?;
        let bystander = bystander::stand_by(direct, fleet.clone(), history.clone(), server.index, latencies.clone());
        clients.spawn(bystander);
        proxies.push(proxy);
    }
    let counts = FaultCounts::default();
    let sql = (!is_sqlite).then(|| SqlFaults { url: target.store.url.clone(), has_small_disk });
    let targets = FaultTargets {
        servers: servers.clone(),
        history: history.clone(),
        windows: windows.clone(),
        sql,
        small_disk: target.store.small_disk.clone(),
        counts: counts.clone(),
    };
    let duration = Duration::from_secs_f64(arguments.target.minutes * 60.0);
    crate::faults::run(targets, &kinds, rng.random(), duration).await?;

    let mut held = true;
    for server in &servers {
        server.signal(Signal::CONT);
        if let Some(status) = server.has_ended() {
            held = false;
            println!("VIOLATED: server {} has ended by itself: {status}", server.index);
            server.start_again().await?;
        }
    }
    proxies.iter().for_each(CuttingProxy::calm_down);
    fleet.calm_down();
    fleet.stop_producers();
    let direct = Caller::to(&servers.first().context("there is a server")?.url(), &history)?;
    let recovering = history.now();
    let limit = recovering + Duration::from_secs(arguments.recovery_seconds);
    // Not even one call of a minute ago may be under way when the final state is read.
    let is_over = async || direct.client().stats().await.is_ok_and(|it| it.events.queued + it.events.processing == 0);
    while history.now() < limit && !(is_over().await && history.now() > recovering + INTERVAL) {
        pause(Duration::from_millis(200)).await;
    }
    if !own_clocks {
        let ahead = direct.client().stats().await?.now.since(wall_clock());
        if ahead > MAX_LEAD {
            held = false;
            println!("VIOLATED: the store's time is {:.1} s ahead of the clock", ahead.as_secs_f64());
        }
    }
    println!("recovery took {:.1} s", (history.now() - recovering).as_secs_f64());
    fleet.stop_engines();
    let ending = async { while clients.join_next().await.is_some() {} };
    tokio::time::timeout(LAST_CALLS, ending).await.context("a client does not end")?;

    let state = FinalState::of(direct.client()).await?;
    let operations = history.operations().clone();
    if let Some(file) = &arguments.history {
        history.write_to(file).with_context(|| format!("the history cannot be written to {}", file.display()))?;
    }
    let violations = check(&operations, &state, INTERVAL * 3);
    let unknown = operations.iter().filter(|operation| operation.outcome == CallOutcome::Unknown).count();
    let failed = operations.iter().filter(|operation| matches!(operation.outcome, CallOutcome::Failed(_))).count();
    println!(
        "{} operations: {} ok, {failed} failed, {unknown} unknown; {} events, {} of them completed",
        operations.len(),
        operations.len() - failed - unknown,
        state.events.len(),
        state.counts.completed
    );
    let cuts: u64 = proxies.iter().map(CuttingProxy::cuts).sum();
    println!(
        "{} kills, {} stops, {cuts} cut connections, {} held rows, {} open transactions, {} clock jumps, {} full disks, {} dribbles",
        counts.of(Fault::Kill),
        counts.of(Fault::Stop),
        counts.of(Fault::HeldRow),
        counts.of(Fault::OpenTransaction),
        counts.of(Fault::ClockJump),
        counts.of(Fault::FullDisk),
        counts.of(Fault::Dribble),
    );
    for call in ["heartbeat", "settle"] {
        if let Some(summary) = latencies.summary(call, &windows) {
            println!("bystanders, {call}: {summary}");
        }
    }
    violations.lines().for_each(|line| println!("{line}"));
    held &= violations.is_empty();
    for server in &servers {
        let status = server.stop().await?;
        if status != CLEAN_EXIT {
            held = false;
            println!("VIOLATED: server {} did not stop in good order: {status}", server.index);
        }
    }
    if let Some(report) = servers[0].examine_store().await? {
        held = false;
        println!("VIOLATED: the store is not sound:\n{report}");
    }
    if held {
        println!("everything held (seed {seed})");
    } else {
        let folder = target.keep().map(|folder| folder.display().to_string()).unwrap_or_default();
        println!("not everything held (seed {seed}); logs of the servers: {folder}");
    }
    Ok(held)
}
