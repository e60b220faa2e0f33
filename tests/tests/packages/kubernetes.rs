//! The manifests for Kubernetes: the API would take them, and what they set is what our programs read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use enginehouse_tests::python::{PACKAGE_TOOLS, interpreter};
use enginehouse_tests::{command, output, terminate, text};
use serde_json::Value;

use super::given::{free_port, must, shell};

/// Oldest and newest version of Kubernetes that they are for.
const VERSIONS: [&str; 2] = ["1.30", "1.37"];

/// What is applied as a whole, and what is applied by itself.
const KUSTOMIZATIONS: [&str; 4] = ["postgres", "sqlite", "engine", "keda"];
const ALONE: [&str; 2] = ["postgres/first-token.yaml", "sqlite/first-token.yaml"];

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/kubernetes").join(path)
}

/// A kustomization, with nothing in it but what [`manifest`] does as `kubectl` does it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Kustomization {
    api_version: String,
    kind: String,
    /// Where all of it is put, which changes nothing of what is looked at here.
    #[expect(dead_code, reason = "it may be set")]
    #[serde(default)]
    namespace: Option<String>,
    resources: Vec<PathBuf>,
}

/// What a kustomization puts together, or a file. The `kubectl` of Debian 12 is older than this form of a base.
fn manifest(path: &str) -> String {
    resource(&in_repository(path))
}

fn resource(path: &Path) -> String {
    if !path.is_dir() {
        return fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let list = fs::read_to_string(path.join("kustomization.yaml")).unwrap();
    let list: Kustomization = serde_saphyr::from_str(&list).unwrap();
    assert_eq!((&*list.api_version, &*list.kind), ("kustomize.config.k8s.io/v1beta1", "Kustomization"));
    let parts: Vec<_> = list.resources.iter().map(|resource_path| resource(&path.join(resource_path))).collect();
    parts.join("\n---\n")
}

/// The documents of a manifest.
fn documents(path: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("manifest.yaml");
    fs::write(&file, manifest(path)).unwrap();
    let read = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let read = Command::new(interpreter(PACKAGE_TOOLS)).args(["-c", read]).arg(file).output().unwrap();
    must(&read, "YAML");
    serde_json::from_slice(&read.stdout).unwrap()
}

/// The pods that a manifest makes.
fn pods(path: &str) -> Vec<Value> {
    let documents = documents(path).into_iter();
    documents
        .filter_map(|document| match document["kind"].as_str().unwrap() {
            "Pod" => Some(document["spec"].clone()),
            "Deployment" | "StatefulSet" => Some(document["spec"]["template"]["spec"].clone()),
            _ => None,
        })
        .collect()
}

fn words(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// The variables that the first container of a pod is given as they stand, with this for those that come from the cluster.
fn variables(pod: &Value, of_the_cluster: &str) -> Vec<(String, String)> {
    let list = pod["containers"][0]["env"].as_array().unwrap();
    let text = |value: &Value| value.as_str().map_or(of_the_cluster.to_owned(), str::to_owned);
    list.iter().map(|variable| (text(&variable["name"]), text(&variable["value"]))).collect()
}

#[test]
fn kubernetes_takes_the_manifests() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for path in KUSTOMIZATIONS.into_iter().chain(ALONE) {
        let file = folder.path().join(path.replace('/', "-")).with_extension("yaml");
        fs::write(&file, manifest(path)).unwrap();
        files.push(file);
    }
    let validate = interpreter(PACKAGE_TOOLS).with_file_name("kubernetes-validate");
    for version in VERSIONS {
        let line = ["--strict", "--kubernetes-version", version];
        let said = must(&Command::new(&validate).args(line).args(&files).output().unwrap(), version);
        assert_eq!(said.lines().filter(|line| line.contains(" passed for resource ")).count(), 11, "{said}");
        // It has no schema of what KEDA brings.
        let unknown: Vec<_> = said.lines().filter(|line| line.contains("Couldn't find schema")).collect();
        assert!(unknown.len() == 1 && unknown[0].contains("ScaledObject"), "{unknown:?}");
    }
}

#[test]
fn every_setting_of_a_manifest_is_one() {
    for (path, store) in [("postgres", "postgres://queue@db/app"), ("sqlite", "sqlite:///data")] {
        for pod in pods(path) {
            let variables = variables(&pod, store);
            let mut config = command(["config", "-o", "json"]);
            config.env_remove("ENGINEHOUSE_LOG").envs(variables.iter().cloned());
            let output = config.output().unwrap();
            must(&output, path);
            assert_eq!(text(&output.stderr), "", "{path} sets what there is not");
            let settings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
            for (name, value) in &variables {
                let setting = name.trim_start_matches("ENGINEHOUSE_").to_lowercase();
                let found = settings.iter().find(|found| found["setting"] == *setting).expect(name);
                assert_eq!(found["value"].as_str(), Some(value.as_str()), "{name}: {found}");
            }
        }
    }
}

#[test]
fn a_pod_is_given_the_time_that_it_takes_to_end() {
    for path in ["postgres", "sqlite"] {
        for pod in pods(path) {
            let seconds = |value: &Value| value.as_u64().unwrap();
            let variables = variables(&pod, "");
            let shutdown = variables.iter().find(|(name, _)| name == "ENGINEHOUSE_SHUTDOWN_TIMEOUT_SECONDS").unwrap();
            let before = seconds(&pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]);
            let given = seconds(&pod["terminationGracePeriodSeconds"]);
            assert!(given > before + shutdown.1.parse::<u64>().unwrap(), "{path}: {given} s are too few");
        }
    }
    let engine = &pods("engine")[0];
    let flag = |name: &str| -> u64 {
        let arguments = words(&engine["containers"][0]["args"]);
        arguments.iter().find_map(|flag| flag.strip_prefix(&format!("--{name}="))).unwrap().parse().unwrap()
    };
    let given = engine["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(given > flag("grace-seconds") + flag("kill-after-seconds"), "{given} s are too few for an engine");
    let trigger = &documents("keda")[0]["spec"]["triggers"][0]["metadata"];
    assert_eq!(trigger["threshold"], flag("max-concurrent").to_string(), "KEDA counts other engines than these");
}

/// A program that a test has started, killed if it is still there at the end.
struct Started(Option<Child>);

impl Started {
    /// Asks it to stop, and answers its exit status.
    fn stop(mut self) -> Option<i32> {
        let child = self.0.take().unwrap();
        terminate(&child);
        output(child).status.code()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// What a probe, Prometheus or a pod would be answered.
fn curl(arguments: &[&str]) -> (String, String) {
    let asked = Command::new("curl").args(["--silent", "--write-out", "\n%{http_code}"]).args(arguments).output();
    let (body, status) =
        text(&asked.unwrap().stdout).rsplit_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    (status, body)
}

#[test]
fn what_the_manifests_run_does_a_first_event() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite://{}", folder.path().join("enginehouse.db").display());
    let token_file = folder.path().join("token");

    let first_token = words(&pods("sqlite/first-token.yaml")[0]["containers"][0]["args"]);
    let made = command(first_token.iter().map(|word| word.replace("$(STORE)", &store))).output().unwrap();
    must(&made, "first-token.yaml");
    fs::write(&token_file, &made.stdout).unwrap();
    must(&shell("chmod 440 token", folder.path()).output().unwrap(), "chmod");

    let (port, metrics_port) = (free_port(), free_port());
    let pod = &pods("sqlite")[0];
    let container = &pod["containers"][0];
    let mut serve = command(words(&container["args"]));
    serve.env_remove("ENGINEHOUSE_LOG").stdout(Stdio::null()).stderr(Stdio::null());
    for (name, value) in variables(pod, "") {
        let value = value.replace("0.0.0.0:7420", &format!("127.0.0.1:{port}"));
        let value = value.replace("0.0.0.0:7421", &format!("127.0.0.1:{metrics_port}"));
        serve.env(name, value.replace("sqlite:///var/lib/enginehouse/enginehouse.db", &store));
    }
    let server = Started(Some(serve.spawn().unwrap()));
    // As the kubelet asks: at the port of this name, of no name that the server knows.
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let get = &container[probe]["httpGet"];
        assert_eq!(get["port"], "metrics");
        let address = format!("http://127.0.0.1:{metrics_port}{}", get["path"].as_str().unwrap());
        let retry = ["--retry", "100", "--retry-connrefused", "--retry-delay", "1", "--retry-max-time", "60"];
        assert_eq!(curl(&[&retry[..], &[address.as_str()]].concat()).0, "200", "{probe}");
    }

    // As a pod calls it: by the name of the service, with a token.
    let url = format!("http://127.0.0.1:{port}");
    let engine = &pods("engine")[0];
    let variables = variables(engine, "word-count-0");
    let service = variables.iter().find(|(name, _)| name == "ENGINEHOUSE_URL").unwrap().1.trim_start_matches("http://");
    let host = format!("Host: {service}");
    let stats = format!("{url}/v1/stats");
    let authorization = format!("Authorization: Bearer {}", text(&made.stdout).trim());
    assert_eq!(curl(&["--header", &host, &stats]).0, "401");
    assert_eq!(curl(&["--header", &host, "--header", &authorization, &stats]).0, "200");
    assert_eq!(curl(&["--header", "Host: elsewhere.example", "--header", &authorization, &stats]).0, "421");

    let line = [words(&engine["containers"][0]["command"]), words(&engine["containers"][0]["args"])].concat();
    let mut engine = command(line.iter().skip(1).map(|word| word.replace("$(POD_NAME)", "word-count-0")));
    engine.envs(variables).env("ENGINEHOUSE_URL", &url).env("ENGINEHOUSE_TOKEN_FILE", &token_file);
    let engine = Started(Some(engine.stdout(Stdio::null()).spawn().unwrap()));
    let call = |arguments: &[&str]| {
        let mut call = command(arguments);
        call.env("ENGINEHOUSE_URL", &url).env("ENGINEHOUSE_TOKEN_FILE", &token_file);
        text(&call.output().unwrap().stdout).trim().to_owned()
    };
    let event = call(&["event", "enqueue", "word.count", "\"hello\"", "-q"]);
    assert_eq!(call(&["event", "wait", &event]), "7");
    assert_eq!(call(&["engine", "list", "-q"]), "word-count-0");

    // What KEDA asks Prometheus for is there.
    let (_, metrics) = curl(&["--header", &authorization, &format!("http://127.0.0.1:{metrics_port}/metrics")]);
    let query = documents("keda")[0]["spec"]["triggers"][0]["metadata"]["query"].as_str().unwrap().to_owned();
    let selector = query.split_once('{').and_then(|(_, rest)| rest.split_once(", status=~")).unwrap().0;
    for status in ["queued", "processing"] {
        let wanted = [selector, &format!("status=\"{status}\""), "queue=\"default\""];
        let is_sample = |line: &str| {
            let labels = line.strip_prefix("enginehouse_events{").and_then(|rest| rest.split_once('}'));
            let labels: Vec<_> = labels.map(|(labels, _)| labels.split(',').collect()).unwrap_or_default();
            wanted.iter().all(|label| labels.contains(label))
        };
        assert!(metrics.lines().any(is_sample), "no {status} of {selector} in {metrics}");
    }
    assert_eq!((engine.stop(), server.stop()), (Some(0), Some(0)));
}
