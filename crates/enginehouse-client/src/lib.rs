//! Typed calls to an Enginehouse server, and the loop of an engine.
//!
//! [`Client`] has a method for each call of the HTTP API. It repeats a call only where a repeat is safe. [`EngineLoop`]
//! is an engine's whole life: it registers, claims, runs a handler for each event, keeps its locks renewed, settles, and
//! shuts down in good order.
//!
//! ```no_run
//! use enginehouse_client::{Client, EngineLoop, HandlerOutcome, StaticConfig};
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new("http://127.0.0.1:7420")?;
//! let shutdown = CancellationToken::new();
//! EngineLoop::new(client, "pricing-1".parse()?, "pricing".parse()?)
//!     .event_types(["order.created".parse()?])
//!     .static_config(StaticConfig { capabilities: vec!["pricing.eu".into()], ..StaticConfig::default() })
//!     .run(shutdown, |event, _context| async move {
//!         println!("{}", event.payload.as_str());
//!         HandlerOutcome::Complete { result: None }
//!     })
//!     .await?;
//! # Ok(())
//! # }
//! ```

mod backoff;
mod bearer_token;
#[expect(clippy::missing_errors_doc, reason = "its first line says it of all calls")]
mod calls;
pub mod engine_loop;
pub mod engine_name;
mod error;
mod log_stream;
pub mod process_load;
mod sdk;
mod server_url;
mod tls;
mod topic_stream;
mod transport;

pub use backoff::Backoff;
pub use bearer_token::{BearerToken, NotAToken};
pub use calls::Client;
pub use engine_loop::{
    CheckpointTooLarge, ClaimedEvent, EngineError, EngineLoop, EngineSummary, HandlerContext, HandlerOutcome,
    StopReason,
};
pub use enginehouse_core::engine::{DynamicState, StaticConfig};
pub use error::Error;
pub use log_stream::LogStream;
pub use sdk::{
    Context, Engine, EnvironmentError, Handler, HandlerError, Reject, Release, Retry, RunError, State, TestAttempt,
    TriedAttempt,
};
pub use server_url::BadUrl;
pub use tls::{ClientCertificate, ClientTls};
pub use topic_stream::{TopicEvent, TopicStream};
pub use transport::{ClientConfig, Repeat};
