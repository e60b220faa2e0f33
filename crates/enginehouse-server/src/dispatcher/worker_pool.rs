//! The workers that have nothing to do.
//!
//! On a store that others share, a transaction may wait for what another one holds. So one worker is kept for the requests of
//! engines, whatever the others wait for, and another one for requests that were set aside.

use super::batch::BatchClass;
use super::transaction::TransactionWorker;

pub(super) struct WorkerPool {
    idle: Vec<TransactionWorker>,
    for_set_aside: Option<TransactionWorker>,
    /// How many there are, the one for requests that were set aside not counted.
    size: usize,
    /// How many of them may work for others than engines at once.
    max_for_others: usize,
    for_others: usize,
    begun: u64,
}

impl WorkerPool {
    pub(super) fn new(max_transactions: usize, is_shared: bool, worker: impl Fn() -> TransactionWorker) -> Self {
        let max_for_others = max_transactions.max(1);
        let size = max_for_others + usize::from(is_shared && max_transactions > 1);
        Self {
            idle: (0..size).map(|_| worker()).collect(),
            for_set_aside: is_shared.then(worker),
            size,
            max_for_others,
            for_others: 0,
            begun: 0,
        }
    }

    /// Whether engines are served by a worker that nobody else uses.
    pub(super) fn keeps_one_for_engines(&self) -> bool {
        self.size > self.max_for_others
    }

    pub(super) fn is_only_one(&self) -> bool {
        self.size == 1
    }

    pub(super) fn are_all_idle(&self) -> bool {
        self.idle.len() == self.size
    }

    /// Whether a batch of this class may begin.
    pub(super) fn is_free(&self, class: BatchClass) -> bool {
        match class {
            BatchClass::Engines => !self.idle.is_empty(),
            BatchClass::Others => !self.idle.is_empty() && self.for_others < self.max_for_others,
            BatchClass::SetAside => self.for_set_aside.is_some(),
        }
    }

    /// One of those that have nothing to do.
    pub(super) fn idle(&self) -> Option<&TransactionWorker> {
        self.idle.first()
    }

    pub(super) fn take(&mut self, class: BatchClass) -> TransactionWorker {
        self.for_others += usize::from(class == BatchClass::Others);
        let worker = match class {
            BatchClass::SetAside => self.for_set_aside.take(),
            BatchClass::Engines | BatchClass::Others => self.idle.pop(),
        };
        worker.expect("a batch begins when a worker is free")
    }

    pub(super) fn put_back(&mut self, worker: TransactionWorker, class: BatchClass) {
        self.for_others -= usize::from(class == BatchClass::Others);
        match class {
            BatchClass::SetAside => self.for_set_aside = Some(worker),
            BatchClass::Engines | BatchClass::Others => self.idle.push(worker),
        }
    }

    /// The number of the next batch: how many have begun before it.
    pub(super) fn next_number(&mut self) -> u64 {
        self.begun += 1;
        self.begun - 1
    }

    /// How many batches have begun.
    pub(super) fn begun(&self) -> u64 {
        self.begun
    }
}
