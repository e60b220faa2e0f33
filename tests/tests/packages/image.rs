//! The container image: its files are unpacked, and its server runs with them alone.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use enginehouse_tests::python::{PACKAGE_TOOLS, interpreter};
use enginehouse_tests::{LIMIT, binary, output, run, terminate, text};
use serde_json::Value;

use super::given::{free_port, must, package_named, started};

/// The files of the image, and how it says that it is run.
struct UnpackedImage {
    folder: tempfile::TempDir,
    config: Value,
}

impl UnpackedImage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = package_named("enginehouse-", ".docker.tar.gz");
        unpack(&archive, &folder.path().join("archive"));
        let read = |name: &str| -> Value {
            serde_json::from_slice(&fs::read(folder.path().join("archive").join(name)).unwrap()).unwrap()
        };
        let manifest = read("manifest.json");
        assert_eq!(manifest[0]["RepoTags"][0], "docker.io/library/enginehouse:0.1.0", "{manifest}");
        let config = read(manifest[0]["Config"].as_str().unwrap());
        for layer in manifest[0]["Layers"].as_array().unwrap() {
            unpack(&folder.path().join("archive").join(layer.as_str().unwrap()), &folder.path().join("root"));
        }
        Self { folder, config: config["config"].clone() }
    }

    /// A program of the image as its user, with its files for a root and its variables.
    fn command(&self, line: &[&str]) -> Command {
        let user = self.config["User"].as_str().unwrap();
        let mut command = Command::new("/usr/sbin/chroot");
        command.arg(format!("--userspec={user}")).arg(self.folder.path().join("root"));
        command.arg("/usr/bin/enginehouse").args(line).env_clear().env("ENGINEHOUSE_LOG", "error").stdin(Stdio::null());
        for variable in self.config["Env"].as_array().unwrap() {
            let (name, value) = variable.as_str().unwrap().split_once('=').unwrap();
            command.env(name, value);
        }
        command
    }
}

fn unpack(archive: &Path, into: &Path) {
    fs::create_dir_all(into).unwrap();
    let tar = ["--extract", "--same-owner", "--preserve-permissions", "--file"];
    must(&Command::new("tar").args(tar).arg(archive).arg("--directory").arg(into).output().unwrap(), "tar");
}

/// Ends it if a test fails.
struct Ending(Option<Child>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

#[test]
fn an_image_has_all_that_its_server_needs() {
    let image = UnpackedImage::new();
    assert_eq!(image.config["Entrypoint"], serde_json::json!(["enginehouse"]));
    assert_eq!(image.config["Cmd"], serde_json::json!(["serve"]));
    assert_eq!(image.config["User"], "65532:65532");
    let port = free_port();
    let (address, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
    let started = started();
    let serve = image.command(&["serve"]).env("ENGINEHOUSE_LISTEN", &address).stdout(Stdio::null()).spawn().unwrap();
    let mut serve = Ending(Some(serve));

    // As the image says that its health is checked.
    let check = &image.config["Healthcheck"]["Test"];
    assert_eq!(*check, serde_json::json!(["CMD", "enginehouse", "health"]));
    while !image.command(&["health"]).env("ENGINEHOUSE_URL", &url).output().unwrap().status.success() {
        assert!(started.elapsed() < LIMIT, "the server of the image is not ready");
        assert!(serve.0.as_mut().unwrap().try_wait().unwrap().is_none(), "the server of the image has ended");
    }
    let engine = ["engine", "run", "--event-type", "word.count", "--", "wc", "-c"];
    let engine = Command::new(binary()).args(engine).env("ENGINEHOUSE_URL", &url).stderr(Stdio::null()).spawn();
    let _engine = Ending(Some(engine.unwrap()));
    let event = text(&run(&url, ["event", "enqueue", "word.count", "\"hello\"", "-q"], "").stdout);
    let waited = must(&run(&url, ["event", "wait", event.trim()], ""), "event wait");
    assert_eq!(waited.trim(), "7");
    println!("container: a first event is done, {:.1} s after the start", started.elapsed().as_secs_f64());

    // Its data are its own, where the image says that a volume is.
    let data = image.folder.path().join("root/var/lib/enginehouse/enginehouse.db");
    assert!(data.exists() && image.config["Volumes"]["/var/lib/enginehouse"].is_object(), "{}", image.config);
    let serve = serve.0.take().unwrap();
    terminate(&serve);
    assert_eq!(output(serve).status.code(), Some(0));
    // A call over TLS needs the certificates of CAs.
    let root = image.folder.path().join("root");
    assert!(fs::read_to_string(root.join("etc/ssl/certs/ca-certificates.crt")).unwrap().contains("BEGIN CERTIFICATE"));
    // And there is nothing else that could be run.
    let programs: Vec<_> =
        fs::read_dir(root.join("usr/bin")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(programs, ["enginehouse"]);
}

#[test]
fn the_containerfile_is_as_hadolint_wants_it() {
    let containerfile = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/image/Containerfile");
    let hadolint = interpreter(PACKAGE_TOOLS).with_file_name("hadolint");
    let said = must(&Command::new(hadolint).arg(containerfile).output().unwrap(), "hadolint");
    assert_eq!(said, "");
}
