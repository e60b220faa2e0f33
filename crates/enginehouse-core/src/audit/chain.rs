//! A chain of hashes over the audit log: each entry's hash covers the entry and the hash of the one before it.
//!
//! Whoever changes, removes, adds or reorders entries afterwards would have to make all hashes behind them anew. The
//! [`ChainVerifier`] reads the entries in the order of their positions, and names the first that is not as it was. The store keeps
//! two links apart from the entries: that of the newest, by which it is seen that the end was cut off, and that of the newest that
//! retention has deleted, from which the chain goes on.
//!
//! What no chain can show: somebody who may write to the store can make all of it anew, or cut off the end together with what the
//! store says of it. Against that helps a copy of the newest hash that is kept where they cannot write ([`ChainVerifier::expect`]).

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::entry::AuditEntry;

/// The beginning of what is hashed: it changes with the encoding.
const VERSION: &[u8] = b"enginehouse audit 1";

/// The hash of an entry: 64 hexadecimal digits as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// What stands before the first entry.
    pub const GENESIS: Self = Self([0; 32]);

    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text that is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash of the audit log has 64 hexadecimal digits")]
pub struct NotAChainHash;

impl FromStr for ChainHash {
    type Err = NotAChainHash;

    fn from_str(text: &str) -> Result<Self, NotAChainHash> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotAChainHash);
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| NotAChainHash)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NotAChainHash)?;
        }
        Ok(Self(bytes))
    }
}

/// A place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainLink {
    /// Counts from 1, without a gap.
    pub position: i64,
    pub hash: ChainHash,
}

impl ChainLink {
    /// The link before the first entry.
    pub const GENESIS: Self = Self { position: 0, hash: ChainHash::GENESIS };

    /// The link of the entry that follows this one.
    pub fn next(&self, audit_id: i64, entry: &AuditEntry) -> Self {
        let position = self.position.saturating_add(1);
        let AuditEntry { at, request_id, principal, address, action, target, outcome, detail } = entry;
        let mut hash = Sha256::new();
        hash.update(VERSION);
        hash.update(self.hash.as_bytes());
        for number in [position, audit_id, at.as_millis()] {
            hash.update(number.to_be_bytes());
        }
        // Each text with its length before it, so that none can take what belongs to its neighbour.
        let texts = [
            request_id.as_deref(),
            Some(principal),
            address.as_deref(),
            Some(action),
            Some(target),
            Some(outcome.name()),
            Some(detail.as_str()),
        ];
        for text in texts {
            match text {
                None => hash.update([0]),
                Some(text) => {
                    hash.update([1]);
                    hash.update((text.len() as u64).to_be_bytes());
                    hash.update(text.as_bytes());
                }
            }
        }
        Self { position, hash: ChainHash(hash.finalize().into()) }
    }
}

/// An entry as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    /// The number that it was given when it was written.
    pub audit_id: i64,
    pub entry: AuditEntry,
    /// Its place in the chain; none until it is linked, which follows within a second.
    pub link: Option<ChainLink>,
}

/// What a store says of the chain, apart from its entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainEnds {
    /// The newest entry; none if there never was one.
    pub head: Option<ChainLink>,
    /// The newest that retention has deleted; none if it has deleted nothing.
    pub deleted: Option<ChainLink>,
}

/// Why an audit log is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    #[error(
        "entry {position} was changed, moved or put there: its hash is not that of what it says and of the entry before it"
    )]
    Changed { position: i64 },
    #[error("entry {position} is missing, or cannot be read: the one before it is followed by entry {found}")]
    Missing { position: i64, found: i64 },
    #[error("entry {position} is there twice, or stands before one that is older")]
    OutOfOrder { position: i64 },
    #[error("the newest entries are missing, from entry {position} on: the store has linked {head} entries")]
    CutOff { position: i64, head: i64 },
    #[error("entry {position} stands behind the newest that the store has linked, entry {head}")]
    BehindHead { position: i64, head: i64 },
    #[error("no entry has the hash that was kept: the log was cut off before it, or made anew")]
    Unexpected,
}

/// Reads a chain from its beginning to its end.
#[derive(Clone, Debug)]
pub struct ChainVerifier {
    last: ChainLink,
    entries: u64,
    expected: Option<ChainHash>,
    found_expected: bool,
}

impl ChainVerifier {
    /// Begins behind what retention has deleted.
    pub fn new(deleted: Option<ChainLink>) -> Self {
        Self { last: deleted.unwrap_or(ChainLink::GENESIS), entries: 0, expected: None, found_expected: false }
    }

    /// Asks for an entry with this hash, which somebody has kept.
    #[must_use]
    pub fn expect(mut self, kept: ChainHash) -> Self {
        self.found_expected = self.last.hash == kept;
        self.expected = Some(kept);
        self
    }

    /// The last entry that was read, or what stands before the first.
    pub fn last(&self) -> ChainLink {
        self.last
    }

    /// How many entries were read.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Reads the next entry.
    ///
    /// # Errors
    /// It does not follow the one before it. One without a link is none of the chain yet.
    pub fn read(&mut self, record: &AuditRecord) -> Result<(), ChainFault> {
        let Some(link) = record.link else { return Ok(()) };
        let next = self.last.next(record.audit_id, &record.entry);
        if link.position > next.position {
            return Err(ChainFault::Missing { position: next.position, found: link.position });
        }
        if link.position < next.position {
            return Err(ChainFault::OutOfOrder { position: link.position });
        }
        if link.hash != next.hash {
            return Err(ChainFault::Changed { position: link.position });
        }
        self.last = link;
        self.entries += 1;
        self.found_expected |= self.expected == Some(link.hash);
        Ok(())
    }

    /// Whether that was the end, and what was expected was found.
    ///
    /// # Errors
    /// It was not, or was not found.
    pub fn finish(&self, head: Option<ChainLink>) -> Result<(), ChainFault> {
        let (last, head) = (self.last, head.unwrap_or(ChainLink::GENESIS));
        if last.position < head.position {
            return Err(ChainFault::CutOff { position: last.position + 1, head: head.position });
        }
        if last.position > head.position {
            return Err(ChainFault::BehindHead { position: last.position, head: head.position });
        }
        if last.hash != head.hash {
            return Err(ChainFault::Changed { position: last.position });
        }
        if self.expected.is_some() && !self.found_expected { Err(ChainFault::Unexpected) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
