//! Connections to the server: the URL and its TLS, the pool, the statements sent on a connection, and what can go wrong.

pub(crate) mod connect;
pub(crate) mod failure;
pub(crate) mod session;
pub(crate) mod tls;
