//! The whole screen: what it shows, what is done from it, and what it leaves behind.

use enginehouse_tests::terminal::OnTerminal;
use enginehouse_tests::{run, text};

use super::given::Given;

/// What a terminal gets when the screen that was there before comes back.
const SCREEN_IS_BACK: &str = "\u{1b}[?1049l";

#[tokio::test(flavor = "multi_thread")]
async fn the_fleet_is_watched_and_acted_on_and_a_server_that_is_away_is_said() {
    let given = Given::new().await;
    let mut screen = OnTerminal::start(&given.server.url, ["top", "--no-color"], 120);
    screen.pictures("mailer");
    screen.types("d");
    screen.pictures("enginehouse engine drain mailer");
    screen.types("n");
    screen.pictures("Nothing was done.");
    assert!(!given.client.engine(&"mailer".parse().unwrap()).await.unwrap().draining);
    screen.types("dy");
    screen.pictures("Done: Engine mailer finishes what it holds and claims nothing more.");
    assert!(given.client.engine(&"mailer".parse().unwrap()).await.unwrap().draining);
    given.server.kill();
    screen.pictures("reconnecting");
    screen.types("q");
    let (status, shown) = screen.ended();
    assert_eq!(status, Some(0));
    assert!(shown.contains(SCREEN_IS_BACK), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_is_one_picture_where_there_is_none() {
    let given = Given::new().await;
    given.dead_letters(2).await;
    let url = &given.server.url;
    let shown = text(&run(url, ["top", "--once"], "").stdout);
    for part in ["2 dead letters", "mailer", "mail.send"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    for arguments in [&["top"][..], &["top", "-o", "json"]] {
        let refused = run(url, arguments, "");
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains("enginehouse stats"), "{}", text(&refused.stderr));
    }
}
