//! What may handle an event: a function of its payload, and if it wants to, of the context and of the engine's state.

use std::any::type_name;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use enginehouse_core::json::RawJson;
use enginehouse_core::limits::MAX_PAYLOAD_BYTES;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::context::Context;
use super::handler_error::HandlerError;
use crate::engine_loop::HandlerOutcome;

/// What all handlers of an engine share: a pool of connections, a model that was loaded once.
///
/// ```
/// use enginehouse_client::{Context, Engine, HandlerError, State};
///
/// #[derive(serde::Deserialize)]
/// struct Order { qty: u32 }
/// struct Prices { tea: u32 }
///
/// async fn price(prices: State<Prices>, order: Order, _: Context) -> Result<u32, HandlerError> {
///     Ok(prices.tea * order.qty)
/// }
///
/// let engine = Engine::with_state("pricing", Prices { tea: 12 }).on("order.created", price);
/// # drop(engine);
/// ```
#[derive(Debug)]
pub struct State<S>(pub Arc<S>);

impl<S> Clone for State<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Deref for State<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

pub(super) type BoxedOutcome = Pin<Box<dyn Future<Output = HandlerOutcome> + Send>>;

/// A function that handles events of one type. Its arguments may be
///
/// - the payload, as any type that serde reads: `|order: Order|`;
/// - the payload and the [`Context`]: `|order: Order, context: Context|`;
/// - the engine's state, the payload and the context: `|state: State<Prices>, order: Order, context: Context|`.
///
/// It answers `Result<R, HandlerError>`; `R` is the event's result, anything that serde writes.
pub trait Handler<S, Arguments>: Send + Sync + 'static {
    /// Handles one event.
    fn handle(&self, state: State<S>, context: Context) -> BoxedOutcome;
}

/// The payload as a `P`. One that is not can be handled by nobody, until a person edits it.
fn payload_of<P: DeserializeOwned>(context: &Context) -> Result<P, HandlerError> {
    let mut read = serde_json::Deserializer::from_str(context.event().payload.as_str());
    P::deserialize(&mut read).map_err(|error| {
        let expected = type_name::<P>().rsplit("::").next().unwrap_or_default();
        HandlerError::rejected("invalid_payload", format!("the payload is no {expected}: {error}"))
    })
}

fn outcome_of<R: Serialize>(result: Result<R, HandlerError>) -> HandlerOutcome {
    match result.and_then(|result| written(&result)) {
        Ok(result) => HandlerOutcome::Complete { result: Some(result) },
        Err(error) => error.into_outcome(),
    }
}

fn written(result: &impl Serialize) -> Result<RawJson, HandlerError> {
    let invalid = |why: String| HandlerError::rejected("invalid_result", why);
    let json = serde_json::to_string(result).map_err(|error| invalid(format!("the result is no JSON: {error}")))?;
    if json.len() > MAX_PAYLOAD_BYTES {
        return Err(invalid(format!("a result has at most {MAX_PAYLOAD_BYTES} bytes, was {}", json.len())));
    }
    Ok(RawJson::trusted(json))
}

macro_rules! handler {
    ($arguments:ty, ($($argument:ident: $kind:ty),+), $state:ident, $payload:ident, $context:ident) => {
        impl<S, P, R, Fun, Fut> Handler<S, $arguments> for Fun
        where
            S: Send + Sync + 'static,
            P: DeserializeOwned + Send + 'static,
            R: Serialize,
            Fun: Fn($($kind),+) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
        {
            #[allow(unused_variables, reason = "not every handler takes everything")]
            fn handle(&self, $state: State<S>, $context: Context) -> BoxedOutcome {
                let $payload = match payload_of::<P>(&$context) {
                    Ok(payload) => payload,
                    Err(error) => return Box::pin(std::future::ready(error.into_outcome())),
                };
                let running = (self)($($argument),+);
                Box::pin(async move { outcome_of(running.await) })
            }
        }
    };
}

handler!((P,), (payload: P), state, payload, context);
handler!((P, Context), (payload: P, context: Context), state, payload, context);
handler!((State<S>, P, Context), (state: State<S>, payload: P, context: Context), state, payload, context);
