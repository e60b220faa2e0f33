//! The migrations themselves, and their runner on a real PostgreSQL.

mod postgres;
mod server;
mod texts;
