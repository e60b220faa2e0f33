//! What all callers share, such as bytes under way or connections: so much of it in all, and to each address its share, and to
//! each token.
//!
//! **The share of an address** is as much as is left free. An address alone may hold one half; two that take all they can
//! get hold a third each; and whoever comes next always finds room. A fixed share would either be small for the only caller
//! there is, or let a few callers take everything. **The share of a token**, whatever addresses it is used from, is four times what
//! is left free (`access/quotas.rs`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enginehouse_core::access::secret::Accessor;

use crate::access::quotas::{QuotaExceeded, RETRY_HELD, SHARE_FACTOR, TokenUsage};
use crate::telemetry::BudgetMetrics;

/// Who has a share: an IPv4 address, or the /64 network of an IPv6 address, since a single machine is given a whole one; or
/// all who call by way of a Unix socket, which are on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(Option<IpAddr>);

impl ClientAddress {
    /// That of all who call by way of a Unix socket.
    pub const UNIX: Self = Self(None);
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("unix"),
            Some(IpAddr::V4(address)) => write!(f, "{address}"),
            Some(IpAddr::V6(network)) => write!(f, "{network}/64"),
        }
    }
}

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(Some(address.into())),
            IpAddr::V6(address) => Self(Some(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into())),
        }
    }
}

impl From<Option<IpAddr>> for ClientAddress {
    /// None stands for a Unix socket.
    fn from(address: Option<IpAddr>) -> Self {
        address.map_or(Self(None), Self::from)
    }
}

/// Who takes of a budget: an address, and the token that is used from there.
#[derive(Clone, Debug)]
pub(crate) struct ShareOwner {
    pub(crate) address: ClientAddress,
    pub(crate) token: Option<Arc<TokenUsage>>,
}

impl From<ClientAddress> for ShareOwner {
    fn from(address: ClientAddress) -> Self {
        Self { address, token: None }
    }
}

/// A thing of which there is so much for all callers.
#[derive(Debug)]
pub(crate) struct Budget {
    /// The word for it in metrics and for programs.
    name: &'static str,
    /// What there is so much of, in the words of whoever is refused.
    what: &'static str,
    /// The setting that says how much.
    setting: &'static str,
    max: usize,
    usage: Mutex<Usage>,
    metrics: BudgetMetrics,
}

#[derive(Debug, Default)]
struct Usage {
    held: usize,
    by_address: HashMap<ClientAddress, usize>,
    by_token: HashMap<Accessor, usize>,
}

/// Whose share is used up.
#[derive(Clone, Debug)]
enum Full {
    /// What all have together.
    All,
    Address,
    Token(Arc<TokenUsage>),
}

/// There is not enough left.
#[derive(Clone, Debug)]
pub(crate) struct NoRoom {
    name: &'static str,
    what: &'static str,
    setting: &'static str,
    metrics: BudgetMetrics,
    full: Full,
    free: usize,
    max: usize,
}

impl NoRoom {
    /// Whether there would be enough if the address held less.
    pub(crate) const fn by_address(&self) -> bool {
        matches!(self.full, Full::Address)
    }

    /// The refusal, if it is for the share of a token. It is counted where the caller is told.
    pub(crate) fn of_token(&self) -> Option<QuotaExceeded> {
        let Full::Token(usage) = &self.full else { return None };
        let Self { name, what, setting, free, max, .. } = self;
        let detail = format!(
            "token {} has its share of {what}: {SHARE_FACTOR} times what is left for all others, {free} of {max} \
             (setting {setting})",
            usage.name()
        );
        Some(QuotaExceeded { usage: Arc::clone(usage), quota: name, detail, retry_after: RETRY_HELD })
    }

    /// What a caller is told who is refused for it. The refusal is counted.
    pub(crate) fn refuse(&self) -> String {
        self.metrics.refused();
        let Self { what, setting, .. } = self;
        if self.by_address() {
            format!(
                "callers at this address have their share of {what}: as many as are left for all others (setting {setting})"
            )
        } else {
            format!("the server has as many {what} as it may (setting {setting})")
        }
    }
}

impl Budget {
    pub(crate) fn new(
        name: &'static str,
        what: &'static str,
        setting: &'static str,
        max: usize,
        metrics: BudgetMetrics,
    ) -> Arc<Self> {
        Arc::new(Self { name, what, setting, max, usage: Mutex::default(), metrics })
    }

    /// Takes so much for somebody.
    pub(crate) fn take(self: &Arc<Self>, owner: impl Into<ShareOwner>, amount: usize) -> Result<Share, NoRoom> {
        let mut share = self.none(owner);
        share.grow(amount)?;
        Ok(share)
    }

    /// A share that holds nothing yet.
    pub(crate) fn none(self: &Arc<Self>, owner: impl Into<ShareOwner>) -> Share {
        Share { budget: Arc::clone(self), owner: owner.into(), held: 0 }
    }

    /// Whether somebody may take so much now.
    pub(crate) fn check(&self, owner: &ShareOwner, amount: usize) -> Result<(), NoRoom> {
        self.room(&self.usage(), owner, amount)
    }

    fn room(&self, usage: &Usage, owner: &ShareOwner, amount: usize) -> Result<(), NoRoom> {
        let Some(full) = usage.refuses(self.max, owner, amount) else { return Ok(()) };
        let Self { name, what, setting, max, .. } = *self;
        let free = max.saturating_sub(usage.held);
        Err(NoRoom { name, what, setting, metrics: self.metrics.clone(), full, free, max })
    }

    fn usage(&self) -> MutexGuard<'_, Usage> {
        // Nobody panics while holding it.
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Usage {
    /// Nothing, if somebody may take so much; else for whose share they may not.
    fn refuses(&self, max: usize, owner: &ShareOwner, amount: usize) -> Option<Full> {
        let free = max.saturating_sub(self.held);
        if amount > free {
            return Some(Full::All);
        }
        let of_address = self.by_address.get(&owner.address).copied().unwrap_or(0);
        if of_address + amount > free {
            return Some(Full::Address);
        }
        let token = owner.token.as_ref()?;
        let of_token = self.by_token.get(token.accessor()).copied().unwrap_or(0);
        (of_token + amount > free.saturating_mul(SHARE_FACTOR)).then(|| Full::Token(Arc::clone(token)))
    }

    fn add(&mut self, owner: &ShareOwner, amount: usize) {
        self.held += amount;
        *self.by_address.entry(owner.address).or_default() += amount;
        if let Some(token) = &owner.token {
            *self.by_token.entry(token.accessor().clone()).or_default() += amount;
        }
    }

    fn remove(&mut self, owner: &ShareOwner, amount: usize) {
        self.held -= amount;
        release(self.by_address.entry(owner.address), amount);
        if let Some(token) = &owner.token {
            release(self.by_token.entry(token.accessor().clone()), amount);
        }
    }
}

/// Whoever holds nothing any more is forgotten.
fn release<K>(entry: Entry<'_, K, usize>, amount: usize) {
    if let Entry::Occupied(mut own) = entry {
        *own.get_mut() -= amount;
        if *own.get() == 0 {
            own.remove();
        }
    }
}

/// What one request or connection holds of a budget, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    owner: ShareOwner,
    held: usize,
}

impl Share {
    /// Takes so much more.
    pub(crate) fn grow(&mut self, amount: usize) -> Result<(), NoRoom> {
        if amount == 0 {
            return Ok(());
        }
        let mut usage = self.budget.usage();
        self.budget.room(&usage, &self.owner, amount)?;
        usage.add(&self.owner, amount);
        drop(usage);
        self.held += amount;
        self.budget.metrics.held(amount as i64);
        Ok(())
    }

    /// Holds so much from now on. More is taken, less is returned.
    pub(crate) fn resize(&mut self, to: usize) -> Result<(), NoRoom> {
        if to > self.held {
            return self.grow(to - self.held);
        }
        self.return_amount(self.held - to);
        Ok(())
    }

    /// Holds so much from now on, whatever is left: for what must not be refused any more.
    pub(crate) fn resize_anyway(&mut self, to: usize) {
        let more = to.saturating_sub(self.held);
        self.budget.usage().add(&self.owner, more);
        self.budget.metrics.held(more as i64);
        self.held += more;
        self.return_amount(self.held - to);
    }

    fn return_amount(&mut self, amount: usize) {
        if amount > 0 {
            self.held -= amount;
            self.budget.usage().remove(&self.owner, amount);
            self.budget.metrics.held(-(amount as i64));
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.return_amount(self.held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(max: usize) -> Arc<Budget> {
        Budget::new("tests", "bytes of tests", "max_test_mb", max, BudgetMetrics::default())
    }

    fn usage(name: &str) -> Arc<TokenUsage> {
        crate::access::quotas::tests::usage(&crate::access::quotas::tests::quotas(None, None), name)
    }

    fn address(text: &str) -> ClientAddress {
        text.parse::<IpAddr>().unwrap().into()
    }

    /// What an address holds after it has taken all that it is given, one by one.
    fn take_all(budget: &Arc<Budget>, from: &str) -> Share {
        let mut share = budget.none(address(from));
        while share.grow(1).is_ok() {}
        share
    }

    #[test]
    fn an_address_may_hold_as_much_as_is_left() {
        let budget = budget(1_200);
        let first = take_all(&budget, "10.0.0.1");
        assert_eq!(first.held, 600, "one address alone has half");
        let second = take_all(&budget, "10.0.0.2");
        assert_eq!(second.held, 300);
        assert_eq!(take_all(&budget, "10.0.0.3").held, 150, "there is always room for one more");
        drop(first);
        assert_eq!(take_all(&budget, "10.0.0.3").held, 450);
        drop(second);
        assert!(budget.usage().by_address.is_empty() && budget.usage().held == 0);
    }

    #[test]
    fn a_token_may_hold_four_times_what_is_left_wherever_it_is_used_from() {
        let budget = budget(1_000);
        let token = usage("fleet");
        let owner =
            |last: u8| ShareOwner { address: IpAddr::from([10, 0, 0, last]).into(), token: Some(Arc::clone(&token)) };
        let mut shares: Vec<_> = (0..100).map(|last| budget.none(owner(last))).collect();
        while shares.iter_mut().any(|share| share.grow(1).is_ok()) {}
        assert_eq!(shares.iter().map(|share| share.held).sum::<usize>(), 800);
        let refused = budget.take(owner(200), 1).unwrap_err();
        let exceeded = refused.of_token().expect("a new address of the token has no share of its own");
        assert!(!refused.by_address() && exceeded.quota == "tests", "{exceeded:?}");
        assert!(
            exceeded.detail.contains("token fleet has its share") && exceeded.detail.ends_with("(setting max_test_mb)")
        );
        let another = ShareOwner { token: Some(usage("another")), ..owner(200) };
        assert_eq!(budget.take(another, 100).unwrap().held, 100);
        drop(shares);
        assert!(budget.usage().by_token.is_empty() && budget.usage().held == 0);
    }

    #[test]
    fn the_machines_of_one_ipv6_network_have_one_share() {
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8:0:1::1"), address("2001:db8::1"));
        assert_eq!(address("::ffff:10.0.0.1"), address("10.0.0.1"));
        assert_ne!(address("10.0.0.1"), address("10.0.0.2"));
    }

    #[test]
    fn a_refusal_names_the_setting_and_whose_share_it_is() {
        let budget = budget(100);
        let first = take_all(&budget, "10.0.0.1");
        let message = budget.take(address("10.0.0.1"), 1).unwrap_err().refuse();
        assert!(message.contains("at this address") && message.ends_with("(setting max_test_mb)"), "{message}");
        let message = budget.take(address("10.0.0.2"), 60).unwrap_err().refuse();
        assert!(message.starts_with("the server has as many bytes of tests as it may"), "{message}");
        drop(first);
        budget.take(address("10.0.0.2"), 60).unwrap();
    }

    #[test]
    fn what_must_be_answered_is_answered_and_counted() {
        let budget = budget(100);
        let mut answer = budget.none(address("10.0.0.1"));
        answer.resize_anyway(500);
        assert!(budget.take(address("10.0.0.2"), 1).is_err());
        drop(answer);
        assert!(budget.take(address("10.0.0.2"), 1).is_ok());
    }
}
