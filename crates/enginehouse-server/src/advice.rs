//! What a person should look after, though nothing is wrong yet: what lets others in, or keeps everybody out, sooner or later.

use std::time::Duration;

use enginehouse_core::access::token::{TokenRecord, TokenStatus, WARNED_BEFORE};
use enginehouse_core::time::Timestamp;

use crate::config::Config;
use crate::server::certificate_expires_at;

/// After how long a token that nobody has used is worth a word.
const UNUSED_AFTER: Duration = Duration::from_secs(14 * 86_400);

/// What is worth a word about tokens, the certificate and the listeners of a server, at a moment.
pub fn advice(config: &Config, tokens: &[TokenRecord], now: Timestamp) -> Vec<String> {
    let of_tokens = tokens.iter().filter_map(|token| of_token(token, now));
    of_tokens.chain(of_certificate(config, now)).chain(of_listeners(config)).collect()
}

fn of_token(token: &TokenRecord, now: Timestamp) -> Option<String> {
    let (name, accessor, ends) = (&token.name, &token.accessor, token.expires_at);
    let since = token.rotated_at.unwrap_or(token.created_at);
    match token.status(now) {
        TokenStatus::Expired => Some(format!(
            "token {name} ({accessor}) has expired at {ends}: rotate it if it is needed, or else revoke it"
        )),
        TokenStatus::Active if ends.since(now) <= WARNED_BEFORE => Some(format!(
            "token {name} ({accessor}) expires at {ends}: `enginehouse token rotate {name}` gives it a new secret and a new end"
        )),
        TokenStatus::Active if token.last_used_at.is_none() && now.since(since) >= UNUSED_AFTER => {
            Some(format!("token {name} ({accessor}) has not been used since {since}: revoke it if nobody needs it"))
        }
        TokenStatus::Active | TokenStatus::Waiting | TokenStatus::Revoked => None,
    }
}

fn of_certificate(config: &Config, now: Timestamp) -> Option<String> {
    let path = config.tls_cert.as_ref()?;
    match certificate_expires_at(path) {
        Err(error) => Some(format!("the certificate cannot be used: {error}")),
        Ok(ends) if ends <= now => Some(format!("the certificate {} has expired at {ends}", path.display())),
        Ok(ends) if ends.since(now) <= WARNED_BEFORE => {
            Some(format!("the certificate {} expires at {ends}", path.display()))
        }
        Ok(_) => None,
    }
}

fn of_listeners(config: &Config) -> Vec<String> {
    if config.tls_cert.is_some() || config.insecure_transport {
        return Vec::new();
    }
    let listeners = std::iter::once(("listen", &config.listen));
    let all = listeners.chain(config.metrics_listen.iter().map(|listen| ("metrics_listen", listen)));
    all.filter(|(_, listen)| !listen.is_near())
        .map(|(setting, listen)| {
            format!("{setting} is {listen}, beyond this machine, without TLS: what is sent there, tokens too, can be read on its way")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use enginehouse_core::access::secret::AccessToken;
    use enginehouse_core::access::token::TokenDraft;
    use enginehouse_core::input::read_json;

    use super::*;

    const DAY: u64 = 86_400;
    const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    /// A token of 90 days that was made at the start.
    fn token() -> TokenRecord {
        let token = AccessToken::made(1, [1; 32]);
        let draft = read_json(br#"{"name":"ci","role":"producer"}"#, TokenDraft::read).unwrap();
        draft.made(token.accessor().clone(), token.hash(), "test".to_owned(), START)
    }

    #[test]
    fn a_token_is_worth_a_word_near_its_end_and_if_nobody_uses_it() {
        let message =
            |token: &TokenRecord, day: u64| of_token(token, START + Duration::from_secs(day * DAY)).unwrap_or_default();
        let unused = token();
        let used = TokenRecord { last_used_at: Some(START), ..token() };
        let revoked = TokenRecord { revoked_at: Some(START), ..token() };
        for (token, day, part) in [
            (&unused, 13, ""),
            (&unused, 14, "has not been used since 2026-01-01"),
            (&used, 75, ""),
            (&used, 76, "expires at 2026-04-01"),
            (&used, 90, "has expired at 2026-04-01"),
            (&revoked, 90, ""),
        ] {
            let message = message(token, day);
            assert!(message.contains(part) && message.is_empty() == part.is_empty(), "{day}: {message}");
        }
    }

    #[test]
    fn a_listener_beyond_this_machine_is_worth_a_word_without_tls() {
        let far = Config { listen: "0.0.0.0:7420".parse().unwrap(), ..Config::default() };
        assert!(of_listeners(&far)[0].starts_with("listen is 0.0.0.0:7420, beyond this machine, without TLS"));
        assert!(of_listeners(&Config { insecure_transport: true, ..far.clone() }).is_empty());
        assert!(of_listeners(&Config { tls_cert: Some("a.pem".into()), ..far }).is_empty());
        assert!(of_listeners(&Config::default()).is_empty());
    }
}
