//! A server on an address: its own accept loop, with a limit on everything that a client can make last or grow.
//!
//! A connection has a time limit for the headers of a request, one between two requests, and one for not taking a byte of an
//! answer; bodies are limited where they are read. What is answered before it has arrived as a whole is read on for a little
//! while (`linger`), and what is no request at all is answered with a problem document (`parse_errors`). Before anything else,
//! a request has to name a host that the server serves (`request_head`).
//!
//! **Too many connections.** There are never more than `max_connections`, and an address has its share of them (`budget`).
//! To make room for one more, the connection that has been idle for longest is closed: of the same address, if its share is
//! taken, or else of all. If none of the address is idle, its new connection is refused at once, so that it keeps no other
//! waiting. If none of all is idle, clients are connected by the kernel and wait in the listener's backlog, where they cost the
//! process nothing, until a connection ends or becomes idle. A claim that waits for events is not idle.
//!
//! **Shutdown.** First no connection is accepted any more, and idle ones are closed. Waiting claims are answered with nothing and
//! new commands refused. Requests that are under way finish, and connections that have not ended in time are cut off,
//! whatever their clients do. At last the dispatcher's thread is joined, so that everything it had accepted is durable.

mod activity;
mod allowed_hosts;
mod bound_socket;
mod certificate_name;
mod client_stream;
mod connection;
mod current_request;
mod fences;
mod handshake;
mod linger;
mod listen_address;
mod network_threads;
mod open_connections;
mod parse_errors;
mod request_head;
mod server_config;
mod socket_file;
mod timed_stream;
mod tls;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use enginehouse_store::Store;

pub use self::allowed_hosts::{AllowedHosts, HostName};
use self::bound_socket::BoundSocket;
pub use self::fences::{Fences, Unfenced};
pub use self::listen_address::ListenAddress;
use self::network_threads::NetworkThreads;
use self::open_connections::OpenConnections;
pub use self::server_config::{DEFAULT_SOCKET_MODE, ServerConfig};
use self::tls::ServerTls;
pub use self::tls::{TlsError, TlsFiles, certificate_expires_at};
use crate::access::token_watch::{note_uses, watch_tokens};
use crate::config::Resolved;
use crate::dispatcher::config::DispatchConfig;
use crate::explain::Explainer;
use crate::explain::blocked_watch::BlockedWatch;
use crate::http::{App, ListenerRole};
use crate::load_history::LOAD_INTERVAL;
use crate::operations::runner::run_operations;
use crate::rng::Rng;
use crate::timers::pause;

/// How often to look whether the store is still there.
const STORE_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How long a read of the store that is under way at the end may take.
const STORE_CLOSES_WITHIN: Duration = Duration::from_secs(5);
/// How long a scrape that is under way may take once everything else has ended.
const METRICS_SHUTDOWN: Duration = Duration::from_secs(1);
/// How often events that nobody can run are looked for.
const BLOCKED_INTERVAL: Duration = Duration::from_secs(10);
/// How often to look at the durations that other servers have seen.
const DURATIONS_INTERVAL: Duration = Duration::from_secs(300);

/// Why a server does not listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(transparent)]
    Unfenced(#[from] Unfenced),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("cannot listen on {listen}")]
    Listen { listen: ListenAddress, source: io::Error },
}

/// Why a server ended without a shutdown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerEnded {
    /// The store serves no more: what happened, and what to do.
    #[error("{0}")]
    Store(String),
    #[error("the dispatcher has ended by itself; the log says why")]
    Dispatcher,
}

/// An address that is listened on. Who connects waits until a [`Server`] takes it over.
///
/// It comes before the store: a server that cannot listen must not have made, migrated or locked one.
pub struct Listener {
    socket: BoundSocket,
    metrics: Option<BoundSocket>,
    tls: Option<ServerTls>,
    config: ServerConfig,
}

impl Listener {
    /// Listens.
    ///
    /// # Errors
    /// The address is not to be had, or not safe; or there is no certificate that can be used.
    pub async fn bind(config: ServerConfig) -> Result<Self, BindError> {
        // Whether there are tokens, only the store knows: what none of them would make safe is refused before it is opened.
        config.check_fences(true)?;
        let tls = config.tls.clone().map(ServerTls::load).transpose()?;
        let bind = async |listen: &ListenAddress| {
            let bound = BoundSocket::bind(listen, config.socket_mode).await;
            bound.map_err(|source| BindError::Listen { listen: listen.clone(), source })
        };
        let socket = bind(&config.listen).await?;
        let metrics = match &config.metrics_listen {
            Some(listen) => Some(bind(listen).await?),
            None => None,
        };
        Ok(Self { socket, metrics, tls, config })
    }

    pub const fn address(&self) -> &ListenAddress {
        &self.socket.address
    }

    /// Where metrics are, if they are apart.
    pub fn metrics_address(&self) -> Option<&ListenAddress> {
        self.metrics.as_ref().map(|socket| &socket.address)
    }

    /// Looks once more whether others may reach it, when it is known whether callers have to show a token.
    ///
    /// # Errors
    /// They must not.
    pub fn check_fences(&self, has_tokens: bool) -> Result<(), BindError> {
        Ok(self.config.check_fences(has_tokens)?)
    }

    /// Whether what is sent to it can be read on its way, as far as the server knows.
    pub fn is_overheard(&self) -> bool {
        self.config.is_overheard()
    }

    /// Where the server is, for whoever calls it from this machine.
    pub fn url(&self) -> String {
        match self.address() {
            ListenAddress::Tcp(address) if self.tls.is_some() => format!("https://{address}"),
            ListenAddress::Tcp(address) => format!("http://{address}"),
            socket @ ListenAddress::Unix(_) => socket.to_string(),
        }
    }
}

/// A server on an address.
pub struct Server {
    app: App,
    listener: Listener,
    threads: NetworkThreads,
}

impl Server {
    /// Starts a dispatcher over `store`. Nothing is served before [`Server::run`]. What it says of its settings when somebody
    /// asks is `settings`.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(
        listener: Listener,
        store: Arc<dyn Store>,
        dispatch: DispatchConfig,
        settings: Arc<Resolved>,
        rng: Box<dyn Rng>,
    ) -> io::Result<Self> {
        let threads = NetworkThreads::start()?;
        let ServerConfig { limits, trusted_proxies, .. } = listener.config.clone();
        let app = App::start(store, dispatch, limits, trusted_proxies, settings, rng)?;
        Ok(Self { app, listener, threads })
    }

    pub const fn address(&self) -> &ListenAddress {
        self.listener.address()
    }

    /// Where metrics are, if they are apart.
    pub fn metrics_address(&self) -> Option<&ListenAddress> {
        self.listener.metrics_address()
    }

    /// What calls work with.
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// Serves until `shutdown` ends, then shuts down.
    ///
    /// # Errors
    /// The store serves no more, or the dispatcher has ended by itself.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServerEnded> {
        let Self { app, listener: Listener { socket, metrics, tls, config }, threads } = self;
        let threads = Arc::new(threads);
        let open = |socket: &BoundSocket, role| {
            OpenConnections::new(&app, &config, socket.address.ip(), role, tls.clone(), Arc::clone(&threads))
        };
        let role = if metrics.is_some() { ListenerRole::Calls } else { ListenerRole::Everything };
        let mut connections = open(&socket, role);
        let mut of_metrics = metrics.as_ref().map(|socket| (open(socket, ListenerRole::Metrics), socket));
        let durations = tokio::spawn(keep_durations(app.clone()));
        let blocked = app.explain(|explainer| watch_blocked(app.clone(), explainer));
        let fresh =
            tls.clone().map(|tls| tokio::spawn(tls.keep_fresh(config.tls_look_interval, app.metrics().clone())));
        let loads = tokio::spawn(keep_loads(app.clone()));
        let tokens = tokio::spawn(watch_tokens(app.clone()));
        let operations = tokio::spawn(run_operations(app.clone()));
        let ended = tokio::select! {
            () = shutdown => Ok(()),
            why = store_ended(app.store()) => Err(ServerEnded::Store(why)),
            // It ends by itself when the store does.
            () = app.thread_ended() => Err(app.store().ended().await.map_or(ServerEnded::Dispatcher, ServerEnded::Store)),
            never = connections.accept_all(&socket) => match never {},
            never = accept_for_metrics(&mut of_metrics) => match never {},
        };
        let of_metrics = of_metrics.map(|(connections, _)| connections);
        drop((socket, metrics));
        // Before claims are answered: their answers say that the connection is closed.
        connections.shut_down();
        tokens.abort();
        operations.abort();
        note_uses(&app).await;
        app.write_audit_notes().await;
        app.shut_down();
        durations.abort();
        loads.abort();
        drop(blocked);
        fresh.inspect(tokio::task::JoinHandle::abort);
        // Whoever looks at the server sees how it ends.
        connections.finish(config.shutdown_timeout).await;
        if let Some(connections) = of_metrics {
            connections.shut_down();
            connections.finish(METRICS_SHUTDOWN).await;
        }
        app.join().await;
        tokio::select! {
            () = app.store().close() => {}
            () = pause(STORE_CLOSES_WITHIN) => {
                tracing::warn!("something still reads from the store: the next start does what closing it would have done");
            }
        }
        ended
    }
}

/// Accepts connections of those who look at metrics, if these are apart.
async fn accept_for_metrics(of_metrics: &mut Option<(OpenConnections, &BoundSocket)>) -> Infallible {
    match of_metrics {
        Some((connections, socket)) => connections.accept_all(socket).await,
        None => std::future::pending().await,
    }
}

/// Looks again and again at the durations that the store has: of earlier days, and of other servers.
async fn keep_durations(app: App) {
    loop {
        if let Err(error) = app.dispatcher().durations().load(app.store()).await {
            tracing::debug!(%error, "the durations that were seen cannot be read");
        }
        pause(DURATIONS_INTERVAL).await;
    }
}

/// Notes each minute what engines say of their load.
async fn keep_loads(app: App) {
    loop {
        if let Err(error) = app.note_loads().await {
            tracing::debug!(%error, "nobody can look at the load of engines");
        }
        pause(LOAD_INTERVAL).await;
    }
}

/// Does again and again what event types and queues want done about events that nobody can run.
async fn watch_blocked(app: App, explainer: Explainer) {
    let mut watch = BlockedWatch::default();
    loop {
        pause(BLOCKED_INTERVAL).await;
        match watch.look(&explainer, app.dispatcher(), app.metrics().store_now()).await {
            Ok(look) => {
                look.blocked.iter().for_each(|(event_type, events)| app.metrics().set_blocked(event_type, *events))
            }
            Err(error) => tracing::debug!(%error, "nobody can look for events that nobody can run"),
        }
    }
}

/// Ends when the store serves no more, with the reason: nobody may be calling who would notice.
async fn store_ended(store: &dyn Store) -> String {
    loop {
        pause(STORE_LOOK_INTERVAL).await;
        if let Some(why) = store.ended().await {
            return why;
        }
    }
}
