//! Lanes in the order of their priorities, as these count by now.
//!
//! Where the priority of events does not rise while they wait, each lane has one. Where it does, a lane has events of several
//! priorities: those that have waited long enough are in a better level, and come first in their lane, too. So the lane is looked
//! at in each level from its own one up, up to the moment by which an event of that level must have become available.

use std::collections::HashMap;
use std::time::Duration;

use enginehouse_core::hold_back::available_until;
use enginehouse_core::ids::LaneId;
use enginehouse_core::time::Timestamp;
use enginehouse_store::StoreError;

use super::context::TransactionContext;

/// The lanes that have events of one priority by now.
pub(super) struct Level {
    pub(super) priority: u8,
    pub(super) lanes: Vec<LaneId>,
    /// Up to when events of some of these lanes must have become available to have the priority.
    pub(super) until: HashMap<LaneId, Timestamp>,
}

/// Hands out levels, the best first.
pub(super) struct Levels<'a> {
    /// The lanes of their own priority that are left, best priority first.
    rest: &'a [LaneId],
    /// Those whose events' priority rises, with their own priority and how long a step takes.
    aging: Vec<(LaneId, u8, Duration)>,
    next: u8,
}

impl<'a> Levels<'a> {
    /// Of lanes that come best priority first.
    pub(super) fn of(lanes: &'a [LaneId], context: &TransactionContext<'_>) -> Result<Self, StoreError> {
        let mut aging = Vec::new();
        if context.registry.some_queue_ages() {
            for lane_id in lanes {
                let lane = context.registry.lane(*lane_id)?;
                aging.extend(context.registry.precedence(lane).aging.map(|period| (*lane_id, lane.priority, period)));
            }
        }
        Ok(Self { rest: lanes, aging, next: 0 })
    }

    /// The next level in which there may be events.
    pub(super) fn next(&mut self, context: &TransactionContext<'_>) -> Result<Option<Level>, StoreError> {
        loop {
            let first = match self.rest.first() {
                Some(lane_id) => Some(context.registry.lane(*lane_id)?.priority),
                None => None,
            };
            self.aging.retain(|(_, own, _)| *own > self.next);
            let priority = match (first, self.aging.is_empty()) {
                (None, true) => return Ok(None),
                // Nothing is in the levels before it.
                (Some(first), true) => first,
                (_, false) => self.next,
            };
            self.next = priority + 1;
            let mut end = 0;
            while end < self.rest.len() && context.registry.lane(self.rest[end])?.priority == priority {
                end += 1;
            }
            let (own, rest) = self.rest.split_at(end);
            self.rest = rest;
            let risen = self.aging.iter().filter(|(_, own, _)| *own > priority);
            let risen = risen.filter_map(|(lane_id, own, period)| {
                Some((*lane_id, available_until(*own, priority, Some(*period), context.now)?))
            });
            let until: HashMap<_, _> = risen.collect();
            let lanes: Vec<_> = own.iter().chain(until.keys()).copied().collect();
            if !lanes.is_empty() {
                return Ok(Some(Level { priority, lanes, until }));
            }
        }
    }
}
