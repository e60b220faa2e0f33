//! The stream of the server, opened again whenever it breaks.

use std::time::Duration;

use enginehouse_client::{Client, TopicEvent};
use tokio::sync::mpsc;

use super::snapshot::TOPICS;

/// What comes from the server.
#[derive(Debug)]
pub(super) enum FeedEvent {
    Received(TopicEvent),
    /// It is away; it is asked again.
    Away(String),
    /// It will not answer, whenever it is asked.
    Refused(enginehouse_client::Error),
}

/// Sends what the server tells, for as long as somebody listens.
pub(super) async fn follow(client: Client, events: mpsc::Sender<FeedEvent>) {
    let mut tries = tokio::time::interval(Duration::from_secs(1));
    tries.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        // Not more often than once a second.
        tries.tick().await;
        let why = match client.follow(&TOPICS).await {
            Ok(mut stream) => loop {
                match stream.next().await {
                    Ok(Some(event)) => {
                        if events.send(FeedEvent::Received(event)).await.is_err() {
                            return;
                        }
                    }
                    Ok(None) => break "the server stops".to_owned(),
                    Err(error) => break error.to_string(),
                }
            },
            Err(error) if error.is_passing() => error.to_string(),
            Err(error) => {
                // Whoever listens ends with it.
                events.send(FeedEvent::Refused(error)).await.ok();
                return;
            }
        };
        if events.send(FeedEvent::Away(why)).await.is_err() {
            return;
        }
    }
}
