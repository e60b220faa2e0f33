//! The tokens of the store, in memory: a request asks the store for nothing.
//!
//! They are read when the server is first asked for something, after each change that this server makes, and on a shared store
//! within a second of any other server's. Until they were read, nobody is let in: not knowing of tokens must not look like
//! having none.
//!
//! A request that goes on for long, such as a claim that waits, ends when its caller is no caller any more: the token is revoked
//! or over, or there was none when it began and there is one now.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use enginehouse_core::access::browser_session::{BrowserSession, MAX_BROWSER_SESSION};
use enginehouse_core::access::certificate_name::CertificateName;
use enginehouse_core::access::principal::{Grant, Principal};
use enginehouse_core::access::secret::{AccessToken, Accessor, SecretHash};
use enginehouse_core::access::token::{ShownSecret, TokenRecord, TokenStatus};
use enginehouse_core::time::Timestamp;
use enginehouse_store::rows::{MAX_TOKEN_ADDRESSES, TokenRows, TokenUse};
use enginehouse_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

use super::quotas::{Quotas, TokenUsage};
use crate::budget::ClientAddress;
use crate::dispatcher::audit_notes::FirstUse;

/// Somebody who may call.
#[derive(Clone, Debug)]
pub(crate) struct AdmittedCaller {
    pub(crate) principal: Principal,
    /// Cancelled when they may not any more.
    pub(crate) over: CancellationToken,
    /// What the calls of their token take; none without a token.
    pub(crate) usage: Option<Arc<TokenUsage>>,
}

/// The tokens. Cheap to clone.
#[derive(Clone)]
pub(crate) struct TokenCache {
    known: Arc<RwLock<Option<KnownTokens>>>,
    quotas: Quotas,
}

#[derive(Debug)]
struct KnownTokens {
    version: i64,
    /// Whether there is any: if not, everybody may do everything.
    exist: bool,
    by_accessor: HashMap<Accessor, CachedToken>,
    /// Those that are not revoked and that certificates open.
    by_certificate: HashMap<CertificateName, Accessor>,
    /// Cancelled when the first token appears.
    open: CancellationToken,
}

#[derive(Debug)]
struct CachedToken {
    record: TokenRecord,
    grant: Arc<Grant>,
    over: CancellationToken,
    /// What its calls take, from the first one on.
    usage: OnceLock<Arc<TokenUsage>>,
    /// When its secret was last used since that was last written, in milliseconds; 0 if it was not.
    used_at: AtomicI64,
    /// The same of the secret from before the last rotation.
    previous_used_at: AtomicI64,
    addresses: SeenAddresses,
}

/// From where a token was used since the server was started; of the first so many addresses.
#[derive(Debug, Default)]
struct SeenAddresses {
    seen: RwLock<HashSet<ClientAddress>>,
    /// Those that were seen since that was last written, and when first.
    unwritten: Mutex<Vec<(ClientAddress, Timestamp)>>,
}

impl SeenAddresses {
    fn see(&self, address: ClientAddress, now: Timestamp) {
        if self.seen.read().unwrap_or_else(PoisonError::into_inner).contains(&address) {
            return;
        }
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < MAX_TOKEN_ADDRESSES as usize && seen.insert(address) {
            self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).push((address, now));
        }
    }
}

/// What a caller shows of itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Credentials<'a> {
    pub(crate) token: Option<&'a str>,
    /// The name in its certificate, which counts if it sends no token.
    pub(crate) certificate: Option<&'a CertificateName>,
    /// None stands for a Unix socket.
    pub(crate) address: Option<IpAddr>,
}

/// Nobody who may call. Why, is for the server's own metrics and log: a caller is answered the same in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unauthenticated {
    /// What is shown is no token that is valid now.
    NoToken,
    /// A token is, but not from that address.
    NotFromThere(Accessor),
}

/// A session of a browser that has begun.
pub(crate) struct NewSession {
    /// What the browser is to send with each request. It is as secret as a token.
    pub(crate) cookie: String,
    pub(crate) life: Duration,
}

impl TokenCache {
    pub(crate) fn new(quotas: Quotas) -> Self {
        Self { known: Arc::default(), quotas }
    }

    /// Whether the tokens were read.
    pub(crate) fn is_loaded(&self) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether the tokens were read, and there is none.
    pub(crate) fn is_open(&self) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|known| !known.exist)
    }

    /// Reads the tokens.
    ///
    /// # Errors
    /// They cannot be read. Those that were known stay.
    pub(crate) async fn load(&self, store: &dyn Store) -> Result<(), StoreError> {
        let rows = store.tokens().await?;
        self.replace(rows);
        Ok(())
    }

    /// Reads the tokens if somebody has changed them.
    ///
    /// # Errors
    /// The store does not say.
    pub(crate) async fn follow(&self, store: &dyn Store) -> Result<(), StoreError> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|known| known.version);
        if known.is_none() || known == Some(store.tokens_version().await?) { Ok(()) } else { self.load(store).await }
    }

    /// Forgets the tokens: the next request reads them, or nobody is let in.
    pub(crate) fn unload(&self) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn replace(&self, rows: TokenRows) {
        let mut guard = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut before = guard.take();
        if before.as_ref().is_some_and(|before| before.version > rows.version && before.exist && rows.exist) {
            // Read before the one that is known.
            *guard = before;
            return;
        }
        let mut known = before.as_mut().map(|before| std::mem::take(&mut before.by_accessor)).unwrap_or_default();
        let keep = |record: TokenRecord| {
            let cached = match known.remove(&record.accessor) {
                // What has not changed keeps its callers, whatever was noted of its use.
                Some(cached) if cached.grants_the_same(&record) => CachedToken { record, ..cached },
                Some(before) => {
                    before.over.cancel();
                    CachedToken { usage: before.usage, ..CachedToken::new(record) }
                }
                None => CachedToken::new(record),
            };
            (cached.record.accessor.clone(), cached)
        };
        let by_certificate = rows
            .tokens
            .iter()
            .filter(|token| token.revoked_at.is_none())
            .filter_map(|token| Some((token.certificate_name.clone()?, token.accessor.clone())))
            .collect();
        let by_accessor = rows.tokens.into_iter().map(keep).collect();
        known.values().for_each(|gone| gone.over.cancel());
        let open = before.map(|before| before.open).unwrap_or_default();
        if rows.exist {
            open.cancel();
        }
        let open = if open.is_cancelled() && !rows.exist { CancellationToken::new() } else { open };
        *guard = Some(KnownTokens { version: rows.version, exist: rows.exist, by_accessor, by_certificate, open });
    }

    /// Who shows this. Takes the same time for each token that opens nothing.
    ///
    /// # Errors
    /// Nobody who may call.
    pub(crate) fn caller(&self, shown: Credentials<'_>, now: Timestamp) -> Result<AdmittedCaller, Unauthenticated> {
        let guard = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let known = guard.as_ref().ok_or(Unauthenticated::NoToken)?;
        if !known.exist {
            return Ok(AdmittedCaller { principal: Principal::Anyone, over: known.open.clone(), usage: None });
        }
        if let (None, Some(name)) = (shown.token, shown.certificate) {
            return self.named(known, name, shown.address, now);
        }
        let token: AccessToken = shown.token.and_then(|shown| shown.parse().ok()).ok_or(Unauthenticated::NoToken)?;
        self.bearer(known, &token, shown.address, now)
    }

    /// Who has a token. Takes the same time for each that opens nothing.
    fn bearer(
        &self,
        known: &KnownTokens,
        token: &AccessToken,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<AdmittedCaller, Unauthenticated> {
        let hash = token.hash();
        let Some(cached) = known.by_accessor.get(token.accessor()) else {
            // As long as it takes to find that a secret is another one.
            let _ = bool::from(SecretHash::from_bytes([0; 32]).is(&hash)) | bool::from(hash.is(&hash));
            return Err(Unauthenticated::NoToken);
        };
        let secret = cached.record.verify(&hash, now).ok_or(Unauthenticated::NoToken)?;
        self.admit(cached, secret, address, now)
    }

    /// Who shows this session of a browser. It is worth no more than the token that it was made of is now.
    ///
    /// # Errors
    /// Nobody who may call.
    pub(crate) fn caller_of_session(
        &self,
        shown: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<AdmittedCaller, Unauthenticated> {
        let guard = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let known = guard.as_ref().ok_or(Unauthenticated::NoToken)?;
        if !known.exist {
            return Ok(AdmittedCaller { principal: Principal::Anyone, over: known.open.clone(), usage: None });
        }
        let session: BrowserSession = shown.parse().map_err(|_| Unauthenticated::NoToken)?;
        let cached = known.by_accessor.get(session.accessor()).ok_or(Unauthenticated::NoToken)?;
        let (current, previous) = (cached.record.secret, cached.record.previous.map(|previous| previous.secret));
        let token = session.open(&current).or_else(|| session.open(&previous?)).ok_or(Unauthenticated::NoToken)?;
        if session.expires_at() <= now {
            Err(Unauthenticated::NoToken)
        } else {
            self.bearer(known, &token, address, now)
        }
    }

    /// A session for the browser of whoever shows this token: its text, and how long it lasts. `nonce` is new each time.
    ///
    /// # Errors
    /// Nobody who may call.
    pub(crate) fn log_in(
        &self,
        shown: &str,
        address: Option<IpAddr>,
        nonce: u64,
        now: Timestamp,
    ) -> Result<NewSession, Unauthenticated> {
        let guard = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let known = guard.as_ref().ok_or(Unauthenticated::NoToken)?;
        let token: AccessToken = shown.parse().map_err(|_| Unauthenticated::NoToken)?;
        self.bearer(known, &token, address, now)?;
        let cached = known.by_accessor.get(token.accessor()).ok_or(Unauthenticated::NoToken)?;
        let expires_at = cached.record.expires_at.min(now + MAX_BROWSER_SESSION);
        let cookie = BrowserSession::seal(&token, expires_at, nonce).reveal();
        Ok(NewSession { cookie, life: expires_at.since(now) })
    }

    /// Who has a certificate of this name.
    fn named(
        &self,
        known: &KnownTokens,
        name: &CertificateName,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<AdmittedCaller, Unauthenticated> {
        let accessor = known.by_certificate.get(name).ok_or(Unauthenticated::NoToken)?;
        let cached = known.by_accessor.get(accessor).ok_or(Unauthenticated::NoToken)?;
        if cached.record.status(now) != TokenStatus::Active {
            return Err(Unauthenticated::NoToken);
        }
        self.admit(cached, ShownSecret::Current, address, now)
    }

    /// Lets in whoever has shown what opens a token, if they may come from there.
    fn admit(
        &self,
        cached: &CachedToken,
        secret: ShownSecret,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<AdmittedCaller, Unauthenticated> {
        if !cached.record.admits_address(address) {
            return Err(Unauthenticated::NotFromThere(cached.record.accessor.clone()));
        }
        let used_at = match secret {
            ShownSecret::Current => &cached.used_at,
            ShownSecret::Previous => &cached.previous_used_at,
        };
        // It stays in the cache of each processor that uses the token until it is a new second.
        if used_at.load(Ordering::Relaxed) / 1_000 != now.as_millis() / 1_000 {
            used_at.fetch_max(now.as_millis(), Ordering::Relaxed);
        }
        cached.addresses.see(address.map_or(ClientAddress::UNIX, ClientAddress::from), now);
        let usage = cached.usage.get_or_init(|| self.quotas.of(&cached.record));
        Ok(AdmittedCaller {
            principal: Principal::Bearer(Arc::clone(&cached.grant)),
            over: cached.over.clone(),
            usage: Some(Arc::clone(usage)),
        })
    }

    /// Ends the requests of tokens that are over by now.
    pub(crate) fn end_expired(&self, now: Timestamp) {
        let guard = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let tokens = guard.iter().flat_map(|known| known.by_accessor.values());
        tokens.filter(|token| token.record.status(now) != TokenStatus::Active).for_each(|token| token.over.cancel());
    }

    /// The uses that were not taken before, to be written.
    pub(crate) fn take_uses(&self) -> Vec<TokenUse> {
        let guard = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut uses = Vec::new();
        for cached in guard.iter().flat_map(|known| known.by_accessor.values()) {
            let record = &cached.record;
            let mut take = |used_at: &AtomicI64, secret: Option<SecretHash>| {
                let at = used_at.swap(0, Ordering::Relaxed);
                let used =
                    |secret| TokenUse { accessor: record.accessor.clone(), secret, at: Timestamp::from_millis(at) };
                uses.extend(secret.filter(|_| at > 0).map(used));
            };
            take(&cached.used_at, Some(record.secret));
            take(&cached.previous_used_at, record.previous.map(|previous| previous.secret));
        }
        uses
    }

    /// The addresses from which tokens were used for the first time, and that were not taken before, to be written.
    pub(crate) fn take_first_uses(&self) -> Vec<FirstUse> {
        let guard = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut uses = Vec::new();
        for cached in guard.iter().flat_map(|known| known.by_accessor.values()) {
            let mut unwritten = cached.addresses.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
            let first_use = |(address, at): (ClientAddress, Timestamp)| FirstUse {
                accessor: cached.record.accessor.clone(),
                address,
                at,
            };
            uses.extend(unwritten.drain(..).map(first_use));
        }
        uses
    }

    /// Has these be told again when they are next used: they could not be written.
    pub(crate) fn take_back_first_uses(&self, uses: &[FirstUse]) {
        let guard = self.known.read().unwrap_or_else(PoisonError::into_inner);
        for FirstUse { accessor, address, .. } in uses {
            if let Some(cached) = guard.as_ref().and_then(|known| known.by_accessor.get(accessor)) {
                cached.addresses.seen.write().unwrap_or_else(PoisonError::into_inner).remove(address);
            }
        }
    }

    /// Whether a token is known to be revoked.
    pub(crate) fn is_revoked(&self, accessor: &Accessor) -> bool {
        let guard = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let cached = guard.as_ref().and_then(|known| known.by_accessor.get(accessor));
        cached.is_some_and(|cached| cached.record.revoked_at.is_some())
    }

    /// The tokens that open something now.
    pub(crate) fn active(&self, now: Timestamp) -> Vec<TokenRecord> {
        let guard = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let records = guard.iter().flat_map(|known| known.by_accessor.values()).map(|cached| &cached.record);
        records.filter(|record| record.status(now) == TokenStatus::Active).cloned().collect()
    }
}

impl CachedToken {
    fn new(record: TokenRecord) -> Self {
        let over = CancellationToken::new();
        if record.revoked_at.is_some() {
            over.cancel();
        }
        let grant = Arc::new(Grant::from(&record));
        Self {
            record,
            grant,
            over,
            addresses: SeenAddresses::default(),
            usage: OnceLock::new(),
            used_at: AtomicI64::new(0),
            previous_used_at: AtomicI64::new(0),
        }
    }

    /// Whether a token that was read anew lets the same callers do the same.
    fn grants_the_same(&self, record: &TokenRecord) -> bool {
        let secrets = |record: &TokenRecord| (record.secret, record.previous.map(|previous| previous.secret));
        *self.grant == Grant::from(record)
            && secrets(&self.record) == secrets(record)
            && self.record.allowed_addresses == record.allowed_addresses
            && self.record.expires_at == record.expires_at
            && self.record.revoked_at == record.revoked_at
    }
}

#[cfg(test)]
mod tests {
    use enginehouse_core::access::token::TokenDraft;
    use enginehouse_core::input::read_json;

    use super::super::quotas::QuotaLimits;
    use super::*;
    use crate::telemetry::Metrics;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn token(number: u8) -> (AccessToken, TokenRecord) {
        let token = AccessToken::made(number.into(), [number; 32]);
        let draft = read_json(br#"{"name":"a","role":"viewer"}"#, TokenDraft::read).unwrap();
        let record = draft.made(token.accessor().clone(), token.hash(), "test".to_owned(), NOW);
        (token, record)
    }

    fn rows(version: i64, tokens: &[&TokenRecord]) -> TokenRows {
        TokenRows { version, tokens: tokens.iter().map(|token| (*token).clone()).collect(), exist: !tokens.is_empty() }
    }

    fn empty_cache() -> TokenCache {
        let limits = QuotaLimits {
            max_connections: 10,
            max_waiting_requests: 10,
            max_requests_per_second: None,
            max_events_per_second: None,
        };
        TokenCache::new(Quotas::new(limits, Metrics::new()))
    }

    fn call(cache: &TokenCache, shown: Option<&str>, now: Timestamp) -> Result<AdmittedCaller, Unauthenticated> {
        cache.caller(Credentials { token: shown, address: Some([192, 0, 2, 7].into()), ..Credentials::default() }, now)
    }

    #[test]
    fn nobody_is_let_in_before_the_tokens_were_read() {
        let cache = empty_cache();
        assert_eq!(call(&cache, None, NOW).err(), Some(Unauthenticated::NoToken));
        cache.replace(rows(0, &[]));
        assert_eq!(call(&cache, None, NOW).unwrap().principal, Principal::Anyone);
        assert_eq!(call(&cache, Some("whatever a proxy asks for"), NOW).unwrap().principal, Principal::Anyone);
    }

    #[test]
    fn what_was_forgotten_lets_nobody_in() {
        let cache = empty_cache();
        cache.replace(rows(0, &[]));
        cache.unload();
        assert!(!cache.is_loaded() && call(&cache, None, NOW).is_err());
    }

    #[test]
    fn the_first_token_ends_what_began_without_and_one_that_cannot_be_read_is_one() {
        let cache = empty_cache();
        cache.replace(rows(0, &[]));
        let before = call(&cache, None, NOW).unwrap();
        cache.replace(TokenRows { version: 1, tokens: Vec::new(), exist: true });
        assert!(before.over.is_cancelled());
        assert_eq!(call(&cache, None, NOW).err(), Some(Unauthenticated::NoToken));
    }

    #[test]
    fn a_use_is_told_once_and_each_secret_has_its_own() {
        let (cache, (old, record)) = (empty_cache(), token(1));
        let new = AccessToken::made(1, [2; 32]);
        let rotated = record.rotated(new.hash(), Duration::from_secs(60), None, NOW);
        cache.replace(rows(1, &[&rotated]));
        for (shown, at) in [(&old, 1), (&new, 2_000), (&new, 5_000)] {
            call(&cache, Some(&shown.reveal()), NOW + Duration::from_millis(at)).unwrap();
        }
        let uses: Vec<_> = cache.take_uses().into_iter().map(|used| (used.secret, used.at)).collect();
        let at = |millis| NOW + Duration::from_millis(millis);
        assert_eq!(uses, [(new.hash(), at(5_000)), (old.hash(), at(1))]);
        assert!(cache.take_uses().is_empty());
    }

    #[test]
    fn an_address_is_told_once_unless_it_could_not_be_written() {
        let (cache, (shown, record)) = (empty_cache(), token(1));
        cache.replace(rows(1, &[&record]));
        let there = Some(IpAddr::from([192, 0, 2, 7]));
        let address = |ip: Option<IpAddr>| ip.map_or(ClientAddress::UNIX, ClientAddress::from);
        let shown = shown.reveal();
        let call = |address, at| {
            let credentials = Credentials { token: Some(&shown), address, ..Credentials::default() };
            cache.caller(credentials, NOW + Duration::from_millis(at)).unwrap()
        };
        for (address, at) in [(None, 1), (there, 2), (None, 3), (there, 4)] {
            call(address, at);
        }
        let taken = cache.take_first_uses();
        let noted: Vec<_> = taken.iter().map(|used| (used.address, used.at.since(NOW).as_millis())).collect();
        assert_eq!(noted, [(ClientAddress::UNIX, 1), (address(there), 2)]);
        call(there, 5);
        assert_eq!(cache.take_first_uses(), []);
        cache.take_back_first_uses(&taken[1..]);
        // What was noted of its use does not begin anew.
        cache.replace(rows(2, &[&TokenRecord { last_used_at: Some(NOW), ..record.clone() }]));
        call(there, 6);
        call(None, 6);
        assert_eq!(cache.take_first_uses().iter().map(|used| used.address).collect::<Vec<_>>(), [address(there)]);
        for number in 0..=u8::MAX {
            for third in 0..5 {
                call(Some(IpAddr::from([10, 0, third, number])), 7);
            }
        }
        assert_eq!(cache.take_first_uses().len(), MAX_TOKEN_ADDRESSES as usize - 2, "memory is bounded");
    }

    #[test]
    fn a_caller_goes_on_until_the_token_is_revoked_or_over() {
        let (cache, (shown, record)) = (empty_cache(), token(1));
        cache.replace(rows(1, &[&record]));
        let caller = call(&cache, Some(&shown.reveal()), NOW).unwrap();
        let used = TokenRecord { last_used_at: Some(NOW), ..record.clone() };
        cache.replace(rows(2, &[&used, &token(2).1]));
        cache.end_expired(NOW);
        assert!(!caller.over.is_cancelled());
        let revoked = TokenRecord { revoked_at: Some(NOW), revoked_by: Some("x".to_owned()), ..record.clone() };
        cache.replace(rows(3, &[&revoked]));
        assert!(caller.over.is_cancelled());
        assert_eq!(call(&cache, Some(&shown.reveal()), NOW).err(), Some(Unauthenticated::NoToken));
        cache.replace(rows(2, &[&record]));
        assert!(call(&cache, Some(&shown.reveal()), NOW).is_err(), "what was read before does not come back");
        let other = empty_cache();
        other.replace(rows(1, &[&record]));
        let caller = call(&other, Some(&shown.reveal()), NOW).unwrap();
        other.end_expired(record.expires_at);
        assert!(caller.over.is_cancelled());
    }

    #[test]
    fn a_certificate_opens_the_token_of_its_name_alone_and_no_secret_does() {
        let (shown, record) = token(1);
        let name: CertificateName = "spiffe://example.org/engine-7".parse().unwrap();
        let record = TokenRecord { certificate_name: Some(name.clone()), ..record };
        let cache = empty_cache();
        cache.replace(rows(1, &[&record]));
        let show = |certificate: Option<&CertificateName>| {
            cache.caller(Credentials { certificate, ..Credentials::default() }, NOW)
        };
        let caller = show(Some(&name)).unwrap();
        assert_eq!(caller.principal.accessor(), Some(&record.accessor));
        assert_eq!(cache.take_uses().len(), 1);
        for other in ["spiffe://example.org/engine-70", "spiffe://example.org/engine-", "SPIFFE://example.org/engine-7"]
        {
            assert!(show(Some(&other.parse().unwrap())).is_err(), "{other}");
        }
        assert!(show(None).is_err() && call(&cache, Some(&shown.reveal()), NOW).is_err());
        // What is sent counts, and not who sends it.
        let both = Credentials { token: Some("eh1_x"), certificate: Some(&name), address: None };
        assert!(cache.caller(both, NOW).is_err());
        assert!(cache.caller(Credentials { token: None, ..both }, record.expires_at).is_err());
        let revoked = TokenRecord { revoked_at: Some(NOW), revoked_by: Some("x".to_owned()), ..record };
        cache.replace(rows(2, &[&revoked]));
        assert!(caller.over.is_cancelled() && show(Some(&name)).is_err());
    }
}
