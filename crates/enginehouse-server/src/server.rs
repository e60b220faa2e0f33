//! A server on an address: its own accept loop, with a limit on everything that a client can make last or grow.
//!
//! A connection has so long for the headers of a request, so long between two requests and so long without taking a byte of
//! its answer; bodies are limited where they are read. There are so many connections at most.
//!
//! **Going down.** First no connection is accepted any more, waiting claims are answered with nothing and new commands refused.
//! Idle connections are closed, requests that are under way finish, and what has not ended after a while is cut off, whatever
//! clients do. At last the dispatcher's thread is joined, so that everything it had accepted is durable.

mod connection;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use enginehouse_store::Store;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::connection::{Timeouts, refuse, serve};
use crate::dispatcher::config::DispatchConfig;
use crate::http::{App, Limits, router};
use crate::rng::Rng;
use crate::timers::pause;

/// How long to wait after a connection could not be accepted: most likely the process has no file descriptor left.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(100);
/// How many connections over the cap are told so at once; more are closed without a word.
const MAX_REFUSALS: usize = 64;

/// Where a server listens, and what connections may cost.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address.
    pub listen: SocketAddr,
    /// Whether to listen on an address that others can reach, although anybody who reaches it may do anything.
    pub insecure: bool,
    /// What requests may cost.
    pub limits: Limits,
    /// Most connections at once.
    pub max_connections: usize,
    /// How long the headers of a request may take.
    pub header_timeout: Duration,
    /// How long a connection may be without a request.
    pub idle_timeout: Duration,
    /// How long a client may take no byte of its answer.
    pub write_timeout: Duration,
    /// How long requests that are under way may take once the server goes down.
    pub shutdown_timeout: Duration,
}

impl ServerConfig {
    /// The defaults, on an address.
    pub fn on(listen: SocketAddr) -> Self {
        Self {
            listen,
            insecure: false,
            limits: Limits::default(),
            max_connections: 10_000,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(8),
        }
    }

    const fn timeouts(&self) -> Timeouts {
        Timeouts { header: self.header_timeout, idle: self.idle_timeout, write: self.write_timeout }
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Others can reach the address, and nothing keeps them from doing anything.
    #[error(
        "{0} can be reached by others, who could do anything, for there are no access tokens yet: listen on 127.0.0.1, or \
         say --insecure if the network is to be trusted"
    )]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {listen}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The dispatcher does not start.
    #[error("cannot start the dispatcher")]
    Dispatcher(#[source] io::Error),
}

/// Why a server ended that was not told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the dispatcher has ended by itself; the log says why")]
pub struct DispatcherEnded;

/// A server that listens.
pub struct Server {
    app: App,
    listener: TcpListener,
    local_addr: SocketAddr,
    config: ServerConfig,
}

impl Server {
    /// Listens, and starts a dispatcher over `store`. Nothing is served before [`Server::run`].
    ///
    /// # Errors
    /// The address is not to be had, or not safe; or the dispatcher does not start.
    pub async fn bind(
        config: ServerConfig,
        store: Arc<dyn Store>,
        dispatch: DispatchConfig,
        rng: Box<dyn Rng>,
    ) -> Result<Self, BindError> {
        let listen = config.listen;
        if !listen.ip().to_canonical().is_loopback() && !config.insecure {
            return Err(BindError::NotLoopback(listen));
        }
        let to_listen = |source| BindError::Listen { listen, source };
        let listener = TcpListener::bind(listen).await.map_err(to_listen)?;
        let local_addr = listener.local_addr().map_err(to_listen)?;
        let app = App::start(store, dispatch, config.limits.clone(), rng).map_err(BindError::Dispatcher)?;
        Ok(Self { app, listener, local_addr, config })
    }

    /// Where it listens.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What calls work with.
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// Serves until `shutdown` ends, then goes down.
    ///
    /// # Errors
    /// The dispatcher has ended by itself.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), DispatcherEnded> {
        let Self { app, listener, config, .. } = self;
        let mut connections = Connections::new(&app, &config);
        let ended = tokio::select! {
            () = shutdown => Ok(()),
            () = app.thread_ended() => Err(DispatcherEnded),
            never = connections.accept_all(&listener) => match never {},
        };
        drop(listener);
        app.shut_down();
        connections.finish(config.shutdown_timeout).await;
        app.join().await;
        ended
    }
}

/// The open connections of a server.
struct Connections {
    app: App,
    router: axum::Router,
    timeouts: Timeouts,
    room: Arc<Semaphore>,
    room_for_refusals: Arc<Semaphore>,
    going_down: CancellationToken,
    tasks: JoinSet<()>,
}

impl Connections {
    fn new(app: &App, config: &ServerConfig) -> Self {
        Self {
            app: app.clone(),
            router: router(app.clone()),
            timeouts: config.timeouts(),
            room: Arc::new(Semaphore::new(config.max_connections)),
            room_for_refusals: Arc::new(Semaphore::new(MAX_REFUSALS)),
            going_down: CancellationToken::new(),
            tasks: JoinSet::new(),
        }
    }

    async fn accept_all(&mut self, listener: &TcpListener) -> std::convert::Infallible {
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => self.accept(stream),
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        pause(ACCEPT_BACK_OFF).await;
                    }
                },
                // Ended tasks are taken out as they end.
                Some(_) = self.tasks.join_next() => {}
            }
        }
    }

    fn accept(&mut self, stream: TcpStream) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection waits with small packets");
        }
        match Arc::clone(&self.room).try_acquire_owned() {
            Ok(permit) => {
                let connected = Connected::new(&self.app, permit);
                let served = serve(stream, self.router.clone(), self.timeouts, self.going_down.clone());
                self.tasks.spawn(async move {
                    served.await;
                    drop(connected);
                });
            }
            Err(_) => {
                self.app.metrics().refused();
                if let Ok(permit) = Arc::clone(&self.room_for_refusals).try_acquire_owned() {
                    self.tasks.spawn(async move {
                        refuse(stream).await;
                        drop(permit);
                    });
                }
            }
        }
    }

    /// Closes what is idle, lets finish what is under way, and cuts off what has not ended in time.
    async fn finish(mut self, within: Duration) {
        self.going_down.cancel();
        let all_ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(within, all_ended).await.is_err() {
            tracing::warn!(connections = self.tasks.len(), "connections are cut off: they did not end in time");
            self.tasks.shutdown().await;
        }
    }
}

/// Counts a connection while it lasts.
struct Connected {
    app: App,
    _permit: OwnedSemaphorePermit,
}

impl Connected {
    fn new(app: &App, permit: OwnedSemaphorePermit) -> Self {
        app.metrics().connected();
        Self { app: app.clone(), _permit: permit }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.app.metrics().disconnected();
    }
}
