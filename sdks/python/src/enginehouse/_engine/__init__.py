"""An engine's whole life: register, claim, run a handler for each event, settle, shut down in good order.

Three tasks do the talking, on an event loop of a thread of their own, so that no handler can keep them waiting:

- **exchange** sends the results of handlers. One call settles all that have gathered, and claims as many events as that makes room
  for: with a backlog, an engine with one slot makes one call per event. A heartbeat that is due goes along.
- **claims** has the slots that no result made room for. When nothing is ready, it waits on the server for the first event.
- **heartbeat** keeps the engine and its locks alive by a call of its own whenever no exchange has done so in time: beside a handler
  that runs for an hour, and beside a claim that waits for a minute.

**Only claims wait.** The server answers a whole exchange at once or, if it contains a claim that waits, when that wait is over. So a
result or a heartbeat never shares a call with a wait, or the engine would learn only a minute later that its result was refused or its
lock was lost. To cancel the wait instead would be wrong: its answer may be on the way, with locks that the engine would not know of.

**One claim at a time.** While a claim waits, an exchange claims nothing: whatever became ready went to the waiting claim. At shutdown,
events that a claim under way still brings are released, not lost.

**What is repeated.** A settle is repeated until the server has answered it, which is safe: the lock's token makes a second one the same
as the first. If the answer to a claim is lost, nothing here knows its locks; no heartbeat lists them, so the server releases them after
two. A server that is away stops none of the tasks: handlers work on, and the server decides afterwards whether a lock was lost.
"""
