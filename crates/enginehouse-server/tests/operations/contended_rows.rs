//! Rows that another transaction has locked while the dispatcher sweeps, and lets go without having changed them.

use std::time::Duration;

use enginehouse_core::engine::EngineStatus;
use enginehouse_core::ids::EngineId;
use enginehouse_core::request::Claim;

use crate::harness::{Harness, claim, token};

#[tokio::test]
async fn what_was_locked_when_grace_was_granted_is_granted_it_later() {
    for locks_engine in [true, false] {
        let harness = Harness::new();
        let epoch = harness.register_with("e", "{}", 1).await;
        harness.enqueue_many(1).await;
        let short = Claim { visibility_timeout: Some(Duration::from_secs(2)), ..claim(1) };
        let claimed = harness.try_claim("e", epoch, short).await.unwrap().remove(0);
        let engine_id: EngineId = "e".parse().unwrap();
        let mut other = harness.store.begin().await.unwrap();
        match locks_engine {
            true => assert_eq!(other.free_engines_by_id(std::slice::from_ref(&engine_id)).await.unwrap().len(), 1),
            false => assert_eq!(other.events_by_id(&[claimed.event.event_id]).await.unwrap().len(), 1),
        }
        harness.stop_for(30.0);
        harness.dispatcher.sweep().await.unwrap();
        drop(other);
        harness.dispatcher.sweep().await.unwrap();
        let engine = harness.store.engine(&engine_id).await.unwrap().unwrap().0;
        assert_eq!(engine.status, EngineStatus::Active, "{locks_engine}");
        assert_eq!(harness.heartbeat("e", &[token(&claimed)]).await.renewed, [token(&claimed)], "{locks_engine}");
        harness.close().await;
    }
}
