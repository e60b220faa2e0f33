//! `enginehouse serve`: opens the store, listens, and serves until a signal.

use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use enginehouse_server::config::{Config, LogFormat, Resolved};
use enginehouse_server::rng::SeededRng;
use enginehouse_server::server::{BindError, ListenAddress, Listener, Server, ServerConfig, ServerEnded, Unfenced};
use enginehouse_store::clock::SystemClock;
use enginehouse_store::postgres::PostgresStore;
use enginehouse_store::sqlite::{SqliteOptions, SqliteStore};
use enginehouse_store::{Store, StoreUrl};
use tokio::signal::unix::{SignalKind, signal};

use super::cli_error::CliError;
use super::log_output::LogOutput;
use super::open_error::{unopened, unusable};
use super::server_log;
use super::settings_args::{SettingArgs, postgres_options};
use super::signals::StopSignals;
use super::unknown_variables;
use crate::exit_codes::Exit;

const NOT_STARTED: &str = "the server cannot start";
/// What the server is to be.
#[derive(Debug, Args)]
#[command(after_help = "\
Every setting has a variable and a key in the file too: see `enginehouse config`.

Example:
  enginehouse serve --store sqlite:///var/lib/enginehouse/enginehouse.db \\
    --listen 127.0.0.1:7420")]
pub(crate) struct ServeArgs {
    /// The TOML file of settings
    #[arg(long, env = "ENGINEHOUSE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Stop when stdin ends: for a program that must not leave a server behind
    #[arg(long)]
    until_stdin_ends: bool,
    #[command(flatten)]
    settings: SettingArgs,
}

pub(crate) async fn run(arguments: ServeArgs) -> Exit {
    let log = match LogOutput::to_stderr() {
        Ok(log) => log,
        Err(error) => {
            let error = CliError::new(Exit::Failed, NOT_STARTED, error, "see that the system lets it start threads");
            error.show(false);
            return error.exit;
        }
    };
    let (format, result) = match arguments.settings.resolve(arguments.config.as_ref()) {
        Ok(resolved) => {
            server_log::start(&resolved.config, &log);
            (resolved.config.log_format, serve(resolved, arguments.until_stdin_ends, &log).await)
        }
        // It has not said in which format.
        Err(error) => (LogFormat::Text, Err(error)),
    };
    let exit = match result {
        Ok(()) => Exit::Done,
        Err(error) => {
            server_log::write_error(format, &error, log.clone());
            error.exit
        }
    };
    log.flush();
    exit
}

async fn serve(settings: Resolved, until_stdin_ends: bool, log: &LogOutput) -> Result<(), CliError> {
    let config = settings.config.clone();
    for warning in unknown_variables::warnings() {
        tracing::warn!("{warning}");
    }
    // Asked for before anything is open, so that no signal is missed.
    let stop_signal = stop_signal(until_stdin_ends, log)?;
    let rng = SeededRng::from_system().map_err(|error| {
        CliError::new(Exit::Failed, NOT_STARTED, error, "see that the system can give random numbers")
    })?;
    let listening = ServerConfig {
        metrics_listen: config.metrics_listen.clone(),
        socket_mode: config.socket_mode,
        insecure: config.insecure,
        insecure_transport: config.insecure_transport,
        tls: config.tls(),
        allowed_hosts: config.allowed_hosts.clone(),
        limits: config.limits.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        shutdown_timeout: config.shutdown_timeout,
        listen: config.listen.clone(),
        ..ServerConfig::on(SocketAddr::from(([127, 0, 0, 1], 0)))
    };
    // Before the store: nothing is made or migrated by a server that cannot serve. Who connects waits.
    let listener = Listener::bind(listening).await.map_err(|error| unbound(&error))?;
    let (address, url) = (listener.address().clone(), listener.url());
    let metrics = listener.metrics_address().cloned().map(tracing::field::display);
    let store = open(&config).await?;
    let tokens = store
        .tokens()
        .await
        .map_err(|error| CliError::new(Exit::Failed, NOT_STARTED, error, "run `enginehouse doctor` on the store"))?;
    listener.check_fences(tokens.exist).map_err(|error| unbound(&error))?;
    if listener.is_overheard() {
        tracing::warn!(%address, "what is sent to this address is not encrypted: whoever is in between reads all of it");
    }
    let about = store.describe();
    let server =
        Server::start(listener, store, config.dispatch, Arc::new(settings), Box::new(rng)).map_err(|error| {
            CliError::new(Exit::Failed, NOT_STARTED, error, "see that the system lets the process start threads")
        })?;
    server.app().metrics().show_dropped_lines(log.dropped());
    tracing::info!(%address, metrics, store = about, version = env!("CARGO_PKG_VERSION"), "serving");
    server_log::announce(config.log_format, &url);
    server.run(stop_signal).await.map_err(|error| {
        let hint = match error {
            ServerEnded::Store(_) => "do what the message says; `enginehouse doctor` looks at the store",
            ServerEnded::Dispatcher => {
                "start it again; if it stops again, run `enginehouse doctor` and look at the disk"
            }
        };
        CliError::new(Exit::Failed, "the server has stopped by itself", error, hint)
    })?;
    tracing::info!("stopped");
    Ok(())
}

/// Opens the store that is configured, as a server does.
pub(crate) async fn open(config: &Config) -> Result<Arc<dyn Store>, CliError> {
    let path = match &config.store {
        StoreUrl::Sqlite(path) => path.clone(),
        StoreUrl::Postgres(url) => {
            let opened = PostgresStore::open(postgres_options(config, url)).await;
            return Ok(Arc::new(opened.map_err(|error| unusable(&error))?));
        }
    };
    let options = SqliteOptions {
        durability: config.durability,
        max_size: config.max_store_bytes,
        migrate: config.migrate,
        ..SqliteOptions::new(path, Arc::new(SystemClock::new()))
    };
    let opened = tokio::task::spawn_blocking(move || SqliteStore::open(options)).await;
    let store = opened.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    Ok(Arc::new(store.map_err(|error| unopened(&error))?))
}

fn unbound(error: &BindError) -> CliError {
    let mut why = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        why = format!("{why}: {source}");
    }
    let (exit, hint) = match error {
        BindError::Unfenced(_) => (Exit::Invalid, Unfenced::ADVICE),
        BindError::Tls(_) => (
            Exit::Invalid,
            "name the certificate with its chain as --tls-cert and its key as --tls-key, both in PEM; docs/tls.md shows how to make them",
        ),
        BindError::Listen { listen: ListenAddress::Unix(_), source } => match source.kind() {
            ErrorKind::AddrInUse => {
                (Exit::Conflict, "stop the server that listens there, or name another path with --listen")
            }
            ErrorKind::AlreadyExists => {
                (Exit::Conflict, "see what it is and move it away, or name another path with --listen")
            }
            ErrorKind::PermissionDenied => {
                (Exit::Forbidden, "let the user of the server write into the folder of the socket")
            }
            _ => (
                Exit::Invalid,
                "name a path of at most 107 bytes in a folder that exists, as with --listen unix:/run/enginehouse.sock",
            ),
        },
        BindError::Listen { source, .. } if source.kind() == ErrorKind::PermissionDenied => (
            Exit::Forbidden,
            "a port below 1024 needs a right: name another one with --listen, or give the service the capability CAP_NET_BIND_SERVICE",
        ),
        BindError::Listen { source, .. } if source.kind() == ErrorKind::AddrNotAvailable => {
            (Exit::Invalid, "name an address of this machine with --listen")
        }
        BindError::Listen { .. } => (
            Exit::Conflict,
            "stop the process that has the port, or name another one with --listen (port 0 takes a free one)",
        ),
    };
    CliError::new(exit, NOT_STARTED, why, hint)
}

/// Ends with the first SIGTERM, SIGINT or SIGQUIT, or with stdin. A second one ends the process at once.
fn stop_signal(until_stdin_ends: bool, log: &LogOutput) -> Result<impl Future<Output = ()> + use<>, CliError> {
    let unheard =
        |error| CliError::new(Exit::Failed, NOT_STARTED, error, "see that the system lets the process handle signals");
    let mut signals = StopSignals::listen().map_err(unheard)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(unheard)?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::warn!(
                "SIGHUP is ignored: settings are read at the start, so restart the server to change them; a new certificate is read by itself"
            );
        }
    });
    let log = log.clone();
    Ok(async move {
        tokio::select! {
            () = signals.next() => {}
            () = stdin_ends(), if until_stdin_ends => {}
        }
        tracing::info!("shutting down: finishing what is under way");
        tokio::spawn(async move {
            signals.next().await;
            tracing::warn!("a second signal: stopping at once");
            log.flush();
            std::process::exit(130);
        });
    })
}

/// Ends when stdin does. What comes before its end is of no interest.
async fn stdin_ends() {
    // A thread of its own, which ends with the process. The runtime would wait, before it ends, for a read that it has begun,
    // and this one may last for ever.
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        drop(ended);
    });
    let _ = end.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_for_a_port_is_by_its_cause() {
        for (kind, exit, hint) in [
            (ErrorKind::PermissionDenied, Exit::Forbidden, "a port below 1024 needs a right"),
            (ErrorKind::AddrNotAvailable, Exit::Invalid, "an address of this machine"),
            (ErrorKind::AddrInUse, Exit::Conflict, "stop the process that has the port"),
        ] {
            let listen = SocketAddr::from(([127, 0, 0, 1], 80)).into();
            let error = unbound(&BindError::Listen { listen, source: kind.into() });
            assert_eq!(error.exit, exit);
            assert!(error.hint.contains(hint), "{}", error.hint);
        }
    }
}
