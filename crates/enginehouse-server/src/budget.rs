//! What all callers share, such as bytes under way or connections: so much of it in all, and to each address its share.
//!
//! **The share of an address** is as much as is left free. An address alone may hold one half; two that take all they can
//! get hold a third each; and whoever comes next always finds room. A fixed share would either be small for the only caller
//! there is, or let a few callers take everything.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// A thing of which there is so much for all callers.
#[derive(Debug)]
pub(crate) struct Budget {
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
}

/// There is not enough left.
#[derive(Clone, Debug)]
pub(crate) struct NoRoom {
    what: &'static str,
    setting: &'static str,
    metrics: BudgetMetrics,
    /// Whether there would be enough if the address held less.
    by_address: bool,
}

impl NoRoom {
    pub(crate) const fn by_address(&self) -> bool {
        self.by_address
    }

    /// What a caller is told who is refused for it. The refusal is counted.
    pub(crate) fn refuse(&self) -> String {
        self.metrics.refused();
        let Self { what, setting, .. } = self;
        if self.by_address {
            format!(
                "callers at this address have their share of {what}: as many as are left for all others (setting {setting})"
            )
        } else {
            format!("the server has as many {what} as it may (setting {setting})")
        }
    }
}

impl Budget {
    pub(crate) fn new(what: &'static str, setting: &'static str, max: usize, metrics: BudgetMetrics) -> Arc<Self> {
        Arc::new(Self { what, setting, max, usage: Mutex::default(), metrics })
    }

    /// Takes so much for an address.
    pub(crate) fn take(self: &Arc<Self>, address: ClientAddress, amount: usize) -> Result<Share, NoRoom> {
        let mut share = self.none(address);
        share.grow(amount)?;
        Ok(share)
    }

    /// A share that holds nothing yet.
    pub(crate) fn none(self: &Arc<Self>, address: ClientAddress) -> Share {
        Share { budget: Arc::clone(self), address, held: 0 }
    }

    /// Whether an address may take so much now.
    pub(crate) fn check(&self, address: ClientAddress, amount: usize) -> Result<(), NoRoom> {
        let refused = self.usage().refuses(self.max, address, amount);
        refused.map_or(Ok(()), |by_address| Err(self.no_room(by_address)))
    }

    fn no_room(&self, by_address: bool) -> NoRoom {
        NoRoom { what: self.what, setting: self.setting, metrics: self.metrics.clone(), by_address }
    }

    fn usage(&self) -> MutexGuard<'_, Usage> {
        // Nobody panics while holding it.
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Usage {
    /// Nothing, if an address may take so much; else whether it is for its share that it may not.
    fn refuses(&self, max: usize, address: ClientAddress, amount: usize) -> Option<bool> {
        let free = max.saturating_sub(self.held);
        let own = self.by_address.get(&address).copied().unwrap_or(0);
        if amount > free {
            return Some(false);
        }
        (own + amount > free).then_some(true)
    }

    fn add(&mut self, address: ClientAddress, amount: usize) {
        self.held += amount;
        *self.by_address.entry(address).or_default() += amount;
    }

    fn remove(&mut self, address: ClientAddress, amount: usize) {
        self.held -= amount;
        if let Entry::Occupied(mut own) = self.by_address.entry(address) {
            *own.get_mut() -= amount;
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}

/// What one request or connection holds of a budget, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    address: ClientAddress,
    held: usize,
}

impl Share {
    /// Takes so much more.
    pub(crate) fn grow(&mut self, amount: usize) -> Result<(), NoRoom> {
        if amount == 0 {
            return Ok(());
        }
        let mut usage = self.budget.usage();
        if let Some(by_address) = usage.refuses(self.budget.max, self.address, amount) {
            drop(usage);
            return Err(self.budget.no_room(by_address));
        }
        usage.add(self.address, amount);
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
        self.budget.usage().add(self.address, more);
        self.budget.metrics.held(more as i64);
        self.held += more;
        self.return_amount(self.held - to);
    }

    fn return_amount(&mut self, amount: usize) {
        if amount > 0 {
            self.held -= amount;
            self.budget.usage().remove(self.address, amount);
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
        Budget::new("bytes of tests", "max_test_mb", max, BudgetMetrics::default())
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
