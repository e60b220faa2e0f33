//! Connections to the server: the URL and its TLS, the pool, the statements sent on a connection, and what can go wrong.

mod connection;
pub(crate) mod endpoint;
pub(crate) mod error;
pub(crate) mod hidden_password;
pub(crate) mod pool;
pub(crate) mod session;
pub(crate) mod statement;
mod tls;
pub(crate) mod url;
