//! What is left out of answers to callers who may read events, but not what is in them: payloads, results and the details of
//! errors. Codes and messages of errors stay: without them nobody could tell why something fails.

use enginehouse_api::dead_letters::DeadLetter;
use enginehouse_api::events::{Attempt, Event, HistoryResponse};
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::event::AttemptError;
use enginehouse_core::json::RawJson;

/// An answer with a part that not everybody may read who may read the rest.
pub(super) trait Hide: Sized {
    fn hide(&mut self);

    /// The answer as this caller may see it.
    fn shown_to(mut self, principal: &Principal) -> Self {
        if !principal.may(Permission::EventsReadPayload) {
            self.hide();
        }
        self
    }
}

impl Hide for Event {
    fn hide(&mut self) {
        (self.payload, self.result) = (nothing(), None);
        hide_details(&mut self.last_error);
        self.payload_hidden = true;
    }
}

impl Hide for DeadLetter {
    fn hide(&mut self) {
        self.payload = nothing();
        hide_details(&mut self.last_error);
        self.payload_hidden = true;
    }
}

impl Hide for Attempt {
    fn hide(&mut self) {
        hide_details(&mut self.error);
    }
}

impl Hide for HistoryResponse {
    fn hide(&mut self) {
        self.attempts.iter_mut().for_each(Hide::hide);
    }
}

fn nothing() -> RawJson {
    RawJson::from(&serde_json::Value::Null)
}

fn hide_details(error: &mut Option<AttemptError>) {
    error.iter_mut().for_each(|error| error.details = None);
}
