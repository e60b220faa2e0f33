//! Typed calls to an Enginehouse server, and the loop of an engine.
//!
//! [`Client`] has a method for each call of the HTTP API. It repeats a call only where a repeat is safe. [`Engine`] is
//! an engine's whole life: it registers, claims, runs a handler for each event, keeps its locks renewed, settles, and
//! leaves in good order.
//!
//! ```no_run
//! use enginehouse_client::{Client, Engine, Outcome, StaticConfig};
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new("http://127.0.0.1:7420")?;
//! let shutdown = CancellationToken::new();
//! Engine::builder(client, "pricing-1".parse()?, "pricing".parse()?)
//!     .event_types(["order.created".parse()?])
//!     .static_config(StaticConfig { capabilities: vec!["pricing.eu".into()], ..StaticConfig::default() })
//!     .run(shutdown, |event, _context| async move {
//!         println!("{}", event.payload.as_str());
//!         Outcome::Complete { result: None }
//!     })
//!     .await?;
//! # Ok(())
//! # }
//! ```

mod backoff;
mod calls;
pub mod engine_loop;
mod error;
mod transport;

pub use backoff::Backoff;
pub use calls::Client;
pub use engine_loop::{ClaimedEvent, Context, Engine, EngineError, Outcome, StopReason, Summary};
pub use enginehouse_core::engine::{DynamicState, StaticConfig};
pub use error::Error;
pub use transport::{Config, NotAnAddress, Repeat};
