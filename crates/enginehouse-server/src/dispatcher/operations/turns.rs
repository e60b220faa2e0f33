//! Members of an operation have their turns: a few in each transaction.

use async_trait::async_trait;
use enginehouse_core::ids::OperationId;
use enginehouse_core::operation::{MemberKind, MemberOutcome, OperationRecord, OperationStatus, UnchangedMember};

use super::super::context::TransactionContext;
use super::super::operation::Operation;
use super::super::reply::OperationResult;
use super::{ended, members, plan_of};

/// How many events have their turn in one transaction: the writer is never held for long.
const MAX_EVENTS: u64 = 100;
/// How many engines: each is a change that all servers learn of, and each may hold many events.
const MAX_ENGINES: u64 = 10;

/// Let the next members of an operation have their turn, as many as its rate allows.
#[derive(Clone, Debug)]
pub struct TakeTurns {
    pub operation_id: OperationId,
    /// Whether members that another transaction holds are conflicts, and not waited for.
    pub passes_over_held: bool,
}

/// What became of some members.
#[derive(Clone, Debug)]
pub struct TurnsTaken {
    /// The operation as it is then.
    pub operation: OperationRecord,
    pub changed: u64,
    pub conflicts: u64,
    pub failed: u64,
}

#[async_trait(?Send)]
impl Operation for TakeTurns {
    /// None if there is no such operation, or another server is at work for it.
    type Answer = Option<TurnsTaken>;

    fn max_events(&self) -> usize {
        MAX_EVENTS as usize
    }

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<Option<TurnsTaken>> {
        let Some(operation) = context.transaction.free_operation(self.operation_id).await? else {
            return Ok(Ok(None));
        };
        let mut taken = TurnsTaken { operation, changed: 0, conflicts: 0, failed: 0 };
        if taken.operation.status != OperationStatus::Running {
            return Ok(Ok(Some(taken)));
        }
        let plan = match plan_of(&taken.operation) {
            Ok(plan) => plan,
            Err(error) => {
                taken.operation.failure = Some(format!("what it is to do cannot be read: {error}"));
                taken.operation = ended(context, taken.operation, OperationStatus::Failed);
                context.transaction.write_operation(&taken.operation).await?;
                return Ok(Ok(Some(taken)));
            }
        };
        let action = taken.operation.action;
        let most = if action.member_kind() == MemberKind::Engine { MAX_ENGINES } else { MAX_EVENTS };
        let turns = plan.turns_at(taken.operation.next_at, context.now, most);
        if turns == 0 {
            return Ok(Ok(Some(taken)));
        }
        let (id, done_to) = (self.operation_id, taken.operation.done_to);
        let limit = u32::try_from(turns).unwrap_or(u32::MAX);
        let members = context.transaction.pending_operation_members(id, done_to, limit).await?;
        let mut unchanged = Vec::new();
        let outcomes = match action.member_kind() {
            MemberKind::Engine => {
                members::act_on_engines(context, action, &plan, &members, self.passes_over_held).await?
            }
            _ => members::act_on_events(context, &taken.operation, &plan, &members, self.passes_over_held).await?,
        };
        for (member, outcome) in members.iter().zip(outcomes) {
            let (outcome, why) = match outcome {
                Ok(()) => {
                    taken.changed += 1;
                    continue;
                }
                Err(not) => not,
            };
            match outcome {
                MemberOutcome::Conflict => taken.conflicts += 1,
                MemberOutcome::Failed => taken.failed += 1,
            }
            unchanged.push(UnchangedMember { place: member.place, target: member.target.clone(), outcome, why });
        }
        let operation = &mut taken.operation;
        operation.started_at.get_or_insert(context.now);
        operation.changed += taken.changed;
        operation.conflicts += taken.conflicts;
        operation.failed += taken.failed;
        if let Some(last) = members.last() {
            operation.done_to = last.place;
            operation.next_at = plan.next_at(operation.next_at, context.now, members.len() as u64);
            let places = (done_to, operation.done_to);
            context.transaction.settle_operation_members(id, places, &unchanged).await?;
        }
        if members.is_empty() || operation.remaining() == 0 {
            taken.operation = ended(context, taken.operation, OperationStatus::Completed);
        }
        context.transaction.write_operation(&taken.operation).await?;
        Ok(Ok(Some(taken)))
    }
}
