//! What stands in `deploy/`, against servers as they are: alerts and board name nothing that `/metrics` does not have.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use enginehouse_tests::postgres::TestDatabase;
use enginehouse_tests::{TestServer, run, text};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(in_repository(path)).unwrap()
}

/// A server that has something to show: an event that was completed, and one that waits.
fn given_work(server: &TestServer) {
    let lines = "{\"n\":1}\n{\"n\":2}\n";
    let enqueue = ["event", "enqueue", "--file", "-", "--event-type", "frame.render"];
    assert!(run(&server.url, enqueue, lines).status.success());
    assert!(run(&server.url, ["engine", "list"], "").status.success());
}

/// The headers of `/metrics`, and its text.
async fn metrics(server: &TestServer, accept: &str) -> (String, String) {
    let stream = tokio::net::TcpStream::connect(server.url.trim_start_matches("http://")).await;
    let mut stream = stream.unwrap();
    let ask = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

/// Runs promtool, and answers all that it says.
#[track_caller]
fn promtool(arguments: &[&str], input: &str) -> String {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("promtool is there: `cargo xtask test` installs it");
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let output = child.wait_with_output().unwrap();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "promtool {arguments:?}: {said}\n{input}");
    said
}

#[tokio::test]
async fn the_metrics_are_what_prometheus_reads() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::on(&folder.path().join("enginehouse.db"), &[]);
    given_work(&server);
    let (head, plain) = metrics(&server, "*/*").await;
    assert!(head.contains(&format!("content-type: {PLAIN}")) && head.contains("vary: accept"), "{head}");
    assert_eq!(promtool(&["check", "metrics"], &plain), "", "it has something to say about these names");
    let (head, open_metrics) = metrics(&server, "application/openmetrics-text;version=1.0.0,*/*;q=0.1").await;
    assert!(head.contains(&format!("content-type: {OPEN_METRICS}")), "{head}");
    assert!(open_metrics.ends_with("# EOF\n") && !plain.contains("# EOF"));

    // The first one of each is an increase.
    for (name, labels) in [
        (
            "enginehouse_settles_total",
            &["outcome=\"complete\"", "outcome=\"fail\"", "outcome=\"release\"", "outcome=\"extend\""][..],
        ),
        (
            "enginehouse_dead_lettered_total",
            &[
                "reason=\"retries_exhausted\"",
                "reason=\"rejected\"",
                "reason=\"requested\"",
                "reason=\"lost_too_often\"",
                "reason=\"blocked\"",
            ],
        ),
        ("enginehouse_http_budget_refused_total", &["budget=\"streams\"", "budget=\"connections\""]),
        ("enginehouse_store_unreadable_rows", &["table=\"events\"", "table=\"engines\""]),
        ("enginehouse_events_claimed_total", &["event_type=\"frame.render\""]),
    ] {
        for label in labels {
            let line = format!("\n{name}{{{label}}} 0\n");
            assert!(plain.contains(&line) && open_metrics.contains(&line), "{line} in {plain}");
        }
    }

    // A server that comes later knows the event types that it has yet to count.
    server.kill();
    let server = TestServer::on(&folder.path().join("enginehouse.db"), &[]);
    let (_, plain) = metrics(&server, PLAIN).await;
    assert!(plain.contains("\nenginehouse_events_enqueued_total{event_type=\"frame.render\"} 0\n"), "{plain}");
}

/// The labels of each metric, and the values of each label.
type Metrics = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// Reads the lines of `/metrics`.
fn add_samples(found: &mut Metrics, plain: &str) {
    for line in plain.lines().filter(|line| !line.starts_with('#')) {
        let (name, labels) = match line.split_once('{') {
            Some((name, rest)) => (name, rest.rsplit_once('}').unwrap().0),
            None => (line.split(' ').next().unwrap(), ""),
        };
        let metric = found.entry(name.to_owned()).or_default();
        for (label, value) in matchers(labels) {
            metric.entry(label).or_default().insert(value);
        }
    }
}

/// The names and values of `a="b",c!~"d"`. No value in here has a quote or a comma in it.
fn matchers(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| {
            let value = if value.starts_with('~') || name.ends_with('!') { "" } else { value.trim_matches('"') };
            (name.trim().trim_end_matches('!').to_owned(), value.to_owned())
        })
        .collect()
}

/// What is wrong with an expression: the metrics, labels and values that are not there.
fn wrong(expression: &str, shown_labels: &[String], known: &Metrics) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut labels: BTreeSet<&str> = ["job", "instance"].into();
    let name_end = |text: &str| text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    for (place, _) in expression.match_indices("enginehouse_") {
        let rest = &expression[place..];
        let (name, rest) = rest.split_at(name_end(rest));
        let Some(metric) = known.get(name) else {
            wrong.push(format!("there is no {name}"));
            continue;
        };
        labels.extend(metric.keys().map(String::as_str));
        let selected = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(inside, _)| inside);
        for (label, value) in matchers(selected) {
            let is_number = value.parse::<u16>().is_ok();
            match metric.get(&label) {
                None if label != "job" && label != "instance" => wrong.push(format!("{name} has no label {label}")),
                Some(values) if !value.is_empty() && !value.contains('$') && !is_number && !values.contains(&value) => {
                    wrong.push(format!("{name} has no {label}=\"{value}\""));
                }
                _ => {}
            }
        }
    }
    let lists = ["by (", "on ("].iter().flat_map(|word| expression.split(word).skip(1));
    let grouped =
        lists.flat_map(|rest| rest.split(')').next().unwrap().split(',')).map(|label| label.trim().to_owned());
    for label in grouped.chain(shown_labels.iter().cloned()) {
        if !labels.contains(label.as_str()) {
            wrong.push(format!("{expression} has no label {label}"));
        }
    }
    wrong
}

/// The words between `{{` and `}}` that name labels.
fn labels_in(template: &str, prefix: &str) -> Vec<String> {
    let parts = template.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
    parts.filter_map(|part| part.trim().strip_prefix(prefix)).map(|name| name.trim().to_owned()).collect()
}

/// The alerts: each with its expression and all of its text.
fn alerts() -> Vec<(String, String, String)> {
    let rules = read("deploy/prometheus/enginehouse.rules.yml");
    let alerts = rules.split("- alert: ").skip(1).map(|alert| {
        let (name, rest) = alert.split_once('\n').unwrap();
        let expression = rest.split("expr:").nth(1).unwrap();
        let end = ["\n        for:", "\n        labels:"].iter().filter_map(|key| expression.find(key)).min().unwrap();
        (name.to_owned(), expression[..end].trim().trim_start_matches('|').trim().to_owned(), rest.to_owned())
    });
    alerts.collect()
}

/// Every object of the board that asks Prometheus: the expression, and what shows its labels.
fn queries(board: &Value) -> Vec<(String, String)> {
    let panels = board["panels"].as_array().unwrap().iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    panels.map(|target| (text(&target["expr"]), text(&target["legendFormat"]))).collect()
}

#[tokio::test]
async fn alerts_and_board_name_metrics_and_labels_that_are_there() {
    let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::new().await);
    let mut known = Metrics::new();
    for store in [format!("sqlite://{}", folder.path().join("enginehouse.db").display()), database.url()] {
        let server = TestServer::at(&store, &["--durability", "relaxed"]);
        given_work(&server);
        // Vacuum is looked at a little after the start.
        enginehouse_tests::until("all is measured", async || {
            let (_, plain) = metrics(&server, PLAIN).await;
            let is_whole = store.starts_with("sqlite") || plain.contains("enginehouse_store_vacuum_held_seconds{");
            is_whole.then(|| add_samples(&mut known, &plain))
        })
        .await;
    }
    let mut findings = Vec::new();
    let mut asked = 0;
    for (_, expression, text) in alerts() {
        findings.extend(wrong(&expression, &labels_in(&text, "$labels."), &known));
        asked += 1;
    }
    let board: Value = serde_json::from_str(&read("deploy/grafana/enginehouse.json")).unwrap();
    for (expression, legend) in queries(&board) {
        findings.extend(wrong(&expression, &labels_in(&legend, ""), &known));
        asked += 1;
    }
    for variable in board["templating"]["list"].as_array().unwrap() {
        let Some(query) = variable["query"]["query"].as_str() else { continue };
        let (selector, label) =
            query.trim_start_matches("label_values(").trim_end_matches(')').rsplit_once(',').unwrap();
        findings.extend(wrong(selector, &[label.trim().to_owned()], &known));
        asked += 1;
    }
    println!("{asked} expressions against {} metrics", known.len());
    assert!(findings.is_empty(), "{findings:#?}");
    assert!(asked > 40, "{asked}");

    // And the check itself finds what is wrong.
    for (expression, label, want) in [
        ("rate(enginehouse_nothing_total[5m])", "", "there is no enginehouse_nothing_total"),
        ("enginehouse_events{state=\"queued\"}", "", "enginehouse_events has no label state"),
        ("enginehouse_events{status=\"waiting\"}", "", "enginehouse_events has no status=\"waiting\""),
        ("sum by (kind) (enginehouse_events)", "", "has no label kind"),
        ("enginehouse_events", "kind", "has no label kind"),
    ] {
        let shown: Vec<_> = [label].into_iter().filter(|label| !label.is_empty()).map(str::to_owned).collect();
        let found = wrong(expression, &shown, &known);
        assert!(found.len() == 1 && found[0].contains(want), "{expression}: {found:?}");
    }
}

#[test]
fn promtool_accepts_the_alerts_and_the_board() {
    let folder = in_repository("deploy/prometheus");
    let file = |name: &str| folder.join(name).display().to_string();
    promtool(&["check", "config", &file("prometheus.yml")], "");
    promtool(&["test", "rules", &file("enginehouse.rules.test.yml")], "");
    let tests = read("deploy/prometheus/enginehouse.rules.test.yml");
    let page = read("docs/operations.md");
    for (name, ..) in alerts() {
        // One that stays silent, and one that does not.
        assert!(name == "EnginehouseDown" || tests.matches(&format!("alertname: {name}\n")).count() >= 2, "{name}");
        assert!(page.contains(&format!("| `{name}` |")), "{name} is not in docs/operations.md");
    }

    // What Grafana puts in place of its variables.
    let board: Value = serde_json::from_str(&read("deploy/grafana/enginehouse.json")).unwrap();
    let mut rules = String::from("groups:\n- name: board\n  rules:\n");
    for (place, (expression, _)) in queries(&board).into_iter().enumerate() {
        let mut expression = expression.replace("$__rate_interval", "5m");
        for variable in board["templating"]["list"].as_array().unwrap() {
            expression = expression.replace(&format!("${}\"", variable["name"].as_str().unwrap()), ".*\"");
        }
        assert!(!expression.contains('$'), "{expression} has a variable that the board does not have");
        rules.push_str(&format!("  - record: board:panel:{place}\n    expr: {}\n", Value::from(expression)));
    }
    let written = tempfile::NamedTempFile::with_suffix(".yml").unwrap();
    std::fs::write(written.path(), rules).unwrap();
    promtool(&["check", "rules", &written.path().display().to_string()], "");
}
