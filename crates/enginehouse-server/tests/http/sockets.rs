//! What clients may do to a server on a real socket, and what it does about it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use enginehouse_server::dispatcher::config::DispatchConfig;
use enginehouse_server::rng::SeededRng;
use enginehouse_server::server::{BindError, Listener, Server, ServerConfig, ServerEnded};
use enginehouse_store::clock::SystemClock;
use enginehouse_store::sqlite::{SqliteOptions, SqliteStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const LIMIT: Duration = Duration::from_secs(20);

struct RunningServer {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), ServerEnded>>,
    _folder: tempfile::TempDir,
}

async fn start(change: impl FnOnce(&mut ServerConfig)) -> RunningServer {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(folder.path().join("house.db"), Arc::new(SystemClock::new()));
    let store = Arc::new(SqliteStore::open(options).unwrap());
    let mut config = ServerConfig::on(([127, 0, 0, 1], 0).into());
    change(&mut config);
    let server = Server::start(
        Listener::bind(config).await.unwrap(),
        store,
        DispatchConfig::default(),
        Box::new(SeededRng::from_seed(1)),
    )
    .unwrap();
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(server.run(async {
        stopped.await.ok();
    }));
    RunningServer { address, stop, ended, _folder: folder }
}

impl RunningServer {
    /// Shuts it down, and waits until it has stopped.
    async fn stop(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(LIMIT, self.ended).await.expect("it ends in time").unwrap().unwrap();
    }

    async fn connect(&self, send: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(send.as_bytes()).await.unwrap();
        stream
    }
}

/// One answer, of a connection that stays open.
async fn read_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let reading = async {
        loop {
            stream.read_buf(&mut answer).await.unwrap();
            let text = String::from_utf8_lossy(&answer).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if length.is_some_and(|length: usize| body.len() >= length) {
                return text;
            }
        }
    };
    tokio::time::timeout(LIMIT, reading).await.expect("it answers in time")
}

/// Everything that is answered until the connection is closed.
async fn read_to_end(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    // A reset is an end as well.
    tokio::time::timeout(LIMIT, reading).await.expect("the connection is closed in time").ok();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_client_that_never_finishes_its_headers_is_cut_off() {
    let server = start(|config| config.header_timeout = Duration::from_millis(200)).await;
    let slow = server.connect("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ").await;
    assert_eq!(read_to_end(slow).await, "");
    server.stop().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_a_while() {
    let server = start(|config| config.idle_timeout = Duration::from_millis(200)).await;
    let idle = server.connect("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(read_to_end(idle).await.ends_with("{\"status\":\"alive\"}"));
    server.stop().await;
}

#[tokio::test]
async fn a_connection_over_the_cap_waits_to_be_accepted() {
    let server = start(|config| config.max_connections = 1).await;
    let mut first = server.connect("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
    read_answer(&mut first).await;
    let mut waiting = Vec::new();
    for _ in 0..5 {
        // The kernel has connected it. The server must not accept it: it has the one connection that it may have.
        waiting.push(server.connect("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await);
        first.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let metrics = read_answer(&mut first).await;
        assert!(metrics.contains("\nenginehouse_http_connections 1\n"), "{metrics}");
    }
    drop(first);
    for mut next in waiting {
        assert!(read_answer(&mut next).await.ends_with("{\"status\":\"alive\"}"));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_is_full_shuts_down_in_time() {
    let server = start(|config| config.max_connections = 1).await;
    let mut first = server.connect("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
    first.read_u8().await.unwrap();
    let waiting = server.connect("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
    server.stop().await;
    assert_eq!(read_to_end(waiting).await, "");
}

#[tokio::test]
async fn a_shutdown_ends_in_time_whatever_slow_and_idle_clients_do() {
    let server = start(|config| config.shutdown_timeout = Duration::from_secs(1)).await;
    let idle = server.connect("").await;
    let half = server.connect("POST /v1/events HTTP/1.1\r\nHost: a\r\n").await;
    let body = "POST /v1/events HTTP/1.1\r\nHost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let stalled = server.connect(body).await;
    server.stop().await;
    drop((idle, half, stalled));
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused() {
    let config = ServerConfig::on(([0, 0, 0, 0], 0).into());
    let refused = Listener::bind(config).await;
    assert!(matches!(refused, Err(BindError::NotLoopback(_))));
}
