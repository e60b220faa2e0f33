use std::time::Duration;

use enginehouse_core::time::Timestamp;

use crate::app::{START, TestApp};

#[tokio::test]
async fn a_leap_of_the_clock_is_shown_until_somebody_accepts_it() {
    let mut app = TestApp::new();
    app.call("GET /v1/stats", "").await;
    app.clock.set_wall(Timestamp::from_millis(START) + Duration::from_secs(8 * 24 * 3_600));
    app.pass(0).await;
    app.call("GET /v1/stats", "").await;
    app.call("POST /v1/clock/accept", "").await;
    app.call("GET /v1/stats", "").await;
    let transcript = app.close().await;
    let held: Vec<_> =
        transcript.lines().filter_map(|line| line.split_once("held_until\":")?.1.split_once(',')).collect();
    let held: Vec<_> = held.into_iter().map(|(until, _)| until).collect();
    assert_eq!(held, ["null", "\"2026-01-10T00:00:00.000Z\"", "null"], "{transcript}");
}
