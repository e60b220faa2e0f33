//! The connections that are open: who may have one more, and which is closed for it.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use enginehouse_api::problem::Problem;
use futures_util::FutureExt;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::activity::{Activity, IdleSignal};
use super::allowed_hosts::AllowedHosts;
use super::bound_socket::{AcceptedSocket, BoundSocket};
use super::connection::{AcceptedConnection, serve};
use super::handshake::Handshake;
use super::network_threads::NetworkThreads;
use super::parse_errors::written;
use super::request_head::HeadCheck;
use super::server_config::ServerConfig;
use super::timed_stream::Timeouts;
use super::tls::ServerTls;
use crate::budget::{Budget, ClientAddress, NoRoom, Share};
use crate::http::{App, ListenerRole, router};
use crate::peer::Peer;
use crate::timers::pause;

/// How long to wait after a connection could not be accepted: most likely the process has no file descriptor left.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(100);
/// How many connections `metrics_listen` has: more than Prometheus and a person need.
const MAX_METRICS_CONNECTIONS: usize = 64;
/// How many idle connections one look at all connections finds.
const FOUND_AT_ONCE: usize = 64;

/// The open connections of a server.
pub(super) struct OpenConnections {
    app: App,
    router: Router,
    listens_on: Option<IpAddr>,
    allowed_hosts: Arc<AllowedHosts>,
    tls: Option<ServerTls>,
    timeouts: Timeouts,
    budget: Arc<Budget>,
    signal: Arc<IdleSignal>,
    shutdown: CancellationToken,
    threads: Arc<NetworkThreads>,
    tasks: JoinSet<()>,
    open: HashMap<Id, OpenConnection>,
    idle: LongestIdle,
}

/// What is known of one connection from outside.
struct OpenConnection {
    address: ClientAddress,
    activity: Activity,
}

/// The connections that were idle for longest when it was last looked. Those that became idle since come after them, so
/// whichever of them is idle since then still is the next.
#[derive(Default)]
struct LongestIdle {
    of: Option<ClientAddress>,
    since: VecDeque<(u64, Id)>,
}

impl OpenConnections {
    pub(super) fn new(
        app: &App,
        config: &ServerConfig,
        listens_on: Option<IpAddr>,
        role: ListenerRole,
        tls: Option<ServerTls>,
        threads: Arc<NetworkThreads>,
    ) -> Self {
        // Connections for metrics are apart: they are what somebody looks with when there are too many of the others.
        let (name, setting, max) = match role {
            ListenerRole::Everything | ListenerRole::Calls => {
                ("connections", "max_connections", config.limits.max_connections)
            }
            ListenerRole::Metrics => ("metrics_connections", "metrics_listen", MAX_METRICS_CONNECTIONS),
        };
        let metrics = app.metrics().of_budget(name);
        Self {
            app: app.clone(),
            router: router(app.clone(), role),
            listens_on,
            allowed_hosts: Arc::new(config.allowed_hosts.clone()),
            // Whoever may open the file may read along anyway.
            tls: tls.filter(|_| listens_on.is_some()),
            timeouts: config.timeouts(),
            budget: Budget::new(name, "connections", setting, max, metrics),
            signal: IdleSignal::new(),
            shutdown: CancellationToken::new(),
            threads,
            tasks: JoinSet::new(),
            open: HashMap::new(),
            idle: LongestIdle::default(),
        }
    }

    pub(super) async fn accept_all(&mut self, socket: &BoundSocket) -> Infallible {
        loop {
            match socket.accept().await {
                Ok(accepted) => self.admit(accepted).await,
                Err(error) => {
                    if let Some(left_out) = self.app.metrics().log_limit().admit("accept", &error.to_string()) {
                        tracing::warn!(%error, left_out, "a connection could not be accepted");
                    }
                    self.close_longest_idle(None);
                    pause(ACCEPT_BACK_OFF).await;
                }
            }
            self.prune_ended();
        }
    }

    /// Serves a connection as soon as there is room for it, or refuses it.
    async fn admit(&mut self, socket: AcceptedSocket) {
        let peer = Peer { ip: socket.from(), is_encrypted: self.tls.is_some(), certificate_name: None };
        let address = peer.address();
        loop {
            let full = match self.budget.take(address, 1) {
                Ok(share) => return self.serve(socket, peer, share),
                Err(full) => full,
            };
            self.signal.want();
            if self.close_longest_idle(full.by_address().then_some(address)) {
                self.one_has_ended().await;
            } else if full.by_address() {
                return self.refuse(&socket, &full);
            } else {
                let signal = Arc::clone(&self.signal);
                tokio::select! {
                    () = self.one_has_ended() => {}
                    () = signal.became_idle() => {}
                }
            }
        }
    }

    fn serve(&mut self, socket: AcceptedSocket, peer: Peer, share: Share) {
        let on_all_addresses = self.listens_on.is_some_and(|address| address.is_unspecified());
        let connected_to = if on_all_addresses { socket.connected_to() } else { None };
        let head_check = HeadCheck::new(Arc::clone(&self.allowed_hosts), self.listens_on, connected_to);
        // Its own thread registers it with its own event loop.
        let socket = match socket.detach() {
            Ok(socket) => socket,
            Err(error) => return tracing::debug!(%error, "a connection was lost before it was served"),
        };
        let activity = Activity::new(Arc::clone(&self.signal));
        let guard = ConnectionGuard::new(&self.app, share);
        let thread = self.threads.next();
        let handshake = self.tls.as_ref().map(|tls| Handshake {
            config: tls.config(),
            turns: Arc::clone(&thread.handshake_turns),
            limit: self.timeouts.header,
        });
        let address = peer.address();
        let accepted = AcceptedConnection {
            socket,
            peer,
            handshake,
            head_check,
            router: self.router.clone(),
            timeouts: self.timeouts,
            activity: activity.clone(),
            metrics: self.app.metrics().clone(),
        };
        let served = serve(accepted, self.shutdown.clone());
        // Not an async block, which would hold the future twice.
        let task = self.tasks.spawn_on(served.map(|()| drop(guard)), &thread.runtime);
        self.open.insert(task.id(), OpenConnection { address, activity });
    }

    /// Refuses a connection: in the words of HTTP, if the socket takes them at once. Without a word, if it would take a
    /// handshake to say them.
    fn refuse(&self, socket: &AcceptedSocket, full: &NoRoom) {
        let document = Problem { detail: full.refuse(), ..Problem::overloaded(1) };
        let answer = written(&document, "HTTP/1.1 429 Too Many Requests");
        if self.tls.is_none()
            && let Err(error) = socket.try_write(&answer)
        {
            tracing::debug!(%error, "a connection was refused without a word");
        }
    }

    /// Waits until a connection has ended.
    async fn one_has_ended(&mut self) {
        if let Some(ended) = self.tasks.join_next_with_id().await {
            self.prune(&ended);
        }
    }

    /// Closes the connection that has been idle for longest; of an address, if one is named. Answers whether there is one.
    fn close_longest_idle(&mut self, of: Option<ClientAddress>) -> bool {
        if self.idle.of != of || !self.close_next() {
            self.idle = LongestIdle { of, since: self.longest_idle(of) };
            if !self.close_next() {
                return false;
            }
        }
        self.app.metrics().evicted();
        true
    }

    fn close_next(&mut self) -> bool {
        while let Some((since, id)) = self.idle.since.pop_front() {
            if self.open.get(&id).is_some_and(|connection| connection.activity.close_if_idle_since(since)) {
                return true;
            }
        }
        false
    }

    fn longest_idle(&self, of: Option<ClientAddress>) -> VecDeque<(u64, Id)> {
        let candidates = self.open.iter().filter(|(_, connection)| of.is_none_or(|of| of == connection.address));
        let mut since: Vec<_> =
            candidates.filter_map(|(id, connection)| Some((connection.activity.idle_since()?, *id))).collect();
        if since.len() > FOUND_AT_ONCE {
            since.select_nth_unstable_by_key(FOUND_AT_ONCE, |(since, _)| *since);
            since.truncate(FOUND_AT_ONCE);
        }
        since.sort_unstable_by_key(|(since, _)| *since);
        since.into()
    }

    /// Tasks that have ended hold memory until they are joined.
    fn prune_ended(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.prune(&ended);
        }
    }

    fn prune(&mut self, ended: &Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        self.open.remove(&id);
    }

    /// Closes idle connections, and the others after their present answer, which says so.
    pub(super) fn shut_down(&self) {
        self.shutdown.cancel();
    }

    /// Lets requests that are under way finish after a shutdown, and cuts off what has not ended in time.
    pub(super) async fn finish(self, within: Duration) {
        let Self { mut tasks, threads: _threads, .. } = self;
        let ending = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(within, ending).await.is_err() {
            tracing::warn!(open = tasks.len(), "connections are cut off: they did not end in time");
        }
        tasks.shutdown().await;
    }
}

/// Counts a connection while it lasts.
struct ConnectionGuard {
    app: App,
    _share: Share,
}

impl ConnectionGuard {
    fn new(app: &App, share: Share) -> Self {
        app.metrics().connected();
        Self { app: app.clone(), _share: share }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.app.metrics().disconnected();
    }
}
