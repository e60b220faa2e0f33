//! The documents name calls, commands, flags and variables: each of them is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};

use crate::Cli;

/// Flags of programs that are not ours, and of our programs for contributors.
const OF_OTHERS: &[&str] = &[
    // Alembic and Django
    "--sql",
    "--template",
    // cargo, `cargo xtask bench` and `cargo xtask pictures`
    "--backlog",
    "--bin",
    "--documents",
    "--features",
    "--locked",
    "--lost",
    "--only",
    "--open",
    "--path",
    "--quick",
    "--release",
    "--reports",
    "--retention",
    "--rounds",
    "--scale",
    "--snapshot-minutes",
    "--systems",
    "--waiting",
    // Celery
    "--pool",
    // containers, and coreutils
    "--check",
    "--rm",
    // curl
    "--cacert",
    "--retry",
    "--retry-connrefused",
    "--retry-delay",
    // the campaign
    "--database",
    "--growth",
    "--history",
    "--minutes",
    "--recovery-seconds",
    "--seed",
    "--server-binary",
    "--servers",
    // kubectl
    "--filename",
    "--for",
    "--from-file",
    "--from-literal",
    "--kustomize",
    "--namespace",
    "--replicas",
    // npm and TypeScript
    "--ignore-scripts",
    "--module",
    "--save-dev",
    "--strict",
    "--types",
    // psql, pg_dump and pg_restore
    "--dbname",
    "--exit-on-error",
    "--no-owner",
    // Python's SDK
    "--reload",
    // Node
    "--use-system-ca",
    // systemd
    "--now",
    "--pipe",
    "--unit",
];
/// Variables that are no setting: what commands of an engine find, what engines of the SDKs are set up by, and what tests take.
const VARIABLES: &[&str] = &[
    "ENGINEHOUSE_ATTEMPT",
    "ENGINEHOUSE_BINARY",
    "ENGINEHOUSE_CHECKPOINT",
    "ENGINEHOUSE_REPORT_FILE",
    "ENGINEHOUSE_BLESS",
    "ENGINEHOUSE_CLIENT_CERT",
    "ENGINEHOUSE_CLIENT_KEY",
    "ENGINEHOUSE_CONTEXT",
    "ENGINEHOUSE_CONTEXT_FILE",
    "ENGINEHOUSE_ENGINE_ID",
    "ENGINEHOUSE_EVENT_ID",
    "ENGINEHOUSE_EVENT_TOKEN",
    "ENGINEHOUSE_EVENT_TYPE",
    "ENGINEHOUSE_LOCK_TOKEN",
    "ENGINEHOUSE_SCENARIO_RUN_ID",
    "ENGINEHOUSE_TEST_KILLS",
    "ENGINEHOUSE_TEST_POSTGRES",
    "ENGINEHOUSE_TEST_SCHEDULES",
    "ENGINEHOUSE_TEST_STOPS",
    "ENGINEHOUSE_TLS_CA",
    "ENGINEHOUSE_TOKEN",
    "ENGINEHOUSE_TOKEN_FILE",
    "ENGINEHOUSE_URL",
];

/// What people read, records of decisions and the changelog aside: those tell what was.
fn documents() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["docs", "docs/problems"].map(|folder| fs::read_dir(root.join(folder)).unwrap());
    let files = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
    let markdown = files.filter(|file| file.extension().is_some_and(|ending| ending == "md"));
    let all = markdown.chain(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root.join(name)));
    all.map(|file| (file.clone(), fs::read_to_string(file).unwrap())).collect()
}

/// Every part of a text that begins so and goes on with such characters.
fn words<'a>(text: &'a str, begins: &'a str, goes_on: impl Fn(char) -> bool + 'a) -> impl Iterator<Item = &'a str> {
    text.match_indices(begins).filter_map(move |(at, _)| {
        let is_within_a_word = text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '-');
        let rest = at + begins.len();
        let end = text[rest..].find(|next| !goes_on(next)).map_or(text.len(), |length| rest + length);
        (!is_within_a_word).then(|| &text[at..end])
    })
}

/// All flags of a command and of those in it.
fn flags(command: &Command, found: &mut BTreeSet<String>) {
    for argument in command.get_arguments() {
        found.extend(argument.get_long().map(|name| format!("--{name}")));
    }
    command.get_subcommands().for_each(|inner| flags(inner, found));
}

fn cli() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

#[test]
fn calls_that_documents_name_are_there() {
    let description: serde_json::Value = serde_json::from_str(&enginehouse_server::http::openapi_text()).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let is_there = |method: &str, path: &str| {
        paths.iter().any(|(known, calls)| {
            let (known, path) = (known.split('/'), path.split('/'));
            let fits = |(known, part): (&str, &str)| known == part || known.starts_with('{');
            known.clone().count() == path.clone().count() && known.zip(path).all(fits) && !calls[method].is_null()
        })
    };
    let (mut named, mut wrong) = (0, Vec::new());
    for (file, text) in documents() {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            let begins = format!("{method} /v1/");
            for call in words(&text, &begins, |next| !next.is_whitespace() && !"`?,;:|)\"".contains(next)) {
                let path = call.split_once(' ').expect("a method and a path").1.trim_end_matches('.');
                named += 1;
                if !is_there(&method.to_lowercase(), path) {
                    wrong.push(format!("{}: {method} {path}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(named >= 30, "{named}");
}

#[test]
fn commands_that_documents_show_are_there_with_their_flags() {
    let cli = cli();
    let (mut shown, mut wrong) = (0, Vec::new());
    for (file, text) in documents() {
        let text = text.replace("\\\n", " ");
        let lines = text.lines().filter(|line| line.starts_with("enginehouse "));
        let inline = text.split('`').filter(|code| code.starts_with("enginehouse ") && !code.contains('\n'));
        for line in lines.chain(inline) {
            shown += 1;
            let mut command = &cli;
            for word in line.split_whitespace().skip(1) {
                if ["--", "|", "&", ">"].contains(&word) {
                    break;
                }
                let flag = word.split('=').next().unwrap_or(word);
                let has = |flag: &str| {
                    command
                        .get_arguments()
                        .any(|known| known.get_long().is_some_and(|long| flag == format!("--{long}")))
                };
                match command.find_subcommand(word) {
                    Some(inner) => command = inner,
                    None if flag.starts_with("--") && !has(flag) => {
                        wrong.push(format!("{}: {line}: {flag} is no flag of it", file.display()))
                    }
                    None if command.has_subcommands() && !flag.starts_with('-') && word != "FILE" => {
                        wrong.push(format!("{}: {line}: there is no {word}", file.display()))
                    }
                    None => {}
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(shown > 50, "{shown}");
}

#[test]
fn flags_and_variables_that_documents_name_are_there() {
    let mut known = BTreeSet::new();
    flags(&cli(), &mut known);
    let settings: BTreeSet<_> =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md"))
            .map(|page| {
                words(&page, "ENGINEHOUSE_", |next| next.is_ascii_uppercase() || next == '_')
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap();
    let (mut named, mut wrong) = (0, Vec::new());
    let (mut unused, mut unused_variables): (BTreeSet<_>, BTreeSet<_>) =
        (OF_OTHERS.iter().copied().collect(), VARIABLES.iter().copied().collect());
    for (file, text) in documents() {
        for flag in words(&text, "--", |next| next.is_ascii_lowercase() || next.is_ascii_digit() || next == '-') {
            // A line of a table, or a comment of SQL.
            if !flag.trim_matches('-').starts_with(|first: char| first.is_ascii_lowercase()) {
                continue;
            }
            named += 1;
            if !known.contains(flag) && !unused.remove(flag) && !OF_OTHERS.contains(&flag) {
                wrong.push(format!("{}: {flag}", file.display()));
            }
        }
        for name in words(&text, "ENGINEHOUSE_", |next| next.is_ascii_uppercase() || next == '_') {
            named += 1;
            if !settings.contains(name) && !unused_variables.remove(name) && !VARIABLES.contains(&name) {
                wrong.push(format!("{}: {name}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(unused.is_empty() && unused_variables.is_empty(), "no document names {unused:?} {unused_variables:?}");
    assert!(named > 200, "{named}");
}

#[test]
fn limits_that_documents_name_are_those_of_the_code() {
    use enginehouse_core::limits;

    fn grouped(number: u64) -> String {
        match number {
            0..1_000 => number.to_string(),
            _ => format!("{},{:03}", grouped(number / 1_000), number % 1_000),
        }
    }
    let kib = |bytes: usize| format!("{} KiB", bytes / 1_024);
    let batch = grouped(limits::MAX_BATCH as u64);
    let window = grouped(limits::MAX_IDEMPOTENCY_WINDOW.as_secs());
    let texts: std::collections::HashMap<_, _> = documents()
        .into_iter()
        .map(|(file, text)| (file.file_name().unwrap().to_str().unwrap().to_owned(), text))
        .collect();
    for (file, statement) in [
        ("http-api.md", format!("`POST /v1/events/batch` takes `{{\"events\":[...]}}` with up to {batch},")),
        ("http-api.md", format!("`POST /v1/events/settle` takes up to {batch} of them")),
        ("http-api.md", format!("`idempotency_window_seconds` (1 to {window}, with a key only)")),
        ("http-api.md", format!("`priority` goes from 0 (first) to {};", limits::MAX_PRIORITY)),
        ("http-api.md", format!("After {} intervals without any", in_words(limits::LOST_AFTER_INTERVALS))),
        ("engine-run.md", format!("at most {}.", kib(limits::MAX_ERROR_MESSAGE_BYTES))),
        ("engine-run.md", format!("if it is one JSON value of at most {};", kib(limits::MAX_PAYLOAD_BYTES))),
        ("engine-run.md", format!("if it has more than {}, with", kib(limits::MAX_PAYLOAD_BYTES))),
        ("engine-run.md", format!("longer than {} as JSON is cut", kib(limits::MAX_PAYLOAD_BYTES))),
        ("transactional-enqueue.md", format!("`enginehouse.enqueue_many` adds up to {batch}, all or none.")),
    ] {
        assert!(texts[file].contains(&statement), "{file} does not say: {statement}");
    }
}

fn in_words(number: u32) -> &'static str {
    ["no", "one", "two", "three", "four"][number as usize]
}
