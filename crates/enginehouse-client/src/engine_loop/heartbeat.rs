//! Keeps the engine and its locks alive, and learns from the answers which locks are lost, which events are cancelled and
//! whether to drain.
//!
//! A heartbeat goes along with an exchange that is sent in the last quarter of the interval, and by itself when no exchange
//! was sent by then. Two are never close together: the server releases a lock that two heartbeats do not list, and must not
//! take a claim's answer that is still on its way for one that was lost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use enginehouse_api::engines::{Engine, HeartbeatPart, HeartbeatRequest, HeartbeatResponse, RegisterRequest};
use enginehouse_api::problem::Code;
use enginehouse_core::access::secret::SecretHash;
use enginehouse_core::access::session::SessionToken;
use enginehouse_core::engine::{DynamicState, EngineStatus};
use enginehouse_core::ids::EngineId;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::builder::EngineLoop;
use super::handler::StopReason;
use super::held_locks::HeldLocks;
use crate::backoff::{Backoff, pause};
use crate::calls::Client;
use crate::error::Error;

/// The engine as of the server's last answer.
#[derive(Clone, Debug)]
pub(super) struct EngineSession {
    pub(super) epoch: i64,
    /// Calls as this process of the engine.
    pub(super) client: Client,
    /// What tokens of attempts are made from; none if the server knows of no sessions.
    pub(super) secret: Option<SecretHash>,
    pub(super) draining: bool,
    pub(super) end: Option<SessionEnd>,
}

impl EngineSession {
    /// The session that a registration has begun.
    pub(super) fn begun(client: &Client, engine: &Engine) -> Self {
        let token = engine.session_token.as_ref();
        Self {
            epoch: engine.epoch,
            client: client.clone().with_session(token),
            secret: token.map(SessionToken::hash),
            draining: engine.draining,
            end: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionEnd {
    /// Another process has registered under the same id.
    Superseded,
    /// It was drained, and is stopped.
    Drained,
}

/// Shared by the task that sends heartbeats and the exchanges that take one along.
pub(super) struct Heartbeats {
    engine_id: EngineId,
    registration: RegisterRequest,
    load: Arc<dyn Fn() -> DynamicState + Send + Sync>,
    /// Zero: only when [`Self::send_now`] asks for one.
    interval: Duration,
    held: Arc<HeldLocks>,
    session: watch::Sender<EngineSession>,
    last_sent_at: Mutex<Instant>,
    now: Notify,
}

impl Heartbeats {
    /// Sends heartbeats until `done`. The receiver has the engine as of the last answer.
    pub(super) fn start(
        engine_loop: &EngineLoop,
        engine: &Engine,
        held: Arc<HeldLocks>,
        done: CancellationToken,
    ) -> (Arc<Self>, watch::Receiver<EngineSession>) {
        let (session, receiver) = watch::channel(EngineSession::begun(&engine_loop.client, engine));
        let heartbeats = Arc::new(Self {
            engine_id: engine_loop.engine_id.clone(),
            registration: engine_loop.registration(),
            load: Arc::clone(&engine_loop.load),
            interval: Duration::from_secs(engine.heartbeat_interval_seconds),
            held,
            session,
            last_sent_at: Mutex::new(Instant::now()),
            now: Notify::new(),
        });
        let task = Arc::clone(&heartbeats);
        tokio::spawn(async move {
            tokio::select! {
                () = task.send_when_due() => {}
                () = done.cancelled() => {}
            }
        });
        (heartbeats, receiver)
    }

    /// Asks for a heartbeat at once.
    pub(super) fn send_now(&self) {
        self.now.notify_one();
    }

    /// The heartbeat for an exchange that is about to be sent; none if it is too soon for one.
    pub(super) fn part_if_due(&self) -> Option<HeartbeatPart> {
        let mut last_sent_at = self.last_sent_at();
        if self.interval.is_zero() || last_sent_at.elapsed() < self.interval.mul_f64(0.75) {
            return None;
        }
        *last_sent_at = Instant::now();
        Some(HeartbeatPart {
            dynamic_state: Some((self.load)()),
            lock_tokens: Some(self.held.tokens()),
            reports: self.held.begin_reports(),
        })
    }

    /// The exchange that took a heartbeat along failed: the next one is due in a quarter of the interval, unless one was sent
    /// meanwhile.
    pub(super) fn part_failed(&self) {
        let mut last_sent_at = self.last_sent_at();
        let missing = (self.interval / 4).saturating_sub(last_sent_at.elapsed());
        let due_at = Instant::now() + missing;
        *last_sent_at = due_at.checked_sub(self.interval).unwrap_or(*last_sent_at);
    }

    /// Does what the answer to a heartbeat says.
    pub(super) fn answered(&self, answer: &HeartbeatResponse) {
        for error in &answer.errors {
            tracing::warn!(pointer = error.pointer, detail = error.detail, "a part of a heartbeat was left out");
        }
        for token in &answer.lost {
            self.held.lose(token);
        }
        for event_id in &answer.cancel {
            self.held.cancel(*event_id);
        }
        self.session.send_if_modified(|session| {
            let end = (answer.status == EngineStatus::Stopped).then_some(SessionEnd::Drained);
            let changed = session.draining != answer.drain || end.is_some();
            session.draining = answer.drain;
            session.end = session.end.or(end);
            changed
        });
    }

    fn last_sent_at(&self) -> std::sync::MutexGuard<'_, Instant> {
        // No code that holds it can panic half-way through a change.
        self.last_sent_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send_when_due(&self) {
        let mut backoff = Backoff::new(Duration::from_millis(250), self.between_tries());
        let mut retry = None;
        loop {
            let due = async {
                match retry {
                    Some(wait) => pause(wait).await,
                    None => self.due().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.now.notified() => {}
            }
            match self.send().await {
                Ok(()) => {
                    backoff.reset();
                    retry = None;
                }
                // Soon again: the engine is lost after a few intervals without one.
                Err(error) => {
                    tracing::warn!(%error, "the heartbeat failed; trying again");
                    retry = Some(backoff.next(None));
                }
            }
            if self.session.borrow().end.is_some() {
                return;
            }
        }
    }

    /// Waits until an interval has passed since the last heartbeat, which an exchange may have sent.
    async fn due(&self) {
        if self.interval.is_zero() {
            return std::future::pending().await;
        }
        loop {
            let since = self.last_sent_at().elapsed();
            match self.interval.checked_sub(since) {
                Some(wait) if !wait.is_zero() => pause(wait).await,
                _ => return,
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

    async fn send(&self) -> Result<(), Error> {
        *self.last_sent_at() = Instant::now();
        let EngineSession { epoch, client, .. } = self.session.borrow().clone();
        let request = HeartbeatRequest {
            epoch,
            dynamic_state: Some((self.load)()),
            lock_tokens: Some(self.held.tokens()),
            reports: self.held.begin_reports(),
        };
        let reported: Vec<_> = request.reports.iter().map(|report| report.lock_token).collect();
        let timeout = self.interval.clamp(Duration::from_secs(2), Duration::from_secs(10));
        let answer = client.heartbeat(&self.engine_id, &request, timeout).await;
        self.held.reports_ended(&reported, answer.as_ref().ok());
        match answer {
            Ok(answer) => {
                self.answered(&answer);
                Ok(())
            }
            Err(error) => match error.code() {
                Some(Code::EngineSuperseded) => {
                    self.session.send_modify(|session| session.end = Some(SessionEnd::Superseded));
                    Ok(())
                }
                // It was drained, and stopped as well: it must not register again.
                Some(Code::EngineNotRegistered) if self.session.borrow().draining => {
                    self.session.send_modify(|session| session.end = Some(SessionEnd::Drained));
                    Ok(())
                }
                Some(Code::EngineNotRegistered) => self.register_again().await,
                _ => Err(error),
            },
        }
    }

    /// The server does not know this engine any more: it starts anew, without the locks that it had.
    async fn register_again(&self) -> Result<(), Error> {
        let mut registration = self.registration.clone();
        registration.metadata.dynamic_state = (self.load)();
        let client = self.session.borrow().client.clone();
        let engine = client.register(&self.engine_id, &registration).await?;
        tracing::warn!(epoch = engine.epoch, "the server did not know this engine: registered again");
        self.held.stop_all(StopReason::LockLost);
        self.session.send_modify(|session| {
            *session = EngineSession::begun(&client, &engine);
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heartbeats() -> Heartbeats {
        let client = Client::new("http://127.0.0.1:1").unwrap();
        let session = EngineSession { epoch: 1, client, secret: None, draining: false, end: None };
        Heartbeats {
            engine_id: "sim-1".parse().unwrap(),
            registration: RegisterRequest {
                engine_type: "sim".to_owned(),
                metadata: Default::default(),
                heartbeat_interval_seconds: None,
                takeover: false,
            },
            load: Arc::new(DynamicState::default),
            interval: Duration::from_secs(8),
            held: Arc::default(),
            session: watch::channel(session).0,
            last_sent_at: Mutex::new(Instant::now()),
            now: Notify::new(),
        }
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_exchange_takes_a_heartbeat_along_in_the_last_quarter_of_the_interval() {
        let heartbeats = heartbeats();
        pass(5).await;
        assert!(heartbeats.part_if_due().is_none());
        pass(1).await;
        assert!(heartbeats.part_if_due().is_some() && heartbeats.part_if_due().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_heartbeat_in_an_exchange_takes_the_place_of_one_by_itself() {
        let heartbeats = heartbeats();
        let began = Instant::now();
        pass(6).await;
        assert!(heartbeats.part_if_due().is_some());
        // The clock moves on by itself while everything waits for it.
        heartbeats.due().await;
        assert_eq!(began.elapsed().as_secs(), 14);
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_exchange_that_failed_the_next_heartbeat_is_due_soon_but_not_at_once() {
        let heartbeats = heartbeats();
        let began = Instant::now();
        pass(6).await;
        assert!(heartbeats.part_if_due().is_some());
        heartbeats.part_failed();
        heartbeats.due().await;
        assert_eq!(began.elapsed().as_secs(), 8);
    }
}
