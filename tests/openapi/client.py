"""A client that openapi-python-client has made works off an event. Everything is typed: mypy checks this file strictly."""

import sys
from http import HTTPStatus

from enginehouse_generated import AuthenticatedClient
from enginehouse_generated.api.engines import claim_events, register_engine
from enginehouse_generated.api.events import enqueue_event, list_events
from enginehouse_generated.api.settling import complete_event
from enginehouse_generated.models.claim_request import ClaimRequest
from enginehouse_generated.models.claim_response import ClaimResponse
from enginehouse_generated.models.code import Code
from enginehouse_generated.models.complete_request import CompleteRequest
from enginehouse_generated.models.engine import Engine
from enginehouse_generated.models.enqueue_request import EnqueueRequest
from enginehouse_generated.models.enqueue_response import EnqueueResponse
from enginehouse_generated.models.event import Event
from enginehouse_generated.models.event_page import EventPage
from enginehouse_generated.models.event_status import EventStatus
from enginehouse_generated.models.problem import Problem
from enginehouse_generated.models.register_request import RegisterRequest

# The server has no tokens yet, so it takes any, and no one is needed; but what needs one is typed so.
client = AuthenticatedClient(base_url=sys.argv[1], token="none")

engine = register_engine.sync("python-1", client=client, body=RegisterRequest(engine_type="generated"))
assert isinstance(engine, Engine), engine

enqueued = enqueue_event.sync(client=client, body=EnqueueRequest(event_type="generated.python", payload={"n": 1}))
assert isinstance(enqueued, EnqueueResponse), enqueued

claimed = claim_events.sync(
    "python-1", client=client, body=ClaimRequest(epoch=engine.epoch, event_types=["generated.python"], wait_seconds=5)
)
assert isinstance(claimed, ClaimResponse), claimed
[event] = claimed.events
assert event.event_id == enqueued.event_id
assert event.payload == {"n": 1}

# Refused: the error is a problem with a code, not nothing.
stale = event.lock.token[:-1] + ("0" if event.lock.token[-1] != "0" else "1")
refused = complete_event.sync_detailed(event.event_id, client=client, body=CompleteRequest(lock_token=stale))
assert refused.status_code == HTTPStatus.CONFLICT
problem = refused.parsed
assert isinstance(problem, Problem), problem
assert problem.code is Code.LOCK_LOST
assert problem.event_status is EventStatus.PROCESSING

invalid = enqueue_event.sync(client=client, body=EnqueueRequest(event_type="no name", priority=12))
assert isinstance(invalid, Problem), invalid
assert isinstance(invalid.errors, list)
assert [error.pointer for error in invalid.errors] == ["/event_type", "/priority"]

done = complete_event.sync(
    event.event_id, client=client, body=CompleteRequest(lock_token=event.lock.token, result={"ok": True})
)
assert isinstance(done, Event), done
assert done.status is EventStatus.COMPLETED
assert done.lock is None

page = list_events.sync(client=client, event_type="generated.python", status=EventStatus.COMPLETED)
assert isinstance(page, EventPage), page
assert [listed.event_id for listed in page.items] == [event.event_id]
assert page.next_cursor is None

print("registered, enqueued, claimed, refused, completed, listed")
