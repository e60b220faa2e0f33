//! What can be done from the screen: what it does, the command that does the same, and doing it.

use enginehouse_api::engines::{DrainRequest, QuarantineRequest};
use enginehouse_api::event_types::PauseRequest;
use enginehouse_client::{Client, Error};
use enginehouse_core::ids::{EngineId, QueueName, ScenarioRunId};

/// Why an engine is in quarantine that was put there from the screen.
const REASON: &str = "put there in enginehouse top";

/// One change of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TopAction {
    DrainEngine(EngineId),
    ResumeEngine(EngineId),
    QuarantineEngine(EngineId),
    LiftQuarantine(EngineId),
    PauseQueue(QueueName),
    ResumeQueue(QueueName),
    PauseRun(ScenarioRunId),
    ResumeRun(ScenarioRunId),
}

impl TopAction {
    /// What it does, in one sentence.
    pub(super) fn effect(&self) -> String {
        match self {
            Self::DrainEngine(id) => format!("Engine {id} finishes what it holds and claims nothing more."),
            Self::ResumeEngine(id) => format!("Engine {id} claims events again."),
            Self::QuarantineEngine(id) => format!("Engine {id} is kept from events until somebody lifts that."),
            Self::LiftQuarantine(id) => format!("Engine {id} is out of quarantine and claims events again."),
            Self::PauseQueue(queue) => format!("No event of queue {queue} is claimed until it is resumed."),
            Self::ResumeQueue(queue) => format!("Events of queue {queue} are claimed again."),
            Self::PauseRun(run) => format!("No event of scenario run {run} is claimed until it is resumed."),
            Self::ResumeRun(run) => format!("Events of scenario run {run} are claimed again."),
        }
    }

    /// The command that does the same.
    pub(super) fn command(&self) -> String {
        match self {
            Self::DrainEngine(id) => format!("enginehouse engine drain {id}"),
            Self::ResumeEngine(id) => format!("enginehouse engine resume {id}"),
            Self::QuarantineEngine(id) => format!("enginehouse engine quarantine {id} --reason '{REASON}'"),
            Self::LiftQuarantine(id) => format!("enginehouse engine lift {id}"),
            Self::PauseQueue(queue) => format!("enginehouse queue pause {queue}"),
            Self::ResumeQueue(queue) => format!("enginehouse queue resume {queue}"),
            Self::PauseRun(run) => format!("enginehouse run pause {run}"),
            Self::ResumeRun(run) => format!("enginehouse run resume {run}"),
        }
    }

    /// Does it.
    pub(super) async fn call(&self, client: &Client) -> Result<(), Error> {
        let pause = PauseRequest { reason: None };
        match self {
            Self::DrainEngine(id) => {
                client.drain_engine(id, DrainRequest { stop_when_drained: false, epoch: None }).await.map(drop)
            }
            Self::ResumeEngine(id) => client.resume_engine(id).await.map(drop),
            Self::QuarantineEngine(id) => {
                let request = QuarantineRequest { reason: REASON.to_owned(), until: None, event_types: Vec::new() };
                client.quarantine_engine(id, &request).await.map(drop)
            }
            Self::LiftQuarantine(id) => client.lift_quarantine(id).await.map(drop),
            Self::PauseQueue(queue) => client.pause_queue(queue, &pause).await.map(drop),
            Self::ResumeQueue(queue) => client.resume_queue(queue).await.map(drop),
            Self::PauseRun(run) => client.pause_scenario_run(run, &pause).await.map(drop),
            Self::ResumeRun(run) => client.resume_scenario_run(run).await.map(drop),
        }
    }
}
