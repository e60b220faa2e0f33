//! An engine that claims and settles, and now and then crashes, pauses, or comes with a token that is no longer its own.

use std::time::Duration;

use enginehouse_api::problem::Code;
use enginehouse_core::ids::EngineId;
use enginehouse_core::lock::LockToken;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{ClientFleet, PAUSE, QUEUE, pause};
use crate::caller::Caller;
use crate::history::{Answer, CallOutcome, LockedEvent, Settling};

/// How often engines of the campaign heartbeat. One is lost after three times as long.
pub(crate) const INTERVAL: Duration = Duration::from_secs(2);

pub(crate) async fn work(caller: Caller, fleet: ClientFleet, engine_id: EngineId, seed: u64) {
    let mut engine = CampaignEngine { caller, fleet, engine_id, rng: StdRng::seed_from_u64(seed), old: Vec::new() };
    while !engine.fleet.engines_are_stopped() {
        match engine.caller.register(&engine.engine_id, INTERVAL).await {
            CallOutcome::Ok(Answer::Registered { epoch }) => engine.live(epoch).await,
            _ => pause(PAUSE).await,
        }
        // A server gives an engine one registration a second.
        pause(INTERVAL / 2).await;
    }
}

/// Whether the server has ended this life of an engine: it has to register again.
pub(crate) const fn is_fenced_off(outcome: &CallOutcome) -> bool {
    matches!(outcome, CallOutcome::Failed(Some(Code::EngineLost | Code::EngineSuperseded | Code::EngineNotRegistered)))
}

struct CampaignEngine {
    caller: Caller,
    fleet: ClientFleet,
    engine_id: EngineId,
    rng: StdRng,
    /// Claims of earlier lives, whose tokens must settle nothing once the event was given to another.
    old: Vec<LockedEvent>,
}

/// Whether an engine goes on.
#[derive(PartialEq, Eq)]
enum Life {
    GoesOn,
    IsOver,
}

impl CampaignEngine {
    /// From one registration to the next.
    async fn live(&mut self, epoch: i64) {
        while !self.fleet.engines_are_stopped() {
            let limit = self.rng.random_range(1..8);
            let claimed = self.caller.claim(&self.engine_id, epoch, QUEUE, limit, 0.5).await;
            if is_fenced_off(&claimed) {
                return;
            }
            let mut held = match claimed {
                CallOutcome::Ok(Answer::Claimed(claims)) => claims,
                _ => {
                    pause(PAUSE).await;
                    Vec::new()
                }
            };
            // What was claimed by a call without an answer is released once two heartbeats do not name it.
            self.caller.heartbeat(&self.engine_id, epoch, tokens(&held)).await;
            if let Some(stale) = self.rng.random_bool(0.3).then(|| self.old.pop()).flatten() {
                let result = r#""stale""#.to_owned();
                self.caller.settle(stale.event_id, stale.token, Settling::Complete { result }).await;
            }
            while let Some(claim) = held.pop() {
                if self.work_on(epoch, claim, &mut held).await == Life::IsOver {
                    return;
                }
            }
        }
    }

    async fn work_on(&mut self, epoch: i64, claim: LockedEvent, rest: &mut Vec<LockedEvent>) -> Life {
        let (event_id, token) = (claim.event_id, claim.token);
        let fate = if self.fleet.is_calm() { 0.0 } else { self.rng.random::<f64>() };
        if fate > 0.995 {
            // A crash: the next registration supersedes this life.
            self.old.append(rest);
            self.old.push(claim);
            return Life::IsOver;
        }
        if fate > 0.993 {
            // Silence for longer than an engine may keep, and then as if nothing had been.
            pause(INTERVAL * 4).await;
        } else if fate > 0.95 {
            // A long attempt, with heartbeats in time.
            for _ in 0..4 {
                pause(INTERVAL / 2).await;
                self.heartbeat(epoch, token, rest).await;
            }
        }
        let result = token.serial.to_string();
        let how = match self.rng.random_range(0..100) {
            0..8 => Settling::Fail,
            8..14 => Settling::Release,
            14..20 => {
                self.caller.settle(event_id, token, Settling::Extend).await;
                Settling::Complete { result }
            }
            _ => Settling::Complete { result },
        };
        loop {
            match self.caller.settle(event_id, token, how.clone()).await {
                CallOutcome::Ok(_) | CallOutcome::Failed(Some(Code::LockLost)) => return Life::GoesOn,
                CallOutcome::Failed(_) | CallOutcome::Unknown if self.fleet.engines_are_stopped() => {
                    return Life::IsOver;
                }
                CallOutcome::Failed(_) | CallOutcome::Unknown => {
                    pause(PAUSE).await;
                    self.heartbeat(epoch, token, rest).await;
                }
            }
        }
    }

    async fn heartbeat(&self, epoch: i64, token: LockToken, rest: &[LockedEvent]) {
        let mut held = tokens(rest);
        held.push(token);
        self.caller.heartbeat(&self.engine_id, epoch, held).await;
    }
}

fn tokens(claims: &[LockedEvent]) -> Vec<LockToken> {
    claims.iter().map(|claim| claim.token).collect()
}
