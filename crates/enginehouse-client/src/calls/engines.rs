//! Calls of engines, and about them.

use std::time::Duration;

use enginehouse_api::claims::{ClaimRequest, ClaimResponse, ExchangeRequest, ExchangeResponse};
use enginehouse_api::engines::{
    DrainRequest, Engine, EngineLoad, EnginesQuery, HeartbeatRequest, HeartbeatResponse, QuarantineRequest,
    RegisterRequest,
};
use enginehouse_api::page::Page;
use enginehouse_core::ids::EngineId;
use reqwest::Method;

use super::{CLAIM_MARGIN, Client};
use crate::error::Error;
use crate::transport::{HttpCall, Repeat, RequestBody};

impl Client {
    /// Registers an engine, for the first time or again. A repeat begins one more epoch, and no harm is done; with access tokens it
    /// is refused as long as the first one, of whose session nobody was told, counts as alive.
    ///
    /// [`Client::with_session`] is what calls as that engine from then on.
    pub async fn register(&self, engine_id: &EngineId, request: &RegisterRequest) -> Result<Engine, Error> {
        self.put(format!("/v1/engines/{engine_id}"), RequestBody::json(request)).await
    }

    /// Registers an engine under an id that the server makes.
    pub async fn register_new(&self, request: &RegisterRequest) -> Result<Engine, Error> {
        self.post("/v1/engines".to_owned(), RequestBody::json(request), Repeat::IfNotApplied).await
    }

    /// Lists engines.
    pub async fn engines(&self, query: &EnginesQuery) -> Result<Page<Engine>, Error> {
        self.list("/v1/engines", query).await
    }

    /// What engines said of their load, minute by minute, in the last quarter of an hour.
    pub async fn engine_loads(&self, query: &EnginesQuery) -> Result<Page<EngineLoad>, Error> {
        self.list("/v1/stats/engines", query).await
    }

    /// One engine, with its locks.
    pub async fn engine(&self, engine_id: &EngineId) -> Result<Engine, Error> {
        self.get(format!("/v1/engines/{engine_id}")).await
    }

    /// Keeps an engine alive, and renews the locks that it lists. It may take no longer than `timeout`, and is not
    /// repeated: a later one has newer values.
    pub async fn heartbeat(
        &self,
        engine_id: &EngineId,
        request: &HeartbeatRequest,
        timeout: Duration,
    ) -> Result<HeartbeatResponse, Error> {
        let path = format!("/v1/engines/{engine_id}/heartbeat");
        let call = HttpCall {
            method: Method::POST,
            path,
            body: RequestBody::json(request),
            repeat: Repeat::IfNotApplied,
            timeout: Some(timeout),
        };
        self.transport.json(call).await
    }

    /// Stops giving an engine events.
    pub async fn drain_engine(&self, engine_id: &EngineId, request: DrainRequest) -> Result<Engine, Error> {
        self.post(format!("/v1/engines/{engine_id}/drain"), RequestBody::json(&request), Repeat::Always).await
    }

    /// Gives a drained engine events again.
    pub async fn resume_engine(&self, engine_id: &EngineId) -> Result<Engine, Error> {
        self.post(format!("/v1/engines/{engine_id}/resume"), RequestBody::Nothing, Repeat::Always).await
    }

    /// Keeps an engine from events, without stopping it.
    pub async fn quarantine_engine(&self, engine_id: &EngineId, request: &QuarantineRequest) -> Result<Engine, Error> {
        self.post(format!("/v1/engines/{engine_id}/quarantine"), RequestBody::json(request), Repeat::Always).await
    }

    /// Lifts the quarantine of an engine.
    pub async fn lift_quarantine(&self, engine_id: &EngineId) -> Result<Engine, Error> {
        self.post(format!("/v1/engines/{engine_id}/lift"), RequestBody::Nothing, Repeat::Always).await
    }

    /// Deregisters an engine, in good order: what it holds is back in its queue, as after a release. With an epoch, only
    /// if no other process has taken over its id.
    pub async fn deregister(&self, engine_id: &EngineId, epoch: Option<i64>) -> Result<(), Error> {
        let query = epoch.map_or_else(String::new, |epoch| format!("?epoch={epoch}"));
        self.delete(format!("/v1/engines/{engine_id}{query}"), RequestBody::Nothing, Repeat::Always).await
    }

    /// Claims events. Not repeated when its answer is lost: the server releases those locks by itself.
    pub async fn claim(&self, engine_id: &EngineId, request: &ClaimRequest) -> Result<ClaimResponse, Error> {
        let wait = enginehouse_core::time::seconds(request.wait_seconds.unwrap_or(0.0)).min(Duration::from_secs(60));
        let call = HttpCall {
            method: Method::POST,
            path: format!("/v1/engines/{engine_id}/claim"),
            body: RequestBody::json(request),
            repeat: Repeat::IfNotApplied,
            timeout: Some(wait + CLAIM_MARGIN),
        };
        self.transport.json(call).await
    }

    /// Settles, heartbeats and claims, in one transaction. The answer to all parts comes when the claim's wait is over.
    /// Repeated like its claim, if it has one: settlements and heartbeats may be repeated always.
    pub async fn exchange(&self, engine_id: &EngineId, request: &ExchangeRequest) -> Result<ExchangeResponse, Error> {
        let wait = request.claim.as_ref().and_then(|claim| claim.wait_seconds).unwrap_or(0.0);
        let wait = enginehouse_core::time::seconds(wait).min(Duration::from_secs(60));
        let call = HttpCall {
            method: Method::POST,
            path: format!("/v1/engines/{engine_id}/exchange"),
            body: RequestBody::json(request),
            repeat: if request.claim.is_none() { Repeat::Always } else { Repeat::IfNotApplied },
            timeout: (!wait.is_zero()).then(|| wait + CLAIM_MARGIN),
        };
        self.transport.json(call).await
    }
}
