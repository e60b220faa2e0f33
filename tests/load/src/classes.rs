//! The classes of work that systems are compared in.

use std::time::Duration;

use clap::ValueEnum;

use crate::phase::LoadPhase;
use crate::systems::SystemName;

/// Connections of a class of many: all of them on one side, or half of them on each.
const MANY: usize = 64;
/// Connections where a call holds a batch.
const FEW: usize = 16;
const BATCH: usize = 100;

/// What is measured. Those that end in `Exchange` are for servers that settle and claim in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum LoadClass {
    /// One connection enqueues, one event a call
    #[value(name = "enqueue-1")]
    EnqueueOne,
    /// One connection claims and completes, one event a call
    #[value(name = "claim-1")]
    ClaimOne,
    /// 64 connections enqueue
    #[value(name = "enqueue-64")]
    EnqueueMany,
    /// 64 connections claim and complete
    #[value(name = "claim-64")]
    ClaimMany,
    /// The same, what was claimed before is completed with the next claim
    #[value(name = "claim-64-exchange")]
    ClaimManyExchange,
    /// 32 connections enqueue and 32 claim and complete, neither side gets ahead of the other
    #[value(name = "mix-64")]
    MixMany,
    /// The same, what was claimed before is completed with the next claim
    #[value(name = "mix-64-exchange")]
    MixManyExchange,
    /// 16 connections enqueue, 100 events a call
    EnqueueBatch,
    /// 16 connections claim and complete, 100 events a call
    ClaimBatch,
    /// The same, what was claimed before is completed with the next claim
    ClaimBatchExchange,
    /// 8 connections enqueue and 8 claim and complete, 100 events a call
    MixBatch,
    /// The same, what was claimed before is completed with the next claim
    MixBatchExchange,
    /// 16 connections claim up to 10 of 1,000 events a second, which 4 enqueue, 10 a call
    #[value(name = "latency-1000")]
    LatencyAt1000,
    /// 16 connections claim up to 10 of 4,000 events a second, which 4 enqueue, 10 a call
    #[value(name = "latency-4000")]
    LatencyAt4000,
    /// 8 connections enqueue and 8 claim and complete, one event a call, with 10,000 events waiting
    BacklogSmall,
    /// The same with as many waiting as `--backlog` says
    BacklogLarge,
    /// 4 connections enqueue and 16 claim and complete, 10 events a call, on PostgreSQL
    SnapshotFree,
    /// The same at the end of the time for which another session holds a snapshot
    SnapshotHeld,
}

impl LoadClass {
    /// Those of a round, in the order in which they are run.
    pub(crate) fn of_a_round() -> impl Iterator<Item = Self> {
        let all = Self::value_variants().iter().copied();
        all.filter(|class| !matches!(class, Self::BacklogSmall | Self::BacklogLarge))
            .filter(|class| !matches!(class, Self::SnapshotFree | Self::SnapshotHeld))
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::EnqueueOne => "enqueue, 1 connection",
            Self::ClaimOne => "claim + complete, 1 connection",
            Self::EnqueueMany => "enqueue, 64 connections",
            Self::ClaimMany => "claim + complete, 64 connections",
            Self::ClaimManyExchange => "claim + complete, 64, by `exchange`",
            Self::MixMany => "sustained mix, 32 + 32",
            Self::MixManyExchange => "sustained mix, 32 + 32, by `exchange`",
            Self::EnqueueBatch => "enqueue, batches of 100, 16 connections",
            Self::ClaimBatch => "claim + complete, batches of 100, 16 connections",
            Self::ClaimBatchExchange => "claim + complete, batches of 100, by `exchange`",
            Self::MixBatch => "sustained mix, batches of 100, 8 + 8",
            Self::MixBatchExchange => "sustained mix, batches of 100, by `exchange`",
            Self::LatencyAt1000 => "1,000 events/s offered, 16 + 4 connections",
            Self::LatencyAt4000 => "4,000 events/s offered, 16 + 4 connections",
            Self::BacklogSmall => "mix 8 + 8, 10 thousand waiting",
            Self::BacklogLarge => "mix 8 + 8, the large backlog waiting",
            Self::SnapshotFree => "mix 4 + 16, no snapshot held",
            Self::SnapshotHeld => "mix 4 + 16, a snapshot held",
        }
    }

    /// The class in which those take part that have no call that settles and claims.
    pub(crate) fn by_two_calls(self) -> Self {
        match self {
            Self::ClaimManyExchange => Self::ClaimMany,
            Self::MixManyExchange => Self::MixMany,
            Self::ClaimBatchExchange => Self::ClaimBatch,
            Self::MixBatchExchange => Self::MixBatch,
            other => other,
        }
    }

    /// The class that it is compared with, where a system is compared with itself. Neither is measured without the other.
    pub(crate) fn usual(self) -> Option<Self> {
        match self {
            Self::BacklogLarge => Some(Self::BacklogSmall),
            Self::SnapshotHeld => Some(Self::SnapshotFree),
            _ => None,
        }
    }

    /// As the command line has it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether a system takes part.
    pub(crate) fn is_for(self, system: SystemName) -> bool {
        match self {
            Self::EnqueueOne | Self::EnqueueMany => true,
            Self::ClaimManyExchange
            | Self::MixManyExchange
            | Self::ClaimBatchExchange
            | Self::MixBatchExchange
            | Self::BacklogSmall
            | Self::BacklogLarge => system.is_ours(),
            Self::LatencyAt1000 | Self::LatencyAt4000 | Self::SnapshotFree | Self::SnapshotHeld => {
                matches!(system, SystemName::Postgres | SystemName::SkipLocked)
            }
            _ => system != SystemName::Constant,
        }
    }

    pub(crate) fn phase(self, length: Duration) -> LoadPhase {
        let (producers, consumers, batch) = match self {
            Self::EnqueueOne => (1, 0, 1),
            Self::ClaimOne => (0, 1, 1),
            Self::EnqueueMany => (MANY, 0, 1),
            Self::ClaimMany | Self::ClaimManyExchange => (0, MANY, 1),
            Self::MixMany | Self::MixManyExchange => (MANY / 2, MANY / 2, 1),
            Self::EnqueueBatch => (FEW, 0, BATCH),
            Self::ClaimBatch | Self::ClaimBatchExchange => (0, FEW, BATCH),
            Self::MixBatch | Self::MixBatchExchange => (FEW / 2, FEW / 2, BATCH),
            Self::LatencyAt1000 | Self::LatencyAt4000 | Self::SnapshotFree | Self::SnapshotHeld => (4, 16, 10),
            Self::BacklogSmall | Self::BacklogLarge => (8, 8, 1),
        };
        let exchange = self.by_two_calls() != self;
        let rate = match self {
            Self::LatencyAt1000 => Some(1_000),
            Self::LatencyAt4000 => Some(4_000),
            _ => None,
        };
        LoadPhase { producers, consumers, batch, exchange, rate, length }
    }
}
