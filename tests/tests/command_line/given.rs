//! A server with dead letters.

use enginehouse_api::claims::ClaimRequest;
use enginehouse_api::settle::FailRequest;
use enginehouse_client::Client;
use enginehouse_core::event::AttemptError;
use enginehouse_core::ids::EngineId;
use enginehouse_tests::TestServer;
use serde_json::json;

pub(crate) struct Given {
    pub(crate) server: TestServer,
    pub(crate) client: Client,
    engine: EngineId,
    epoch: i64,
    _folder: tempfile::TempDir,
}

impl Given {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = TestServer::on(&folder.path().join("enginehouse.db"), &[]);
        let client = server.client();
        let engine: EngineId = "mailer".parse().unwrap();
        let request =
            serde_json::from_value(json!({ "engine_type": "mailer", "heartbeat_interval_seconds": 0 })).unwrap();
        let epoch = client.register(&engine, &request).await.unwrap().epoch;
        Self { server, client, engine, epoch, _folder: folder }
    }

    pub(crate) async fn dead_letter(&self, message: &str) -> String {
        self.client.enqueue(&serde_json::from_value(json!({ "event_type": "mail.send" })).unwrap()).await.unwrap();
        let request: ClaimRequest = serde_json::from_value(json!({ "epoch": self.epoch, "limit": 1 })).unwrap();
        let event = self.client.claim(&self.engine, &request).await.unwrap().events.remove(0);
        let failure = FailRequest {
            lock_token: event.lock.unwrap().token.unwrap(),
            error: AttemptError { code: Some("exit_1".to_owned()), message: message.to_owned(), details: None },
            retryable: Some(false),
            retry_after_seconds: None,
            dead_letter: Some(true),
            report: Default::default(),
        };
        self.client.fail(event.event_id, &failure).await.unwrap();
        event.event_id.to_string()
    }

    pub(crate) async fn dead_letters(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for number in 1..=count {
            ids.push(self.dead_letter(&format!("line {number}\nmailbox {number} is full\n")).await);
        }
        ids
    }
}
