//! The SDKs as they are installed: each calls a server, and is an engine of it.

use std::fs;
use std::process::Command;

use enginehouse_tests::TestServer;

use super::given::{commands, must, package_named, shell};

/// In Python, with the server of the other wheel.
const IN_PYTHON: &str = r#"
import asyncio
from enginehouse import Client, Engine
from enginehouse.testing import start_server

async def first_event(url):
    engine = Engine("counter", url=url)
    stop = asyncio.Event()

    @engine.on("word.count")
    async def count(word: str) -> int:
        return len(word)

    with Client(url) as client:
        event_id = client.enqueue("word.count", "hello").event_id
        running = asyncio.create_task(engine.run_async(stop))
        event = await asyncio.to_thread(client.wait_for_event, event_id, "30s")
        stop.set()
        await running
        print("result", event.result)

with start_server() as server:
    asyncio.run(first_event(server.url))
"#;

/// In TypeScript, by what Node runs of it.
const IN_NODE: &str = r#"
import { Client, Engine } from "enginehouse";

const url = process.argv[1];
const engine = new Engine("counter", { url });
const stop = new AbortController();
const client = new Client({ url });
engine.on("word.count", (word) => word.length);
const { event_id } = await client.enqueue("word.count", "hello");
const running = engine.runAsync(stop.signal);
const event = await client.waitForEvent(event_id, "30s");
stop.abort();
await running;
console.log("result", event.result);
"#;

#[test]
fn the_sdk_for_python_is_installed_and_does_a_first_event() {
    let folder = tempfile::tempdir().unwrap();
    for wheel in [package_named("enginehouse-", ".whl"), package_named("enginehouse_server-", ".whl")] {
        fs::copy(&wheel, folder.path().join(wheel.file_name().unwrap())).unwrap();
    }
    let both = commands("The SDKs");
    let (install, _) = both.split_once("npm ").unwrap();
    must(&shell(install, folder.path()).output().unwrap(), "pip install");
    let ran = Command::new(folder.path().join("sdk/bin/python")).args(["-c", IN_PYTHON]).output().unwrap();
    assert_eq!(must(&ran, "Python").lines().find(|line| line.starts_with("result")), Some("result 5"));
}

#[test]
fn the_sdk_for_typescript_is_installed_and_does_a_first_event() {
    let folder = tempfile::Builder::new().prefix("app").tempdir().unwrap();
    let archive = package_named("enginehouse-0", ".tgz");
    fs::copy(&archive, folder.path().join(archive.file_name().unwrap())).unwrap();
    fs::write(folder.path().join(".npmrc"), "offline=true\naudit=false\nfund=false\n").unwrap();
    let both = commands("The SDKs");
    let install = &both[both.find("npm ").unwrap()..];
    must(&shell(install, folder.path()).output().unwrap(), "npm install");
    let server = TestServer::on(&folder.path().join("enginehouse.db"), &[]);
    let node = ["--input-type=module", "--eval", IN_NODE, &server.url];
    let ran = Command::new("node").args(node).current_dir(folder.path()).output().unwrap();
    assert_eq!(must(&ran, "Node").lines().find(|line| line.starts_with("result")), Some("result 5"));
    let types = folder.path().join("node_modules/enginehouse/dist/index.d.ts");
    assert!(types.exists() && folder.path().join("node_modules/enginehouse/LICENSE-MIT").exists());
}
