//! An engine of ours, as a client of its own protocol has it.

use std::sync::Arc;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::http::HttpConnection;

/// What an engine says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EngineSpec<'a> {
    pub(crate) name: &'a str,
    /// How many events it may hold at once.
    pub(crate) batch: usize,
    /// 0 for one that is never lost.
    pub(crate) heartbeat_seconds: u64,
    /// The event type that it claims alone. It has a capability of that name too: where the events require it, nobody else is given
    /// them.
    pub(crate) specialty: Option<&'a str>,
}

/// An engine that is registered.
pub(crate) struct LoadEngine {
    pub(super) path: String,
    pub(super) epoch: i64,
    /// The header by which it proves itself.
    pub(super) session: Arc<str>,
    /// What its claims say beside how many.
    filter: String,
}

/// An event that an engine holds.
pub(crate) struct HeldLock {
    pub(super) event_id: String,
    pub(super) token: String,
    session: Arc<str>,
}

#[derive(Deserialize)]
struct RegisterAnswer {
    epoch: i64,
    session_token: String,
}

#[derive(Deserialize)]
pub(super) struct ClaimAnswer<'a> {
    #[serde(borrow)]
    events: Vec<ClaimedAnswer<'a>>,
}

#[derive(Deserialize)]
struct ClaimedAnswer<'a> {
    event_id: &'a str,
    #[serde(borrow)]
    lock: LockAnswer<'a>,
}

#[derive(Deserialize)]
struct LockAnswer<'a> {
    token: &'a str,
}

impl LoadEngine {
    pub(crate) async fn register(http: &mut HttpConnection, spec: &EngineSpec<'_>) -> Result<Self> {
        let EngineSpec { name, batch, heartbeat_seconds, specialty } = *spec;
        let path = format!("/v1/engines/{name}");
        let capabilities = specialty.map_or_else(String::new, |name| format!("{name:?}"));
        let body = format!(
            r#"{{"engine_type":"load","heartbeat_interval_seconds":{heartbeat_seconds},"metadata":{{"static_config":{{"capabilities":[{capabilities}],"resource_limits":{{"max_concurrent_events":{batch}}}}}}}}}"#
        );
        let answer = http.call("PUT", &path, &body).await?;
        let RegisterAnswer { epoch, session_token } = serde_json::from_slice(&answer)?;
        let session = format!("enginehouse-session: {session_token}\r\n").into();
        let filter = specialty.map_or_else(String::new, |name| format!(r#","event_types":["{name}"]"#));
        Ok(Self { path, epoch, session, filter })
    }

    pub(crate) async fn heartbeat(&self, http: &mut HttpConnection) -> Result<()> {
        let body = format!(r#"{{"epoch":{}}}"#, self.epoch);
        http.call_with(&self.session, "POST", &format!("{}/heartbeat", self.path), &body).await?;
        Ok(())
    }

    /// Claims up to so many events, and waits for so long for the first.
    pub(crate) async fn claim(
        &self,
        http: &mut HttpConnection,
        limit: usize,
        wait_seconds: u64,
    ) -> Result<Vec<HeldLock>> {
        let wait = if wait_seconds == 0 { String::new() } else { format!(r#","wait_seconds":{wait_seconds}"#) };
        let body = format!(r#"{{"epoch":{},"limit":{limit}{wait}{}}}"#, self.epoch, self.filter);
        let answer = http.call_with(&self.session, "POST", &format!("{}/claim", self.path), &body).await?;
        let claimed: ClaimAnswer<'_> = serde_json::from_slice(&answer).context("no answer of a claim")?;
        Ok(claimed.held(&self.session))
    }
}

impl ClaimAnswer<'_> {
    /// The locks, held in a session.
    pub(super) fn held(&self, session: &Arc<str>) -> Vec<HeldLock> {
        let held = |event: &ClaimedAnswer<'_>| HeldLock {
            event_id: event.event_id.into(),
            token: event.lock.token.into(),
            session: Arc::clone(session),
        };
        self.events.iter().map(held).collect()
    }
}

impl HeldLock {
    /// `report` is what is reported with it, as fields behind others.
    pub(crate) async fn complete(&self, http: &mut HttpConnection, report: &str) -> Result<()> {
        let path = format!("/v1/events/{}/complete", self.event_id);
        let body = format!(r#"{{"lock_token":"{}"{report}}}"#, self.token);
        http.call_with(&self.session, "POST", &path, &body).await?;
        Ok(())
    }
}
