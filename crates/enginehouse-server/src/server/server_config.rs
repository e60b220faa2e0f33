//! Where a server listens, and what connections may cost.

use std::net::SocketAddr;
use std::time::Duration;

use super::allowed_hosts::AllowedHosts;
use super::fences::{Fences, Unfenced};
use super::listen_address::ListenAddress;
use super::timed_stream::Timeouts;
use super::tls::TlsFiles;
use crate::http::Limits;
use crate::trusted_proxies::TrustedProxies;

/// The owner of the process.
pub const DEFAULT_SOCKET_MODE: u32 = 0o600;

/// Where a server listens, and what connections may cost.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    pub listen: ListenAddress,
    /// Where it shows metrics; none if it does so where it listens.
    pub metrics_listen: Option<ListenAddress>,
    /// Who may open a Unix socket: the permissions of its file.
    pub socket_mode: u32,
    /// The certificate to speak TLS with; none for plain HTTP.
    pub tls: Option<TlsFiles>,
    /// How often to look whether its files have changed.
    pub tls_look_interval: Duration,
    /// Whether to listen on an address that other machines can reach although anybody there may do everything.
    pub insecure: bool,
    /// Whether to listen there without TLS, since something in front does it.
    pub insecure_transport: bool,
    /// By which names it may be called besides its addresses.
    pub allowed_hosts: AllowedHosts,
    /// Whose word is taken for who calls.
    pub trusted_proxies: TrustedProxies,
    pub limits: Limits,
    /// How long the headers of a request may take.
    pub header_timeout: Duration,
    /// How long a connection may be without a request.
    pub idle_timeout: Duration,
    /// How long a client may fall behind the least rate at which it has to take its answer.
    pub write_timeout: Duration,
    /// How long requests that are under way may take once the shutdown has begun.
    pub shutdown_timeout: Duration,
}

impl ServerConfig {
    /// The defaults, on an address.
    pub fn on(listen: SocketAddr) -> Self {
        Self {
            listen: listen.into(),
            metrics_listen: None,
            socket_mode: DEFAULT_SOCKET_MODE,
            tls: None,
            tls_look_interval: Duration::from_secs(2),
            insecure: false,
            insecure_transport: false,
            allowed_hosts: AllowedHosts::default(),
            trusted_proxies: TrustedProxies::default(),
            limits: Limits::default(),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(8),
        }
    }

    /// Every address that is listened on.
    fn addresses(&self) -> impl Iterator<Item = &ListenAddress> {
        std::iter::once(&self.listen).chain(&self.metrics_listen)
    }

    /// Whether it may listen where it is to.
    pub(super) fn check_fences(&self, has_tokens: bool) -> Result<(), Unfenced> {
        let Self { tls, insecure_transport, insecure, .. } = self;
        let fences = Fences {
            tls: tls.is_some(),
            tokens: has_tokens,
            insecure_transport: *insecure_transport,
            insecure: *insecure,
        };
        self.addresses().try_for_each(|listen| fences.check(listen))
    }

    /// Whether what is sent to it can be read on its way.
    pub(super) fn is_overheard(&self) -> bool {
        let leaves_the_machine = self.addresses().any(|listen| !listen.is_near());
        leaves_the_machine && self.tls.is_none() && !self.insecure_transport
    }

    pub(super) const fn timeouts(&self) -> Timeouts {
        Timeouts {
            header: self.header_timeout,
            idle: self.idle_timeout,
            write: self.write_timeout,
            min_bytes_per_second: self.limits.min_bytes_per_second,
        }
    }
}
