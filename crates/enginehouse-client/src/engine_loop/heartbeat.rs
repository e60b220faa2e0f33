//! Speaks up for the engine and its locks, and hears what the server has to say.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_api::engines::{Engine, HeartbeatRequest, HeartbeatResponse, RegisterRequest};
use enginehouse_api::problem::Code;
use enginehouse_core::engine::{DynamicState, EngineStatus};
use enginehouse_core::ids::EngineId;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::Builder;
use super::event::StopReason;
use super::held::Held;
use crate::backoff::{Backoff, pause};
use crate::calls::Client;
use crate::error::Error;

/// What the server last said about the engine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    pub(super) epoch: i64,
    pub(super) draining: bool,
    pub(super) end: Option<End>,
}

/// Why the session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Another process has registered under the same id.
    Superseded,
    /// It was drained, and is stopped.
    Drained,
}

/// The claims' side of the heartbeat.
pub(super) struct Heartbeat {
    pub(super) session: watch::Receiver<Session>,
    /// Asks for a heartbeat now.
    pub(super) beat_now: Arc<Notify>,
}

/// Sends heartbeats until `done`.
pub(super) fn start(builder: &Builder, engine: &Engine, held: Arc<Held>, done: CancellationToken) -> Heartbeat {
    let (session, watched) = watch::channel(Session { epoch: engine.epoch, draining: engine.draining, end: None });
    let beat_now = Arc::new(Notify::new());
    let beater = Beater {
        client: builder.client.clone(),
        engine_id: builder.engine_id.clone(),
        registration: builder.registration(),
        load: Arc::clone(&builder.load),
        interval: Duration::from_secs(engine.heartbeat_interval_seconds),
        held,
        session,
    };
    tokio::spawn(beater.beat_until(done, Arc::clone(&beat_now)));
    Heartbeat { session: watched, beat_now }
}

struct Beater {
    client: Client,
    engine_id: EngineId,
    registration: RegisterRequest,
    load: Arc<dyn Fn() -> DynamicState + Send + Sync>,
    /// Zero: only when a claim asks for it.
    interval: Duration,
    held: Arc<Held>,
    session: watch::Sender<Session>,
}

impl Beater {
    async fn beat_until(self, done: CancellationToken, beat_now: Arc<Notify>) {
        let mut backoff = Backoff::new(Duration::from_millis(250), self.between_tries());
        let mut wait = self.interval;
        loop {
            let due = async { if wait.is_zero() { std::future::pending().await } else { pause(wait).await } };
            tokio::select! {
                () = due => {}
                () = beat_now.notified() => {}
                () = done.cancelled() => return,
            }
            let beaten = tokio::select! {
                beaten = self.beat() => beaten,
                () = done.cancelled() => return,
            };
            match beaten {
                Ok(()) => {
                    backoff.reset();
                    wait = self.interval;
                }
                // Soon again: the server counts its silence in a few intervals.
                Err(error) => {
                    tracing::warn!(%error, "the heartbeat failed; trying again");
                    wait = backoff.next(None);
                }
            }
            if self.session.borrow().end.is_some() {
                return;
            }
        }
    }

    fn between_tries(&self) -> Duration {
        if self.interval.is_zero() {
            Duration::from_secs(5)
        } else {
            (self.interval / 4).max(Duration::from_millis(250))
        }
    }

    async fn beat(&self) -> Result<(), Error> {
        let request = HeartbeatRequest {
            epoch: self.session.borrow().epoch,
            dynamic_state: Some((self.load)()),
            lock_tokens: Some(self.held.tokens()),
        };
        let timeout = self.interval.clamp(Duration::from_secs(2), Duration::from_secs(10));
        match self.client.heartbeat(&self.engine_id, &request, timeout).await {
            Ok(said) => {
                self.obey(&said);
                Ok(())
            }
            Err(error) => match error.code() {
                Some(Code::EngineSuperseded) => {
                    self.session.send_modify(|session| session.end = Some(End::Superseded));
                    Ok(())
                }
                // Whoever drained it may have stopped it as well; then it is not to come back.
                Some(Code::EngineNotRegistered) if self.session.borrow().draining => {
                    self.session.send_modify(|session| session.end = Some(End::Drained));
                    Ok(())
                }
                Some(Code::EngineNotRegistered) => self.register_again().await,
                _ => Err(error),
            },
        }
    }

    fn obey(&self, said: &HeartbeatResponse) {
        for token in &said.lost {
            self.held.lose(token);
        }
        for event_id in &said.cancel {
            self.held.cancel(*event_id);
        }
        self.session.send_if_modified(|session| {
            let end = (said.status == EngineStatus::Stopped).then_some(End::Drained);
            let changed = session.draining != said.drain || end.is_some();
            session.draining = said.drain;
            session.end = end;
            changed
        });
    }

    /// The server does not know this engine any more: it begins anew, without the locks that it had.
    async fn register_again(&self) -> Result<(), Error> {
        let mut registration = self.registration.clone();
        registration.metadata.dynamic_state = (self.load)();
        let engine = self.client.register(&self.engine_id, &registration).await?;
        tracing::warn!(epoch = engine.epoch, "the server did not know this engine: registered again");
        self.held.stop_all(StopReason::LockLost);
        self.session.send_modify(|session| {
            *session = Session { epoch: engine.epoch, draining: engine.draining, end: None };
        });
        Ok(())
    }
}
