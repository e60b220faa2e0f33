//! `sslmode`, as libpq reads it, on rustls.
//!
//! Three things are stricter than in libpq. `prefer` and `allow` never look at a CA: who may be talked out of TLS is not
//! protected by one. A file that is named must be there. And what is unknown is refused instead of ignored.

mod files;
mod parameters;
#[cfg(test)]
mod tests;
mod verifier;

use std::error::Error as _;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError, ClientConfig};
use tokio_postgres::config::{Host, LoadBalanceHosts, SslMode, SslNegotiation};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, NoTlsStream, TlsConnect};
use tokio_postgres::{Client, Config, Connection, Error, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::migrations::SchemaName;

use self::files::Files;
use self::parameters::Mode;
use self::verifier::Verifier;

/// How a connection is protected.
pub(crate) struct Tls {
    mode: Mode,
    files: Files,
}

/// A connection whose stream is protected or not.
pub(crate) type Connected = (Client, Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>);

/// Reads where the database is and how to get there. No error has a password in it.
pub(crate) fn parse(url: &str) -> Result<(Config, Tls), String> {
    let (config, asked) = parameters::read(url)?;
    Ok((config, Tls { mode: asked.mode, files: Files::new(&asked) }))
}

/// Connects to the first of the hosts that lets us.
pub(crate) async fn connect(config: &Config, tls: &Tls) -> Result<Connected, Error> {
    let mut last = None;
    for place in places(config) {
        match place.connect(config, tls).await {
            Ok(connected) => return Ok(connected),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(error),
        None => Err(as_error("no host is named, or there are not as many addresses or ports as hosts").await),
    }
}

/// Where a database is, without a password.
pub(crate) fn describe(config: &Config, schema: &SchemaName) -> String {
    let names: Vec<_> = places(config).iter().map(Place::name).collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or("");
    format!("{}/{database}, schema {schema}", names.join(","))
}

/// Why TLS did not come about: which host, which file, and what to do.
#[derive(Debug)]
pub(crate) struct Trouble(String);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

/// One of the hosts.
struct Place {
    host: Option<Host>,
    address: Option<IpAddr>,
    port: u16,
}

/// The hosts in the order in which they are to be tried. None, if their parts do not fit together.
fn places(config: &Config) -> Vec<Place> {
    let (hosts, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let count = hosts.len().max(addresses.len());
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len()
        || ports.len() > 1 && ports.len() != count
    {
        return Vec::new();
    }
    let mut places: Vec<_> = (0..count)
        .map(|place| Place {
            // A name that is left out is an empty one in a URL.
            host: hosts.get(place).filter(|host| **host != Host::Tcp(String::new())).cloned(),
            address: addresses.get(place).copied(),
            port: ports.get(place).or(ports.first()).copied().unwrap_or(5432),
        })
        .collect();
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        // Which server takes the load is nobody's to reproduce: a state of the standard library has keys of chance.
        places.sort_by_cached_key(|place| RandomState::new().hash_one(place.port));
    }
    places
}

impl Place {
    fn is_socket(&self) -> bool {
        matches!((&self.host, self.address), (Some(Host::Unix(_)), None))
    }

    fn name(&self) -> String {
        match (&self.host, self.address) {
            (Some(Host::Tcp(name)), _) => format!("{name}:{}", self.port),
            (_, Some(address)) => format!("{address}:{}", self.port),
            (Some(Host::Unix(path)), None) => format!("{}:{}", path.display(), self.port),
            (None, None) => String::new(),
        }
    }

    /// The configuration with this host alone. Its hosts cannot be taken away, so that the rest is taken over.
    fn alone(&self, from: &Config, mode: SslMode) -> Config {
        let mut to = Config::new();
        match (&self.host, self.address) {
            (Some(Host::Tcp(name)), _) => drop(to.host(name)),
            (Some(Host::Unix(path)), _) => drop(to.host_path(path)),
            // By what the server is called if it has no name: TLS wants one.
            (None, Some(address)) => drop(to.host(address.to_string())),
            (None, None) => {}
        }
        self.address.map(|address| to.hostaddr(address));
        to.port(self.port);
        to.ssl_mode(mode);
        to.ssl_negotiation(from.get_ssl_negotiation());
        to.target_session_attrs(from.get_target_session_attrs());
        to.channel_binding(from.get_channel_binding());
        to.load_balance_hosts(from.get_load_balance_hosts());
        to.keepalives(from.get_keepalives());
        to.keepalives_idle(from.get_keepalives_idle());
        from.get_keepalives_interval().map(|interval| to.keepalives_interval(interval));
        from.get_keepalives_retries().map(|retries| to.keepalives_retries(retries));
        from.get_connect_timeout().map(|timeout| to.connect_timeout(*timeout));
        from.get_tcp_user_timeout().map(|timeout| to.tcp_user_timeout(*timeout));
        from.get_user().map(|user| to.user(user));
        from.get_password().map(|password| to.password(password));
        from.get_dbname().map(|name| to.dbname(name));
        from.get_options().map(|options| to.options(options));
        from.get_application_name().map(|name| to.application_name(name));
        to
    }

    async fn connect(&self, config: &Config, tls: &Tls) -> Result<Connected, Error> {
        // Nobody listens in on a socket of this machine.
        let mode = if self.is_socket() { Mode::Disable } else { tls.mode };
        let is_direct = config.get_ssl_negotiation() == SslNegotiation::Direct;
        // What is wrong with a file is so for every way of connecting.
        let connector = match tls.connector(mode, is_direct) {
            Ok(connector) => connector,
            Err(why) => return Err(as_error(why).await),
        };
        let attempt = |ssl: SslMode| {
            let (config, connector) = (self.alone(config, ssl), connector.clone());
            async move { config.connect(connector).await }
        };
        let result = match mode {
            Mode::Disable => attempt(SslMode::Disable).await,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => attempt(SslMode::Require).await,
            Mode::Allow => match attempt(SslMode::Disable).await {
                Err(plain) if is_turned_away(&plain) => {
                    let protected = attempt(SslMode::Require).await;
                    protected.map_err(|error| if is_not_offered(&error) { plain } else { error })
                }
                result => result,
            },
            Mode::Prefer => match attempt(SslMode::Prefer).await {
                Err(protected) if is_turned_away(&protected) || is_of_tls(&protected) => {
                    // Without TLS it may be let in: by a rule for such connections, or as the handshake is skipped.
                    let plain = attempt(SslMode::Disable).await;
                    plain.map_err(|error| if is_no_rule(&error) { protected } else { error })
                }
                result => result,
            },
        };
        match result {
            Ok(connected) => Ok(connected),
            Err(error) => Err(match tls.explain(&error, &self.name()) {
                Some(why) => as_error(why).await,
                None => error,
            }),
        }
    }
}

impl Tls {
    fn connector(&self, mode: Mode, is_direct: bool) -> Result<MakeRustlsConnect, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = self.files.roots(mode)?;
        let verifier = Verifier { provider: Arc::clone(&provider), roots, name: mode == Mode::VerifyFull };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let identity = if mode == Mode::Disable { None } else { self.files.identity()? };
        let mut config = match identity {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain, identity.key)
                .map_err(|error| format!("the certificate (sslcert) and the key (sslkey) do not fit: {error}"))?,
            None => builder.with_no_client_auth(),
        };
        if is_direct {
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(MakeRustlsConnect::new(config))
    }

    /// What an error means, if it is about TLS.
    fn explain(&self, error: &Error, host: &str) -> Option<String> {
        if is_not_offered(error) {
            return Some(format!(
                "{host} has no TLS, which sslmode={} asks for: turn `ssl` on there, or set sslmode=prefer",
                self.mode.name()
            ));
        }
        let reason = error.source()?;
        let from_io = || reason.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>();
        let why = match reason.downcast_ref::<rustls::Error>().or_else(from_io) {
            Some(rustls::Error::InvalidCertificate(why)) => why,
            Some(rustls::Error::AlertReceived(alert)) => return Some(of_alert(*alert, host)),
            Some(error) => return Some(format!("there is no TLS with {host}: {error}")),
            None if is_of_tls(error) => return Some(format!("there is no TLS with {host}: {reason}")),
            None => return None,
        };
        let roots = self.files.name_of_roots();
        Some(match why {
            CertificateError::UnknownIssuer => {
                format!(
                    "the certificate of {host} comes from nobody in {roots}: name the file of its CA with sslrootcert"
                )
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                let names = match why {
                    CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
                        format!(" but for {}", presented.join(", "))
                    }
                    _ => String::new(),
                };
                format!(
                    "the certificate of {host} is not for that name{names}: call the server as its certificate does, \
                     or check the CA alone with sslmode=verify-ca"
                )
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("the certificate of {host} has expired: renew it ({why})")
            }
            CertificateError::Other(why) if why.to_string() == "CaUsedAsEndEntity" => format!(
                "the certificate of {host} is self-signed, and not in {roots}: put it into the file that sslrootcert names"
            ),
            CertificateError::Other(why) if why.to_string() == "UnsupportedCertVersion" => format!(
                "the certificate of {host} is of an old kind: make it one of version 3, with its names as subjectAltName"
            ),
            why => format!("the certificate of {host} is not accepted: {why}"),
        })
    }
}

/// The server has hung up and said why.
fn of_alert(alert: AlertDescription, host: &str) -> String {
    match alert {
        AlertDescription::CertificateRequired
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA => format!(
            "{host} does not accept this client's certificate ({alert:?}): name one from its CA with sslcert and sslkey"
        ),
        _ => format!("{host} has ended the handshake: {alert:?}"),
    }
}

/// Whether the server has answered that this user may not come in, in this way.
fn is_turned_away(error: &Error) -> bool {
    error.code().is_some_and(|code| code.code().starts_with("28"))
}

/// Whether no rule of the server was for such a connection: it says nothing about the password.
fn is_no_rule(error: &Error) -> bool {
    error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
}

/// Whether it is about the handshake. The kind of an error cannot be asked for.
fn is_of_tls(error: &Error) -> bool {
    error.to_string() == "error performing TLS handshake"
}

fn is_not_offered(error: &Error) -> bool {
    error.source().is_some_and(|reason| reason.to_string() == "server does not support TLS")
}

/// Our words as an error of tokio-postgres: it makes one of whatever the handshake fails with.
async fn as_error(why: impl Into<String>) -> Error {
    struct Failing(Trouble);

    impl<S> TlsConnect<S> for Failing {
        type Stream = NoTlsStream;
        type Error = Trouble;
        type Future = std::future::Ready<Result<NoTlsStream, Trouble>>;

        fn connect(self, _: S) -> Self::Future {
            std::future::ready(Err(self.0))
        }
    }

    let mut config = Config::new();
    config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
    match config.connect_raw(tokio::io::empty(), Failing(Trouble(why.into()))).await {
        Err(error) => error,
        Ok(_) => unreachable!("its handshake has failed"),
    }
}
