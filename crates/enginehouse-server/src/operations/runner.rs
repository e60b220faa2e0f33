//! Lets operations go on, one step of each after the other.

use std::collections::HashSet;
use std::time::Duration;

use enginehouse_core::ids::OperationId;
use enginehouse_core::limits::{MAX_OPERATION_MEMBERS, MAX_UNFINISHED_OPERATIONS};
use enginehouse_core::operation::{OperationRecord, OperationStatus};
use enginehouse_store::StoreError;

use super::search::MemberSearch;
use crate::dispatcher::operations::turns::{TakeTurns, TurnsTaken};
use crate::dispatcher::operations::{CollectMembers, FailOperation, actor_of, plan_of};
use crate::dispatcher::reply::DispatchError;
use crate::http::App;
use crate::timers::pause;

/// How many members one transaction writes down.
const COLLECTED_AT_ONCE: u32 = 500;
/// How often operations are looked for that another server has created, or stopped working for.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long to wait when the store did not answer, or the server has too much to do.
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// How long to wait for an operation that another server works for.
const WHILE_BUSY: Duration = Duration::from_millis(100);

/// What one step came to.
enum Step {
    /// There may be more to do at once.
    GoOn,
    /// Nothing can be done before so long.
    Wait(Duration),
    Ended,
}

/// Lets operations go on for as long as the server runs.
pub(crate) async fn run_operations(app: App) {
    let mut runner = OperationRunner::default();
    loop {
        let wait = runner.round(&app).await;
        if wait.is_some_and(|wait| wait.is_zero()) {
            tokio::task::yield_now().await;
            continue;
        }
        // Where nobody else can create one, there is nothing to look for.
        let wait = if app.store().is_shared() { Some(wait.unwrap_or(LOOK_INTERVAL).min(LOOK_INTERVAL)) } else { wait };
        tokio::select! {
            () = app.operations_signal().notified() => {}
            () = pause_for(wait) => {}
        }
    }
}

/// Lets operations go on as far as they can at this moment, as a server does again and again by itself.
pub async fn work_on_operations(app: &App) {
    let mut runner = OperationRunner::default();
    while runner.round(app).await.is_some_and(|wait| wait.is_zero()) {}
}

async fn pause_for(wait: Option<Duration>) {
    match wait {
        Some(wait) => pause(wait).await,
        None => std::future::pending().await,
    }
}

#[derive(Debug, Default)]
struct OperationRunner {
    /// Operations whose next members somebody else holds.
    meet_held: HashSet<OperationId>,
}

impl OperationRunner {
    /// Lets each operation do one step. Answers how long nothing is to be done then; none if no operation goes on.
    async fn round(&mut self, app: &App) -> Option<Duration> {
        let unfinished = match app.store().unfinished_operations(MAX_UNFINISHED_OPERATIONS).await {
            Ok(unfinished) => unfinished,
            Err(error) => {
                tracing::debug!(%error, "operations cannot be looked for");
                return Some(AFTER_FAILURE);
            }
        };
        app.metrics().set_unfinished_operations(unfinished.len());
        self.meet_held.retain(|id| unfinished.iter().any(|operation| operation.operation_id == *id));
        let mut next = None;
        for operation in unfinished {
            let wait = match self.step(app, &operation).await {
                Step::GoOn | Step::Ended => Duration::ZERO,
                Step::Wait(wait) => wait,
            };
            next = Some(next.map_or(wait, |next: Duration| next.min(wait)));
        }
        next
    }

    async fn step(&mut self, app: &App, operation: &OperationRecord) -> Step {
        if let Some(accessor) = actor_of(operation).accessor()
            && app.tokens().is_revoked(accessor)
        {
            return fail(app, operation, "the token that it was created with was revoked".to_owned()).await;
        }
        let stepped = match operation.status {
            OperationStatus::Collecting => collect(app, operation).await,
            _ => self.take_turns(app, operation).await,
        };
        stepped.unwrap_or_else(|error| {
            tracing::debug!(operation_id = %operation.operation_id, %error, "an operation did not get on");
            Step::Wait(AFTER_FAILURE)
        })
    }

    async fn take_turns(&mut self, app: &App, operation: &OperationRecord) -> Result<Step, DispatchError> {
        let operation_id = operation.operation_id;
        let now = app.metrics().store_now();
        if operation.next_at > now {
            return Ok(Step::Wait(operation.next_at.since(now)));
        }
        let turns = TakeTurns { operation_id, passes_over_held: self.meet_held.remove(&operation_id) };
        let taken = match app.dispatcher().execute_for(&actor_of(operation), turns).await {
            Ok(taken) => taken,
            Err(error) => {
                if matches!(error, DispatchError::Store(StoreError::Held { .. } | StoreError::Unavailable { .. })) {
                    self.meet_held.insert(operation_id);
                }
                return Err(error);
            }
        };
        let Some(TurnsTaken { operation, changed, conflicts, failed }) = taken else {
            return Ok(Step::Wait(WHILE_BUSY));
        };
        app.metrics().operation_members(changed, conflicts, failed);
        if operation.status.is_final() {
            return Ok(Step::Ended);
        }
        let wait = operation.next_at.since(app.metrics().store_now());
        let had_turns = changed + conflicts + failed > 0;
        // The store's time may be behind what is estimated of it.
        Ok(match had_turns {
            true if wait.is_zero() => Step::GoOn,
            true => Step::Wait(wait),
            false => Step::Wait(wait.max(WHILE_BUSY)),
        })
    }
}

async fn collect(app: &App, operation: &OperationRecord) -> Result<Step, DispatchError> {
    let plan = match plan_of(operation) {
        Ok(plan) => plan,
        Err(error) => return Ok(fail(app, operation, format!("what it is to do cannot be read: {error}")).await),
    };
    let search = match MemberSearch::new(operation.action, &plan, operation.created_at) {
        Ok(search) => search,
        Err(error) => return Ok(fail(app, operation, format!("its filter cannot be read: {error}")).await),
    };
    // One more than there may be tells that there are too many.
    let most = plan.limit.unwrap_or(MAX_OPERATION_MEMBERS + 1);
    let left = most.saturating_sub(operation.total);
    let limit = u32::try_from(left).unwrap_or(u32::MAX).min(COLLECTED_AT_ONCE);
    let found = search.page(app.store(), operation.collected_to.as_deref(), limit).await?;
    let collected = CollectMembers {
        operation_id: operation.operation_id,
        from: operation.collected_to.clone(),
        targets: found.items,
        to: found.next,
        limit: plan.limit,
    };
    let collected = app.dispatcher().execute_for(&actor_of(operation), collected).await?;
    Ok(if collected.is_some() { Step::GoOn } else { Step::Wait(WHILE_BUSY) })
}

async fn fail(app: &App, operation: &OperationRecord, failure: String) -> Step {
    let operation_id = operation.operation_id;
    tracing::warn!(%operation_id, failure, "an operation cannot go on");
    let failed = FailOperation { operation_id, failure };
    match app.dispatcher().execute_for(&actor_of(operation), failed).await {
        Ok(()) => Step::Ended,
        Err(error) => {
            tracing::debug!(%operation_id, %error, "an operation cannot be ended");
            Step::Wait(AFTER_FAILURE)
        }
    }
}
