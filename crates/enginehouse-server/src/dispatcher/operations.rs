//! Operations: bulk actions that last. They are created, their members are written down, they have their turns, and they end.
//!
//! Each step is a transaction of its own, in which the row of the operation is locked: what was done and how far it is are written
//! together, so that a server which is killed in between has done both or neither, and another one goes on.

mod members;
pub mod turns;

use std::sync::Arc;

use async_trait::async_trait;
use enginehouse_core::access::principal::{OperationGrant, Principal};
use enginehouse_core::ids::OperationId;
use enginehouse_core::limits::{MAX_OPERATION_MEMBERS, MAX_UNFINISHED_OPERATIONS, MAX_UNFINISHED_OPERATIONS_OF_ONE};
use enginehouse_core::operation::{OperationAction, OperationMember, OperationPlan, OperationRecord, OperationStatus};
use enginehouse_store::StoreError;

use super::actor::Actor;
use super::context::TransactionContext;
use super::operation::Operation;
use super::reply::{OperationResult, Refusal};

/// Create an operation. Its members are not known yet.
#[derive(Clone, Debug)]
pub struct CreateOperation {
    pub action: OperationAction,
    pub plan: OperationPlan,
}

/// Write down members that a search has found.
#[derive(Clone, Debug)]
pub struct CollectMembers {
    pub operation_id: OperationId,
    /// Where the search has begun: members are written down only if that is where the operation is.
    pub from: Option<String>,
    pub targets: Vec<String>,
    /// Where it goes on; none if nothing is left to find.
    pub to: Option<String>,
    /// How many members it is to have at most.
    pub limit: Option<u64>,
}

/// End an operation before its time. What it has done stays done.
#[derive(Clone, Debug)]
pub struct CancelOperation(pub OperationId);

/// End an operation that cannot go on.
#[derive(Clone, Debug)]
pub struct FailOperation {
    pub operation_id: OperationId,
    pub failure: String,
}

/// Whoever acts for an operation.
pub fn actor_of(operation: &OperationRecord) -> Actor {
    let accessor = operation.created_by.parse().ok();
    Principal::Operation(Arc::new(OperationGrant { operation_id: operation.operation_id, accessor })).into()
}

/// What was asked for when an operation was created.
///
/// # Errors
/// It cannot be read: somebody else has written it.
pub fn plan_of(operation: &OperationRecord) -> Result<OperationPlan, serde_json::Error> {
    serde_json::from_str(operation.plan.as_str())
}

#[async_trait(?Send)]
impl Operation for CreateOperation {
    type Answer = OperationRecord;

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<OperationRecord> {
        let created_by = context.acting.to_string();
        let unfinished = context.transaction.unfinished_operations(MAX_UNFINISHED_OPERATIONS).await?;
        let own = unfinished.iter().filter(|operation| operation.created_by == created_by).count();
        if own >= MAX_UNFINISHED_OPERATIONS_OF_ONE {
            return Ok(Err(Refusal::TooManyOperations { most: own, of: "one caller" }));
        }
        if unfinished.len() >= MAX_UNFINISHED_OPERATIONS as usize {
            return Ok(Err(Refusal::TooManyOperations { most: unfinished.len(), of: "all callers" }));
        }
        let now = context.now;
        let plan = serde_json::to_value(&self.plan).map_err(|error| StoreError::Bug(error.to_string()))?;
        let operation = OperationRecord {
            operation_id: OperationId(context.ids.next_event_id(now, context.rng).0),
            action: self.action,
            status: OperationStatus::Collecting,
            plan: (&plan).into(),
            created_at: now,
            created_by,
            started_at: None,
            finished_at: None,
            collected_to: None,
            last_place: 0,
            total: 0,
            done_to: 0,
            changed: 0,
            conflicts: 0,
            failed: 0,
            next_at: now,
            failure: None,
        };
        context.transaction.write_operation(&operation).await?;
        let detail = serde_json::json!({ "action": self.action, "plan": plan });
        context.audit("operation.create", operation.operation_id, &detail);
        Ok(Ok(operation))
    }
}

#[async_trait(?Send)]
impl Operation for CollectMembers {
    /// The operation as it is then; none if another server is at work for it.
    type Answer = Option<OperationRecord>;

    fn max_events(&self) -> usize {
        self.targets.len().max(2)
    }

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<Option<OperationRecord>> {
        let Some(mut operation) = context.transaction.free_operation(self.operation_id).await? else {
            return Ok(Ok(None));
        };
        if operation.status != OperationStatus::Collecting || operation.collected_to != self.from {
            return Ok(Ok(Some(operation)));
        }
        let places = operation.last_place + 1..;
        let members: Vec<_> = places
            .zip(&self.targets)
            .map(|(place, target)| OperationMember { place, target: target.clone() })
            .collect();
        operation.total += context.transaction.insert_operation_members(self.operation_id, &members).await?;
        operation.last_place += members.len() as u64;
        operation.collected_to.clone_from(&self.to);
        operation.next_at = context.now;
        if operation.total > MAX_OPERATION_MEMBERS {
            operation.failure = Some(format!(
                "more than {MAX_OPERATION_MEMBERS} match, which is the most that one operation is about: narrow the filter, or \
                 give a limit"
            ));
            operation = ended(context, operation, OperationStatus::Failed);
        } else if self.to.is_none() || self.limit.is_some_and(|limit| operation.total >= limit) {
            operation.status = OperationStatus::Running;
            if operation.total == 0 {
                operation = ended(context, operation, OperationStatus::Completed);
            }
        }
        context.transaction.write_operation(&operation).await?;
        Ok(Ok(Some(operation)))
    }
}

#[async_trait(?Send)]
impl Operation for CancelOperation {
    /// The operation as it is then: one that has ended stays as it is.
    type Answer = OperationRecord;

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<OperationRecord> {
        let Some(operation) = context.transaction.operation_for_update(self.0).await? else {
            return Ok(Err(Refusal::NoSuchOperation(self.0)));
        };
        if operation.status.is_final() {
            return Ok(Ok(operation));
        }
        let operation = ended(context, operation, OperationStatus::Cancelled);
        context.transaction.write_operation(&operation).await?;
        Ok(Ok(operation))
    }
}

#[async_trait(?Send)]
impl Operation for FailOperation {
    type Answer = ();

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<()> {
        let found = context.transaction.free_operation(self.operation_id).await?;
        if let Some(operation) = found.filter(|operation| !operation.status.is_final()) {
            let operation = OperationRecord { failure: Some(self.failure.clone()), ..operation };
            let operation = ended(context, operation, OperationStatus::Failed);
            context.transaction.write_operation(&operation).await?;
        }
        Ok(Ok(()))
    }
}

/// The operation at its end, of which the audit log tells.
fn ended(context: &mut TransactionContext<'_>, operation: OperationRecord, status: OperationStatus) -> OperationRecord {
    let operation = operation.ended(status, context.now);
    let OperationRecord { total, changed, conflicts, failed, failure, .. } = &operation;
    let mut detail = serde_json::json!({
        "total": total, "changed": changed, "conflicts": conflicts, "failed": failed, "remaining": operation.remaining(),
    });
    if let Some(failure) = failure {
        detail["failure"] = failure.as_str().into();
    }
    let action = match status {
        OperationStatus::Cancelled => "operation.cancel",
        OperationStatus::Failed => "operation.fail",
        _ => "operation.complete",
    };
    context.audit(action, operation.operation_id, &detail);
    operation
}
