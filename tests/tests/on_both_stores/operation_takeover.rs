//! Of several servers, one works on an operation at a time, and another one goes on when that one is gone.

use enginehouse_tests::test_store::TestStore;
use enginehouse_tests::until;

use crate::operations::{cancel_all, each_was_cancelled_once, enqueue, serve, shown};

#[tokio::test]
async fn another_server_goes_on_with_an_operation_whose_server_is_killed() {
    let store = TestStore::on(crate::STORE);
    let (one, other) = (serve(&store), serve(&store));
    let events = enqueue(&one.client()).await;
    let operation = cancel_all(&one.client()).await;
    until("it goes on", async || (shown(&other.client(), &operation).await.changed > 100).then_some(())).await;
    one.kill();
    each_was_cancelled_once(&other.client(), &operation, &events).await;
}
