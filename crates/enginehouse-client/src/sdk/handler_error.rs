//! How a handler says that it did not complete its event.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use enginehouse_core::event::AttemptError;
use enginehouse_core::json::RawJson;

use crate::engine_loop::{HandlerOutcome, StopReason};

/// The attempt has failed, and another may succeed: after the delay of the event's retry policy, or after one of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retry {
    after: Option<Duration>,
    code: Option<String>,
    message: Option<String>,
}

impl Retry {
    /// Retried after the delay of the event's policy.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::default() }
    }

    /// Retried after this delay.
    pub fn after(delay: Duration) -> Self {
        Self { after: Some(delay), ..Self::default() }
    }

    /// For `map_err`: whatever went wrong is retried after so many seconds, and is the message of the error.
    pub fn after_secs<E: Error>(seconds: u64) -> impl Fn(E) -> Self {
        move |error| Self {
            message: Some(chain(&error)),
            code: Some(code_of::<E>()),
            ..Self::after(Duration::from_secs(seconds))
        }
    }

    /// The code of the error, which groups failures: a word such as `upstream_timeout`.
    #[must_use]
    pub fn code(self, code: impl Into<String>) -> Self {
        Self { code: Some(code.into()), ..self }
    }

    /// The message of the error.
    #[must_use]
    pub fn because(self, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..self }
    }
}

/// The event cannot be done, by nobody: no attempt will follow, and it is a dead letter for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    message: String,
    code: Option<String>,
    dead_letter: bool,
}

impl Reject {
    /// A dead letter with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: None, dead_letter: true }
    }

    /// The code of the error, which groups failures.
    #[must_use]
    pub fn code(self, code: impl Into<String>) -> Self {
        Self { code: Some(code.into()), ..self }
    }

    /// A failure that is an answer, and that nobody has to look at: no dead letter, unless the event has failed too often.
    #[must_use]
    pub fn without_dead_letter(self) -> Self {
        Self { dead_letter: false, ..self }
    }
}

/// The event goes back to its queue, and this attempt is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Release {
    delay: Option<Duration>,
}

impl Release {
    /// At once.
    pub const fn now() -> Self {
        Self { delay: None }
    }

    /// Nobody may claim it before this delay is over.
    pub const fn for_later(delay: Duration) -> Self {
        Self { delay: Some(delay) }
    }
}

/// Why a handler did not complete its event. Every error converts into one by `?`: it fails the attempt, which is retried by the
/// event's policy. [`Retry`], [`Reject`] and [`Release`] do too, and say more.
#[derive(Clone, Debug)]
pub struct HandlerError(HandlerOutcome);

impl HandlerError {
    /// A failure that is retried, for what converts into a boxed error but is none, such as `anyhow::Error`.
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(HandlerOutcome::failed("error", chain(&*error.into())))
    }

    pub(super) fn rejected(code: &str, message: impl Into<String>) -> Self {
        Reject::new(message).code(code).into()
    }

    pub(super) fn stopped(reason: StopReason) -> Self {
        // A handler that fails because it was stopped has its event released, by the loop.
        Self(HandlerOutcome::failed("stopped", format!("the handler was to stop: {reason:?}")))
    }

    /// What is answered to the server.
    pub fn into_outcome(self) -> HandlerOutcome {
        self.0
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self(HandlerOutcome::failed(code_of::<E>(), chain(&error)))
    }
}

impl From<Retry> for HandlerError {
    fn from(Retry { after, code, message }: Retry) -> Self {
        Self(HandlerOutcome::Fail {
            error: AttemptError {
                code: Some(code.unwrap_or_else(|| "retry".to_owned())),
                message: message.unwrap_or_else(|| "the handler asked for another attempt".to_owned()),
                details: None::<RawJson>,
            },
            retryable: true,
            retry_after_seconds: after.map(|after| after.as_secs_f64()),
            dead_letter: false,
        })
    }
}

impl From<Reject> for HandlerError {
    fn from(Reject { message, code, dead_letter }: Reject) -> Self {
        Self(HandlerOutcome::Fail {
            error: AttemptError {
                code: Some(code.unwrap_or_else(|| "rejected".to_owned())),
                message,
                details: None::<RawJson>,
            },
            retryable: false,
            retry_after_seconds: None,
            dead_letter,
        })
    }
}

impl From<Release> for HandlerError {
    fn from(Release { delay }: Release) -> Self {
        Self(HandlerOutcome::Release { delay_seconds: delay.map(|delay| delay.as_secs_f64()) })
    }
}

/// An error with all that it comes from.
fn chain(error: &(dyn Error + '_)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        write!(text, ": {error}").expect("a string takes everything");
        source = error.source();
    }
    text
}

/// The code of an error: the name of its type in lower case, without `Error` at its end; `error` if nothing is left of it.
fn code_of<E>() -> String {
    let path = std::any::type_name::<E>().split('<').next().unwrap_or_default();
    let name = path.rsplit("::").next().unwrap_or_default();
    let name = name.strip_suffix("Error").filter(|rest| !rest.is_empty()).unwrap_or(name);
    let mut code = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && code.chars().last().is_some_and(|last| last.is_ascii_lowercase()) {
            code.push('_');
        }
        code.push(letter.to_ascii_lowercase());
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(error: impl Into<HandlerError>) -> (String, String, bool, Option<f64>, bool) {
        let HandlerOutcome::Fail { error, retryable, retry_after_seconds, dead_letter } = error.into().into_outcome()
        else {
            panic!("it fails")
        };
        (error.code.unwrap_or_default(), error.message, retryable, retry_after_seconds, dead_letter)
    }

    #[derive(Debug, thiserror::Error)]
    #[error("no quote for it")]
    struct QuoteError(#[source] std::num::ParseIntError);

    #[test]
    fn any_error_is_a_failure_that_is_retried_with_its_causes() {
        let error = QuoteError("x".parse::<u8>().unwrap_err());
        let message = "no quote for it: invalid digit found in string".to_owned();
        assert_eq!(failure(error), ("quote".into(), message, true, None, false));
        let io = std::io::Error::other("gone");
        assert_eq!(failure(io), ("error".into(), "gone".into(), true, None, false));
    }

    #[test]
    fn a_handler_says_how_it_goes_on() {
        let late = Retry::after(Duration::from_millis(1_500)).code("busy").because("later");
        assert_eq!(failure(late), ("busy".into(), "later".into(), true, Some(1.5), false));
        let error = "x".parse::<u8>().map_err(Retry::after_secs(30)).unwrap_err();
        assert_eq!(
            failure(error),
            ("parse_int".into(), "invalid digit found in string".into(), true, Some(30.0), false)
        );
        assert_eq!(failure(Reject::new("no such SKU")), ("rejected".into(), "no such SKU".into(), false, None, true));
        let answer = Reject::new("unknown").code("unknown_sku").without_dead_letter();
        assert_eq!(failure(answer), ("unknown_sku".into(), "unknown".into(), false, None, false));
        let HandlerOutcome::Release { delay_seconds } =
            HandlerError::from(Release::for_later(Duration::from_secs(2))).into_outcome()
        else {
            panic!("it is released")
        };
        assert_eq!(delay_seconds, Some(2.0));
    }
}
