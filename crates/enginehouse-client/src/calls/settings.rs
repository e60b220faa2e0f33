//! Calls about event types and queues: what they set, and pauses.

use enginehouse_api::event_types::{EventTypeSettings, PauseRequest, QueueSettings, Settings};
use enginehouse_api::page::{Page, PageQuery};
use enginehouse_core::ids::{EventType, QueueName};

use super::Client;
use crate::error::Error;
use crate::transport::{Repeat, RequestBody};

impl Client {
    /// Lists the event types that are known.
    pub async fn event_types(&self, query: &PageQuery) -> Result<Page<EventTypeSettings>, Error> {
        self.list("/v1/event-types", query).await
    }

    /// The settings of an event type.
    pub async fn event_type(&self, name: &EventType) -> Result<EventTypeSettings, Error> {
        self.get(format!("/v1/event-types/{name}")).await
    }

    /// Replaces the settings of an event type.
    pub async fn set_event_type(&self, name: &EventType, settings: &Settings) -> Result<EventTypeSettings, Error> {
        self.put(format!("/v1/event-types/{name}"), RequestBody::json(settings)).await
    }

    /// Removes the settings of an event type.
    pub async fn delete_event_type(&self, name: &EventType) -> Result<(), Error> {
        self.delete(format!("/v1/event-types/{name}"), RequestBody::Nothing, Repeat::Always).await
    }

    /// Keeps events of a type from being claimed.
    pub async fn pause_event_type(&self, name: &EventType, request: &PauseRequest) -> Result<EventTypeSettings, Error> {
        self.post(format!("/v1/event-types/{name}/pause"), RequestBody::json(request), Repeat::Always).await
    }

    /// Lets events of a type be claimed again.
    pub async fn resume_event_type(&self, name: &EventType) -> Result<EventTypeSettings, Error> {
        self.post(format!("/v1/event-types/{name}/resume"), RequestBody::Nothing, Repeat::Always).await
    }

    /// Lists the queues that are known.
    pub async fn queues(&self, query: &PageQuery) -> Result<Page<QueueSettings>, Error> {
        self.list("/v1/queues", query).await
    }

    /// The settings of a queue.
    pub async fn queue(&self, name: &QueueName) -> Result<QueueSettings, Error> {
        self.get(format!("/v1/queues/{name}")).await
    }

    /// Replaces the settings of a queue.
    pub async fn set_queue(&self, name: &QueueName, settings: &Settings) -> Result<QueueSettings, Error> {
        self.put(format!("/v1/queues/{name}"), RequestBody::json(settings)).await
    }

    /// Removes the settings of a queue.
    pub async fn delete_queue(&self, name: &QueueName) -> Result<(), Error> {
        self.delete(format!("/v1/queues/{name}"), RequestBody::Nothing, Repeat::Always).await
    }

    /// Keeps a queue's events from being claimed.
    pub async fn pause_queue(&self, name: &QueueName, request: &PauseRequest) -> Result<QueueSettings, Error> {
        self.post(format!("/v1/queues/{name}/pause"), RequestBody::json(request), Repeat::Always).await
    }

    /// Lets a queue's events be claimed again.
    pub async fn resume_queue(&self, name: &QueueName) -> Result<QueueSettings, Error> {
        self.post(format!("/v1/queues/{name}/resume"), RequestBody::Nothing, Repeat::Always).await
    }
}
