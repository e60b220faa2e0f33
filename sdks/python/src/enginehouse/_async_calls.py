"""The calls of the API, a method each, for asyncio.

Generated from openapi.json by tools/generate.py: change that, not this.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from . import models, params
from ._operations import OPERATIONS, Operation


class AsyncCalls:
    """Every call of the API."""

    async def _call(self, operation: Operation, arguments: dict[str, Any], answer: Any) -> Any:
        raise NotImplementedError

    async def get_health(self) -> models.HealthResponse:
        """Whether the process lives: then it answers."""
        answer: models.HealthResponse = await self._call(OPERATIONS["get_health"], {}, models.HealthResponse)
        return answer

    async def get_metrics(self) -> str:
        """Metrics for Prometheus: its text format, or OpenMetrics if `Accept` names that."""
        answer: str = await self._call(OPERATIONS["get_metrics"], {}, str)
        return answer

    async def get_readiness(self) -> models.HealthResponse:
        """Whether the server is ready to serve: its store can be read and written, and it is not about to stop."""
        answer: models.HealthResponse = await self._call(OPERATIONS["get_readiness"], {}, models.HealthResponse)
        return answer

    async def list_audit(self, *, principal: str | None = None, action: str | None = None, target: str | None = None, outcome: params.AuditOutcome | None = None, from_: datetime | str | None = None, until: datetime | str | None = None, limit: int | None = None, cursor: str | None = None) -> models.AuditItemPage:
        """List what people did, and what they were kept from, newest first.

        Changes that engines make as they work are not in it: metrics and the histories of events have those.

        Args:
            principal: Only what they did: the accessor of a token, `anyone`, `store` or `server`.
            action: Only this action, or those that begin with it up to a dot or a colon: `token` is `token.create` and `token.revoke`.
            target: Only what was done to this event, engine, event type, queue or token.
            outcome: Only what was done, or only what was denied.
            from_: Only from this moment on.
            until: Only before this moment.
            limit: Most items of the page; 1 to 1,000, 50 if absent.
            cursor: The `next_cursor` of the page before.
        """
        answer: models.AuditItemPage = await self._call(OPERATIONS["list_audit"], {"principal": principal, "action": action, "target": target, "outcome": outcome, "from_": from_, "until": until, "limit": limit, "cursor": cursor}, models.AuditItemPage)
        return answer

    async def iter_audit(self, *, principal: str | None = None, action: str | None = None, target: str | None = None, outcome: params.AuditOutcome | None = None, from_: datetime | str | None = None, until: datetime | str | None = None, limit: int | None = None) -> AsyncIterator[models.AuditItem]:
        """Every item of `list_audit`, page after page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_audit(principal=principal, action=action, target=target, outcome=outcome, from_=from_, until=until, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def read_audit_chain(self, *, after: int | None = None, limit: int | None = None) -> models.AuditChain:
        """Read the audit log in the order of its chain, oldest first: to keep a copy, and to verify that nobody
        has changed it.

        The hash of an entry covers what it says and the hash of the one before it. `enginehouse audit verify`
        compares them.

        Args:
            after: The position behind which to begin; from the oldest entry that is kept if absent.
            limit: Most entries of the answer; 1 to 1,000, 50 if absent.
        """
        answer: models.AuditChain = await self._call(OPERATIONS["read_audit_chain"], {"after": after, "limit": limit}, models.AuditChain)
        return answer

    async def list_blocked(self, *, queue: str | None = None, event_type: str | None = None, verdict: params.WaitingVerdict | None = None, limit: int | None = None, cursor: str | None = None) -> models.BlockedLanePage:
        """List the lanes in which events wait, the worst first, each explained: those that no engine could ever
        run, then those that a person has to free, then those that time frees, and last those that an engine
        could run now. Of each kind, the one whose first event has waited longest comes first.

        Args:
            queue: Of this queue.
            event_type: Of this event type.
            verdict: With this verdict.
            limit: Most items of the page; 1 to 1,000, 50 if absent.
            cursor: The `next_cursor` of the page before.
        """
        answer: models.BlockedLanePage = await self._call(OPERATIONS["list_blocked"], {"queue": queue, "event_type": event_type, "verdict": verdict, "limit": limit, "cursor": cursor}, models.BlockedLanePage)
        return answer

    async def iter_blocked(self, *, queue: str | None = None, event_type: str | None = None, verdict: params.WaitingVerdict | None = None, limit: int | None = None) -> AsyncIterator[models.BlockedLane]:
        """Every item of `list_blocked`, page after page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_blocked(queue=queue, event_type=event_type, verdict=verdict, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def accept_clock(self) -> None:
        """Say that the clock is right after it has leapt ahead: finished events are deleted again when their
        retention ends.
        """
        await self._call(OPERATIONS["accept_clock"], {}, None)

    async def list_dead_letters(self, *, event_type: str | None = None, queue: str | None = None, reason: params.DeadLetterReason | None = None, error_code: str | None = None, group_id: str | None = None, dead_lettered_before: datetime | str | None = None, dead_lettered_after: datetime | str | None = None, filter: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.DeadLetterPage:
        """List dead letters, newest event first.

        Args:
            event_type: Only those of this event type.
            queue: Only those of this queue.
            reason: Only those with this reason.
            error_code: Only those whose last error has this code.
            group_id: Only those of this group of the summary.
            dead_lettered_before: Only those that became dead letters before this moment.
            dead_lettered_after: Only those that became dead letters at this moment or later.
            filter: Terms with blanks between them, all of which must hold, beside the other parameters: `queue:render age:>5m -run:*`. An event has `id`, `status`, `queue`, `type`, `engine`, `run`, `priority`, `key`, `attempts`, `error`, `error_code`, `group`, `reason`, `age`, `enqueued`, `available`, `finished`, `version`, `label.NAME` and `payload.PATH`; a dead letter `dead_lettered` too and no `status`; an engine `id`, `status`, `type`, `run`, `age`, `version`, `capability`, `host`, `stopped` and `silent`. Values are alternatives with commas between them: `a`, `a*`, `"a b"`, `~part`, `>5`, `<=5`, `*` for any; `-` before a term negates it. A term without a colon is an id or its beginning. To ask for something in payloads needs `events:read_payload`.
            limit: Most items of the page; 1 to 1,000, 50 if absent.
            cursor: The `next_cursor` of the page before.
        """
        answer: models.DeadLetterPage = await self._call(OPERATIONS["list_dead_letters"], {"event_type": event_type, "queue": queue, "reason": reason, "error_code": error_code, "group_id": group_id, "dead_lettered_before": dead_lettered_before, "dead_lettered_after": dead_lettered_after, "filter": filter, "limit": limit, "cursor": cursor}, models.DeadLetterPage)
        return answer

    async def iter_dead_letters(self, *, event_type: str | None = None, queue: str | None = None, reason: params.DeadLetterReason | None = None, error_code: str | None = None, group_id: str | None = None, dead_lettered_before: datetime | str | None = None, dead_lettered_after: datetime | str | None = None, filter: str | None = None, limit: int | None = None) -> AsyncIterator[models.DeadLetter]:
        """Every item of `list_dead_letters`, page after page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_dead_letters(event_type=event_type, queue=queue, reason=reason, error_code=error_code, group_id=group_id, dead_lettered_before=dead_lettered_before, dead_lettered_after=dead_lettered_after, filter=filter, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def discard_dead_letters(self, *, all: bool | UnsetType = UNSET, filter: params.DeadLetterFilter | UnsetType = UNSET, reason: str | None | UnsetType = UNSET) -> models.BulkDiscardResponse:
        """Give up on all dead letters that match. The events stay failed.

        Those that come to be while it runs are left alone. It goes on if the caller hangs up.

        Args:
            all: Says that every dead letter is meant. Not together with a filter.
            filter: Which ones. One that matches all is refused unless `all` is true.
            reason: Why, for the history: at most 256 characters.
        """
        answer: models.BulkDiscardResponse = await self._call(OPERATIONS["discard_dead_letters"], {"all": all, "filter": filter, "reason": reason}, models.BulkDiscardResponse)
        return answer

    async def preview_dead_letters(self, *, event_type: str | None = None, queue: str | None = None, reason: params.DeadLetterReason | None = None, error_code: str | None = None, group_id: str | None = None, dead_lettered_before: datetime | str | None = None, dead_lettered_after: datetime | str | None = None, limit: int | None = None) -> models.DeadLetterPreview:
        """Show what a bulk redrive or discard would touch, in its order. Nothing is changed.

        Args:
            event_type: Only those of this event type.
            queue: Only those of this queue.
            reason: Only those with this reason.
            error_code: Only those whose last error has this code.
            group_id: Only those of this group of the summary.
            dead_lettered_before: Only those that became dead letters before this moment.
            dead_lettered_after: Only those that became dead letters at this moment or later.
            limit: How many at most, oldest first; 1 or more. No limit if absent.
        """
        answer: models.DeadLetterPreview = await self._call(OPERATIONS["preview_dead_letters"], {"event_type": event_type, "queue": queue, "reason": reason, "error_code": error_code, "group_id": group_id, "dead_lettered_before": dead_lettered_before, "dead_lettered_after": dead_lettered_after, "limit": limit}, models.DeadLetterPreview)
        return answer

    async def redrive_dead_letters(self, *, all: bool | UnsetType = UNSET, filter: params.DeadLetterFilter | UnsetType = UNSET, limit: int | None | UnsetType = UNSET, rate_per_second: float | None | UnsetType = UNSET) -> models.BulkRedriveResponse:
        """Put all dead letters that match back in their queues, at a given rate.

        Those that come to be while it runs are left alone. It goes on if the caller hangs up.

        Args:
            all: Says that every dead letter is meant. Not together with a filter.
            filter: Which ones. One that matches all is refused unless `all` is true.
            limit: How many at most, oldest first; 1 or more. No limit if absent.
            rate_per_second: How many become available per second; 0.001 to 10,000. At once if absent.
        """
        answer: models.BulkRedriveResponse = await self._call(OPERATIONS["redrive_dead_letters"], {"all": all, "filter": filter, "limit": limit, "rate_per_second": rate_per_second}, models.BulkRedriveResponse)
        return answer

    async def summarize_dead_letters(self) -> models.DeadLetterSummary:
        """Group dead letters by event type and error, the largest group first; at most 1,000 groups."""
        answer: models.DeadLetterSummary = await self._call(OPERATIONS["summarize_dead_letters"], {}, models.DeadLetterSummary)
        return answer

    async def get_dead_letter(self, event_id: str) -> models.DeadLetter:
        """Show one dead letter.

        Args:
            event_id: The event.
        """
        answer: models.DeadLetter = await self._call(OPERATIONS["get_dead_letter"], {"event_id": event_id}, models.DeadLetter)
        return answer

    async def discard_dead_letter(self, event_id: str, *, reason: str | None | UnsetType = UNSET) -> models.Event:
        """Give up on a dead letter. The event stays failed. The body may be left out.

        Args:
            event_id: The event.
            reason: Why, for the history: at most 256 characters.
        """
        answer: models.Event = await self._call(OPERATIONS["discard_dead_letter"], {"event_id": event_id, "reason": reason}, models.Event)
        return answer

    async def redrive_dead_letter(self, event_id: str, *, delay_seconds: float | None | UnsetType = UNSET, engine_version: str | None | UnsetType = UNSET, expires_after_seconds: int | None | UnsetType = UNSET, labels: Mapping[str, str | None] | None | UnsetType = UNSET, max_processing_seconds: int | None | UnsetType = UNSET, payload: Any | UnsetType = UNSET, priority: int | None | UnsetType = UNSET, progress_timeout_seconds: int | None | UnsetType = UNSET, queue: str | None | UnsetType = UNSET, required_capabilities: Sequence[str] | None | UnsetType = UNSET, required_memory_mb: int | None | UnsetType = UNSET, retry_policy: params.RetryPolicyPatch | None | UnsetType = UNSET, run_at: datetime | str | None | UnsetType = UNSET, visibility_timeout_seconds: int | None | UnsetType = UNSET) -> models.Event:
        """Put a dead letter back in its queue, with a fresh retry budget, and changed if the body says so. It
        may be left out.

        Args:
            event_id: The event.
            delay_seconds: Not to be claimed before so many seconds from now; 0 to 31,622,400; null for now.
            expires_after_seconds: How long after it comes due it is cancelled if it is queued then; 1 to 31,622,400; null for never. A redrive without it ends the expiry that the event had.
            max_processing_seconds: How long one attempt may take, renewals included; 1 to 2,592,000; null for what its type or queue says.
            payload: Replaces the payload, as a whole: any JSON of at most 256 KiB, null too.
            priority: 0 (first) to 9 (last); null for 5.
            progress_timeout_seconds: How long one attempt may go on without reporting progress; 1 to 2,592,000; null for what its type or queue says.
            queue: Another queue; null for `default`.
            required_capabilities: All that the engine must be capable of: at most 64 names; null for nothing.
            required_memory_mb: Memory that the engine must have free, in MiB; 1 to 2^30; null for none.
            retry_policy: Overrides single fields of the retry policy; one that is null is overridden no longer, and null overrides none.
            run_at: Not to be claimed before this moment; null for now. At most one of `run_at` and `delay_seconds`.
            visibility_timeout_seconds: How long a lock on it lasts unless extended; 1 to 604,800; null for what its type or queue says.
        """
        answer: models.Event = await self._call(OPERATIONS["redrive_dead_letter"], {"event_id": event_id, "delay_seconds": delay_seconds, "engine_version": engine_version, "expires_after_seconds": expires_after_seconds, "labels": labels, "max_processing_seconds": max_processing_seconds, "payload": payload, "priority": priority, "progress_timeout_seconds": progress_timeout_seconds, "queue": queue, "required_capabilities": required_capabilities, "required_memory_mb": required_memory_mb, "retry_policy": retry_policy, "run_at": run_at, "visibility_timeout_seconds": visibility_timeout_seconds}, models.Event)
        return answer

    async def list_engines(self, *, status: params.EngineStatus | None = None, stopped: bool | None = None, engine_type: str | None = None, capability: str | None = None, filter: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.EnginePage:
        """List engines by id.

        Args:
            status: Only those with this status.
            stopped: Only those that are stopped, or with `false` only the others.
            engine_type: Only those of this type.
            capability: Only those that are capable of this.
            filter: Terms with blanks between them, all of which must hold, beside the other parameters: `queue:render age:>5m -run:*`. An event has `id`, `status`, `queue`, `type`, `engine`, `run`, `priority`, `key`, `attempts`, `error`, `error_code`, `group`, `reason`, `age`, `enqueued`, `available`, `finished`, `version`, `label.NAME` and `payload.PATH`; a dead letter `dead_lettered` too and no `status`; an engine `id`, `status`, `type`, `run`, `age`, `version`, `capability`, `host`, `stopped` and `silent`. Values are alternatives with commas between them: `a`, `a*`, `"a b"`, `~part`, `>5`, `<=5`, `*` for any; `-` before a term negates it. A term without a colon is an id or its beginning. To ask for something in payloads needs `events:read_payload`.
            limit: Most items of the page; 1 to 1,000, 50 if absent.
            cursor: The `next_cursor` of the page before.
        """
        answer: models.EnginePage = await self._call(OPERATIONS["list_engines"], {"status": status, "stopped": stopped, "engine_type": engine_type, "capability": capability, "filter": filter, "limit": limit, "cursor": cursor}, models.EnginePage)
        return answer

    async def iter_engines(self, *, status: params.EngineStatus | None = None, stopped: bool | None = None, engine_type: str | None = None, capability: str | None = None, filter: str | None = None, limit: int | None = None) -> AsyncIterator[models.Engine]:
        """Every item of `list_engines`, page after page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_engines(status=status, stopped=stopped, engine_type=engine_type, capability=capability, filter=filter, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def register_new_engine(self, *, engine_type: str, heartbeat_interval_seconds: int | None | UnsetType = UNSET, metadata: Mapping[str, Any] | UnsetType = UNSET, takeover: bool | UnsetType = UNSET) -> models.Engine:
        """Register an engine under an id that the server makes.

        A repeat registers another one.

        Args:
            engine_type: Groups engines that are the same program: a name.
            heartbeat_interval_seconds: How often it will send a heartbeat, in seconds: 0 (never), or 1 to 300; 10 if absent.
            metadata: What it says about itself; at most 64 KiB.
            takeover: Whether it takes over the id of an engine that lives, with the token that this one was registered with. Its locks end at once, and count for no loss.
        """
        answer: models.Engine = await self._call(OPERATIONS["register_new_engine"], {"engine_type": engine_type, "heartbeat_interval_seconds": heartbeat_interval_seconds, "metadata": metadata, "takeover": takeover}, models.Engine)
        return answer

    async def get_engine(self, engine_id: str) -> models.Engine:
        """Show one engine, with its locks.

        Args:
            engine_id: The engine.
        """
        answer: models.Engine = await self._call(OPERATIONS["get_engine"], {"engine_id": engine_id}, models.Engine)
        return answer

    async def register_engine(self, engine_id: str, *, engine_type: str, session: str | None = None, heartbeat_interval_seconds: int | None | UnsetType = UNSET, metadata: Mapping[str, Any] | UnsetType = UNSET, takeover: bool | UnsetType = UNSET) -> models.Engine:
        """Register an engine, for the first time or again.

        Each registration begins a new epoch; the locks of the older one are lost.

        Args:
            engine_id: The engine.
            session: The session token that the registration before answered, if the same process registers again.
            engine_type: Groups engines that are the same program: a name.
            heartbeat_interval_seconds: How often it will send a heartbeat, in seconds: 0 (never), or 1 to 300; 10 if absent.
            metadata: What it says about itself; at most 64 KiB.
            takeover: Whether it takes over the id of an engine that lives, with the token that this one was registered with. Its locks end at once, and count for no loss.
        """
        answer: models.Engine = await self._call(OPERATIONS["register_engine"], {"engine_id": engine_id, "session": session, "engine_type": engine_type, "heartbeat_interval_seconds": heartbeat_interval_seconds, "metadata": metadata, "takeover": takeover}, models.Engine)
        return answer

    async def deregister_engine(self, engine_id: str, *, session: str | None = None, epoch: int | None = None) -> models.Engine:
        """Deregister an engine, in good order.

        What it holds is back in its queue at once, as after a release: a goodbye is no loss.

        Args:
            engine_id: The engine.
            session: The session token that the engine's registration answered, if it says so itself. Who may control engines need not have it.
            epoch: Only if the engine is in this epoch: an engine that says goodbye does not remove the process that has taken over its id. In any epoch if absent.
        """
        answer: models.Engine = await self._call(OPERATIONS["deregister_engine"], {"engine_id": engine_id, "session": session, "epoch": epoch}, models.Engine)
        return answer

    async def claim_events(self, engine_id: str, *, epoch: int, session: str | None = None, affinity: params.Affinity | UnsetType = UNSET, event_types: Sequence[str] | UnsetType = UNSET, limit: int | None | UnsetType = UNSET, queues: Sequence[str] | UnsetType = UNSET, visibility_timeout_seconds: int | None | UnsetType = UNSET, wait_seconds: float | None | UnsetType = UNSET) -> models.ClaimResponse:
        """Claim up to `limit` events that the engine may process, each under a lock.

        Args:
            engine_id: The engine.
            session: The session token that the engine's registration answered. Without access tokens it may be left out.
            affinity: Whether events of the engine's current scenario run come first; `prefer` if absent.
            epoch: The epoch that its registration answered with.
            event_types: Only events of these types; of all if absent or empty. At most 200.
            limit: How many events at most; 1 to 1,000, 3 if absent.
            queues: Only events of these queues; of all if absent or empty. At most 200.
            visibility_timeout_seconds: How long the locks last unless extended, over every policy; 1 to 604,800.
            wait_seconds: How long to wait for a first event; 0 to 60, 0 if absent.
        """
        answer: models.ClaimResponse = await self._call(OPERATIONS["claim_events"], {"engine_id": engine_id, "session": session, "affinity": affinity, "epoch": epoch, "event_types": event_types, "limit": limit, "queues": queues, "visibility_timeout_seconds": visibility_timeout_seconds, "wait_seconds": wait_seconds}, models.ClaimResponse)
        return answer

    async def drain_engine(self, engine_id: str, *, session: str | None = None, epoch: int | None | UnsetType = UNSET, stop_when_drained: bool | UnsetType = UNSET) -> models.Engine:
        """Give an engine no new events. The body may be left out.

        Args:
            engine_id: The engine.
            session: The session token that the engine's registration answered, if it says so itself. Who may control engines need not have it.
            epoch: Only if the engine is in this epoch: an engine that drains itself does not drain the process that has taken over its id. In any epoch if absent.
            stop_when_drained: Whether it becomes `stopped` by itself when its last lock is settled.
        """
        answer: models.Engine = await self._call(OPERATIONS["drain_engine"], {"engine_id": engine_id, "session": session, "epoch": epoch, "stop_when_drained": stop_when_drained}, models.Engine)
        return answer

    async def exchange(self, engine_id: str, *, epoch: int, session: str | None = None, claim: params.ClaimPart | None | UnsetType = UNSET, heartbeat: params.HeartbeatPart | None | UnsetType = UNSET, settlements: Sequence[params.Settlement] | UnsetType = UNSET) -> models.ExchangeResponse:
        """Settle, send a heartbeat and claim, in one round trip and one transaction: an engine's whole loop.

        Every part is optional. If the epoch is over, nothing of it is done. A settlement with a bad field is
        refused by itself.

        Args:
            engine_id: The engine.
            session: The session token that the engine's registration answered. Without access tokens it may be left out.
            claim: What it can take.
            epoch: The epoch that its registration answered with.
            heartbeat: How it is doing.
            settlements: What it is done with; at most 10,000.
        """
        answer: models.ExchangeResponse = await self._call(OPERATIONS["exchange"], {"engine_id": engine_id, "session": session, "claim": claim, "epoch": epoch, "heartbeat": heartbeat, "settlements": settlements}, models.ExchangeResponse)
        return answer

    async def explain_engine(self, engine_id: str) -> models.EngineExplanation:
        """Say what an engine could claim now, what keeps it from more, and which single change would open most.

        Args:
            engine_id: The engine.
        """
        answer: models.EngineExplanation = await self._call(OPERATIONS["explain_engine"], {"engine_id": engine_id}, models.EngineExplanation)
        return answer

    async def heartbeat(self, engine_id: str, *, epoch: int, session: str | None = None, dynamic_state: Mapping[str, Any] | None | UnsetType = UNSET, lock_tokens: Sequence[str] | None | UnsetType = UNSET, reports: Sequence[params.LockReport] | UnsetType = UNSET) -> models.HeartbeatResponse:
        """Send a heartbeat: stay alive, keep locks, learn what has changed.

        It counts even if `dynamic_state` or a lock token is wrong: that is left out, and `errors` says why.

        Args:
            engine_id: The engine.
            session: The session token that the engine's registration answered. Without access tokens it may be left out.
            dynamic_state: How it is doing; replaces what was known. Absent: as before.
            epoch: The epoch that its registration answered with.
            lock_tokens: The locks it still works on: they are renewed, and one left out twice is released. At most 1,000. Absent says nothing about any lock; an empty list says that it works on none.
            reports: What it reports of its attempts; at most 1,000. A report counts if its lock is among the `renewed` of the answer; one that is wrong, or too large, is left out, and `errors` says why.
        """
        answer: models.HeartbeatResponse = await self._call(OPERATIONS["heartbeat"], {"engine_id": engine_id, "session": session, "dynamic_state": dynamic_state, "epoch": epoch, "lock_tokens": lock_tokens, "reports": reports}, models.HeartbeatResponse)
        return answer

    async def lift_quarantine(self, engine_id: str) -> models.Engine:
        """Lift the quarantine of an engine. If it is in none, nothing happens.

        Args:
            engine_id: The engine.
        """
        answer: models.Engine = await self._call(OPERATIONS["lift_quarantine"], {"engine_id": engine_id}, models.Engine)
        return answer

    async def quarantine_engine(self, engine_id: str, *, reason: str, event_types: Sequence[str] | UnsetType = UNSET, until: datetime | str | None | UnsetType = UNSET) -> models.Engine:
        """Keep an engine from events, or from those of some types, without stopping it; in place of a quarantine
        that it is in.

        It finishes what it holds. The quarantine stays when the engine registers anew, until its end or until
        it is lifted.

        Args:
            engine_id: The engine.
            event_types: The event types that it is for, at most 100; all if absent or empty.
            reason: Why; at most 256 characters.
            until: When it ends by itself; never if absent.
        """
        answer: models.Engine = await self._call(OPERATIONS["quarantine_engine"], {"engine_id": engine_id, "event_types": event_types, "reason": reason, "until": until}, models.Engine)
        return answer

    async def resume_engine(self, engine_id: str) -> models.Engine:
        """Give a draining engine events again.

        Args:
            engine_id: The engine.
        """
        answer: models.Engine = await self._call(OPERATIONS["resume_engine"], {"engine_id": engine_id}, models.Engine)
        return answer

    async def list_event_types(self, *, limit: int | None = None, cursor: str | None = None) -> models.EventTypeSettingsPage:
        """List the event types that have settings or events, by name.

        Args:
            limit: Most items of the page; 1 to 1,000, 50 if absent.
            cursor: The `next_cursor` of the page before.
        """
        answer: models.EventTypeSettingsPage = await self._call(OPERATIONS["list_event_types"], {"limit": limit, "cursor": cursor}, models.EventTypeSettingsPage)
        return answer

    async def iter_event_types(self, *, limit: int | None = None) -> AsyncIterator[models.EventTypeSettings]:
        """Every item of `list_event_types`, page after page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_event_types(limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def get_event_type(self, event_type: str) -> models.EventTypeSettings:
        """Show what an event type sets, and how long its events waited and took.

        Args:
            event_type: The event type.
        """
        answer: models.EventTypeSettings = await self._call(OPERATIONS["get_event_type"], {"event_type": event_type}, models.EventTypeSettings)
        return answer

    async def set_event_type(self, event_type: str, *, hold_back_after_seconds: int | None | UnsetType = UNSET, max_processing_seconds: int | None | UnsetType = UNSET, paused: bool | UnsetType = UNSET, priority_aging_seconds: int | None | UnsetType = UNSET, progress_timeout_seconds: int | None | UnsetType = UNSET, quarantine: params.QuarantineMode | None | UnsetType = UNSET, retry_policy: params.RetryPolicyPatch | None | UnsetType = UNSET, visibility_timeout_seconds: int | None | UnsetType = UNSET, when_blocked: params.WhenBlocked | None | UnsetType = UNSET) -> models.EventTypeSettings:
        """Replace what an event type sets.

        Args:
            event_type: The event type.
            hold_back_after_seconds: After how many seconds in which an event waits and others pass it an engine is held back for it; 0 to 2,592,000, and 0 for never.
            max_processing_seconds: How long one attempt may take, renewals included; 1 to 2,592,000. No limit if absent.
            paused: Whether its events are kept from being claimed.
            priority_aging_seconds: How many seconds make the priority of an event that waits one step better; 0 to 2,592,000, and 0 for never.
            progress_timeout_seconds: How long an attempt may go on without reporting progress; 1 to 2,592,000. No limit if absent.
            quarantine: What is done about engines that fail its events more than others do.
            retry_policy: Overrides single fields of the retry policy.
            visibility_timeout_seconds: How long a lock lasts unless extended; 1 to 604,800.
            when_blocked: What is done about its events that nobody can run for a while; nothing, if absent.
        """
        answer: models.EventTypeSettings = await self._call(OPERATIONS["set_event_type"], {"event_type": event_type, "hold_back_after_seconds": hold_back_after_seconds, "max_processing_seconds": max_processing_seconds, "paused": paused, "priority_aging_seconds": priority_aging_seconds, "progress_timeout_seconds": progress_timeout_seconds, "quarantine": quarantine, "retry_policy": retry_policy, "visibility_timeout_seconds": visibility_timeout_seconds, "when_blocked": when_blocked}, models.EventTypeSettings)
        return answer

    async def delete_event_type(self, event_type: str) -> None:
        """Forget what an event type sets: what its queue sets holds again, or the defaults.

        Args:
            event_type: The event type.
        """
        await self._call(OPERATIONS["delete_event_type"], {"event_type": event_type}, None)

    async def pause_event_type(self, event_type: str, *, reason: str | None | UnsetType = UNSET) -> models.EventTypeSettings:
        """Keep the events of a type from being claimed. The body may be left out.

        What is paused already goes on since then, with another reason if one is given.

        Args:
            event_type: The event type.
            reason: Why; at most 256 characters.
        """
        answer: models.EventTypeSettings = await self._call(OPERATIONS["pause_event_type"], {"event_type": event_type, "reason": reason}, models.EventTypeSettings)
        return answer

    async def resume_event_type(self, event_type: str) -> models.EventTypeSettings:
        """Let the events of a type be claimed again.

        Args:
            event_type: The event type.
        """
        answer: models.EventTypeSettings = await self._call(OPERATIONS["resume_event_type"], {"event_type": event_type}, models.EventTypeSettings)
        return answer

    async def list_events(self, *, status: params.EventStatus | None = None, event_type: str | None = None, queue: str | None = None, scenario_run_id: str | None = None, engine_id: str | None = None, priority: int | None = None, label: str | None = None, idempotency_key: str | None = None, available_after: datetime | str | None = None, enqueued_after: datetime | str | None = None, enqueued_before: datetime | str | None = None, filter: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.EventPage:
        """List events, newest first.

        Args:
            status: Only those with this status.
            event_type: Only those of this event type.
            queue: Only those of this queue.
            scenario_run_id: Only those of this scenario run.
            engine_id: Only those that this engine claimed last.
            priority: Only those of this priority.
            label: Only those with this label and value: `KEY=VALUE`. Looks at every event that the rest of the filter leaves.
            idempotency_key: Only the one that has this idempotency key.
            available_after: Only those that may be claimed from this moment on or later.
            enqueued_after: Only those enqueued at this moment or later.
            enqueued_before: Only those enqueued before this moment.
            filter: Terms with blanks between them, all of which must hold, beside the other parameters: `queue:render age:>5m -run:*`. An event has `id`, `status`, `queue`, `type`, `engine`, `run`, `priority`, `key`, `attempts`, `error`, `error_code`, `group`, `reason`, `age`, `enqueued`, `available`, `finished`, `version`, `label.NAME` and `payload.PATH`; a dead letter `dead_lettered` too and no `status`; an engine `id`, `status`, `type`, `run`, `age`, `version`, `capability`, `host`, `stopped` and `silent`. Values are alternatives with commas between them: `a`, `a*`, `"a b"`, `~part`, `>5`, `<=5`, `*` for any; `-` before a term negates it. A term without a colon is an id or its beginning. To ask for something in payloads needs `events:read_payload`.
            limit: Most items of the page; 1 to 1,000, 50 if absent.
            cursor: The `next_cursor` of the page before.
        """
        answer: models.EventPage = await self._call(OPERATIONS["list_events"], {"status": status, "event_type": event_type, "queue": queue, "scenario_run_id": scenario_run_id, "engine_id": engine_id, "priority": priority, "label": label, "idempotency_key": idempotency_key, "available_after": available_after, "enqueued_after": enqueued_after, "enqueued_before": enqueued_before, "filter": filter, "limit": limit, "cursor": cursor}, models.EventPage)
        return answer

    async def iter_events(self, *, status: params.EventStatus | None = None, event_type: str | None = None, queue: str | None = None, scenario_run_id: str | None = None, engine_id: str | None = None, priority: int | None = None, label: str | None = None, idempotency_key: str | None = None, available_after: datetime | str | None = None, enqueued_after: datetime | str | None = None, enqueued_before: datetime | str | None = None, filter: str | None = None, limit: int | None = None) -> AsyncIterator[models.Event]:
        """Every item of `list_events`, page after page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_events(status=status, event_type=event_type, queue=queue, scenario_run_id=scenario_run_id, engine_id=engine_id, priority=priority, label=label, idempotency_key=idempotency_key, available_after=available_after, enqueued_after=enqueued_after, enqueued_before=enqueued_before, filter=filter, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def enqueue_event(self, *, event_type: str, wait_seconds: float | None = None, delay_seconds: float | None | UnsetType = UNSET, engine_version: str | None | UnsetType = UNSET, expires_after_seconds: int | None | UnsetType = UNSET, idempotency_key: str | None | UnsetType = UNSET, idempotency_window_seconds: int | None | UnsetType = UNSET, labels: Mapping[str, str] | UnsetType = UNSET, max_processing_seconds: int | None | UnsetType = UNSET, payload: Any | UnsetType = UNSET, priority: int | None | UnsetType = UNSET, progress_timeout_seconds: int | None | UnsetType = UNSET, queue: str | None | UnsetType = UNSET, required_capabilities: Sequence[str] | UnsetType = UNSET, required_memory_mb: int | None | UnsetType = UNSET, retry_policy: params.RetryPolicyPatch | None | UnsetType = UNSET, run_at: datetime | str | None | UnsetType = UNSET, scenario_run_id: str | None | UnsetType = UNSET, traceparent: str | None | UnsetType = UNSET, visibility_timeout_seconds: int | None | UnsetType = UNSET) -> models.EnqueueResponse:
        """Enqueue one event.

        With an `idempotency_key`, a repeat is safe: as long as the event is kept, the same request answers
        with it and `duplicate: true`. The header `Idempotency-Key` is the same as the field.

        With `wait_seconds` the answer comes once the event has completed, failed or been cancelled, or when
        the time is over, and has the event as it is then. It was stored long before: whoever hangs up loses
        nothing but the answer.

        Args:
            wait_seconds: How long to wait for the event to complete, fail or be cancelled; 0 to 60, and 0 if absent. Then the answer has it as it is.
            delay_seconds: Not to be claimed before so many seconds from now; 0 to 31,622,400.
            event_type: What kind of work it is: a name, such as `frame.render`.
            expires_after_seconds: How long after it first comes due it is cancelled if it is queued then, for a retry too; 1 to 31,622,400. Never, if absent.
            idempotency_key: Makes a repeat of this request safe: as long as an event has this key, the same request answers with that event, and another one is refused. 1 to 256 characters.
            idempotency_window_seconds: For how long after the enqueue the event has its key; as long as the event is kept, if absent. 1 to 31,622,400.
            max_processing_seconds: How long one attempt may take, renewals included; 1 to 2,592,000.
            payload: Any JSON of at most 256 KiB, nested at most 64 deep; kept byte for byte. `{}` if absent.
            priority: 0 (first) to 9 (last); 5 if absent.
            progress_timeout_seconds: How long one attempt may go on without reporting progress; 1 to 2,592,000.
            queue: The queue it waits in; `default` if absent.
            required_capabilities: What the engine must be capable of: at most 64 names.
            required_memory_mb: Memory that the engine must have free, in MiB; 1 to 2^30.
            retry_policy: Overrides single fields of the retry policy.
            run_at: Not to be claimed before this moment. At most one of `run_at` and `delay_seconds`.
            scenario_run_id: The scenario run it belongs to.
            traceparent: The span that enqueues it, as W3C Trace Context writes it: engines link theirs to it. A repeat of the request may have another one; the first is kept.
            visibility_timeout_seconds: How long a lock on it lasts unless extended; 1 to 604,800.
        """
        answer: models.EnqueueResponse = await self._call(OPERATIONS["enqueue_event"], {"wait_seconds": wait_seconds, "delay_seconds": delay_seconds, "engine_version": engine_version, "event_type": event_type, "expires_after_seconds": expires_after_seconds, "idempotency_key": idempotency_key, "idempotency_window_seconds": idempotency_window_seconds, "labels": labels, "max_processing_seconds": max_processing_seconds, "payload": payload, "priority": priority, "progress_timeout_seconds": progress_timeout_seconds, "queue": queue, "required_capabilities": required_capabilities, "required_memory_mb": required_memory_mb, "retry_policy": retry_policy, "run_at": run_at, "scenario_run_id": scenario_run_id, "traceparent": traceparent, "visibility_timeout_seconds": visibility_timeout_seconds}, models.EnqueueResponse)
        return answer

    async def enqueue_batch(self, *, events: Sequence[params.EnqueueRequest], atomic: bool | None | UnsetType = UNSET) -> models.BatchResponse:
        """Enqueue many events.

        As `application/json`: up to 10,000 events, all or nothing; with `"atomic": false` each has its own
        answer. As `application/x-ndjson`: one event per line, of any number; the good lines are stored and
        the bad ones named. If a stream breaks off, what was stored stays stored, and the problem says how
        many lines were dealt with.

        Args:
            atomic: Whether one event that is refused refuses all; true if absent. If false, each has its own answer.
            events: The events: 1 to 10,000.
        """
        answer: models.BatchResponse = await self._call(OPERATIONS["enqueue_batch"], {"atomic": atomic, "events": events}, models.BatchResponse)
        return answer

    async def cancel_events(self, *, all: bool | UnsetType = UNSET, cursor: str | None | UnsetType = UNSET, dry_run: bool | UnsetType = UNSET, filter: params.EventFilter | UnsetType = UNSET, force: bool | UnsetType = UNSET, limit: int | None | UnsetType = UNSET) -> models.BulkEventsResponse:
        """Cancel all events that match, newest first: the queued ones, then those that are processing.

        It is about at most `limit` events: repeat it with its `next_cursor` until that is null. To repeat a
        call is safe. With `dry_run` it says which events it would be about, in its order, and does nothing.
        Events that come to match later are left alone.

        Args:
            all: Says that every event is meant. Not together with a filter.
            cursor: The `next_cursor` of the call before.
            dry_run: Whether to say what would be done, and do nothing.
            filter: Which ones. One that matches all is refused unless `all` is true.
            force: Whether to take the locks away from engines that work on them, instead of asking these to stop.
            limit: How many events this call is about at most; 1 to 10,000, 1,000 if absent.
        """
        answer: models.BulkEventsResponse = await self._call(OPERATIONS["cancel_events"], {"all": all, "cursor": cursor, "dry_run": dry_run, "filter": filter, "force": force, "limit": limit}, models.BulkEventsResponse)
        return answer

    async def retry_events(self, *, all: bool | UnsetType = UNSET, cursor: str | None | UnsetType = UNSET, dry_run: bool | UnsetType = UNSET, filter: params.EventFilter | UnsetType = UNSET, limit: int | None | UnsetType = UNSET) -> models.BulkEventsResponse:
        """Make all queued events that match, and that wait for a retry or their time, available now, newest
        first.

        It is about at most `limit` events: repeat it with its `next_cursor` until that is null. To repeat a
        call is safe. With `dry_run` it says which events it would be about, in its order, and does nothing.
        Events that come to match later are left alone.

        Args:
            all: Says that every event is meant. Not together with a filter.
            cursor: The `next_cursor` of the call before.
            dry_run: Whether to say what would be done, and do nothing.
            filter: Which ones. One that matches all is refused unless `all` is true.
            limit: How many events this call is about at most; 1 to 10,000, 1,000 if absent.
        """
        answer: models.BulkEventsResponse = await self._call(OPERATIONS["retry_events"], {"all": all, "cursor": cursor, "dry_run": dry_run, "filter": filter, "limit": limit}, models.BulkEventsResponse)
        return answer

    async def settle_events(self, *, settlements: Sequence[params.Settlement], session: str | None = None) -> models.SettleResponse:
        """Settle many events, each with its own answer.

        A settlement with a bad field is refused by itself.

        Args:
            session: The session token that the registration of the locks' engine answered. Without access tokens it may be left out.
            settlements: The settlements: 1 to 10,000.
        """
        answer: models.SettleResponse = await self._call(OPERATIONS["settle_events"], {"session": session, "settlements": settlements}, models.SettleResponse)
        return answer

    async def get_event(self, event_id: str, *, wait_seconds: float | None = None) -> models.Event:
        """Show one event; with `wait_seconds`, once it has completed, failed or been cancelled, or as it is when
        the time is over.

        Args:
            event_id: The event.
            wait_seconds: How long to wait for the event to complete, fail or be cancelled; 0 to 60, and 0 if absent. Then the answer has it as it is.
        """
        answer: models.Event = await self._call(OPERATIONS["get_event"], {"event_id": event_id, "wait_seconds": wait_seconds}, models.Event)
        return answer

    async def change_event(self, event_id: str, *, delay_seconds: float | None | UnsetType = UNSET, engine_version: str | None | UnsetType = UNSET, expires_after_seconds: int | None | UnsetType = UNSET, labels: Mapping[str, str | None] | None | UnsetType = UNSET, max_processing_seconds: int | None | UnsetType = UNSET, payload: Any | UnsetType = UNSET, priority: int | None | UnsetType = UNSET, progress_timeout_seconds: int | None | UnsetType = UNSET, queue: str | None | UnsetType = UNSET, required_capabilities: Sequence[str] | None | UnsetType = UNSET, required_memory_mb: int | None | UnsetType = UNSET, retry_policy: params.RetryPolicyPatch | None | UnsetType = UNSET, run_at: datetime | str | None | UnsetType = UNSET, visibility_timeout_seconds: int | None | UnsetType = UNSET) -> models.Event:
        """Change an event that waits: its payload, priority, queue, requirements, time, labels or policy.

        The body is a JSON merge patch: a field that is absent stays as it is, and one that is null is as if
        it had been left out at the enqueue. An event that waits for a retry is queued, too. Of any other, the
        status is answered.

        Args:
            event_id: The event.
            delay_seconds: Not to be claimed before so many seconds from now; 0 to 31,622,400; null for now.
            expires_after_seconds: How long after it comes due it is cancelled if it is queued then; 1 to 31,622,400; null for never. A redrive without it ends the expiry that the event had.
            max_processing_seconds: How long one attempt may take, renewals included; 1 to 2,592,000; null for what its type or queue says.
            payload: Replaces the payload, as a whole: any JSON of at most 256 KiB, null too.
            priority: 0 (first) to 9 (last); null for 5.
            progress_timeout_seconds: How long one attempt may go on without reporting progress; 1 to 2,592,000; null for what its type or queue says.
            queue: Another queue; null for `default`.
            required_capabilities: All that the engine must be capable of: at most 64 names; null for nothing.
            required_memory_mb: Memory that the engine must have free, in MiB; 1 to 2^30; null for none.
            retry_policy: Overrides single fields of the retry policy; one that is null is overridden no longer, and null overrides none.
            run_at: Not to be claimed before this moment; null for now. At most one of `run_at` and `delay_seconds`.
            visibility_timeout_seconds: How long a lock on it lasts unless extended; 1 to 604,800; null for what its type or queue says.
        """
        answer: models.Event = await self._call(OPERATIONS["change_event"], {"event_id": event_id, "delay_seconds": delay_seconds, "engine_version": engine_version, "expires_after_seconds": expires_after_seconds, "labels": labels, "max_processing_seconds": max_processing_seconds, "payload": payload, "priority": priority, "progress_timeout_seconds": progress_timeout_seconds, "queue": queue, "required_capabilities": required_capabilities, "required_memory_mb": required_memory_mb, "retry_policy": retry_policy, "run_at": run_at, "visibility_timeout_seconds": visibility_timeout_seconds}, models.Event)
        return answer

    async def cancel_event(self, event_id: str, *, force: bool | UnsetType = UNSET) -> models.Event:
        """Cancel an event.

        A queued one is cancelled at once. Of one that is being processed, the engine is told at its next
        heartbeat; if it settles it nevertheless, that counts. With `force` its lock is taken away at once.
        The body may be left out.

        Args:
            event_id: The event.
            force: Whether to take the lock away from an engine that works on it, instead of asking it to stop. It is told at its next heartbeat that the lock is lost, and what it settles is refused.
        """
        answer: models.Event = await self._call(OPERATIONS["cancel_event"], {"event_id": event_id, "force": force}, models.Event)
        return answer

    async def complete_event(self, event_id: str, *, lock_token: str, session: str | None = None, checkpoint: Any | UnsetType = UNSET, log: Sequence[str] | UnsetType = UNSET, log_url: str | None | UnsetType = UNSET, progress: params.AttemptProgress | None | UnsetType = UNSET, result: Any | UnsetType = UNSET, usage: params.AttemptUsage | None | UnsetType = UNSET) -> models.Event:
        """Report that an event is done.

        A repeat with the same token answers the same.

        Args:
            event_id: The event.
            session: The session token that the registration of the lock's engine answered. Without access tokens it may be left out.
            checkpoint: What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before, and is given to the next attempt as `previous.checkpoint`.
            lock_token: The token of the claim's answer.
            log_url: Where the whole log is: a URL that begins with `http://` or `https://`.
            progress: How far the attempt is; replaces what was reported before.
            result: What came of it: any JSON of at most 256 KiB, kept byte for byte.
            usage: What the attempt has used since it began. A field that is given replaces what was reported before.
        """
        answer: models.Event = await self._call(OPERATIONS["complete_event"], {"event_id": event_id, "session": session, "checkpoint": checkpoint, "lock_token": lock_token, "log": log, "log_url": log_url, "progress": progress, "result": result, "usage": usage}, models.Event)
        return answer

    async def explain_event(self, event_id: str, *, engine_id: str | None = None) -> models.EventExplanation:
        """Say why an event does not run now.

        Of a queued event: every gate between it and an engine, how many engines pass each, which engines
        nearly could run it, and the smallest change that would let it run. Of any other: what has become of
        it.

        Args:
            event_id: The event.
            engine_id: An engine that the event was expected to run on.
        """
        answer: models.EventExplanation = await self._call(OPERATIONS["explain_event"], {"event_id": event_id, "engine_id": engine_id}, models.EventExplanation)
        return answer

    async def extend_lock(self, event_id: str, *, lock_token: str, visibility_timeout_seconds: int, session: str | None = None, checkpoint: Any | UnsetType = UNSET, log: Sequence[str] | UnsetType = UNSET, log_url: str | None | UnsetType = UNSET, progress: params.AttemptProgress | None | UnsetType = UNSET, usage: params.AttemptUsage | None | UnsetType = UNSET) -> models.Event:
        """Keep a lock for so long from now.

        Args:
            event_id: The event.
            session: The session token that the registration of the lock's engine answered. Without access tokens it may be left out.
            checkpoint: What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before, and is given to the next attempt as `previous.checkpoint`.
            lock_token: The token of the claim's answer.
            log_url: Where the whole log is: a URL that begins with `http://` or `https://`.
            progress: How far the attempt is; replaces what was reported before.
            usage: What the attempt has used since it began. A field that is given replaces what was reported before.
            visibility_timeout_seconds: How long from now the lock is to last; 1 to 604,800.
        """
        answer: models.Event = await self._call(OPERATIONS["extend_lock"], {"event_id": event_id, "session": session, "checkpoint": checkpoint, "lock_token": lock_token, "log": log, "log_url": log_url, "progress": progress, "usage": usage, "visibility_timeout_seconds": visibility_timeout_seconds}, models.Event)
        return answer

    async def fail_event(self, event_id: str, *, error: params.AttemptError, lock_token: str, session: str | None = None, checkpoint: Any | UnsetType = UNSET, dead_letter: bool | None | UnsetType = UNSET, log: Sequence[str] | UnsetType = UNSET, log_url: str | None | UnsetType = UNSET, progress: params.AttemptProgress | None | UnsetType = UNSET, retry_after_seconds: float | None | UnsetType = UNSET, retryable: bool | None | UnsetType = UNSET, usage: params.AttemptUsage | None | UnsetType = UNSET) -> models.Event:
        """Report that an attempt failed.

        By the retry policy the event waits for another attempt, or has finally failed. A repeat with the same
        token answers the same.

        Args:
            event_id: The event.
            session: The session token that the registration of the lock's engine answered. Without access tokens it may be left out.
            checkpoint: What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before, and is given to the next attempt as `previous.checkpoint`.
            dead_letter: Whether a person should look if this was the last attempt.
            error: What went wrong.
            lock_token: The token of the claim's answer.
            log_url: Where the whole log is: a URL that begins with `http://` or `https://`.
            progress: How far the attempt is; replaces what was reported before.
            retry_after_seconds: How long to wait before it, in seconds, instead of the policy's delay; 0 to 31,622,400.
            retryable: Whether another attempt may help; true if absent.
            usage: What the attempt has used since it began. A field that is given replaces what was reported before.
        """
        answer: models.Event = await self._call(OPERATIONS["fail_event"], {"event_id": event_id, "session": session, "checkpoint": checkpoint, "dead_letter": dead_letter, "error": error, "lock_token": lock_token, "log": log, "log_url": log_url, "progress": progress, "retry_after_seconds": retry_after_seconds, "retryable": retryable, "usage": usage}, models.Event)
        return answer

    async def get_event_history(self, event_id: str) -> models.HistoryResponse:
        """Show every attempt of an event, and what people did to it.

        Args:
            event_id: The event.
        """
        answer: models.HistoryResponse = await self._call(OPERATIONS["get_event_history"], {"event_id": event_id}, models.HistoryResponse)
        return answer

    async def get_event_log(self, event_id: str, *, attempt: int | None = None) -> models.LogResponse:
        """Show the ends of the logs of an event's attempts.

        With `follow=true` the answer is a stream of server-sent events: `log` for what there is and what is
        appended, until the attempt ends, and `end` with its outcome. At most 100 callers follow at once.

        Args:
            event_id: The event.
            attempt: Only of the attempt with this number; of the newest ones if absent.
        """
        answer: models.LogResponse = await self._call(OPERATIONS["get_event_log"], {"event_id": event_id, "attempt": attempt}, models.LogResponse)
        return answer

    async def redrive_event(self, event_id: str, *, delay_seconds: float | None | UnsetType = UNSET, engine_version: str | None | UnsetType = UNSET, expires_after_seconds: int | None | UnsetType = UNSET, labels: Mapping[str, str | None] | None | UnsetType = UNSET, max_processing_seconds: int | None | UnsetType = UNSET, payload: Any | UnsetType = UNSET, priority: int | None | UnsetType = UNSET, progress_timeout_seconds: int | None | UnsetType = UNSET, queue: str | None | UnsetType = UNSET, required_capabilities: Sequence[str] | None | UnsetType = UNSET, required_memory_mb: int | None | UnsetType = UNSET, retry_policy: params.RetryPolicyPatch | None | UnsetType = UNSET, run_at: datetime | str | None | UnsetType = UNSET, visibility_timeout_seconds: int | None | UnsetType = UNSET) -> models.Event:
        """Put a failed or cancelled event back in its queue, with fresh budgets of retries and losses, and
        changed if the body says so. It may be left out.

        Args:
            event_id: The event.
            delay_seconds: Not to be claimed before so many seconds from now; 0 to 31,622,400; null for now.
            expires_after_seconds: How long after it comes due it is cancelled if it is queued then; 1 to 31,622,400; null for never. A redrive without it ends the expiry that the event had.
            max_processing_seconds: How long one attempt may take, renewals included; 1 to 2,592,000; null for what its type or queue says.
            payload: Replaces the payload, as a whole: any JSON of at most 256 KiB, null too.
            priority: 0 (first) to 9 (last); null for 5.
            progress_timeout_seconds: How long one attempt may go on without reporting progress; 1 to 2,592,000; null for what its type or queue says.
            queue: Another queue; null for `default`.
            required_capabilities: All that the engine must be capable of: at most 64 names; null for nothing.
            required_memory_mb: Memory that the engine must have free, in MiB; 1 to 2^30; null for none.
            retry_policy: Overrides single fields of the retry policy; one that is null is overridden no longer, and null overrides none.
            run_at: Not to be claimed before this moment; null for now. At most one of `run_at` and `delay_seconds`.
            visibility_timeout_seconds: How long a lock on it lasts unless extended; 1 to 604,800; null for what its type or queue says.
        """
        answer: models.Event = await self._call(OPERATIONS["redrive_event"], {"event_id": event_id, "delay_seconds": delay_seconds, "engine_version": engine_version, "expires_after_seconds": expires_after_seconds, "labels": labels, "max_processing_seconds": max_processing_seconds, "payload": payload, "priority": priority, "progress_timeout_seconds": progress_timeout_seconds, "queue": queue, "required_capabilities": required_capabilities, "required_memory_mb": required_memory_mb, "retry_policy": retry_policy, "run_at": run_at, "visibility_timeout_seconds": visibility_timeout_seconds}, models.Event)
        return answer

    async def release_event(self, event_id: str, *, lock_token: str, session: str | None = None, checkpoint: Any | UnsetType = UNSET, delay_seconds: float | None | UnsetType = UNSET, log: Sequence[str] | UnsetType = UNSET, log_url: str | None | UnsetType = UNSET, progress: params.AttemptProgress | None | UnsetType = UNSET, usage: params.AttemptUsage | None | UnsetType = UNSET) -> models.Event:
        """Give an event back, as if it had not been claimed.

        Args:
            event_id: The event.
            session: The session token that the registration of the lock's engine answered. Without access tokens it may be left out.
            checkpoint: What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before, and is given to the next attempt as `previous.checkpoint`.
            delay_seconds: How long nobody may claim it, in seconds; 0 to 31,622,400, 0 if absent.
            lock_token: The token of the claim's answer.
            log_url: Where the whole log is: a URL that begins with `http://` or `https://`.
            progress: How far the attempt is; replaces what was reported before.
            usage: What the attempt has used since it began. A field that is given replaces what was reported before.
        """
        answer: models.Event = await self._call(OPERATIONS["release_event"], {"event_id": event_id, "session": session, "checkpoint": checkpoint, "delay_seconds": delay_seconds, "lock_token": lock_token, "log": log, "log_url": log_url, "progress": progress, "usage": usage}, models.Event)
        return answer

    async def retry_event(self, event_id: str) -> models.Event:
        """Make an event that waits for its retry or its time available now.

        Args:
            event_id: The event.
        """
        answer: models.Event = await self._call(OPERATIONS["retry_event"], {"event_id": event_id}, models.Event)
        return answer

    async def release_idempotency_key(self, *, idempotency_key: str) -> models.ReleasedKey:
        """Release an idempotency key.

        The event that has it stays as it is, but for its key; the next enqueue with the key makes a new
        event.

        Args:
            idempotency_key: The key, as it was enqueued.
        """
        answer: models.ReleasedKey = await self._call(OPERATIONS["release_idempotency_key"], {"idempotency_key": idempotency_key}, models.ReleasedKey)
        return answer

    async def list_operations(self, *, limit: int | None = None, cursor: str | None = None) -> models.BulkOperationPage:
        """List operations, newest first: those that go on, and those that have ended within the last 30 days. A
        token with selectors is shown its own.

        Args:
            limit: Most items of the page; 1 to 1,000, 50 if absent.
            cursor: The `next_cursor` of the page before.
        """
        answer: models.BulkOperationPage = await self._call(OPERATIONS["list_operations"], {"limit": limit, "cursor": cursor}, models.BulkOperationPage)
        return answer

    async def iter_operations(self, *, limit: int | None = None) -> AsyncIterator[models.BulkOperation]:
        """Every item of `list_operations`, page after page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_operations(limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def create_operation(self, *, action: params.OperationAction, all: bool | UnsetType = UNSET, event_types: Sequence[str] | UnsetType = UNSET, filter: str | None | UnsetType = UNSET, force: bool | UnsetType = UNSET, limit: int | None | UnsetType = UNSET, rate_per_second: float | None | UnsetType = UNSET, reason: str | None | UnsetType = UNSET, stop_when_drained: bool | UnsetType = UNSET, until: datetime | str | None | UnsetType = UNSET) -> models.BulkOperation:
        """Create an operation, which goes on by itself from then on.

        All that match are written down, a page at a time, and then have their turns in the order in which
        they were found: events newest first, dead letters oldest first, engines by id. Those that come to
        match later are left alone. One that has moved on when it is its turn is a conflict: it stays as it
        is, is counted, and is listed with why. The operation goes on across restarts and on any server, with
        the selectors that the token had; when that is revoked, it ends.

        Args:
            action: What to do.
            all: Says that all of them are meant. Not together with a filter.
            event_types: Of `quarantine_engines`: the event types that it is for, at most 100; all if absent or empty.
            filter: On which ones, in the language of filters. One that matches all is refused unless `all` is true.
            force: Of `cancel_events`: whether to take the locks away from engines that work on them, instead of asking these to stop.
            limit: How many at most, the first in the operation's order; 1 to 1,000,000. Without one, more than 1,000,000 are refused.
            rate_per_second: How many have their turn each second at most; as many as the server can do if absent.
            reason: Why, for the history: at most 256 characters.
            stop_when_drained: Of `drain_engines`: whether the engines are to stop once their last lock is settled.
            until: Of `quarantine_engines`: when the quarantine ends by itself; never if absent.
        """
        answer: models.BulkOperation = await self._call(OPERATIONS["create_operation"], {"action": action, "all": all, "event_types": event_types, "filter": filter, "force": force, "limit": limit, "rate_per_second": rate_per_second, "reason": reason, "stop_when_drained": stop_when_drained, "until": until}, models.BulkOperation)
        return answer

    async def preview_operation(self, *, action: params.OperationAction, all: bool | UnsetType = UNSET, event_types: Sequence[str] | UnsetType = UNSET, filter: str | None | UnsetType = UNSET, force: bool | UnsetType = UNSET, limit: int | None | UnsetType = UNSET, rate_per_second: float | None | UnsetType = UNSET, reason: str | None | UnsetType = UNSET, stop_when_drained: bool | UnsetType = UNSET, until: datetime | str | None | UnsetType = UNSET) -> models.OperationPreview:
        """Say what an operation would be about at this moment: how many, and the first of them in its order.
        Nothing is changed.

        Args:
            action: What to do.
            all: Says that all of them are meant. Not together with a filter.
            event_types: Of `quarantine_engines`: the event types that it is for, at most 100; all if absent or empty.
            filter: On which ones, in the language of filters. One that matches all is refused unless `all` is true.
            force: Of `cancel_events`: whether to take the locks away from engines that work on them, instead of asking these to stop.
            limit: How many at most, the first in the operation's order; 1 to 1,000,000. Without one, more than 1,000,000 are refused.
            rate_per_second: How many have their turn each second at most; as many as the server can do if absent.
            reason: Why, for the history: at most 256 characters.
            stop_when_drained: Of `drain_engines`: whether the engines are to stop once their last lock is settled.
            until: Of `quarantine_engines`: when the quarantine ends by itself; never if absent.
        """
        answer: models.OperationPreview = await self._call(OPERATIONS["preview_operation"], {"action": action, "all": all, "event_types": event_types, "filter": filter, "force": force, "limit": limit, "rate_per_second": rate_per_second, "reason": reason, "stop_when_drained": stop_when_drained, "until": until}, models.OperationPreview)
        return answer

    async def get_operation(self, operation_id: str) -> models.BulkOperation:
        """Show one operation, as far as it is, with the last of its members that were not changed.

        Args:
            operation_id: The operation.
        """
        answer: models.BulkOperation = await self._call(OPERATIONS["get_operation"], {"operation_id": operation_id}, models.BulkOperation)
        return answer

    async def cancel_operation(self, operation_id: str) -> models.BulkOperation:
        """Cancel an operation: no further member has its turn. What was done stays done. One that has ended
        stays as it is.

        Args:
            operation_id: The operation.
        """
        answer: models.BulkOperation = await self._call(OPERATIONS["cancel_operation"], {"operation_id": operation_id}, models.BulkOperation)
        return answer

    async def list_operation_conflicts(self, operation_id: str, *, limit: int | None = None, cursor: str | None = None) -> models.UnchangedItemPage:
        """List the members of an operation that had their turn and were not changed, in its order, each with
        why.

        Args:
            operation_id: The operation.
            limit: Most items of the page; 1 to 1,000, 50 if absent.
            cursor: The `next_cursor` of the page before.
        """
        answer: models.UnchangedItemPage = await self._call(OPERATIONS["list_operation_conflicts"], {"operation_id": operation_id, "limit": limit, "cursor": cursor}, models.UnchangedItemPage)
        return answer

    async def iter_operation_conflicts(self, operation_id: str, *, limit: int | None = None) -> AsyncIterator[models.UnchangedItem]:
        """Every item of `list_operation_conflicts`, page after page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_operation_conflicts(operation_id, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def list_queues(self, *, limit: int | None = None, cursor: str | None = None) -> models.QueueSettingsPage:
        """List the queues that have settings or events, by name.

        Args:
            limit: Most items of the page; 1 to 1,000, 50 if absent.
            cursor: The `next_cursor` of the page before.
        """
        answer: models.QueueSettingsPage = await self._call(OPERATIONS["list_queues"], {"limit": limit, "cursor": cursor}, models.QueueSettingsPage)
        return answer

    async def iter_queues(self, *, limit: int | None = None) -> AsyncIterator[models.QueueSettings]:
        """Every item of `list_queues`, page after page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_queues(limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def get_queue(self, queue: str) -> models.QueueSettings:
        """Show what a queue sets.

        Args:
            queue: The queue.
        """
        answer: models.QueueSettings = await self._call(OPERATIONS["get_queue"], {"queue": queue}, models.QueueSettings)
        return answer

    async def set_queue(self, queue: str, *, hold_back_after_seconds: int | None | UnsetType = UNSET, max_processing_seconds: int | None | UnsetType = UNSET, paused: bool | UnsetType = UNSET, priority_aging_seconds: int | None | UnsetType = UNSET, progress_timeout_seconds: int | None | UnsetType = UNSET, quarantine: params.QuarantineMode | None | UnsetType = UNSET, retry_policy: params.RetryPolicyPatch | None | UnsetType = UNSET, visibility_timeout_seconds: int | None | UnsetType = UNSET, when_blocked: params.WhenBlocked | None | UnsetType = UNSET) -> models.QueueSettings:
        """Replace what a queue sets.

        Args:
            queue: The queue.
            hold_back_after_seconds: After how many seconds in which an event waits and others pass it an engine is held back for it; 0 to 2,592,000, and 0 for never.
            max_processing_seconds: How long one attempt may take, renewals included; 1 to 2,592,000. No limit if absent.
            paused: Whether its events are kept from being claimed.
            priority_aging_seconds: How many seconds make the priority of an event that waits one step better; 0 to 2,592,000, and 0 for never.
            progress_timeout_seconds: How long an attempt may go on without reporting progress; 1 to 2,592,000. No limit if absent.
            quarantine: What is done about engines that fail its events more than others do.
            retry_policy: Overrides single fields of the retry policy.
            visibility_timeout_seconds: How long a lock lasts unless extended; 1 to 604,800.
            when_blocked: What is done about its events that nobody can run for a while; nothing, if absent.
        """
        answer: models.QueueSettings = await self._call(OPERATIONS["set_queue"], {"queue": queue, "hold_back_after_seconds": hold_back_after_seconds, "max_processing_seconds": max_processing_seconds, "paused": paused, "priority_aging_seconds": priority_aging_seconds, "progress_timeout_seconds": progress_timeout_seconds, "quarantine": quarantine, "retry_policy": retry_policy, "visibility_timeout_seconds": visibility_timeout_seconds, "when_blocked": when_blocked}, models.QueueSettings)
        return answer

    async def delete_queue(self, queue: str) -> None:
        """Forget what a queue sets: the defaults hold again.

        Args:
            queue: The queue.
        """
        await self._call(OPERATIONS["delete_queue"], {"queue": queue}, None)

    async def pause_queue(self, queue: str, *, reason: str | None | UnsetType = UNSET) -> models.QueueSettings:
        """Keep the events of a queue from being claimed. The body may be left out.

        What is paused already goes on since then, with another reason if one is given.

        Args:
            queue: The queue.
            reason: Why; at most 256 characters.
        """
        answer: models.QueueSettings = await self._call(OPERATIONS["pause_queue"], {"queue": queue, "reason": reason}, models.QueueSettings)
        return answer

    async def resume_queue(self, queue: str) -> models.QueueSettings:
        """Let the events of a queue be claimed again.

        Args:
            queue: The queue.
        """
        answer: models.QueueSettings = await self._call(OPERATIONS["resume_queue"], {"queue": queue}, models.QueueSettings)
        return answer

    async def list_scenario_runs(self, *, limit: int | None = None, cursor: str | None = None) -> models.ScenarioRunPage:
        """List scenario runs by id, each with its counts.

        Args:
            limit: Most items of the page; 1 to 1,000, 50 if absent.
            cursor: The `next_cursor` of the page before.
        """
        answer: models.ScenarioRunPage = await self._call(OPERATIONS["list_scenario_runs"], {"limit": limit, "cursor": cursor}, models.ScenarioRunPage)
        return answer

    async def iter_scenario_runs(self, *, limit: int | None = None) -> AsyncIterator[models.ScenarioRun]:
        """Every item of `list_scenario_runs`, page after page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_scenario_runs(limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def get_scenario_run(self, scenario_run_id: str) -> models.ScenarioRun:
        """Show one scenario run, with the engines that hold locks on its events.

        Args:
            scenario_run_id: The scenario run.
        """
        answer: models.ScenarioRun = await self._call(OPERATIONS["get_scenario_run"], {"scenario_run_id": scenario_run_id}, models.ScenarioRun)
        return answer

    async def cancel_scenario_run(self, scenario_run_id: str, *, force: bool | UnsetType = UNSET, reason: str | None | UnsetType = UNSET) -> models.BulkOperation:
        """Cancel the events of a scenario run that are queued or processing at this moment: an operation, which
        goes on by itself.

        Engines that work on them are asked to stop; with `force`, their locks are taken away. Events that are
        enqueued into the run later are not cancelled. The operation is `cancel_events` with the filter
        `run:ID`: see `POST /v1/operations`. The body may be left out.

        Args:
            scenario_run_id: The scenario run.
            force: Whether to take the locks away from engines that work on its events, instead of asking these to stop.
            reason: Why, for the history: at most 256 characters.
        """
        answer: models.BulkOperation = await self._call(OPERATIONS["cancel_scenario_run"], {"scenario_run_id": scenario_run_id, "force": force, "reason": reason}, models.BulkOperation)
        return answer

    async def pause_scenario_run(self, scenario_run_id: str, *, reason: str | None | UnsetType = UNSET) -> models.ScenarioRun:
        """Keep the events of a scenario run from being claimed. The body may be left out.

        What engines hold already goes on. What is paused already goes on since then, with another reason if
        one is given. Events that are enqueued meanwhile are of the run, too, and wait.

        Args:
            scenario_run_id: The scenario run.
            reason: Why; at most 256 characters.
        """
        answer: models.ScenarioRun = await self._call(OPERATIONS["pause_scenario_run"], {"scenario_run_id": scenario_run_id, "reason": reason}, models.ScenarioRun)
        return answer

    async def resume_scenario_run(self, scenario_run_id: str) -> models.ScenarioRun:
        """Let the events of a scenario run be claimed again.

        Args:
            scenario_run_id: The scenario run.
        """
        answer: models.ScenarioRun = await self._call(OPERATIONS["resume_scenario_run"], {"scenario_run_id": scenario_run_id}, models.ScenarioRun)
        return answer

    async def get_stats(self) -> models.Stats:
        """Count events, engines and dead letters, in all and by queue and event type. Takes time in proportion
        to the lanes, not to the events.
        """
        answer: models.Stats = await self._call(OPERATIONS["get_stats"], {}, models.Stats)
        return answer

    async def list_engine_loads(self, *, status: params.EngineStatus | None = None, stopped: bool | None = None, engine_type: str | None = None, capability: str | None = None, filter: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.EngineLoadPage:
        """List what engines said of their load, minute by minute, in the last quarter of an hour.

        The engines are those that the list of engines has for the same filter and page. A server notes the
        load each minute, in memory: one that was started lately has less.

        Args:
            status: Only those with this status.
            stopped: Only those that are stopped, or with `false` only the others.
            engine_type: Only those of this type.
            capability: Only those that are capable of this.
            filter: Terms with blanks between them, all of which must hold, beside the other parameters: `queue:render age:>5m -run:*`. An event has `id`, `status`, `queue`, `type`, `engine`, `run`, `priority`, `key`, `attempts`, `error`, `error_code`, `group`, `reason`, `age`, `enqueued`, `available`, `finished`, `version`, `label.NAME` and `payload.PATH`; a dead letter `dead_lettered` too and no `status`; an engine `id`, `status`, `type`, `run`, `age`, `version`, `capability`, `host`, `stopped` and `silent`. Values are alternatives with commas between them: `a`, `a*`, `"a b"`, `~part`, `>5`, `<=5`, `*` for any; `-` before a term negates it. A term without a colon is an id or its beginning. To ask for something in payloads needs `events:read_payload`.
            limit: Most items of the page; 1 to 1,000, 50 if absent.
            cursor: The `next_cursor` of the page before.
        """
        answer: models.EngineLoadPage = await self._call(OPERATIONS["list_engine_loads"], {"status": status, "stopped": stopped, "engine_type": engine_type, "capability": capability, "filter": filter, "limit": limit, "cursor": cursor}, models.EngineLoadPage)
        return answer

    async def iter_engine_loads(self, *, status: params.EngineStatus | None = None, stopped: bool | None = None, engine_type: str | None = None, capability: str | None = None, filter: str | None = None, limit: int | None = None) -> AsyncIterator[models.EngineLoad]:
        """Every item of `list_engine_loads`, page after page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_engine_loads(status=status, stopped=stopped, engine_type=engine_type, capability=capability, filter=filter, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def list_lanes(self, *, limit: int | None = None, cursor: str | None = None) -> models.LaneStatsPage:
        """List lanes in the order in which they were made, each with its counts.

        Args:
            limit: Most items of the page; 1 to 1,000, 50 if absent.
            cursor: The `next_cursor` of the page before.
        """
        answer: models.LaneStatsPage = await self._call(OPERATIONS["list_lanes"], {"limit": limit, "cursor": cursor}, models.LaneStatsPage)
        return answer

    async def iter_lanes(self, *, limit: int | None = None) -> AsyncIterator[models.LaneStats]:
        """Every item of `list_lanes`, page after page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_lanes(limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def get_minutes(self, *, queue: str | None = None, event_type: str | None = None, from_: datetime | str | None = None, to: datetime | str | None = None, step_seconds: int | None = None, group_by: str | None = None) -> models.MinutesResponse:
        """Show what happened, minute by minute, of the last 72 hours.

        Each server counts in memory what it does, and adds it to the store every ten seconds: what others did
        shows so much later, and of a server that is killed the last seconds are missing. Events that
        applications enqueue in SQL are not counted as enqueued.

        Args:
            queue: Only of this queue.
            event_type: Only of this event type.
            from_: From this moment on; an hour before `to` if absent. What is older than 72 hours is not kept.
            to: Before this moment; now if absent.
            step_seconds: How long each step is: whole minutes, up to an hour. If absent, as long that there are 300 steps at most.
            group_by: Whether there is a series of each queue and event type, of each queue, of each event type, or of everything together.
        """
        answer: models.MinutesResponse = await self._call(OPERATIONS["get_minutes"], {"queue": queue, "event_type": event_type, "from_": from_, "to": to, "step_seconds": step_seconds, "group_by": group_by}, models.MinutesResponse)
        return answer

    async def get_overview(self) -> models.Overview:
        """Show the state of everything in a few numbers, and what needs a person, the most urgent first."""
        answer: models.Overview = await self._call(OPERATIONS["get_overview"], {}, models.Overview)
        return answer

    async def list_queue_activity(self) -> models.QueueActivityList:
        """Show what is in every queue by event type, how fast it goes, and whether engines serve it.

        Takes time in proportion to the lanes, not to the events.
        """
        answer: models.QueueActivityList = await self._call(OPERATIONS["list_queue_activity"], {}, models.QueueActivityList)
        return answer

    async def list_suspects(self) -> models.SuspectList:
        """List engines and versions that fail more than others do at the same work, the surest first.

        It is advice, by the attempts that this server has seen the end of since it was started.
        """
        answer: models.SuspectList = await self._call(OPERATIONS["list_suspects"], {}, models.SuspectList)
        return answer

    async def get_system(self) -> models.SystemInfo:
        """Show how this server is set up, where each setting comes from, and what a person should look after.

        Advice about tokens is for those who may read tokens.
        """
        answer: models.SystemInfo = await self._call(OPERATIONS["get_system"], {}, models.SystemInfo)
        return answer

    async def list_tokens(self, *, limit: int | None = None, cursor: str | None = None) -> models.TokenViewPage:
        """List tokens by accessor: those that are over, too, and none that reach further than your own.

        Args:
            limit: Most items of the page; 1 to 1,000, 50 if absent.
            cursor: The `next_cursor` of the page before.
        """
        answer: models.TokenViewPage = await self._call(OPERATIONS["list_tokens"], {"limit": limit, "cursor": cursor}, models.TokenViewPage)
        return answer

    async def iter_tokens(self, *, limit: int | None = None) -> AsyncIterator[models.TokenView]:
        """Every item of `list_tokens`, page after page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_tokens(limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def create_token(self, *, name: str, role: params.Role, allowed_addresses: Sequence[str] | UnsetType = UNSET, certificate_name: str | None | UnsetType = UNSET, expires_in_seconds: int | None | UnsetType = UNSET, not_before: datetime | str | None | UnsetType = UNSET, read_payloads: bool | UnsetType = UNSET, selectors: params.Selectors | UnsetType = UNSET) -> models.NewToken:
        """Make a token. Its text is answered this once; what is kept of it does not tell it.

        The first token of a store cannot be made by a call: `enginehouse token create --store` makes it, for
        whoever has the store.

        Args:
            allowed_addresses: From where it may be used: addresses and networks; from anywhere if absent. With them, it is not used by way of a Unix socket, unless a trusted proxy says from where.
            certificate_name: The name in the certificates of clients, whose calls need no other token then. Such a token has no text.
            expires_in_seconds: How long it is valid from then on: 30 days for an admin and 90 for all others if absent, ten years at most.
            name: What people call it. No other token that is not revoked may have the name.
            not_before: From when on it is valid; from now on if absent.
            read_payloads: Whether an operator may read payloads, results and error details, too. No other role takes it.
            role: What it is for.
            selectors: On what it may act; on everything if absent.
        """
        answer: models.NewToken = await self._call(OPERATIONS["create_token"], {"allowed_addresses": allowed_addresses, "certificate_name": certificate_name, "expires_in_seconds": expires_in_seconds, "name": name, "not_before": not_before, "read_payloads": read_payloads, "role": role, "selectors": selectors}, models.NewToken)
        return answer

    async def get_token(self, accessor: str) -> models.TokenView:
        """Show one token.

        Args:
            accessor: The token.
        """
        answer: models.TokenView = await self._call(OPERATIONS["get_token"], {"accessor": accessor}, models.TokenView)
        return answer

    async def revoke_token(self, accessor: str) -> models.TokenView:
        """Revoke a token: within a second no server takes it any more, and its requests that wait are ended.

        Args:
            accessor: The token.
        """
        answer: models.TokenView = await self._call(OPERATIONS["revoke_token"], {"accessor": accessor}, models.TokenView)
        return answer

    async def rotate_token(self, accessor: str, *, expires_in_seconds: int | None | UnsetType = UNSET, overlap_seconds: int | None | UnsetType = UNSET) -> models.NewToken:
        """Give a token a new secret and a new end. The present secret is taken for a while, too.

        A repeat gives it another one.

        Args:
            accessor: The token.
            expires_in_seconds: How long the token is valid from now on; as long as a new one of its role if absent.
            overlap_seconds: For how long the present secret is taken, too; a day if absent, 90 at most, 0 for not at all.
        """
        answer: models.NewToken = await self._call(OPERATIONS["rotate_token"], {"accessor": accessor, "expires_in_seconds": expires_in_seconds, "overlap_seconds": overlap_seconds}, models.NewToken)
        return answer

    async def whoami(self) -> models.WhoAmI:
        """Show who you are: your token, and what it permits. Any token may ask."""
        answer: models.WhoAmI = await self._call(OPERATIONS["whoami"], {}, models.WhoAmI)
        return answer
