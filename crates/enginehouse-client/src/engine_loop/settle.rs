//! Hands in what the handlers bring, as many at a time as have gathered, until each is answered.

use std::time::Duration;

use enginehouse_api::problem::{Code, Problem};
use enginehouse_api::settle::{SettleOutcome, SettleRequest, Settlement};
use enginehouse_core::event::AttemptError;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::event::Tally;
use crate::backoff::{Backoff, pause};
use crate::calls::Client;
use crate::error::Error;

/// Most settlements of one call.
const MAX_SETTLEMENTS: usize = 200;
/// Most bytes of results in one call, below the limit of a body.
const MAX_BYTES: usize = 512 * 1024;
/// How often the server may fail over one settlement, not for want of reach, before it is dropped.
const MAX_SERVER_ERRORS: u32 = 5;

/// Takes settlements.
#[derive(Clone, Debug)]
pub(super) struct Settler {
    sender: mpsc::Sender<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    settlement: Settlement,
    answer: oneshot::Sender<Tally>,
}

impl Settler {
    pub(super) fn start(client: Client, done: CancellationToken) -> Self {
        let (sender, receiver) = mpsc::channel(MAX_SETTLEMENTS);
        let delivery = Delivery { client };
        tokio::spawn(async move {
            tokio::select! {
                () = delivery.run(receiver) => {}
                () = done.cancelled() => {}
            }
        });
        Self { sender }
    }

    /// Hands in one settlement. Returns when the server has answered, or the engine has given up.
    pub(super) async fn settle(&self, settlement: Settlement) -> Tally {
        let (answer, answered) = oneshot::channel();
        // A settler that is gone drops the sender, which reads as lost below.
        drop(self.sender.send(Waiting { settlement, answer }).await);
        answered.await.unwrap_or(Tally::Lost)
    }
}

struct Delivery {
    client: Client,
}

impl Delivery {
    async fn run(&self, mut receiver: mpsc::Receiver<Waiting>) {
        while let Some(first) = receiver.recv().await {
            let mut bytes = weight(&first.settlement);
            let mut batch = vec![first];
            while batch.len() < MAX_SETTLEMENTS && bytes < MAX_BYTES {
                let Ok(next) = receiver.try_recv() else { break };
                bytes += weight(&next.settlement);
                batch.push(next);
            }
            self.deliver(batch).await;
        }
    }

    /// Repeats a batch for as long as the server is away. One that is refused as a whole is handed in one by one.
    async fn deliver(&self, mut batch: Vec<Waiting>) {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
        while !batch.is_empty() {
            match self.send(&batch).await {
                Ok(answers) => batch = answer_each(batch, answers),
                Err(error) if error.is_passing() => tracing::warn!(%error, "could not settle; trying again"),
                Err(error) => {
                    tracing::warn!(%error, "a batch of settlements was refused; handing them in one by one");
                    for waiting in batch {
                        self.deliver_alone(waiting).await;
                    }
                    return;
                }
            }
            if !batch.is_empty() {
                pause(backoff.next(None)).await;
            }
        }
    }

    async fn deliver_alone(&self, mut waiting: Waiting) {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
        let mut server_errors = 0;
        loop {
            let error = match self.send(std::slice::from_ref(&waiting)).await {
                Ok(answers) => match answer_each(vec![waiting], answers).pop() {
                    None => return,
                    Some(again) => {
                        waiting = again;
                        pause(backoff.next(None)).await;
                        continue;
                    }
                },
                Err(error) => error,
            };
            let settlement = &waiting.settlement;
            match error.code() {
                _ if error.is_passing() => {}
                // What the handler brought cannot be stored: that is a failure of the attempt.
                Some(Code::InvalidRequest | Code::TooLarge) if !is_plain_failure(settlement) => {
                    waiting.settlement = refused_result(settlement, &error);
                    continue;
                }
                _ if server_errors < MAX_SERVER_ERRORS && error.maybe_applied() => server_errors += 1,
                _ => {
                    tracing::error!(event_id = %settlement.event_id, %error, "a settlement was dropped");
                    answer(waiting, Tally::Lost);
                    return;
                }
            }
            pause(backoff.next(None)).await;
        }
    }

    /// The server's answers, one for each: none if it was accepted.
    async fn send(&self, batch: &[Waiting]) -> Result<Vec<Option<Problem>>, Error> {
        let settlements = batch.iter().map(|waiting| waiting.settlement.clone()).collect();
        let answers = self.client.settle(&SettleRequest { settlements }).await?.results;
        let in_order = answers.len() == batch.len()
            && answers.iter().zip(batch).all(|(answer, waiting)| answer.event_id == waiting.settlement.event_id);
        if !in_order {
            let reason = "the answers do not match the settlements".to_owned();
            return Err(Error::Unexpected { status: 200, reason });
        }
        Ok(answers.into_iter().map(|answer| answer.error).collect())
    }
}

/// Answers those that the server has decided on, and gives back the others.
fn answer_each(batch: Vec<Waiting>, answers: Vec<Option<Problem>>) -> Vec<Waiting> {
    let mut undecided = Vec::new();
    for (waiting, problem) in batch.into_iter().zip(answers) {
        match problem {
            None => {
                let tally = waiting.settlement.outcome.into();
                answer(waiting, tally);
            }
            Some(problem) if Error::from(problem.clone()).is_passing() => undecided.push(waiting),
            Some(problem) => {
                tracing::warn!(event_id = %waiting.settlement.event_id, %problem, "a settlement was refused");
                answer(waiting, Tally::Lost);
            }
        }
    }
    undecided
}

fn answer(waiting: Waiting, tally: Tally) {
    // Whoever asked may be gone at the end of a shutdown.
    let _ = waiting.answer.send(tally);
}

fn is_plain_failure(settlement: &Settlement) -> bool {
    settlement.error.as_ref().is_some_and(|error| error.code.as_deref() == Some("invalid_result"))
}

/// The failure that takes the place of what the server cannot store.
fn refused_result(settlement: &Settlement, why: &Error) -> Settlement {
    let message = format!("the server refused what the engine handed in: {why}");
    Settlement {
        error: Some(AttemptError { code: Some("invalid_result".to_owned()), message, details: None }),
        retryable: Some(false),
        dead_letter: Some(true),
        ..Settlement::new(settlement.event_id, settlement.lock_token, SettleOutcome::Fail)
    }
}

fn weight(settlement: &Settlement) -> usize {
    let result = settlement.result.as_ref().map_or(0, |result| result.as_str().len());
    let error = settlement
        .error
        .as_ref()
        .map_or(0, |error| error.message.len() + error.details.as_ref().map_or(0, |details| details.as_str().len()));
    200 + result + error
}
