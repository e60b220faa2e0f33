//! Follows what happens to tokens while nobody calls: others change them, they come to their end, they were used.

use std::collections::HashSet;
use std::time::Duration;

use enginehouse_core::access::secret::Accessor;
use enginehouse_core::access::token::WARNED_BEFORE;
use enginehouse_core::time::Timestamp;

use crate::dispatcher::tokens::NoteTokenUses;
use crate::http::App;
use crate::timers::{Timer, pause};

/// How often others' changes are looked for: revocation takes effect within a second.
const INTERVAL: Duration = Duration::from_millis(300);
/// How often it is noted which tokens were used.
const NOTE_INTERVAL: Duration = Duration::from_secs(60);

/// Follows the tokens for as long as the server runs.
pub(crate) async fn watch_tokens(app: App) {
    let mut watch = TokenWatch { next_note: Timer::now() + NOTE_INTERVAL, warned: HashSet::new() };
    loop {
        pause(INTERVAL).await;
        watch.look(&app).await;
    }
}

struct TokenWatch {
    next_note: tokio::time::Instant,
    /// Tokens whose end was warned of, by when that is.
    warned: HashSet<(Accessor, Timestamp)>,
}

impl TokenWatch {
    async fn look(&mut self, app: &App) {
        // A file has one server, which knows what it does itself.
        if app.store().is_shared() {
            app.follow_tokens().await;
        }
        let now = app.metrics().store_now();
        app.tokens().end_expired(now);
        self.warn(app, now);
        app.write_audit_notes().await;
        if self.next_note <= Timer::now() {
            self.next_note = Timer::now() + NOTE_INTERVAL;
            note_uses(app).await;
        }
    }

    /// Warns of tokens that expire soon, each once.
    fn warn(&mut self, app: &App, now: Timestamp) {
        for token in app.tokens().active(now) {
            let left = token.expires_at.since(now);
            if left <= WARNED_BEFORE && self.warned.insert((token.accessor.clone(), token.expires_at)) {
                tracing::warn!(
                    accessor = %token.accessor, name = %token.name, expires_at = %token.expires_at,
                    "a token expires soon: `enginehouse token rotate` gives it a new secret and a new end"
                );
            }
        }
    }
}

/// Notes which tokens were used since that was last done.
pub(crate) async fn note_uses(app: &App) {
    let uses = app.tokens().take_uses();
    if !uses.is_empty()
        && let Err(error) = app.dispatcher().execute(NoteTokenUses(uses)).await
    {
        tracing::debug!(%error, "nobody can note which tokens were used");
    }
}
