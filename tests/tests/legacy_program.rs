//! examples/legacy-program: its commands as they stand there, an input that is wrong, and a crash.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use enginehouse_tests::{TestServer, binary, run, text, without_variables};
use serde_json::Value;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/legacy-program");

/// The commands of the example's README.
fn commands() -> String {
    let readme = fs::read_to_string(Path::new(EXAMPLE).join("README.md")).unwrap();
    readme.split("```sh\n").skip(1).filter_map(|block| block.split("```").next()).collect()
}

/// What the README says that they print.
fn printed() -> String {
    let readme = fs::read_to_string(Path::new(EXAMPLE).join("README.md")).unwrap();
    readme
        .rsplit_once("```\n{")
        .and_then(|(_, rest)| rest.split_once("\n```"))
        .map(|(end, _)| format!("{{{end}"))
        .unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the shell of the example finds cc and jq where this test would")]
fn path(first: &Path) -> std::ffi::OsString {
    let others = std::env::var_os("PATH").unwrap_or_default();
    let folders = [first.to_owned(), binary().parent().unwrap().to_owned()];
    std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&others))).unwrap()
}

/// Runs the README's commands, and then others, in a copy of the example; answers what they print.
fn walk(server: &TestServer, then: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    for name in ["heat.c", "heat-engine"] {
        fs::copy(Path::new(EXAMPLE).join(name), folder.path().join(name)).unwrap();
    }
    let script = format!(
        "set -euo pipefail\ntrap 'for job in $(jobs -p); do kill $job && wait $job || true; done' EXIT\n{}{then}",
        commands()
    );
    let mut bash = Command::new("bash");
    without_variables(&mut bash);
    bash.args(["-c", &script]).current_dir(folder.path()).env("PATH", path(folder.path())).stdin(Stdio::null());
    bash.env("ENGINEHOUSE_URL", &server.url).env("TMPDIR", folder.path());
    let output = bash.output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    // Nothing of an attempt is left.
    let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.starts_with("tmp.")).count(), 0);
    text(&output.stdout)
}

fn event(server: &TestServer, id: &str) -> Value {
    serde_json::from_slice(&run(&server.url, ["event", "show", id, "-o", "json"], "").stdout).unwrap()
}

#[test]
fn a_program_that_knows_no_queue_computes_events() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::on(&folder.path().join("enginehouse.db"), &[]);
    let wrong = r#"
wrong=$(enginehouse event enqueue heat.run '{"nodes": 5, "steps": 10, "alpha": 0.75, "left": 0, "right": 1}' -q)
enginehouse event wait "$wrong" || true
lacking=$(enginehouse event enqueue heat.run '{"nodes": 5}' -q)
enginehouse event wait "$lacking" || true
echo "ids $event $wrong $lacking""#;
    let said = walk(&server, wrong);
    assert!(said.contains(&printed()), "{said}");
    let ids: Vec<_> = said.lines().find_map(|line| line.strip_prefix("ids ")).unwrap().split(' ').collect();
    let [done, wrong, lacking] = [event(&server, ids[0]), event(&server, ids[1]), event(&server, ids[2])];
    assert_eq!(done["status"], "completed", "{done}");
    for (failed, why) in [(&wrong, "HEAT: UNSTABLE: ALPHA IS 0.75, AND MAY BE 0.5"), (&lacking, "jq: error")] {
        assert_eq!((&failed["status"], &failed["attempt"]), (&"failed".into(), &1.into()), "{failed}");
        let message = failed["last_error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(why), "{failed}");
    }
}

#[test]
fn an_attempt_after_a_crash_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::on(&folder.path().join("enginehouse.db"), &[]);
    // The first attempt crashes halfway, as such programs do; the second one is not spoiled.
    let spoiled = r#"
mv heat heat-whole
cat > heat <<'END'
#!/bin/sh
if [ "$ENGINEHOUSE_ATTEMPT" = 1 ]; then
    heat-whole | head -n 5
    awk '{ print $1, $2 / 2, $3, $4, $5 }' INPUT.DAT > HALF && mv HALF INPUT.DAT && rm RESTART.DAT
    heat-whole > /dev/null
    echo STEP 500 OF 1000
    exit 139
fi
heat-whole | tee /dev/stderr
END
chmod +x heat
event=$(enginehouse event enqueue heat.run '{"nodes": 5, "steps": 1000, "alpha": 0.25, "left": 0, "right": 100}' \
    --retry-delay-initial 0 -q)
enginehouse event wait "$event"
echo "id $event"
echo "log $(enginehouse event log "$event" | tr '\n' ' ')"
echo "history $(curl -sS "$ENGINEHOUSE_URL/v1/events/$event/history")""#;
    let said = walk(&server, spoiled);
    let id = said.lines().find_map(|line| line.strip_prefix("id ")).unwrap();
    let done = event(&server, id);
    assert_eq!((&done["status"], &done["attempt"]), (&"completed".into(), &2.into()), "{done}");
    assert!(said.matches(&printed()).count() == 2, "{said}");
    let history = said.lines().find_map(|line| line.strip_prefix("history ")).unwrap();
    let history: Value = serde_json::from_str(history).unwrap();
    let attempts = history["attempts"].as_array().unwrap();
    let percents: Vec<_> = attempts.iter().map(|attempt| attempt["progress"]["percent"].as_f64()).collect();
    assert_eq!(percents, [Some(50.0), Some(100.0)], "{history}");
    let log = said.lines().find_map(|line| line.strip_prefix("log ")).unwrap();
    assert!(log.contains("RESTART AT 500") && log.contains("STEP 600 OF 1000"), "{log}");
    assert!(!log.contains("STEP 500 OF 1000"), "{log}");
}
