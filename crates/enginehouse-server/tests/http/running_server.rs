//! A server on a real socket, and clients that do to it what they like.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use enginehouse_server::dispatcher::config::DispatchConfig;
use enginehouse_server::rng::SeededRng;
use enginehouse_server::server::{ListenAddress, Listener, Server, ServerConfig, ServerEnded};
use enginehouse_store::Store;
use enginehouse_store::clock::SystemClock;
use enginehouse_store::sqlite::{SqliteOptions, SqliteStore};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::given_tokens::token_in;

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct RunningServer {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), ServerEnded>>,
    tls: Option<TlsConnector>,
    #[allow(dead_code, reason = "not every suite needs it")]
    store: Arc<SqliteStore>,
    _folder: tempfile::TempDir,
}

pub(crate) async fn start(change: impl FnOnce(&mut ServerConfig)) -> RunningServer {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(folder.path().join("house.db"), Arc::new(SystemClock::new()));
    let store = Arc::new(SqliteStore::open(options).unwrap());
    let mut config = ServerConfig::on(([127, 0, 0, 1], 0).into());
    change(&mut config);
    let server = Server::start(
        Listener::bind(config).await.unwrap(),
        Arc::clone(&store) as Arc<dyn Store>,
        DispatchConfig::default(),
        Arc::default(),
        Box::new(SeededRng::from_seed(1)),
    )
    .unwrap();
    let tcp = |address: &ListenAddress| match address {
        ListenAddress::Tcp(address) => *address,
        ListenAddress::Unix(_) => unreachable!("these tests speak TCP"),
    };
    let (address, metrics_address) = (tcp(server.address()), server.metrics_address().map(tcp));
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(server.run(async {
        stopped.await.ok();
    }));
    RunningServer { address, metrics_address, stop, ended, tls: None, store, _folder: folder }
}

impl RunningServer {
    /// Shuts it down, and waits until it has stopped.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(LIMIT, self.ended).await.expect("it ends in time").unwrap().unwrap();
    }

    /// Makes a token, before the first call.
    #[allow(dead_code, reason = "not every suite needs it")]
    pub(crate) async fn token(&self, draft: &str) -> String {
        token_in(&*self.store, draft).await
    }

    /// Asks for metrics over TLS from now on.
    pub(crate) fn speak_tls(&mut self, config: ClientConfig) {
        self.tls = Some(Arc::new(config).into());
    }

    pub(crate) async fn connect(&self, send: &str) -> TcpStream {
        self.connect_from([127, 0, 0, 1], send).await
    }

    /// Connects from an address of the loopback network, of which there are many.
    pub(crate) async fn connect_from(&self, address: [u8; 4], send: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((address, 0).into()).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        stream.write_all(send.as_bytes()).await.unwrap();
        stream
    }

    /// Connects where metrics are, apart from calls.
    pub(crate) async fn connect_for_metrics(&self, send: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.metrics_address.expect("they are apart")).await.unwrap();
        stream.write_all(send.as_bytes()).await.unwrap();
        stream
    }

    /// The value of a metric, asked for from an address of its own.
    pub(crate) async fn metric(&self, name: &str) -> i64 {
        let ask = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nconnection: close\r\n\r\n";
        let metrics = match &self.tls {
            None if self.metrics_address.is_some() => read_to_end(self.connect_for_metrics(ask).await).await,
            None => read_to_end(self.connect_from([127, 0, 0, 9], ask).await).await,
            Some(connector) => {
                let stream = self.connect_from([127, 0, 0, 9], "").await;
                let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
                stream.write_all(ask.as_bytes()).await.unwrap();
                read_to_end(stream).await
            }
        };
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        line.unwrap_or_else(|| panic!("{name} in {metrics}"))
    }

    /// Waits until a metric has a value that will do.
    pub(crate) async fn until(&self, name: &str, mut will_do: impl FnMut(i64) -> bool) {
        let asking = async {
            let mut again = tokio::time::interval(Duration::from_millis(20));
            while !will_do(self.metric(name).await) {
                again.tick().await;
            }
        };
        tokio::time::timeout(LIMIT, asking).await.unwrap_or_else(|_| panic!("not in time: {name}"));
    }
}

/// A request with a JSON body, unless it is empty.
pub(crate) fn request(line: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// One answer, of a connection that stays open.
pub(crate) async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    let reading = async {
        loop {
            assert!(
                stream.read_buf(&mut answer).await.unwrap() > 0,
                "closed after {}",
                String::from_utf8_lossy(&answer)
            );
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
pub(crate) async fn read_to_end(mut stream: impl AsyncRead + Unpin) -> String {
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    // A reset is an end as well.
    tokio::time::timeout(LIMIT, reading).await.expect("the connection is closed in time").ok();
    String::from_utf8_lossy(&answer).into_owned()
}
