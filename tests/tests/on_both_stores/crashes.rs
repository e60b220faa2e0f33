//! The server is killed again and again under load: nothing that was acknowledged is lost, and nothing is settled twice.

use enginehouse_tests::kills;
use enginehouse_tests::load::{Door, Load};
use enginehouse_tests::place::Place;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_is_settled_twice_however_often_the_server_is_killed() {
    let place = Place::on(crate::ON);
    let mut chance = StdRng::seed_from_u64(30);
    let mut server = place.serve(&["--log", "error"]);
    let door = Door::to(&server);
    let load = Load::start(std::slice::from_ref(&door), 4, 3);
    for _ in 0..kills(20) {
        load.more(chance.random_range(20..600)).await;
        server.kill();
        server = place.serve(&["--log", "error"]);
        door.lead_to(&server);
    }
    let told = load.check(&server.client()).await;
    let (enqueued, completed) = (told.enqueued.len(), told.completed.len());
    assert!(completed > 100 && enqueued > 500, "there was load: {completed} and {enqueued}");
    place.examine();
}
