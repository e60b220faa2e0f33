//! The demo, small: it proves by itself that every tile completed exactly once.

use enginehouse_tests::{command, text};

#[test]
fn the_demo_renders_a_picture_although_an_engine_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("picture.png");
    let output = command(["demo", "--engines", "3", "--tiles", "24", "--exit", "--output"])
        .arg(&picture)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}\n{}", text(&output.stdout), text(&output.stderr));
    let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(printed.contains("every tile completed exactly once"), "{printed}");
    assert!(!printed.contains("http"), "the server is gone, so a link would lead nowhere: {printed}");
    let bytes = std::fs::read(&picture).unwrap();
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["picture.png"], "nothing else is left behind");
}
