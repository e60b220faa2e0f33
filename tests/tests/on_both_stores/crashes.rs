//! The server is killed again and again under load: nothing that was acknowledged is lost, and nothing is settled twice.

use enginehouse_tests::kills;
use enginehouse_tests::load::{Load, SwitchableClient};
use enginehouse_tests::test_store::TestStore;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_is_settled_twice_however_often_the_server_is_killed() {
    let store = TestStore::on(crate::STORE);
    let mut chance = StdRng::seed_from_u64(30);
    let mut server = store.serve(&["--log", "error"]);
    let client = SwitchableClient::to(&server);
    let load = Load::start(std::slice::from_ref(&client), 4, 3);
    for _ in 0..kills(20) {
        load.more(chance.random_range(20..600)).await;
        server.kill();
        server = store.serve(&["--log", "error"]);
        client.switch_to(&server);
    }
    let record = load.check(&server.client()).await;
    let (enqueued, completed) = (record.enqueued.len(), record.completed.len());
    assert!(completed > 100 && enqueued > 500, "there was load: {completed} and {enqueued}");
    store.examine();
}
