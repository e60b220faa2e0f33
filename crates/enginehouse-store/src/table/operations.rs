//! Operations, and their members.

use std::borrow::Cow;

use enginehouse_core::ids::OperationId;
use enginehouse_core::operation::{
    MemberOutcome, OperationAction, OperationMember, OperationRecord, OperationStatus, UnchangedMember,
};
use enginehouse_core::time::Timestamp;

use super::column::{Unexpected, columns, raw_json};

columns! {
    pub(crate) struct OperationColumns<'a> {
        operation_id: OperationId as Id,
        action: OperationAction as Text,
        status: OperationStatus as Text,
        plan: &'a str as Json,
        created_at: Timestamp as Time,
        created_by: &'a str as Text,
        started_at: Option<Timestamp> as Time,
        finished_at: Option<Timestamp> as Time,
        collected_to: Option<Cow<'a, str>> as Text,
        last_place: u64 as Long,
        total: u64 as Long,
        done_to: u64 as Long,
        changed: u64 as Long,
        conflicts: u64 as Long,
        failed: u64 as Long,
        next_at: Timestamp as Time,
        failure: Option<Cow<'a, str>> as Text,
    }
}

impl<'a> OperationColumns<'a> {
    pub(crate) fn of(operation: &'a OperationRecord) -> Self {
        let OperationRecord {
            operation_id,
            action,
            status,
            plan,
            created_at,
            created_by,
            started_at,
            finished_at,
            collected_to,
            last_place,
            total,
            done_to,
            changed,
            conflicts,
            failed,
            next_at,
            failure,
        } = operation;
        Self {
            operation_id: *operation_id,
            action: *action,
            status: *status,
            plan: plan.as_str(),
            created_at: *created_at,
            created_by,
            started_at: *started_at,
            finished_at: *finished_at,
            collected_to: collected_to.as_deref().map(Cow::Borrowed),
            last_place: *last_place,
            total: *total,
            done_to: *done_to,
            changed: *changed,
            conflicts: *conflicts,
            failed: *failed,
            next_at: *next_at,
            failure: failure.as_deref().map(Cow::Borrowed),
        }
    }

    pub(crate) fn into_operation(self) -> Result<OperationRecord, Unexpected> {
        Ok(OperationRecord {
            operation_id: self.operation_id,
            action: self.action,
            status: self.status,
            plan: raw_json("plan", self.plan)?,
            created_at: self.created_at,
            created_by: self.created_by.to_owned(),
            started_at: self.started_at,
            finished_at: self.finished_at,
            collected_to: self.collected_to.map(Cow::into_owned),
            last_place: self.last_place,
            total: self.total,
            done_to: self.done_to,
            changed: self.changed,
            conflicts: self.conflicts,
            failed: self.failed,
            next_at: self.next_at,
            failure: self.failure.map(Cow::into_owned),
        })
    }
}

columns! {
    pub(crate) struct OperationMemberColumns<'a> {
        operation_id: OperationId as Id,
        place: u64 as Long,
        target: &'a str as Text,
        outcome: Option<MemberOutcome> as Text,
        why: Option<Cow<'a, str>> as Text,
    }
}

impl<'a> OperationMemberColumns<'a> {
    pub(crate) fn of(operation_id: OperationId, member: &'a OperationMember) -> Self {
        Self { operation_id, place: member.place, target: &member.target, outcome: None, why: None }
    }

    /// One that had its turn and was not changed.
    pub(crate) fn unchanged(operation_id: OperationId, member: &'a UnchangedMember) -> Self {
        let UnchangedMember { place, target, outcome, why } = member;
        Self { operation_id, place: *place, target, outcome: Some(*outcome), why: Some(Cow::Borrowed(why)) }
    }

    /// One that has not had its turn.
    pub(crate) fn into_member(self) -> OperationMember {
        OperationMember { place: self.place, target: self.target.to_owned() }
    }

    /// One that was not changed.
    pub(crate) fn into_unchanged(self) -> Result<UnchangedMember, Unexpected> {
        let Some((outcome, why)) = self.outcome.zip(self.why) else {
            return Err(Unexpected::new("outcome", "null of a member that had its turn"));
        };
        Ok(UnchangedMember { place: self.place, target: self.target.to_owned(), outcome, why: why.into_owned() })
    }
}
