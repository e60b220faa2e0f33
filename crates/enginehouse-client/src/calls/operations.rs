//! Calls about operations: one action on many.

use enginehouse_api::operations::{BulkOperation, OperationPreview, OperationRequest, UnchangedItem};
use enginehouse_api::page::{Page, PageQuery};
use enginehouse_core::ids::OperationId;

use super::Client;
use crate::error::Error;
use crate::transport::{Repeat, RequestBody};

impl Client {
    /// What an operation would be about at this moment. Nothing is changed.
    pub async fn preview_operation(&self, request: &OperationRequest) -> Result<OperationPreview, Error> {
        self.post("/v1/operations/preview".to_owned(), RequestBody::json(request), Repeat::Always).await
    }

    /// Creates an operation, which goes on by itself from then on. Not repeated if it may have been created: there would be two.
    pub async fn create_operation(&self, request: &OperationRequest) -> Result<BulkOperation, Error> {
        self.post("/v1/operations".to_owned(), RequestBody::json(request), Repeat::IfNotApplied).await
    }

    /// Lists operations, newest first.
    pub async fn operations(&self, query: &PageQuery) -> Result<Page<BulkOperation>, Error> {
        self.list("/v1/operations", query).await
    }

    /// One operation, as far as it is.
    pub async fn operation(&self, operation_id: OperationId) -> Result<BulkOperation, Error> {
        self.get(format!("/v1/operations/{operation_id}")).await
    }

    /// Lists the members of an operation that had their turn and were not changed.
    pub async fn operation_conflicts(
        &self,
        operation_id: OperationId,
        query: &PageQuery,
    ) -> Result<Page<UnchangedItem>, Error> {
        self.list(&format!("/v1/operations/{operation_id}/conflicts"), query).await
    }

    /// Ends an operation before its time: what was done stays done. One that has ended stays as it is.
    pub async fn cancel_operation(&self, operation_id: OperationId) -> Result<BulkOperation, Error> {
        self.post(format!("/v1/operations/{operation_id}/cancel"), RequestBody::Nothing, Repeat::Always).await
    }
}
