//! What waits, by whose it is: each owner has its turn, however many others send.
//!
//! It is deficit round robin, as routers do it. In its turn an owner may have so many events carried out, and what it does not
//! use of that counts for its next turn while it has something that waits. So owners have equal shares of what is carried out,
//! whether they send events one by one or thousands at once; an owner alone has all of it; and each step costs the same.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// How many events an owner may have carried out in its turn.
const QUANTUM: usize = 1_000;

/// Items that wait, each with its weight: how many events it stands for.
#[derive(Debug)]
pub(super) struct FairQueue<O, T> {
    by_owner: HashMap<O, OwnerQueue<T>>,
    /// The owners that have something, the first of them in its turn.
    turns: VecDeque<O>,
    len: usize,
}

#[derive(Debug)]
struct OwnerQueue<T> {
    items: VecDeque<(usize, T)>,
    /// What is left of its turn.
    credit: usize,
}

impl<O, T> Default for FairQueue<O, T> {
    fn default() -> Self {
        Self { by_owner: HashMap::new(), turns: VecDeque::new(), len: 0 }
    }
}

impl<O: Clone + Eq + Hash, T> FairQueue<O, T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn push(&mut self, owner: O, weight: usize, item: T) {
        self.len += 1;
        if let Some(queue) = self.by_owner.get_mut(&owner) {
            queue.items.push_back((weight, item));
            return;
        }
        self.turns.push_back(owner.clone());
        self.by_owner.insert(owner, OwnerQueue { items: VecDeque::from([(weight, item)]), credit: QUANTUM });
    }

    /// The next item: of one owner in the order in which it came.
    pub(super) fn pop(&mut self) -> Option<T> {
        loop {
            let queue = self.by_owner.get_mut(self.turns.front()?)?;
            let weight = queue.items.front()?.0.max(1);
            if self.turns.len() > 1 && queue.credit < weight {
                queue.credit += QUANTUM;
                self.turns.rotate_left(1);
                continue;
            }
            // Whoever is alone owes nobody anything.
            queue.credit = queue.credit.saturating_sub(weight);
            let (_, item) = queue.items.pop_front()?;
            self.len -= 1;
            if queue.items.is_empty()
                && let Some(owner) = self.turns.pop_front()
            {
                self.by_owner.remove(&owner);
            }
            return Some(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn popped(queue: &mut FairQueue<&'static str, &'static str>, count: usize) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.pop()).take(count).collect()
    }

    #[test]
    fn an_owner_that_sends_much_keeps_no_other_waiting_for_more_than_its_turn() {
        let mut queue = FairQueue::default();
        for _ in 0..1_000 {
            queue.push("flood", QUANTUM, "flood");
        }
        queue.push("other", 1, "other");
        assert_eq!(popped(&mut queue, 2), ["flood", "other"]);
        assert_eq!(queue.len(), 999);
    }

    #[test]
    fn many_small_ones_have_as_much_of_it_as_few_large_ones() {
        let mut queue = FairQueue::default();
        for _ in 0..20 {
            queue.push("large", 10 * QUANTUM, "large");
        }
        for _ in 0..200 * QUANTUM {
            queue.push("small", 1, "small");
        }
        let first = popped(&mut queue, 100 * QUANTUM);
        let large = first.iter().filter(|owner| **owner == "large").count();
        assert!((9..=11).contains(&large), "{large} of ten thousand each beside a hundred thousand of one each");
    }

    #[test]
    fn an_owner_alone_has_everything_in_its_order_and_is_forgotten_afterwards() {
        let mut queue = FairQueue::default();
        for item in ["a", "b", "c"] {
            queue.push("only", 100 * QUANTUM, item);
        }
        assert_eq!(popped(&mut queue, 10), ["a", "b", "c"]);
        assert!(queue.is_empty() && queue.by_owner.is_empty() && queue.turns.is_empty());
    }
}
