//! People pause scenario runs, and let them go on.

use async_trait::async_trait;
use enginehouse_core::ids::ScenarioRunId;
use enginehouse_core::limits::MAX_PAUSED_RUNS;
use enginehouse_core::pause::Pause;
use enginehouse_store::rows::RegistryChange;

use super::context::TransactionContext;
use super::operation::Operation;
use super::reply::{OperationResult, Refusal};

/// Keep the events of a scenario run from being claimed, for a reason if there is one.
#[derive(Clone, Debug)]
pub struct PauseRun {
    pub scenario_run_id: ScenarioRunId,
    pub reason: Option<String>,
}

/// Let the events of a scenario run be claimed again.
#[derive(Clone, Debug)]
pub struct ResumeRun {
    pub scenario_run_id: ScenarioRunId,
}

#[async_trait(?Send)]
impl Operation for PauseRun {
    type Answer = Option<Pause>;

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<Option<Pause>> {
        let pauses = context.registry.run_pauses();
        let before = pauses.get(&self.scenario_run_id);
        if before.is_none() && pauses.len() >= MAX_PAUSED_RUNS {
            return Ok(Err(Refusal::NoMorePausedRuns { most: MAX_PAUSED_RUNS }));
        }
        let pause = Pause::begun(before, self.reason.clone(), context.now);
        change(context, &self.scenario_run_id, Some(pause), "scenario_run.pause").await
    }
}

#[async_trait(?Send)]
impl Operation for ResumeRun {
    type Answer = Option<Pause>;

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<Option<Pause>> {
        if context.registry.run_pauses().contains_key(&self.scenario_run_id) {
            change(context, &self.scenario_run_id, None, "scenario_run.resume").await
        } else {
            Ok(Ok(None))
        }
    }
}

/// Tells every server and every waiting claim. Answers what holds now.
async fn change(
    context: &mut TransactionContext<'_>,
    run: &ScenarioRunId,
    pause: Option<Pause>,
    action: &str,
) -> OperationResult<Option<Pause>> {
    let before = context.registry.run_pauses().get(run).cloned();
    context.transaction.write_run_pause(run, pause.as_ref()).await?;
    context.registry.set_run_pause(run.clone(), pause.clone());
    context.registry.raise(&mut *context.transaction, RegistryChange::Settings).await?;
    context.audit(action, run, &serde_json::json!({ "before": before, "after": pause }));
    context.effects.wake_ups.all = true;
    Ok(Ok(pause))
}
