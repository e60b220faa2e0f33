// Generated from openapi.json by tools/generate.mjs: `npm run generate` writes it anew.

export interface paths {
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process lives: then it answers. */
        get: operations["get_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Metrics for Prometheus: its text format, or OpenMetrics if `Accept` names that. */
        get: operations["get_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the server is ready to serve: its store can be read and written, and it is not about to stop. */
        get: operations["get_readiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what people did, and what they were kept from, newest first.
         * @description Changes that engines make as they work are not in it: metrics and the histories of events have those.
         */
        get: operations["list_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/chain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the audit log in the order of its chain, oldest first: to keep a copy, and to verify that nobody has changed it.
         * @description The hash of an entry covers what it says and the hash of the one before it. `enginehouse audit verify` compares them.
         */
        get: operations["read_audit_chain"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/blocked": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the lanes in which events wait, the worst first, each explained: those that no engine could ever run, then those that a
         *     person has to free, then those that time frees, and last those that an engine could run now. Of each kind, the one whose
         *     first event has waited longest comes first.
         */
        get: operations["list_blocked"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/clock/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say that the clock is right after it has leapt ahead: finished events are deleted again when their retention ends. */
        post: operations["accept_clock"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List dead letters, newest event first. */
        get: operations["list_dead_letters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/discard": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give up on all dead letters that match. The events stay failed.
         * @description Those that come to be while it runs are left alone. It goes on if the caller hangs up.
         */
        post: operations["discard_dead_letters"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show what a bulk redrive or discard would touch, in its order. Nothing is changed. */
        get: operations["preview_dead_letters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/redrive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Put all dead letters that match back in their queues, at a given rate.
         * @description Those that come to be while it runs are left alone. It goes on if the caller hangs up.
         */
        post: operations["redrive_dead_letters"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Group dead letters by event type and error, the largest group first; at most 1,000 groups. */
        get: operations["summarize_dead_letters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{event_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show one dead letter. */
        get: operations["get_dead_letter"];
        put?: never;
        post?: never;
        /** Give up on a dead letter. The event stays failed. The body may be left out. */
        delete: operations["discard_dead_letter"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{event_id}/redrive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Put a dead letter back in its queue, with a fresh retry budget, and changed if the body says so. It may be left out. */
        post: operations["redrive_dead_letter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/engines": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List engines by id. */
        get: operations["list_engines"];
        put?: never;
        /**
         * Register an engine under an id that the server makes.
         * @description A repeat registers another one.
         */
        post: operations["register_new_engine"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/engines/{engine_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show one engine, with its locks. */
        get: operations["get_engine"];
        /**
         * Register an engine, for the first time or again.
         * @description Each registration begins a new epoch; the locks of the older one are lost.
         */
        put: operations["register_engine"];
        post?: never;
        /**
         * Deregister an engine, in good order.
         * @description What it holds is back in its queue at once, as after a release: a goodbye is no loss.
         */
        delete: operations["deregister_engine"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/engines/{engine_id}/claim": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Claim up to `limit` events that the engine may process, each under a lock. */
        post: operations["claim_events"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/engines/{engine_id}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give an engine no new events. The body may be left out. */
        post: operations["drain_engine"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/engines/{engine_id}/exchange": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Settle, send a heartbeat and claim, in one round trip and one transaction: an engine's whole loop.
         * @description Every part is optional. If the epoch is over, nothing of it is done. A settlement with a bad field is refused by itself.
         */
        post: operations["exchange"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/engines/{engine_id}/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Say what an engine could claim now, what keeps it from more, and which single change would open most. */
        get: operations["explain_engine"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/engines/{engine_id}/heartbeat": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a heartbeat: stay alive, keep locks, learn what has changed.
         * @description It counts even if `dynamic_state` or a lock token is wrong: that is left out, and `errors` says why.
         */
        post: operations["heartbeat"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/engines/{engine_id}/lift": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lift the quarantine of an engine. If it is in none, nothing happens. */
        post: operations["lift_quarantine"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/engines/{engine_id}/quarantine": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Keep an engine from events, or from those of some types, without stopping it; in place of a quarantine that it is in.
         * @description It finishes what it holds. The quarantine stays when the engine registers anew, until its end or until it is lifted.
         */
        post: operations["quarantine_engine"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/engines/{engine_id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give a draining engine events again. */
        post: operations["resume_engine"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/event-types": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the event types that have settings or events, by name. */
        get: operations["list_event_types"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/event-types/{event_type}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show what an event type sets, and how long its events waited and took. */
        get: operations["get_event_type"];
        /** Replace what an event type sets. */
        put: operations["set_event_type"];
        post?: never;
        /** Forget what an event type sets: what its queue sets holds again, or the defaults. */
        delete: operations["delete_event_type"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/event-types/{event_type}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Keep the events of a type from being claimed. The body may be left out.
         * @description What is paused already goes on since then, with another reason if one is given.
         */
        post: operations["pause_event_type"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/event-types/{event_type}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let the events of a type be claimed again. */
        post: operations["resume_event_type"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List events, newest first. */
        get: operations["list_events"];
        put?: never;
        /**
         * Enqueue one event.
         * @description With an `idempotency_key`, a repeat is safe: as long as the event is kept, the same request answers with it and
         *     `duplicate: true`. The header `Idempotency-Key` is the same as the field.
         *
         *     With `wait_seconds` the answer comes once the event has completed, failed or been cancelled, or when the time is over, and has
         *     the event as it is then. It was stored long before: whoever hangs up loses nothing but the answer.
         */
        post: operations["enqueue_event"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Enqueue many events.
         * @description As `application/json`: up to 10,000 events, all or nothing; with `"atomic": false` each has its own answer. As
         *     `application/x-ndjson`: one event per line, of any number; the good lines are stored and the bad ones named. If a stream breaks off, what was stored stays stored, and the
         *     problem says how many lines were dealt with.
         */
        post: operations["enqueue_batch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel all events that match, newest first: the queued ones, then those that are processing.
         * @description It is about at most `limit` events: repeat it with its `next_cursor` until that is null. To repeat a call is safe. With
         *     `dry_run` it says which events it would be about, in its order, and does nothing. Events that come to match later are left alone.
         */
        post: operations["cancel_events"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make all queued events that match, and that wait for a retry or their time, available now, newest first.
         * @description It is about at most `limit` events: repeat it with its `next_cursor` until that is null. To repeat a call is safe. With
         *     `dry_run` it says which events it would be about, in its order, and does nothing. Events that come to match later are left alone.
         */
        post: operations["retry_events"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/settle": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Settle many events, each with its own answer.
         * @description A settlement with a bad field is refused by itself.
         */
        post: operations["settle_events"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{event_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show one event; with `wait_seconds`, once it has completed, failed or been cancelled, or as it is when the time is over. */
        get: operations["get_event"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change an event that waits: its payload, priority, queue, requirements, time, labels or policy.
         * @description The body is a JSON merge patch: a field that is absent stays as it is, and one that is null is as if it had been left out
         *     at the enqueue. An event that waits for a retry is queued, too. Of any other, the status is answered.
         */
        patch: operations["change_event"];
        trace?: never;
    };
    "/v1/events/{event_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel an event.
         * @description A queued one is cancelled at once. Of one that is being processed, the engine is told at its next heartbeat; if it
         *     settles it nevertheless, that counts. With `force` its lock is taken away at once. The body may be left out.
         */
        post: operations["cancel_event"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{event_id}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Report that an event is done.
         * @description A repeat with the same token answers the same.
         */
        post: operations["complete_event"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{event_id}/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Say why an event does not run now.
         * @description Of a queued event: every gate between it and an engine, how many engines pass each, which engines nearly could run it, and
         *     the smallest change that would let it run. Of any other: what has become of it.
         */
        get: operations["explain_event"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{event_id}/extend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keep a lock for so long from now. */
        post: operations["extend_lock"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{event_id}/fail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Report that an attempt failed.
         * @description By the retry policy the event waits for another attempt, or has finally failed. A repeat with the same token answers
         *     the same.
         */
        post: operations["fail_event"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{event_id}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show every attempt of an event, and what people did to it. */
        get: operations["get_event_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{event_id}/log": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the ends of the logs of an event's attempts.
         * @description With `follow=true` the answer is a stream of server-sent events: `log` for what there is and what is appended, until the attempt
         *     ends, and `end` with its outcome. At most 100 callers follow at once.
         */
        get: operations["get_event_log"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{event_id}/redrive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Put a failed or cancelled event back in its queue, with fresh budgets of retries and losses, and changed if the body says
         *     so. It may be left out.
         */
        post: operations["redrive_event"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{event_id}/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give an event back, as if it had not been claimed. */
        post: operations["release_event"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{event_id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make an event that waits for its retry or its time available now. */
        post: operations["retry_event"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/idempotency-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Release an idempotency key.
         * @description The event that has it stays as it is, but for its key; the next enqueue with the key makes a new event.
         */
        delete: operations["release_idempotency_key"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List operations, newest first: those that go on, and those that have ended within the last 30 days. A token with selectors is
         *     shown its own.
         */
        get: operations["list_operations"];
        put?: never;
        /**
         * Create an operation, which goes on by itself from then on.
         * @description All that match are written down, a page at a time, and then have their turns in the order in which they were found: events newest
         *     first, dead letters oldest first, engines by id. Those that come to match later are left alone. One that has moved on when it is
         *     its turn is a conflict: it stays as it is, is counted, and is listed with why. The operation goes on across restarts and on any
         *     server, with the selectors that the token had; when that is revoked, it ends.
         */
        post: operations["create_operation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operations/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say what an operation would be about at this moment: how many, and the first of them in its order. Nothing is changed. */
        post: operations["preview_operation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operations/{operation_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show one operation, as far as it is, with the last of its members that were not changed. */
        get: operations["get_operation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operations/{operation_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancel an operation: no further member has its turn. What was done stays done. One that has ended stays as it is. */
        post: operations["cancel_operation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operations/{operation_id}/conflicts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the members of an operation that had their turn and were not changed, in its order, each with why. */
        get: operations["list_operation_conflicts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/queues": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the queues that have settings or events, by name. */
        get: operations["list_queues"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/queues/{queue}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show what a queue sets. */
        get: operations["get_queue"];
        /** Replace what a queue sets. */
        put: operations["set_queue"];
        post?: never;
        /** Forget what a queue sets: the defaults hold again. */
        delete: operations["delete_queue"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/queues/{queue}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Keep the events of a queue from being claimed. The body may be left out.
         * @description What is paused already goes on since then, with another reason if one is given.
         */
        post: operations["pause_queue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/queues/{queue}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let the events of a queue be claimed again. */
        post: operations["resume_queue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/scenario-runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List scenario runs by id, each with its counts. */
        get: operations["list_scenario_runs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/scenario-runs/{scenario_run_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show one scenario run, with the engines that hold locks on its events. */
        get: operations["get_scenario_run"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/scenario-runs/{scenario_run_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel the events of a scenario run that are queued or processing at this moment: an operation, which goes on by itself.
         * @description Engines that work on them are asked to stop; with `force`, their locks are taken away. Events that are enqueued into the run
         *     later are not cancelled. The operation is `cancel_events` with the filter `run:ID`: see `POST /v1/operations`. The body may be
         *     left out.
         */
        post: operations["cancel_scenario_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/scenario-runs/{scenario_run_id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Keep the events of a scenario run from being claimed. The body may be left out.
         * @description What engines hold already goes on. What is paused already goes on since then, with another reason if one is given. Events that
         *     are enqueued meanwhile are of the run, too, and wait.
         */
        post: operations["pause_scenario_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/scenario-runs/{scenario_run_id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let the events of a scenario run be claimed again. */
        post: operations["resume_scenario_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count events, engines and dead letters, in all and by queue and event type. Takes time in proportion to the lanes, not to
         *     the events.
         */
        get: operations["get_stats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stats/engines": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what engines said of their load, minute by minute, in the last quarter of an hour.
         * @description The engines are those that the list of engines has for the same filter and page. A server notes the load each minute, in
         *     memory: one that was started lately has less.
         */
        get: operations["list_engine_loads"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stats/lanes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List lanes in the order in which they were made, each with its counts. */
        get: operations["list_lanes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stats/minutes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show what happened, minute by minute, of the last 72 hours.
         * @description Each server counts in memory what it does, and adds it to the store every ten seconds: what others did shows so much later, and
         *     of a server that is killed the last seconds are missing. Events that applications enqueue in SQL are not counted as enqueued.
         */
        get: operations["get_minutes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stats/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show the state of everything in a few numbers, and what needs a person, the most urgent first. */
        get: operations["get_overview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stats/queues": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show what is in every queue by event type, how fast it goes, and whether engines serve it.
         * @description Takes time in proportion to the lanes, not to the events.
         */
        get: operations["list_queue_activity"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow what changes: server-sent events, each topic about once a second at most.
         * @description A part of the stream is an event with the name of its topic and one JSON object: `kind` is `snapshot` for all there is and
         *     `changes` for what differs since the part before, `items` has what is there or has changed, `gone` the keys of what is not
         *     there any more, `as_of` the moment, `more` whether there is more than is told of. Items of `overview` are one `Overview`, of
         *     `engines` an `Engine` each, of `queues` a `QueueActivity` each, of `runs` a `ScenarioRun` each, of `event:ID` one `Event`. The
         *     header `Last-Event-ID` goes on behind a part that was seen; where that cannot be, an event `reset` names topics in `topics`,
         *     whose snapshots follow.
         */
        get: operations["follow_topics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/suspects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List engines and versions that fail more than others do at the same work, the surest first.
         * @description It is advice, by the attempts that this server has seen the end of since it was started.
         */
        get: operations["list_suspects"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/system": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show how this server is set up, where each setting comes from, and what a person should look after.
         * @description Advice about tokens is for those who may read tokens.
         */
        get: operations["get_system"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List tokens by accessor: those that are over, too, and none that reach further than your own. */
        get: operations["list_tokens"];
        put?: never;
        /**
         * Make a token. Its text is answered this once; what is kept of it does not tell it.
         * @description The first token of a store cannot be made by a call: `enginehouse token create --store` makes it, for whoever has the store.
         */
        post: operations["create_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens/{accessor}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show one token. */
        get: operations["get_token"];
        put?: never;
        post?: never;
        /** Revoke a token: within a second no server takes it any more, and its requests that wait are ended. */
        delete: operations["revoke_token"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens/{accessor}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a token a new secret and a new end. The present secret is taken for a while, too.
         * @description A repeat gives it another one.
         */
        post: operations["rotate_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/whoami": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show who you are: your token, and what it permits. Any token may ask. */
        get: operations["whoami"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description The public part of a token, which names it.
         * @example k3jq7xw2m5ab
         */
        Accessor: string;
        /** @description Something that a person did to an event. */
        Action: {
            /** @description What: `cancel`, `retry`, `change`, `redrive`, `discard`, `release_key`; or `expire`, which time did. */
            action: string;
            /** @description When. */
            at: components["schemas"]["Timestamp"];
            /** @description Who: the accessor of a token, `anyone` where there are no tokens, or `server` for what it does by itself. */
            by: string;
            /** @description Anything more about it. */
            detail: string | null;
        };
        /** @description How fast the work goes: of the last whole minute, and the one that has begun. */
        ActivityRates: {
            /**
             * Format: double
             * @description Events that were given to engines.
             */
            claimed_per_second: number;
            /**
             * Format: double
             * @description Attempts that completed their events.
             */
            completed_per_second: number;
            /**
             * Format: double
             * @description Events that were enqueued.
             */
            enqueued_per_second: number;
            /**
             * Format: double
             * @description Attempts that failed or took too long.
             */
            failed_per_second: number;
            /**
             * Format: double
             * @description Attempts that ended because their locks were lost.
             */
            lost_per_second: number;
            /** @description From a claim to the end of the attempt; null if none has ended. */
            processing: components["schemas"]["DurationFigures"] | null;
            /** @description From when an event could be claimed to its claim; null if none was claimed. */
            waiting: components["schemas"]["DurationFigures"] | null;
        };
        /**
         * @description Whether events of the engine's current scenario run come first.
         * @enum {string}
         */
        Affinity: "prefer" | "require" | "none";
        /** @description Whether a request has changed anything: `false`, or `"unknown"`. */
        Applied: false | "unknown";
        /** @description One attempt. */
        Attempt: {
            /**
             * Format: int32
             * @description Its number, counted from 1.
             */
            attempt: number;
            /** @description When it began. */
            claimed_at: components["schemas"]["Timestamp"];
            /**
             * Format: date-time
             * @description When it ended; null while it is under way.
             * @example 2026-11-23T10:00:00.000Z
             */
            ended_at: string | null;
            /** @description Who made it. */
            engine_id: components["schemas"]["EngineId"];
            /** @description The version of the engine's software, as it was registered when it claimed the event. */
            engine_software_version: string | null;
            /** @description What went wrong. */
            error: components["schemas"]["AttemptError"] | null;
            /** @description Where its whole log is, if its engine has said so; else null. */
            log_url: string | null;
            /** @description How it ended; null while it is under way. */
            outcome: components["schemas"]["AttemptOutcome"] | null;
            /** @description How far it has come, as its engine has reported it; null if it has not. */
            progress: components["schemas"]["EventProgress"] | null;
            /** @description What it has used, as far as its engine has reported it; null if it has not. */
            usage: components["schemas"]["AttemptUsage"] | null;
            /**
             * Format: double
             * @description How long the event had been available before.
             */
            waited_seconds: number;
        };
        /** @description What went wrong in one attempt. */
        AttemptError: {
            /** @description A stable word for programs, such as `timed_out`. */
            code?: string | null;
            /** @description Anything more, as JSON of at most 16 KiB. */
            details?: components["schemas"]["RawJson"];
            /**
             * @description A sentence for people, or what a program has printed. Of one that is longer than 8 KiB, the beginning and the end
             *     are kept.
             */
            message: string;
        };
        /** @description The end of the log of one attempt. */
        AttemptLog: {
            /**
             * Format: int32
             * @description The attempt's number.
             */
            attempt: number;
            /** @description Who made it. */
            engine_id: components["schemas"]["EngineId"];
            /** @description How it ended; null while it is under way. */
            outcome: components["schemas"]["AttemptOutcome"] | null;
            /** @description Its last lines, each with its end. */
            text: string;
            /**
             * Format: int64
             * @description How many bytes the log has had in all. If that is more than there are here, its beginning was not kept.
             */
            total_bytes: number;
        };
        /**
         * @description How an attempt ended.
         * @enum {string}
         */
        AttemptOutcome: "completed" | "failed" | "timed_out" | "stuck" | "lost" | "released";
        /** @description How far an attempt is. */
        AttemptProgress: {
            /** @description In words; cut after 500 characters. */
            message?: string | null;
            /**
             * Format: double
             * @description From 0 to 100, kept to the hundredth.
             */
            percent?: number | null;
        };
        /** @description What an attempt has used. */
        AttemptUsage: {
            /**
             * Format: double
             * @description Processor time in seconds, kept to the millisecond.
             */
            cpu_seconds?: number | null;
            /**
             * Format: double
             * @description Time on graphics processors in seconds, kept to the millisecond.
             */
            gpu_seconds?: number | null;
            /**
             * Format: double
             * @description The most memory it has had at once, in MiB, kept to the KiB.
             */
            max_memory_mb?: number | null;
        };
        /** @description Something that needs a person. */
        AttentionItem: {
            /**
             * Format: int64
             * @description How many events, locks, engines or dead letters it is about.
             */
            count: number;
            /**
             * @description The engine that it is about; null if it is about none.
             * @example renderer-1
             */
            engine_id: string | null;
            /**
             * Format: uuid
             * @description An event that shows it; null if there is none.
             * @example 0193f2a0-7c4e-7000-8000-000000000000
             */
            event_id: string | null;
            /**
             * @description The event type that it is about; null if it is about none, or several.
             * @example frame.render
             */
            event_type: string | null;
            /** @description What kind of thing it is. */
            kind: components["schemas"]["AttentionKind"];
            /**
             * @description The queue that it is about; null if it is about none.
             * @example default
             */
            queue: string | null;
            /**
             * Format: date-time
             * @description Since when; null if that is not known.
             * @example 2026-11-23T10:00:00.000Z
             */
            since: string | null;
            /** @description One sentence that a person can act on. */
            summary: string;
        };
        /**
         * @description What kind of thing needs a person.
         * @enum {string}
         */
        AttentionKind: "store_damaged" | "disk_low" | "lane_impossible" | "lane_blocked" | "engine_lost" | "locks_lost" | "dead_letters_grow" | "suspect" | "events_wait" | "pruning_held";
        /** @description Entries of the audit log in the order of the chain, with what the store says of its ends. */
        AuditChain: {
            /** @description The newest that was deleted because its retention was over: from it the chain goes on. Null if none was. */
            deleted: components["schemas"]["AuditLink"] | null;
            /**
             * @description The newest entry that is linked; null if there never was one. Keep a copy of its hash where nobody who may write to the store
             *     can change it.
             */
            head: components["schemas"]["AuditLink"] | null;
            /** @description Entries from behind `after` on. Once they reach `head`, no more follow. */
            items: components["schemas"]["AuditItem"][];
            /**
             * Format: int64
             * @description How many entries are not linked yet.
             */
            unlinked: number;
        };
        /** @description Something that somebody did, or was kept from. */
        AuditItem: {
            /** @description What, such as `queue.pause`; of a call that was denied, the permission that is missing. */
            action: string;
            /** @description From which address the request came. */
            address: string | null;
            /** @description When. */
            at: components["schemas"]["Timestamp"];
            /**
             * Format: int64
             * @description The number that it was given when it was written.
             */
            audit_id: number;
            /** @description Anything more, as an object: of settings, what they were before and are after. Never a payload or a secret. */
            detail: components["schemas"]["RawJson"];
            /** @description Its hash, over what it says and the hash of the entry before it. */
            hash: string | null;
            /** @description Whether it was done. */
            outcome: components["schemas"]["AuditOutcome"];
            /**
             * Format: int64
             * @description Its place in the chain, from 1; null until it is linked, which follows within a few seconds.
             */
            position: number | null;
            /**
             * @description Who: the accessor of a token, `anyone` where there are no tokens, `store` for whoever has opened the store itself, or `server`
             *     for what it does by itself.
             */
            principal: string;
            /** @description The id of the request, as the access log has it; null if nobody has sent one. */
            request_id: string | null;
            /** @description To which event, engine, event type, queue or token, by its id or name; of something that was denied, the call. */
            target: string;
        };
        /** @description One page of a list. */
        AuditItemPage: {
            /** @description At most `limit` items, in the order of the list. */
            items: components["schemas"]["AuditItem"][];
            /** @description Send it as `cursor` to get the next page; null on the last one. Opaque. */
            next_cursor: string | null;
        };
        /** @description A place in the chain of the audit log. */
        AuditLink: {
            /** @description The hash of the entry there. */
            hash: string;
            /**
             * Format: int64
             * @description Counts from 1, without a gap.
             */
            position: number;
        };
        /**
         * @description How something ended that somebody asked for.
         * @enum {string}
         */
        AuditOutcome: "done" | "denied";
        /** @description A suspect engine is kept from events of one type for a while, and then tried with one. */
        AutomaticQuarantine: {
            event_type: components["schemas"]["EventType"];
            /**
             * Format: date-time
             * @description When it has completed an event again; null while it has not.
             * @example 2026-11-23T10:00:00.000Z
             */
            over_at: string | null;
            /** @description What speaks against the engine. */
            reason: string;
            /** @description Since when. */
            since: components["schemas"]["Timestamp"];
            /**
             * Format: int32
             * @description How often it was quarantined for this type in a row. Each time is twice as long as the one before: from 1 to 60 minutes.
             */
            times: number;
            /** @description From when on the engine is given one event of the type at a time, until it completes one. */
            until: components["schemas"]["Timestamp"];
        };
        /** @description What became of a batch: each event, or counts and bad lines. */
        BatchAnswer: components["schemas"]["BatchResponse"] | components["schemas"]["NdjsonResponse"];
        /** @description Up to 10,000 events: all or nothing, or each by itself. */
        BatchRequest: {
            /** @description Whether one event that is refused refuses all; true if absent. If false, each has its own answer. */
            atomic?: boolean | null;
            /** @description The events: 1 to 10,000. */
            events: components["schemas"]["EnqueueRequest"][];
        };
        /** @description What became of a batch. */
        BatchResponse: {
            /**
             * Format: int64
             * @description How many were there before, by their idempotency keys.
             */
            duplicates: number;
            /**
             * Format: int64
             * @description How many events are new.
             */
            enqueued: number;
            /** @description One for each event of the request, in its order. */
            events: components["schemas"]["BatchedEvent"][];
            /**
             * Format: int64
             * @description How many were refused: none of a batch that is all or nothing.
             */
            rejected: number;
            /** @description What the producer should know, each thing once. */
            warnings: components["schemas"]["Warning"][];
        };
        /** @description One event of a batch. */
        BatchedEvent: {
            /** @description Whether the event was there before this request. */
            duplicate: boolean;
            /** @description Why it was refused; absent if it was not. */
            error?: components["schemas"]["Problem"];
            /**
             * Format: uuid
             * @description The event: the new one, or the one that has the same idempotency key; null if it was refused.
             * @example 0193f2a0-7c4e-7000-8000-000000000000
             */
            event_id: string | null;
        };
        /**
         * @description What is done about events that nobody can run.
         * @enum {string}
         */
        BlockedAction: "alert" | "dead_letter" | "cancel";
        /** @description A lane in which something waits, and why. */
        BlockedLane: {
            /** @description As of when, by the store's clock. A large fleet is looked at anew every few seconds. */
            as_of: components["schemas"]["Timestamp"];
            /** @description The range that an engine's version must lie in. */
            engine_version: string | null;
            /** @description How far it gets with the fleet. */
            engines: components["schemas"]["ExplainedEngines"];
            /** @description The kind of work. */
            event_type: components["schemas"]["EventType"];
            /**
             * Format: uuid
             * @description The first of them; null if it was claimed meanwhile.
             * @example 0193f2a0-7c4e-7000-8000-000000000000
             */
            first_event_id: string | null;
            /** @description Every gate, in the order in which they are asked. */
            gates: components["schemas"]["ExplainedGate"][];
            /**
             * Format: date-time
             * @description Since when that has been due, or from when on it will be.
             * @example 2026-11-23T10:00:00.000Z
             */
            oldest_available_at: string | null;
            /**
             * Format: int32
             * @description 0 (first) to 9 (last).
             */
            priority: number;
            /** @description The queue. */
            queue: components["schemas"]["QueueName"];
            /**
             * Format: int64
             * @description How many events wait there, due or not.
             */
            queued: number;
            /** @description What an engine must be capable of. */
            required_capabilities: components["schemas"]["Capability"][];
            /**
             * Format: int64
             * @description Memory that an engine must have free, in MiB.
             */
            required_memory_mb: number | null;
            /** @description What would let it run now, step by step; empty if nothing has to change. */
            smallest_change: components["schemas"]["ChangeView"][];
            /** @description One sentence that a person can act on. */
            summary: string;
            /** @description What holds it, in one word. */
            verdict: components["schemas"]["Verdict"];
        };
        /** @description One page of a list. */
        BlockedLanePage: {
            /** @description At most `limit` items, in the order of the list. */
            items: components["schemas"]["BlockedLane"][];
            /** @description Send it as `cursor` to get the next page; null on the last one. Opaque. */
            next_cursor: string | null;
        };
        /** @description Cancel all events that match and can be cancelled, newest first: the queued ones, then those that are processing. */
        BulkCancelRequest: {
            /** @description Says that every event is meant. Not together with a filter. */
            all?: boolean;
            /**
             * Format: cursor
             * @description The `next_cursor` of the call before.
             */
            cursor?: string | null;
            /** @description Whether to say what would be done, and do nothing. */
            dry_run?: boolean;
            /** @description Which ones. One that matches all is refused unless `all` is true. */
            filter?: components["schemas"]["EventFilter"];
            /** @description Whether to take the locks away from engines that work on them, instead of asking these to stop. */
            force?: boolean;
            /**
             * Format: int32
             * @description How many events this call is about at most; 1 to 10,000, 1,000 if absent.
             */
            limit?: number | null;
        };
        /** @description Somebody gives up on all dead letters that match. */
        BulkDiscardRequest: {
            /** @description Says that every dead letter is meant. Not together with a filter. */
            all?: boolean;
            /** @description Which ones. One that matches all is refused unless `all` is true. */
            filter?: components["schemas"]["DeadLetterFilter"];
            /** @description Why, for the history: at most 256 characters. */
            reason?: string | null;
        };
        /** @description What became of a bulk discard. */
        BulkDiscardResponse: {
            /**
             * Format: int64
             * @description How many dead letters are resolved.
             */
            discarded: number;
        };
        /** @description What one call of a bulk action has done. */
        BulkEventsResponse: {
            /**
             * Format: int64
             * @description How many of them are cancelled as soon as their engines stop, which are asked to with their next heartbeat.
             */
            asked_to_stop: number;
            /**
             * Format: int64
             * @description How many of them are cancelled, or available, now; 0 in a dry run.
             */
            changed: number;
            /** @description The events that matched, in the order in which they were acted on; in a dry run, those that would be. */
            event_ids: components["schemas"]["EventId"][];
            /**
             * @description Send it as `cursor`, with the same filter, to go on; null when all that match have had their turn. A call may be about
             *     fewer events than its limit, or none, and still have a successor: it looks at a bounded number of events.
             */
            next_cursor: string | null;
            /**
             * Format: int64
             * @description How many of them had moved on when it was their turn, or were asked to stop before; 0 in a dry run.
             */
            unchanged: number;
        };
        /** @description An operation, as far as it is. */
        BulkOperation: {
            action: components["schemas"]["OperationAction"];
            /**
             * Format: int64
             * @description How many were changed.
             */
            changed: number;
            /**
             * Format: int64
             * @description How many had moved on when it was their turn, were gone, or were held by somebody else.
             */
            conflicts: number;
            created_at: components["schemas"]["Timestamp"];
            /** @description Who has created it: the accessor of a token, or `anyone`. */
            created_by: string;
            /**
             * Format: date-time
             * @description When it will have ended, as fast as it goes now; null if that is not known.
             * @example 2026-11-23T10:00:00.000Z
             */
            estimated_end_at: string | null;
            /** @description Of a quarantine: the event types that it is for; all if there are none. */
            event_types: components["schemas"]["EventType"][];
            /**
             * Format: int64
             * @description How many could not be acted on.
             */
            failed: number;
            /** @description Why it could not go on, if its status is `failed`. */
            failure: string | null;
            /** @description What it is about, in the language of filters; empty if that is everything. */
            filter: string;
            /**
             * Format: date-time
             * @description A moment between 1970 and 9999 (RFC 3339). Answers are in UTC, with milliseconds.
             * @example 2026-11-23T10:00:00.000Z
             */
            finished_at: string | null;
            force: boolean;
            /** @description The last members that were not changed, the last one first; not in lists. */
            last_conflicts?: components["schemas"]["UnchangedItem"][] | null;
            /**
             * Format: int64
             * @description How many it is about at most.
             */
            limit: number | null;
            operation_id: components["schemas"]["OperationId"];
            /** Format: double */
            rate_per_second: number | null;
            /** @description Why, by the word of whoever has created it. */
            reason: string | null;
            /**
             * Format: int64
             * @description How many had no turn yet; when it has ended, how many had none.
             */
            remaining: number;
            /**
             * Format: date-time
             * @description When the first member had its turn.
             * @example 2026-11-23T10:00:00.000Z
             */
            started_at: string | null;
            status: components["schemas"]["OperationStatus"];
            stop_when_drained: boolean;
            /**
             * Format: int64
             * @description How many members it has. It is final once the status is not `collecting` any more.
             */
            total: number;
            /**
             * Format: date-time
             * @description Of a quarantine: when it ends by itself; null if never.
             * @example 2026-11-23T10:00:00.000Z
             */
            until: string | null;
        };
        /** @description One page of a list. */
        BulkOperationPage: {
            /** @description At most `limit` items, in the order of the list. */
            items: components["schemas"]["BulkOperation"][];
            /** @description Send it as `cursor` to get the next page; null on the last one. Opaque. */
            next_cursor: string | null;
        };
        /** @description All dead letters that match go back in their queues. */
        BulkRedriveRequest: {
            /** @description Says that every dead letter is meant. Not together with a filter. */
            all?: boolean;
            /** @description Which ones. One that matches all is refused unless `all` is true. */
            filter?: components["schemas"]["DeadLetterFilter"];
            /**
             * Format: uint64
             * @description How many at most, oldest first; 1 or more. No limit if absent.
             */
            limit?: number | null;
            /**
             * Format: double
             * @description How many become available per second; 0.001 to 10,000. At once if absent.
             */
            rate_per_second?: number | null;
        };
        /** @description What became of a bulk redrive. */
        BulkRedriveResponse: {
            /**
             * Format: int64
             * @description How many dead letters went back.
             */
            redriven: number;
        };
        /** @description Make all queued events that match, and that wait for their time, available now, newest first. */
        BulkRetryRequest: {
            /** @description Says that every event is meant. Not together with a filter. */
            all?: boolean;
            /**
             * Format: cursor
             * @description The `next_cursor` of the call before.
             */
            cursor?: string | null;
            /** @description Whether to say what would be done, and do nothing. */
            dry_run?: boolean;
            /** @description Which ones. One that matches all is refused unless `all` is true. */
            filter?: components["schemas"]["EventFilter"];
            /**
             * Format: int32
             * @description How many events this call is about at most; 1 to 10,000, 1,000 if absent.
             */
            limit?: number | null;
        };
        /** @description How to cancel an event. The body may be left out. */
        CancelRequest: {
            /**
             * @description Whether to take the lock away from an engine that works on it, instead of asking it to stop. It is told at its next
             *     heartbeat that the lock is lost, and what it settles is refused.
             */
            force?: boolean;
        };
        /**
         * @description Something that an engine can do and an event may need.
         * @example gpu
         */
        Capability: string;
        /**
         * @description What kind of thing there is to do.
         * @enum {string}
         */
        ChangeAction: "resume_queue" | "resume_event_type" | "resume_scenario_run" | "make_available" | "resume_engine" | "lift_quarantine" | "retry_here" | "start_engine" | "raise_max_concurrent_events" | "raise_memory_limit" | "add_capabilities" | "change_version" | "empty_engine" | "run_first" | "lower_cpu" | "register_engine";
        /**
         * @description A JSON merge patch (RFC 7396) of what a producer sets: a field that is absent stays as it is, and one that is null is as
         *     if the producer had left it out.
         */
        ChangeRequest: {
            /**
             * Format: double
             * @description Not to be claimed before so many seconds from now; 0 to 31,622,400; null for now.
             */
            delay_seconds?: number | null;
            /**
             * Format: semver-range
             * @example >=1.4, <2
             */
            engine_version?: string | null;
            /**
             * Format: int64
             * @description How long after it comes due it is cancelled if it is queued then; 1 to 31,622,400; null for never. A redrive without it
             *     ends the expiry that the event had.
             */
            expires_after_seconds?: number | null;
            labels?: {
                [key: string]: string | null;
            } | null;
            /**
             * Format: int64
             * @description How long one attempt may take, renewals included; 1 to 2,592,000; null for what its type or queue says.
             */
            max_processing_seconds?: number | null;
            /** @description Replaces the payload, as a whole: any JSON of at most 256 KiB, null too. */
            payload?: components["schemas"]["RawJson"];
            /**
             * Format: int32
             * @description 0 (first) to 9 (last); null for 5.
             */
            priority?: number | null;
            /**
             * Format: int64
             * @description How long one attempt may go on without reporting progress; 1 to 2,592,000; null for what its type or queue says.
             */
            progress_timeout_seconds?: number | null;
            /**
             * @description Another queue; null for `default`.
             * @example default
             */
            queue?: string | null;
            /** @description All that the engine must be capable of: at most 64 names; null for nothing. */
            required_capabilities?: components["schemas"]["Capability"][] | null;
            /**
             * Format: int64
             * @description Memory that the engine must have free, in MiB; 1 to 2^30; null for none.
             */
            required_memory_mb?: number | null;
            /** @description Overrides single fields of the retry policy; one that is null is overridden no longer, and null overrides none. */
            retry_policy?: components["schemas"]["RetryPolicyPatch"] | null;
            /**
             * Format: date-time
             * @description Not to be claimed before this moment; null for now. At most one of `run_at` and `delay_seconds`.
             * @example 2026-11-23T10:00:00.000Z
             */
            run_at?: string | null;
            /**
             * Format: int64
             * @description How long a lock on it lasts unless extended; 1 to 604,800; null for what its type or queue says.
             */
            visibility_timeout_seconds?: number | null;
        };
        /** @description One thing to do. */
        ChangeView: {
            /** @description What kind of thing. */
            action: components["schemas"]["ChangeAction"];
            /** @description The capabilities that the engine has to have too. */
            capabilities?: components["schemas"]["Capability"][];
            /** @description The same in words. */
            detail: string;
            /** @description The engine that it is done to. */
            engine_id?: components["schemas"]["EngineId"];
            /** @description The range that the engine's version has to lie in. */
            engine_version?: string;
            /** @description The event that it is about. */
            event_id?: components["schemas"]["EventId"];
            /** @description The event type that it is done to. */
            event_type?: components["schemas"]["EventType"];
            /** @description The queue that it is done to. */
            queue?: components["schemas"]["QueueName"];
            /** @description The scenario run that it is done to. */
            scenario_run_id?: components["schemas"]["ScenarioRunId"];
            /**
             * Format: double
             * @description The new value of a limit.
             */
            to?: number;
        };
        /** @description The claim of an exchange: as one by itself, without the epoch. */
        ClaimPart: {
            /** @description Whether events of the engine's current scenario run come first; `prefer` if absent. */
            affinity?: components["schemas"]["Affinity"];
            /** @description Only events of these types; of all if absent or empty. At most 200. */
            event_types?: components["schemas"]["EventType"][];
            /**
             * Format: int64
             * @description How many events at most; 1 to 1,000, 3 if absent.
             */
            limit?: number | null;
            /** @description Only events of these queues; of all if absent or empty. At most 200. */
            queues?: components["schemas"]["QueueName"][];
            /**
             * Format: int64
             * @description How long the locks last unless extended, over every policy; 1 to 604,800.
             */
            visibility_timeout_seconds?: number | null;
            /**
             * Format: double
             * @description How long to wait for a first event; 0 to 60, 0 if absent.
             */
            wait_seconds?: number | null;
        };
        /** @description An engine asks for events. */
        ClaimRequest: {
            /** @description Whether events of the engine's current scenario run come first; `prefer` if absent. */
            affinity?: components["schemas"]["Affinity"];
            /**
             * Format: int64
             * @description The epoch that its registration answered with.
             */
            epoch: number;
            /** @description Only events of these types; of all if absent or empty. At most 200. */
            event_types?: components["schemas"]["EventType"][];
            /**
             * Format: int64
             * @description How many events at most; 1 to 1,000, 3 if absent.
             */
            limit?: number | null;
            /** @description Only events of these queues; of all if absent or empty. At most 200. */
            queues?: components["schemas"]["QueueName"][];
            /**
             * Format: int64
             * @description How long the locks last unless extended, over every policy; 1 to 604,800.
             */
            visibility_timeout_seconds?: number | null;
            /**
             * Format: double
             * @description How long to wait for a first event; 0 to 60, 0 if absent.
             */
            wait_seconds?: number | null;
        };
        /** @description What an engine got: events under locks whose tokens it is shown. */
        ClaimResponse: {
            /** @description Best priority first, then oldest. Empty if there was nothing. */
            events: components["schemas"]["ClaimedEvent"][];
        };
        /** @description An event under the lock of the engine that claimed it. */
        ClaimedEvent: {
            /**
             * Format: int32
             * @description The number of the present attempt, or of the last one; 0 before the first.
             */
            attempt: number;
            /** @description From when on it may be claimed, while queued. */
            available_at: components["schemas"]["Timestamp"];
            /** @description Whether it is cancelled as soon as its lock ends. */
            cancel_requested: boolean;
            /**
             * Format: date-time
             * @description `finished_at`, if it is completed.
             * @example 2026-11-23T10:00:00.000Z
             */
            completed_at: string | null;
            /** @description Why it is a dead letter; null if it is none. */
            dead_letter: components["schemas"]["DeadLetterReason"] | null;
            /**
             * @description The engine that claimed it last.
             * @example renderer-1
             */
            engine_id: string | null;
            /** @description The range that the engine's version must lie in. */
            engine_version: string | null;
            /** @description When it was enqueued. */
            enqueued_at: components["schemas"]["Timestamp"];
            /** @description Names it: a UUID of version 7. */
            event_id: components["schemas"]["EventId"];
            /** @description What kind of work it is. */
            event_type: components["schemas"]["EventType"];
            /**
             * Format: date-time
             * @description When it is cancelled if it is queued then, for a retry too; null if never.
             * @example 2026-11-23T10:00:00.000Z
             */
            expires_at: string | null;
            /**
             * Format: int32
             * @description Failed attempts over its whole life.
             */
            failures: number;
            /**
             * Format: date-time
             * @description When it was completed or cancelled, or finally failed.
             * @example 2026-11-23T10:00:00.000Z
             */
            finished_at: string | null;
            /** @description What makes a repeat of its enqueue safe; null if it has none, or none any more. */
            idempotency_key: string | null;
            /**
             * Format: date-time
             * @description From when on the same key makes a new event; null if it has its key as long as it is kept.
             * @example 2026-11-23T10:00:00.000Z
             */
            idempotency_key_expires_at: string | null;
            /** @description The producer's own words. */
            labels: {
                [key: string]: string;
            };
            /** @description What went wrong last. */
            last_error: components["schemas"]["AttemptError"] | null;
            /** @description Its lock, with the token that settles it. */
            lock: components["schemas"]["ClaimedLock"];
            /**
             * Format: int32
             * @description Locks lost since the enqueue or the last redrive.
             */
            losses: number;
            /**
             * Format: int64
             * @description How long one attempt may take, in seconds; null if it sets none itself.
             */
            max_processing_seconds: number | null;
            /** @description The work itself, byte for byte as it was sent. */
            payload: components["schemas"]["RawJson"];
            /** @description Whether payload, result and the details of errors are left out, because the caller may not read them. */
            payload_hidden?: boolean;
            /** @description What the attempts before have left; absent if there were none. */
            previous?: components["schemas"]["PreviousAttempt"];
            /**
             * Format: int32
             * @description 0 (first) to 9 (last).
             */
            priority: number;
            /** @description How far the attempt is that is under way, as its engine has reported it; absent as `usage` is. */
            progress?: components["schemas"]["EventProgress"];
            /**
             * Format: int64
             * @description How long one attempt may go on without reporting progress, in seconds; null if it sets none itself.
             */
            progress_timeout_seconds: number | null;
            /** @description The queue it waits in. */
            queue: components["schemas"]["QueueName"];
            /**
             * Format: int32
             * @description How often it was redriven.
             */
            redrives: number;
            /** @description What the engine must be capable of. */
            required_capabilities: components["schemas"]["Capability"][];
            /**
             * Format: int64
             * @description Memory that the engine must have free, in MiB.
             */
            required_memory_mb: number | null;
            /** @description What its completion brought, byte for byte. */
            result: components["schemas"]["RawJson"];
            /**
             * Format: int32
             * @description Retries spent since the enqueue or the last redrive.
             */
            retries: number;
            /** @description The event's own part of the retry policy. */
            retry_policy: components["schemas"]["RetryPolicyPatch"] | null;
            /**
             * @description The scenario run it belongs to.
             * @example film-42
             */
            scenario_run_id: string | null;
            /** @description Where it is in its life. */
            status: components["schemas"]["EventStatus"];
            /**
             * @description The span that enqueued it, as W3C Trace Context writes it.
             * @example 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
             */
            traceparent: string | null;
            /**
             * @description What its attempts have used together, as far as engines have reported it: times added up, and the most memory. Absent
             *     where nothing was reported, and in answers to other calls than those that look at events.
             */
            usage?: components["schemas"]["AttemptUsage"];
            /**
             * Format: int64
             * @description How long a lock on it lasts unless extended, in seconds; null if it sets none itself.
             */
            visibility_timeout_seconds: number | null;
        };
        /** @description The exclusive, time-limited right of one engine to process an event. */
        ClaimedLock: {
            /** @description When the attempt began. */
            claimed_at: components["schemas"]["Timestamp"];
            /** @description The engine. */
            engine_id: components["schemas"]["EngineId"];
            /** @description When it is lost unless renewed. */
            expires_at: components["schemas"]["Timestamp"];
            /** @description `processing_by_` and the engine's id. */
            holder: string;
            /** @description When the attempt fails as stuck unless progress is reported before; absent if it needs to report none. */
            progress_due_at?: components["schemas"]["Timestamp"];
            /** @description When the attempt fails whatever its holder does; absent if it may take as long as it likes. */
            times_out_at?: components["schemas"]["Timestamp"];
            /** @description Proves that its bearer holds the lock. Only the answer to the claim has it. */
            token: components["schemas"]["LockToken"];
        };
        /**
         * @description What went wrong. A code is part of the API: never renamed, never reused.
         * @enum {string}
         */
        Code: "invalid_request" | "not_found" | "method_not_allowed" | "too_large" | "unsupported_media_type" | "idempotency_conflict" | "lock_lost" | "wrong_status" | "engine_superseded" | "engine_lost" | "engine_not_registered" | "engine_alive" | "unauthenticated" | "forbidden" | "wrong_session" | "cross_origin" | "misdirected_request" | "unsupported_transfer_coding" | "overloaded" | "quota_exceeded" | "limit_reached" | "store_unavailable" | "shutting_down" | "timeout" | "unreadable" | "internal";
        /** @description The event is done. */
        CompleteRequest: {
            /**
             * @description What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before, and is given to
             *     the next attempt as `previous.checkpoint`.
             */
            checkpoint?: components["schemas"]["RawJson"];
            /** @description The token of the claim's answer. */
            lock_token: components["schemas"]["LockToken"];
            log?: string[];
            /**
             * Format: uri
             * @description Where the whole log is: a URL that begins with `http://` or `https://`.
             */
            log_url?: string | null;
            /** @description How far the attempt is; replaces what was reported before. */
            progress?: components["schemas"]["AttemptProgress"] | null;
            /** @description What came of it: any JSON of at most 256 KiB, kept byte for byte. */
            result?: components["schemas"]["RawJson"];
            /** @description What the attempt has used since it began. A field that is given replaces what was reported before. */
            usage?: components["schemas"]["AttemptUsage"] | null;
        };
        /** @description A token to be made. [`TokenDraft`](enginehouse_core::access::token::TokenDraft) reads it. */
        CreateTokenRequest: {
            /**
             * @description From where it may be used: addresses and networks; from anywhere if absent. With them, it is not used by way of a Unix
             *     socket, unless a trusted proxy says from where.
             */
            allowed_addresses?: components["schemas"]["Network"][];
            /**
             * @description The name in the certificates of clients, whose calls need no other token then. Such a token has no text.
             * @example spiffe://example.org/engine-7
             */
            certificate_name?: string | null;
            /**
             * Format: int64
             * @description How long it is valid from then on: 30 days for an admin and 90 for all others if absent, ten years at most.
             */
            expires_in_seconds?: number | null;
            /** @description What people call it. No other token that is not revoked may have the name. */
            name: components["schemas"]["TokenName"];
            /**
             * Format: date-time
             * @description From when on it is valid; from now on if absent.
             * @example 2026-11-23T10:00:00.000Z
             */
            not_before?: string | null;
            /** @description Whether an operator may read payloads, results and error details, too. No other role takes it. */
            read_payloads?: boolean;
            /** @description What it is for. */
            role: components["schemas"]["Role"];
            /** @description On what it may act; on everything if absent. */
            selectors?: components["schemas"]["Selectors"];
        };
        /** @description A finally failed event that waits for a person. */
        DeadLetter: {
            /** @description When it became a dead letter. */
            dead_lettered_at: components["schemas"]["Timestamp"];
            /**
             * @description The engine that claimed it last; null if none has.
             * @example renderer-1
             */
            engine_id: string | null;
            /** @description The version of that engine's software then; null if it has not said. */
            engine_software_version: string | null;
            /** @description The event. */
            event_id: components["schemas"]["EventId"];
            /** @description What kind of work it is. */
            event_type: components["schemas"]["EventType"];
            /**
             * Format: int32
             * @description Failed attempts over its whole life.
             */
            failures: number;
            /** @description What went wrong last. */
            last_error: components["schemas"]["AttemptError"] | null;
            /**
             * Format: int32
             * @description Locks lost since the enqueue or the last redrive.
             */
            losses: number;
            /** @description The work itself, byte for byte as it was sent. */
            payload: components["schemas"]["RawJson"];
            /** @description Whether payload and the details of errors are left out, because the caller may not read them. */
            payload_hidden?: boolean;
            /** @description The queue it would go back to. */
            queue: components["schemas"]["QueueName"];
            /** @description Why it is a dead letter. */
            reason: components["schemas"]["DeadLetterReason"];
            /**
             * Format: int32
             * @description How often it was redriven.
             */
            redrives: number;
        };
        /** @description Which dead letters. What is absent matches all. */
        DeadLetterFilter: {
            /**
             * Format: date-time
             * @description Only those that became dead letters at this moment or later.
             * @example 2026-11-23T10:00:00.000Z
             */
            dead_lettered_after?: string | null;
            /**
             * Format: date-time
             * @description Only those that became dead letters before this moment.
             * @example 2026-11-23T10:00:00.000Z
             */
            dead_lettered_before?: string | null;
            /** @description Only those whose last error has this code. */
            error_code?: string | null;
            /**
             * @description Only those of this event type.
             * @example frame.render
             */
            event_type?: string | null;
            /** @description Only those of this group of the summary. */
            group_id?: string | null;
            /**
             * @description Only those of this queue.
             * @example default
             */
            queue?: string | null;
            /** @description Only those with this reason. */
            reason?: components["schemas"]["DeadLetterReason"] | null;
        };
        /** @description Dead letters with one event type, error code and kind of message. */
        DeadLetterGroup: {
            /**
             * Format: int64
             * @description How many they are.
             */
            count: number;
            /** @description The code of their last error. */
            error_code: string | null;
            /** @description What kind of work they are. */
            event_type: components["schemas"]["EventType"];
            /** @description What filters call the group: the same for the same failure, on every server, before it is a dead letter and after a redrive. */
            group_id: components["schemas"]["ErrorGroupId"];
            /**
             * @description The last line of the message of their last error, with `#` for each number, id, path and quoted text; a code such as
             *     `550` stays.
             */
            message: string | null;
            /** @description When the last became a dead letter. */
            newest_at: components["schemas"]["Timestamp"];
            /** @description When the first became a dead letter. */
            oldest_at: components["schemas"]["Timestamp"];
            /** @description Why most of them are dead letters. */
            reason: components["schemas"]["DeadLetterReason"];
            /** @description Why they are dead letters: each reason that some of them have, once. */
            reasons: components["schemas"]["DeadLetterReason"][];
            /** @description One of them. */
            sample_event_id: components["schemas"]["EventId"];
        };
        /** @description One page of a list. */
        DeadLetterPage: {
            /** @description At most `limit` items, in the order of the list. */
            items: components["schemas"]["DeadLetter"][];
            /** @description Send it as `cursor` to get the next page; null on the last one. Opaque. */
            next_cursor: string | null;
            /**
             * Format: date-time
             * @description How far back the list was searched, if the page ended before it was full: a page looks at so many rows at most. What is older may be on the next page. Absent from full pages and the last one.
             */
            searched_until?: string;
        };
        /** @description What a bulk operation on dead letters would touch, in its order. */
        DeadLetterPreview: {
            /**
             * Format: int64
             * @description How many.
             */
            count: number;
            /** @description Send it in the filter of the operation, and what becomes a dead letter after this answer is left alone. */
            dead_lettered_before: components["schemas"]["Timestamp"];
            /** @description The first of them, at most 10: oldest event first. */
            first: components["schemas"]["DeadLetter"][];
        };
        /**
         * @description Why a finally failed event waits for a person.
         * @enum {string}
         */
        DeadLetterReason: "retries_exhausted" | "rejected" | "requested" | "lost_too_often" | "blocked";
        /** @description Dead letters, grouped by what they have in common. */
        DeadLetterSummary: {
            /** @description Largest first. */
            groups: components["schemas"]["DeadLetterGroup"][];
        };
        /** @description Somebody gives up on one dead letter. The body may be left out. */
        DiscardRequest: {
            /** @description Why, for the history: at most 256 characters. */
            reason?: string | null;
        };
        /** @description The room on a disk. */
        DiskRoom: {
            /**
             * Format: int64
             * @description What may still be written, in bytes.
             */
            free_bytes: number;
            /**
             * Format: int64
             * @description What fits in all, in bytes.
             */
            total_bytes: number;
        };
        /** @description No new events for the engine. The body may be left out. */
        DrainRequest: {
            /**
             * Format: int64
             * @description Only if the engine is in this epoch: an engine that drains itself does not drain the process that has taken over
             *     its id. In any epoch if absent.
             */
            epoch?: number | null;
            /** @description Whether it becomes `stopped` by itself when its last lock is settled. */
            stop_when_drained?: boolean;
        };
        /** @description How long something took, in seconds. */
        DurationFigures: {
            /**
             * Format: int64
             * @description How often it was seen.
             */
            count: number;
            /**
             * Format: double
             * @description The mean.
             */
            mean_seconds: number;
            /**
             * Format: double
             * @description Half of them took at most so long, within 3.2 %.
             */
            p50_seconds: number;
            /**
             * Format: double
             * @description 95 of a hundred took at most so long, within 3.2 %.
             */
            p95_seconds: number;
            /**
             * Format: double
             * @description 99 of a hundred took at most so long, within 3.2 %.
             */
            p99_seconds: number;
        };
        /** @description How an engine is doing. Unknown keys are kept and returned. */
        DynamicState: {
            /**
             * @description The scenario run it is working on.
             * @example film-42
             */
            current_scenario_run_id?: string | null;
            /** @description Its present load. */
            resource_utilization?: components["schemas"]["ResourceUtilization"];
        } & {
            [key: string]: components["schemas"]["RawJson"];
        };
        /** @description A registered instance of a worker. */
        Engine: {
            /** @description Those that it was put in because it failed events of a type more than others do, where that is enforced. */
            automatic_quarantines: components["schemas"]["AutomaticQuarantine"][];
            /** @description Whether it is to get no new events, even after it was lost and came back. */
            draining: boolean;
            /** @description Names it. */
            engine_id: components["schemas"]["EngineId"];
            /** @description Groups it. */
            engine_type: components["schemas"]["EngineType"];
            /**
             * Format: int64
             * @description How often this id has registered; to be sent with heartbeats and claims.
             */
            epoch: number;
            /**
             * Format: int64
             * @description How often it must send a heartbeat, in seconds; 0 if never.
             */
            heartbeat_interval_seconds: number;
            /** @description When its last heartbeat arrived, or its registration. */
            last_heartbeat_at: components["schemas"]["Timestamp"];
            /** @description The locks it holds; only where one engine is asked for. */
            locks?: components["schemas"]["EngineLock"][];
            /**
             * Format: int32
             * @description How many locks it holds.
             */
            locks_held: number;
            /**
             * Format: int64
             * @description After how many seconds of silence it is lost; null if never.
             */
            lost_after_seconds: number | null;
            /** @description What it says about itself. */
            metadata: components["schemas"]["Metadata"];
            /** @description What keeps it from events now, though it is active; null if nothing does. */
            quarantine: components["schemas"]["Quarantine"] | null;
            /** @description When this epoch began. */
            registered_at: components["schemas"]["Timestamp"];
            /**
             * @description What its process sends from now on, as the header `Enginehouse-Session`; only in the answer to its registration. Nobody can
             *     show it again, and the next registration ends it.
             */
            session_token?: components["schemas"]["SessionToken"];
            /** @description Where it is in its life. */
            status: components["schemas"]["EngineStatus"];
            /** @description What whoever runs it should know. */
            warnings?: components["schemas"]["Warning"][];
        };
        /** @description How many engines there are, by status. */
        EngineCounts: {
            /**
             * Format: int64
             * @description May claim events.
             */
            active: number;
            /**
             * Format: int64
             * @description Get no new events.
             */
            draining: number;
            /**
             * Format: int64
             * @description Missed their heartbeats.
             */
            lost: number;
            /**
             * Format: int64
             * @description Deregistered, or drained to the end.
             */
            stopped: number;
        };
        /** @description What an engine could claim, and what keeps it from more. */
        EngineExplanation: {
            /** @description As of when, by the store's clock. A large fleet is looked at anew every few seconds. */
            as_of: components["schemas"]["Timestamp"];
            /** @description Where those are: the best priority first; at most 20 lanes. */
            claimable: components["schemas"]["WaitingLane"][];
            /**
             * Format: int64
             * @description How many events it could be given now, one at a time.
             */
            could_claim: number;
            /** @description The engine. */
            engine_id: components["schemas"]["EngineId"];
            /**
             * Format: int32
             * @description How many locks it holds.
             */
            held: number;
            /** @description The event for which it is held back from what would delay that; null if there is none. */
            held_back_for: components["schemas"]["StarvingEventView"] | null;
            /**
             * Format: int64
             * @description The memory that what it holds requires, in MiB.
             */
            held_memory_mb: number;
            /** @description What it holds, the longest held first; at most 5. */
            holds: components["schemas"]["HeldEvent"][];
            /** @description What keeps it from the others, the gate with the most events first. */
            kept_from: components["schemas"]["KeptFrom"][];
            /**
             * Format: date-time
             * @description When it last asked this server for events; null if it has not, since the server was started.
             * @example 2026-11-23T10:00:00.000Z
             */
            last_claim_at: string | null;
            /**
             * Format: int32
             * @description The most that it may hold.
             */
            max_concurrent_events: number;
            /**
             * Format: int64
             * @description The memory that it declares, in MiB.
             */
            memory_limit_mb: number | null;
            /** @description Where it is in its life. */
            status: components["schemas"]["EngineStatus"];
            /** @description One sentence that a person can act on. */
            summary: string;
            /** @description Single changes that would open something, the one that opens most first; at most 10. */
            would_open: components["schemas"]["WouldOpen"][];
        };
        /**
         * @description Names one engine. Chosen by its operator, or made by the server.
         * @example renderer-1
         */
        EngineId: string;
        /**
         * @description What an engine said of its load in the last quarter of an hour, as far as the server that answers has run for so long.
         *
         *     The lists go together: what stands at one place of each was noted at the same moment, once a minute.
         */
        EngineLoad: {
            /** @description When it was noted, oldest first; at most 15. Nothing is noted of an engine while it is lost. */
            at: components["schemas"]["Timestamp"][];
            /** @description Processor time of the engine, in percent of one core, at its last heartbeat; null where it did not say. */
            cpu_percent: (number | null)[];
            /** @description Which engine. */
            engine_id: components["schemas"]["EngineId"];
            /** @description How many locks it held. */
            locks_held: number[];
            /** @description Memory in use, in MiB, at its last heartbeat; null where it did not say. */
            memory_usage_mb: (number | null)[];
        };
        /** @description One page of a list. */
        EngineLoadPage: {
            /** @description At most `limit` items, in the order of the list. */
            items: components["schemas"]["EngineLoad"][];
            /** @description Send it as `cursor` to get the next page; null on the last one. Opaque. */
            next_cursor: string | null;
        };
        /** @description A lock that an engine holds. */
        EngineLock: {
            /**
             * Format: int32
             * @description Which attempt it is, counted from 1.
             */
            attempt: number;
            /** @description Whether the event is cancelled as soon as the lock ends. */
            cancel_requested: boolean;
            /** @description When the attempt began. */
            claimed_at: components["schemas"]["Timestamp"];
            /** @description On which event. */
            event_id: components["schemas"]["EventId"];
            /** @description What kind of work it is. */
            event_type: components["schemas"]["EventType"];
            /** @description When it is lost unless renewed. */
            expires_at: components["schemas"]["Timestamp"];
        };
        /** @description One page of a list. */
        EnginePage: {
            /** @description At most `limit` items, in the order of the list. */
            items: components["schemas"]["Engine"][];
            /** @description Send it as `cursor` to get the next page; null on the last one. Opaque. */
            next_cursor: string | null;
        };
        /**
         * @description Where an engine is in its life.
         * @enum {string}
         */
        EngineStatus: "active" | "draining" | "lost" | "stopped";
        /**
         * @description Groups engines that are the same program.
         * @example renderer
         */
        EngineType: string;
        /** @description An event as a producer asks for it. Unknown fields are refused, so that a typo is not silently lost. */
        EnqueueRequest: {
            /**
             * Format: double
             * @description Not to be claimed before so many seconds from now; 0 to 31,622,400.
             */
            delay_seconds?: number | null;
            /**
             * Format: semver-range
             * @example >=1.4, <2
             */
            engine_version?: string | null;
            /** @description What kind of work it is: a name, such as `frame.render`. */
            event_type: components["schemas"]["EventType"];
            /**
             * Format: int64
             * @description How long after it first comes due it is cancelled if it is queued then, for a retry too; 1 to 31,622,400. Never, if
             *     absent.
             */
            expires_after_seconds?: number | null;
            /**
             * @description Makes a repeat of this request safe: as long as an event has this key, the same request
             *     answers with that event, and another one is refused. 1 to 256 characters.
             */
            idempotency_key?: string | null;
            /**
             * Format: int64
             * @description For how long after the enqueue the event has its key; as long as the event is kept, if absent. 1 to 31,622,400.
             */
            idempotency_window_seconds?: number | null;
            labels?: {
                [key: string]: string;
            };
            /**
             * Format: int64
             * @description How long one attempt may take, renewals included; 1 to 2,592,000.
             */
            max_processing_seconds?: number | null;
            /** @description Any JSON of at most 256 KiB, nested at most 64 deep; kept byte for byte. `{}` if absent. */
            payload?: components["schemas"]["RawJson"];
            /**
             * Format: int64
             * @description 0 (first) to 9 (last); 5 if absent.
             */
            priority?: number | null;
            /**
             * Format: int64
             * @description How long one attempt may go on without reporting progress; 1 to 2,592,000.
             */
            progress_timeout_seconds?: number | null;
            /**
             * @description The queue it waits in; `default` if absent.
             * @example default
             */
            queue?: string | null;
            /** @description What the engine must be capable of: at most 64 names. */
            required_capabilities?: components["schemas"]["Capability"][];
            /**
             * Format: int64
             * @description Memory that the engine must have free, in MiB; 1 to 2^30.
             */
            required_memory_mb?: number | null;
            /** @description Overrides single fields of the retry policy. */
            retry_policy?: components["schemas"]["RetryPolicyPatch"] | null;
            /**
             * Format: date-time
             * @description Not to be claimed before this moment. At most one of `run_at` and `delay_seconds`.
             * @example 2026-11-23T10:00:00.000Z
             */
            run_at?: string | null;
            /**
             * @description The scenario run it belongs to.
             * @example film-42
             */
            scenario_run_id?: string | null;
            /**
             * @description The span that enqueues it, as W3C Trace Context writes it: engines link theirs to it. A repeat of the request may
             *     have another one; the first is kept.
             * @example 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
             */
            traceparent?: string | null;
            /**
             * Format: int64
             * @description How long a lock on it lasts unless extended; 1 to 604,800.
             */
            visibility_timeout_seconds?: number | null;
        };
        /** @description What became of an enqueue. */
        EnqueueResponse: {
            /** @description From when on it may be claimed. */
            available_at: components["schemas"]["Timestamp"];
            /** @description Whether the event was there before this request. */
            duplicate: boolean;
            /**
             * @description With `wait_seconds`, the event as it was when the wait was over; `status` is its status then. Absent if it could not be
             *     read: it is stored nevertheless.
             */
            event?: components["schemas"]["Event"];
            /** @description The event: the new one, or the live one that has the same idempotency key. */
            event_id: components["schemas"]["EventId"];
            /** @description What kind of work it is. */
            event_type: components["schemas"]["EventType"];
            /** @description The queue it waits in. */
            queue: components["schemas"]["QueueName"];
            /** @description Where it is in its life. */
            status: components["schemas"]["EventStatus"];
            /** @description What the producer should know. Never a reason to send the event again. */
            warnings: components["schemas"]["Warning"][];
        };
        ErrorGroupId: string;
        /** @description One unit of work, as it stands. */
        Event: {
            /**
             * Format: int32
             * @description The number of the present attempt, or of the last one; 0 before the first.
             */
            attempt: number;
            /** @description From when on it may be claimed, while queued. */
            available_at: components["schemas"]["Timestamp"];
            /** @description Whether it is cancelled as soon as its lock ends. */
            cancel_requested: boolean;
            /**
             * Format: date-time
             * @description `finished_at`, if it is completed.
             * @example 2026-11-23T10:00:00.000Z
             */
            completed_at: string | null;
            /** @description Why it is a dead letter; null if it is none. */
            dead_letter: components["schemas"]["DeadLetterReason"] | null;
            /**
             * @description The engine that claimed it last.
             * @example renderer-1
             */
            engine_id: string | null;
            /** @description The range that the engine's version must lie in. */
            engine_version: string | null;
            /** @description When it was enqueued. */
            enqueued_at: components["schemas"]["Timestamp"];
            /** @description Names it: a UUID of version 7. */
            event_id: components["schemas"]["EventId"];
            /** @description What kind of work it is. */
            event_type: components["schemas"]["EventType"];
            /**
             * Format: date-time
             * @description When it is cancelled if it is queued then, for a retry too; null if never.
             * @example 2026-11-23T10:00:00.000Z
             */
            expires_at: string | null;
            /**
             * Format: int32
             * @description Failed attempts over its whole life.
             */
            failures: number;
            /**
             * Format: date-time
             * @description When it was completed or cancelled, or finally failed.
             * @example 2026-11-23T10:00:00.000Z
             */
            finished_at: string | null;
            /** @description What makes a repeat of its enqueue safe; null if it has none, or none any more. */
            idempotency_key: string | null;
            /**
             * Format: date-time
             * @description From when on the same key makes a new event; null if it has its key as long as it is kept.
             * @example 2026-11-23T10:00:00.000Z
             */
            idempotency_key_expires_at: string | null;
            /** @description The producer's own words. */
            labels: {
                [key: string]: string;
            };
            /** @description What went wrong last. */
            last_error: components["schemas"]["AttemptError"] | null;
            /** @description Its lock; null unless processing. */
            lock: components["schemas"]["EventLock"] | null;
            /**
             * Format: int32
             * @description Locks lost since the enqueue or the last redrive.
             */
            losses: number;
            /**
             * Format: int64
             * @description How long one attempt may take, in seconds; null if it sets none itself.
             */
            max_processing_seconds: number | null;
            /** @description The work itself, byte for byte as it was sent. */
            payload: components["schemas"]["RawJson"];
            /** @description Whether payload, result and the details of errors are left out, because the caller may not read them. */
            payload_hidden?: boolean;
            /**
             * Format: int32
             * @description 0 (first) to 9 (last).
             */
            priority: number;
            /** @description How far the attempt is that is under way, as its engine has reported it; absent as `usage` is. */
            progress?: components["schemas"]["EventProgress"];
            /**
             * Format: int64
             * @description How long one attempt may go on without reporting progress, in seconds; null if it sets none itself.
             */
            progress_timeout_seconds: number | null;
            /** @description The queue it waits in. */
            queue: components["schemas"]["QueueName"];
            /**
             * Format: int32
             * @description How often it was redriven.
             */
            redrives: number;
            /** @description What the engine must be capable of. */
            required_capabilities: components["schemas"]["Capability"][];
            /**
             * Format: int64
             * @description Memory that the engine must have free, in MiB.
             */
            required_memory_mb: number | null;
            /** @description What its completion brought, byte for byte. */
            result: components["schemas"]["RawJson"];
            /**
             * Format: int32
             * @description Retries spent since the enqueue or the last redrive.
             */
            retries: number;
            /** @description The event's own part of the retry policy. */
            retry_policy: components["schemas"]["RetryPolicyPatch"] | null;
            /**
             * @description The scenario run it belongs to.
             * @example film-42
             */
            scenario_run_id: string | null;
            /** @description Where it is in its life. */
            status: components["schemas"]["EventStatus"];
            /**
             * @description The span that enqueued it, as W3C Trace Context writes it.
             * @example 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
             */
            traceparent: string | null;
            /**
             * @description What its attempts have used together, as far as engines have reported it: times added up, and the most memory. Absent
             *     where nothing was reported, and in answers to other calls than those that look at events.
             */
            usage?: components["schemas"]["AttemptUsage"];
            /**
             * Format: int64
             * @description How long a lock on it lasts unless extended, in seconds; null if it sets none itself.
             */
            visibility_timeout_seconds: number | null;
        };
        /** @description How many events there are, by status. */
        EventCounts: {
            /**
             * Format: int64
             * @description Cancelled.
             */
            cancelled: number;
            /**
             * Format: int64
             * @description Done.
             */
            completed: number;
            /**
             * Format: int64
             * @description Finally failed.
             */
            failed: number;
            /**
             * Format: int64
             * @description Held by an engine.
             */
            processing: number;
            /**
             * Format: int64
             * @description Waiting to be claimed, now or later.
             */
            queued: number;
        };
        /** @description Why an event does not run now, or what has become of it. */
        EventExplanation: {
            /** @description As of when, by the store's clock. A large fleet is looked at anew every few seconds. */
            as_of: components["schemas"]["Timestamp"];
            /** @description The engine that was asked about; null if none was, or unless the event is queued. */
            asked_engine: components["schemas"]["NearEngineView"] | null;
            /** @description How far it gets with the fleet; null unless it is queued. */
            engines: components["schemas"]["ExplainedEngines"] | null;
            /** @description The event. */
            event_id: components["schemas"]["EventId"];
            /** @description The kind of work. */
            event_type: components["schemas"]["EventType"];
            /** @description Every gate between it and an engine, in the order in which they are asked; empty unless it is queued. */
            gates: components["schemas"]["ExplainedGate"][];
            /** @description The engine that is held back for it, so that nothing passes it any more; null if none is. */
            held_back_engine: components["schemas"]["HeldBackEngine"] | null;
            /** @description Which events are claimed before it; null unless it is queued. */
            position: components["schemas"]["QueuePosition"] | null;
            /** @description The queue. */
            queue: components["schemas"]["QueueName"];
            /**
             * Format: date-time
             * @description Since when it has been due, running or finished; null while it is not due.
             * @example 2026-11-23T10:00:00.000Z
             */
            since: string | null;
            /** @description What would let it run now, step by step; empty if nothing has to change, or unless it is queued. */
            smallest_change: components["schemas"]["ChangeView"][];
            /** @description Where it is in its life. */
            status: components["schemas"]["EventStatus"];
            /** @description One sentence that a person can act on. */
            summary: string;
            /** @description What holds it, in one word. */
            verdict: components["schemas"]["Verdict"];
        };
        /** @description Which events. What is absent matches all. */
        EventFilter: {
            /**
             * Format: date-time
             * @description Only those that may be claimed from this moment on or later.
             * @example 2026-11-23T10:00:00.000Z
             */
            available_after?: string | null;
            /**
             * @description Only those that this engine claimed last.
             * @example renderer-1
             */
            engine_id?: string | null;
            /**
             * Format: date-time
             * @description Only those enqueued at this moment or later.
             * @example 2026-11-23T10:00:00.000Z
             */
            enqueued_after?: string | null;
            /**
             * Format: date-time
             * @description Only those enqueued before this moment.
             * @example 2026-11-23T10:00:00.000Z
             */
            enqueued_before?: string | null;
            /**
             * @description Only those of this event type.
             * @example frame.render
             */
            event_type?: string | null;
            /** @description Only the one that has this idempotency key. */
            idempotency_key?: string | null;
            /**
             * Format: label
             * @description Only those with this label and value: `KEY=VALUE`. Looks at every event that the rest of the filter leaves.
             */
            label?: string | null;
            /**
             * Format: int32
             * @description Only those of this priority.
             */
            priority?: number | null;
            /**
             * @description Only those of this queue.
             * @example default
             */
            queue?: string | null;
            /**
             * @description Only those of this scenario run.
             * @example film-42
             */
            scenario_run_id?: string | null;
            /** @description Only those with this status. */
            status?: components["schemas"]["EventStatus"] | null;
        };
        /**
         * Format: uuid
         * @description Names one event: a UUID of version 7 (RFC 9562).
         * @example 0193f2a0-7c4e-7000-8000-000000000000
         */
        EventId: string;
        /** @description The exclusive, time-limited right of one engine to process an event. */
        EventLock: {
            /** @description When the attempt began. */
            claimed_at: components["schemas"]["Timestamp"];
            /** @description The engine. */
            engine_id: components["schemas"]["EngineId"];
            /** @description When it is lost unless renewed. */
            expires_at: components["schemas"]["Timestamp"];
            /** @description `processing_by_` and the engine's id. */
            holder: string;
            /** @description When the attempt fails as stuck unless progress is reported before; absent if it needs to report none. */
            progress_due_at?: components["schemas"]["Timestamp"];
            /** @description When the attempt fails whatever its holder does; absent if it may take as long as it likes. */
            times_out_at?: components["schemas"]["Timestamp"];
        };
        /** @description One page of a list. */
        EventPage: {
            /** @description At most `limit` items, in the order of the list. */
            items: components["schemas"]["Event"][];
            /** @description Send it as `cursor` to get the next page; null on the last one. Opaque. */
            next_cursor: string | null;
            /**
             * Format: date-time
             * @description How far back the list was searched, if the page ended before it was full: a page looks at so many rows at most. What is older may be on the next page. Absent from full pages and the last one.
             */
            searched_until?: string;
        };
        /** @description How far an attempt is. */
        EventProgress: {
            /** @description In words. */
            message: string | null;
            /**
             * Format: double
             * @description From 0 to 100.
             */
            percent: number | null;
            /** @description When it was reported. */
            reported_at: components["schemas"]["Timestamp"];
        };
        /**
         * @description Where an event is in its life.
         * @enum {string}
         */
        EventStatus: "queued" | "processing" | "completed" | "failed" | "cancelled";
        /**
         * @description Says what kind of work an event is.
         * @example frame.render
         */
        EventType: string;
        /** @description How long events of a type waited and took: those of the last 30 days, as far as any were claimed. */
        EventTypeDurations: {
            /** @description The same by version of the engines. Each day, up to ten versions are told apart. */
            by_version: components["schemas"]["VersionDurations"][];
            /**
             * @description From a claim to the end of the attempt: completed, failed or timed out, but not lost or released; absent if none has
             *     ended.
             */
            processing?: components["schemas"]["DurationFigures"] | null;
            /** @description From when an event could be claimed to its claim; absent if none was claimed. */
            waiting?: components["schemas"]["DurationFigures"] | null;
        };
        /** @description What an event type sets for its events; what is absent comes from the queue, or from the defaults. */
        EventTypeSettings: {
            /** @description How long its events waited and took, where one event type is shown and any were claimed. */
            durations?: components["schemas"]["EventTypeDurations"];
            /** @description The event type. */
            event_type: components["schemas"]["EventType"];
            /**
             * Format: int64
             * @description After how many seconds in which an event waits and others pass it an engine is held back for it; 0 to 2,592,000, and 0 for
             *     never.
             */
            hold_back_after_seconds?: number | null;
            /**
             * Format: int64
             * @description How long one attempt may take, renewals included; 1 to 2,592,000. No limit if absent.
             */
            max_processing_seconds?: number | null;
            /** @description Why it is paused; absent if nobody has said. */
            pause_reason?: string;
            /** @description Whether its events are kept from being claimed. */
            paused: boolean;
            /** @description Since when it is paused; absent if it is not. */
            paused_at?: components["schemas"]["Timestamp"];
            /**
             * Format: int64
             * @description How many seconds make the priority of an event that waits one step better; 0 to 2,592,000, and 0 for never.
             */
            priority_aging_seconds?: number | null;
            /**
             * Format: int64
             * @description How long an attempt may go on without reporting progress; 1 to 2,592,000. No limit if absent.
             */
            progress_timeout_seconds?: number | null;
            /** @description What is done about engines that fail its events more than others do. */
            quarantine?: components["schemas"]["QuarantineMode"] | null;
            /** @description Overrides single fields of the retry policy. */
            retry_policy?: components["schemas"]["RetryPolicyPatch"] | null;
            /**
             * Format: int64
             * @description How long a lock lasts unless extended; 1 to 604,800.
             */
            visibility_timeout_seconds?: number | null;
            /** @description What is done about its events that nobody can run for a while; nothing, if absent. */
            when_blocked?: components["schemas"]["WhenBlocked"] | null;
        };
        /** @description One page of a list. */
        EventTypeSettingsPage: {
            /** @description At most `limit` items, in the order of the list. */
            items: components["schemas"]["EventTypeSettings"][];
            /** @description Send it as `cursor` to get the next page; null on the last one. Opaque. */
            next_cursor: string | null;
        };
        /** @description What is in one queue of one event type. */
        EventTypeStats: {
            /**
             * Format: int64
             * @description Cancelled.
             */
            cancelled: number;
            /**
             * Format: int64
             * @description Done.
             */
            completed: number;
            /** @description The kind of work. */
            event_type: components["schemas"]["EventType"];
            /**
             * Format: int64
             * @description Finally failed.
             */
            failed: number;
            /**
             * Format: int64
             * @description How many lanes its events are in.
             */
            lanes: number;
            /**
             * Format: date-time
             * @description Since when the first of its waiting events may be claimed, or from when on; null if none waits.
             * @example 2026-11-23T10:00:00.000Z
             */
            oldest_available_at: string | null;
            /** @description Whether its queue or its event type is paused. */
            paused: boolean;
            /**
             * Format: int64
             * @description Held by an engine.
             */
            processing: number;
            /** @description The queue. */
            queue: components["schemas"]["QueueName"];
            /**
             * Format: int64
             * @description Waiting to be claimed, now or later.
             */
            queued: number;
        };
        /** @description An engine's whole loop: settle, heartbeat, claim, in this order and in one transaction. */
        ExchangeRequest: {
            /** @description What it can take. */
            claim?: components["schemas"]["ClaimPart"] | null;
            /**
             * Format: int64
             * @description The epoch that its registration answered with.
             */
            epoch: number;
            /** @description How it is doing. */
            heartbeat?: components["schemas"]["HeartbeatPart"] | null;
            /** @description What it is done with; at most 10,000. */
            settlements?: components["schemas"]["Settlement"][];
        };
        /** @description The answers to an exchange. */
        ExchangeResponse: {
            /** @description The answer to the claim, if there was one. */
            claim?: components["schemas"]["ClaimResponse"];
            /** @description The answer to the heartbeat, if there was one. */
            heartbeat?: components["schemas"]["HeartbeatResponse"];
            /** @description One for each settlement, in the order of the request. */
            settlements: components["schemas"]["SettlementResult"][];
        };
        /** @description How far an event gets with the fleet. */
        ExplainedEngines: {
            /**
             * Format: int64
             * @description Those that have room for it now.
             */
            fit_now: number;
            /**
             * Format: int64
             * @description Those that could run it when they are idle and at their best.
             */
            fit_when_empty: number;
            /** @description Some of those that have room for it now: those that asked for events last come first. */
            free: components["schemas"]["FreeEngine"][];
            /** @description Some of the others: those for which least would have to change come first. */
            nearest: components["schemas"]["NearEngineView"][];
            /**
             * Format: int64
             * @description All engines that are registered and have not stopped.
             */
            registered: number;
        };
        /** @description A gate, as an event meets it. */
        ExplainedGate: {
            /** @description What it asks, and how many engines pass that passed those before. */
            detail: string;
            /** @description Its name. `available_at` is the time; all others are those of a claim. */
            gate: string;
            /**
             * @description The engine that is nearest to passing; null where the gate is open, or no engine's.
             * @example renderer-1
             */
            holder: string | null;
            /**
             * Format: date-time
             * @description When it opens by itself; null where that is not known, and where it is open.
             * @example 2026-11-23T10:00:00.000Z
             */
            opens_at: string | null;
            /** @description Whether it lets the event through. */
            state: components["schemas"]["Passage"];
        };
        /** @description The engine needs more time. */
        ExtendRequest: {
            /**
             * @description What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before, and is given to
             *     the next attempt as `previous.checkpoint`.
             */
            checkpoint?: components["schemas"]["RawJson"];
            /** @description The token of the claim's answer. */
            lock_token: components["schemas"]["LockToken"];
            log?: string[];
            /**
             * Format: uri
             * @description Where the whole log is: a URL that begins with `http://` or `https://`.
             */
            log_url?: string | null;
            /** @description How far the attempt is; replaces what was reported before. */
            progress?: components["schemas"]["AttemptProgress"] | null;
            /** @description What the attempt has used since it began. A field that is given replaces what was reported before. */
            usage?: components["schemas"]["AttemptUsage"] | null;
            /**
             * Format: int64
             * @description How long from now the lock is to last; 1 to 604,800.
             */
            visibility_timeout_seconds: number;
        };
        /** @description The attempt failed. */
        FailRequest: {
            /**
             * @description What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before, and is given to
             *     the next attempt as `previous.checkpoint`.
             */
            checkpoint?: components["schemas"]["RawJson"];
            /** @description Whether a person should look if this was the last attempt. */
            dead_letter?: boolean | null;
            /** @description What went wrong. */
            error: components["schemas"]["AttemptError"];
            /** @description The token of the claim's answer. */
            lock_token: components["schemas"]["LockToken"];
            log?: string[];
            /**
             * Format: uri
             * @description Where the whole log is: a URL that begins with `http://` or `https://`.
             */
            log_url?: string | null;
            /** @description How far the attempt is; replaces what was reported before. */
            progress?: components["schemas"]["AttemptProgress"] | null;
            /**
             * Format: double
             * @description How long to wait before it, in seconds, instead of the policy's delay; 0 to 31,622,400.
             */
            retry_after_seconds?: number | null;
            /** @description Whether another attempt may help; true if absent. */
            retryable?: boolean | null;
            /** @description What the attempt has used since it began. A field that is given replaces what was reported before. */
            usage?: components["schemas"]["AttemptUsage"] | null;
        };
        /** @description A gate that an engine does not pass. */
        FailedGate: {
            /** @description How it fails, and by how much. */
            detail: string;
            /** @description Its name. */
            gate: string;
        };
        /** @description One bad field of a request. */
        FieldError: {
            /** @description What is wrong with it, and what would be right. */
            detail: string;
            /**
             * @description Where the field is: a JSON pointer (RFC 6901); empty for the whole body. In a query, `/` and the
             *     parameter's name.
             */
            pointer: string;
        };
        /** @description An engine that has room for an event. */
        FreeEngine: {
            /** @description The engine. */
            engine_id: components["schemas"]["EngineId"];
            /**
             * Format: date-time
             * @description When it last asked this server for events; null if it has not, since the server was started.
             * @example 2026-11-23T10:00:00.000Z
             */
            last_claim_at: string | null;
        };
        /** @description How the server is. */
        HealthResponse: {
            /** @description `alive` or `ready`. */
            status: string;
        };
        /** @description The heartbeat of an exchange: as one by itself, without the epoch. */
        HeartbeatPart: {
            /** @description How it is doing; replaces what was known. Absent: as before. */
            dynamic_state?: components["schemas"]["DynamicState"] | null;
            /**
             * @description The locks it still works on. Absent says nothing about any lock; an empty list says that it works
             *     on none.
             */
            lock_tokens?: components["schemas"]["LockToken"][] | null;
            /**
             * @description What it reports of its attempts; at most 1,000. A report counts if its lock is among the `renewed` of the answer; one that
             *     is wrong, or too large, is left out, and `errors` says why.
             */
            reports?: components["schemas"]["LockReport"][];
        };
        /** @description An engine says that it is alive. */
        HeartbeatRequest: {
            /** @description How it is doing; replaces what was known. Absent: as before. */
            dynamic_state?: components["schemas"]["DynamicState"] | null;
            /**
             * Format: int64
             * @description The epoch that its registration answered with.
             */
            epoch: number;
            /**
             * @description The locks it still works on: they are renewed, and one left out twice is released. At most 1,000.
             *     Absent says nothing about any lock; an empty list says that it works on none.
             */
            lock_tokens?: components["schemas"]["LockToken"][] | null;
            /**
             * @description What it reports of its attempts; at most 1,000. A report counts if its lock is among the `renewed` of the answer; one that
             *     is wrong, or too large, is left out, and `errors` says why.
             */
            reports?: components["schemas"]["LockReport"][];
        };
        /** @description What the server has to tell an engine. */
        HeartbeatResponse: {
            /** @description The events that are to be cancelled: stop working on them. */
            cancel: components["schemas"]["EventId"][];
            /** @description Whether the engine is to take no new events. */
            drain: boolean;
            /** @description What was wrong with `dynamic_state`, `lock_tokens` or `reports`, and so was left out: the heartbeat counts nevertheless. */
            errors?: components["schemas"]["FieldError"][];
            /** @description Those of them that are lost: stop working on their events. */
            lost: components["schemas"]["LockToken"][];
            /** @description The locks that were listed or reported on and are renewed. */
            renewed: components["schemas"]["LockToken"][];
            /** @description Where the engine is in its life. */
            status: components["schemas"]["EngineStatus"];
        };
        /** @description An engine that is held back for an event. */
        HeldBackEngine: {
            /** @description The engine. */
            engine_id: components["schemas"]["EngineId"];
            /** @description When it is expected to have room for the event. */
            opens_at: components["schemas"]["Timestamp"];
            /** @description Since when. */
            since: components["schemas"]["Timestamp"];
        };
        /** @description An event that an engine holds. */
        HeldEvent: {
            /** @description Since when it holds it. */
            claimed_at: components["schemas"]["Timestamp"];
            /** @description The event. */
            event_id: components["schemas"]["EventId"];
            /** @description The kind of work. */
            event_type: components["schemas"]["EventType"];
        };
        /** @description Everything that happened to an event. */
        HistoryResponse: {
            /** @description What people did to it, oldest first. */
            actions: components["schemas"]["Action"][];
            /** @description Its attempts, oldest first; the one that completed it and the one that is under way included. */
            attempts: components["schemas"]["Attempt"][];
            /** @description The event. */
            event_id: components["schemas"]["EventId"];
            /**
             * @description What its attempts have used together, as far as engines have reported it: times added up, and the most memory;
             *     null if they have reported none.
             */
            usage: components["schemas"]["AttemptUsage"] | null;
        };
        /**
         * @description The colour by which people tell one installation from another.
         * @enum {string}
         */
        InstanceColor: "red" | "orange" | "yellow" | "green" | "teal" | "blue" | "purple" | "pink";
        /** @description Events that one gate keeps an engine from, those that several do counted with the first. */
        KeptFrom: {
            /** @description How it fails for the first of them. */
            detail: string;
            /**
             * Format: int64
             * @description How many events.
             */
            events: number;
            /** @description The gate. `available_at` is the time. */
            gate: string;
        };
        /** @description What is in one lane: events that no engine could tell apart for dispatch. */
        LaneStats: {
            /**
             * Format: int64
             * @description Cancelled.
             */
            cancelled: number;
            /**
             * Format: int64
             * @description Done.
             */
            completed: number;
            /** @description The range that the engine's version must lie in. */
            engine_version: string | null;
            /** @description The kind of work. */
            event_type: components["schemas"]["EventType"];
            /**
             * Format: int64
             * @description Finally failed.
             */
            failed: number;
            /**
             * Format: date-time
             * @description Since when the first of its waiting events may be claimed, or from when on; null if none waits.
             * @example 2026-11-23T10:00:00.000Z
             */
            oldest_available_at: string | null;
            /** @description Whether its queue, its event type or its scenario run is paused. */
            paused: boolean;
            /**
             * Format: int32
             * @description 0 (first) to 9 (last).
             */
            priority: number;
            /**
             * Format: int64
             * @description Held by an engine.
             */
            processing: number;
            /** @description The queue. */
            queue: components["schemas"]["QueueName"];
            /**
             * Format: int64
             * @description Waiting to be claimed, now or later.
             */
            queued: number;
            /** @description What the engine must be capable of. */
            required_capabilities: components["schemas"]["Capability"][];
            /**
             * Format: int64
             * @description Memory that the engine must have free, in MiB.
             */
            required_memory_mb: number | null;
            /**
             * @description The scenario run whose events these are, if that was paused while they waited: they stand apart until they are claimed.
             * @example film-42
             */
            scenario_run_id: string | null;
        };
        /** @description One page of a list. */
        LaneStatsPage: {
            /** @description At most `limit` items, in the order of the list. */
            items: components["schemas"]["LaneStats"][];
            /** @description Send it as `cursor` to get the next page; null on the last one. Opaque. */
            next_cursor: string | null;
        };
        /** @description One bad field of one line. */
        LineError: {
            /** @description What is wrong, and what would be right. */
            detail: string;
            /**
             * Format: int64
             * @description The line, counted from 1; empty lines count.
             */
            line: number;
            /** @description Where in the line's record: a JSON pointer (RFC 6901); empty for the whole line. */
            pointer: string;
        };
        /** @description What an engine reports of one of its attempts, by the attempt's lock. */
        LockReport: {
            /**
             * @description What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before, and is given to
             *     the next attempt as `previous.checkpoint`.
             */
            checkpoint?: components["schemas"]["RawJson"];
            /** @description The token of the claim's answer. A lock that is reported on is renewed, as one that is listed. */
            lock_token: components["schemas"]["LockToken"];
            log?: string[];
            /**
             * Format: uri
             * @description Where the whole log is: a URL that begins with `http://` or `https://`.
             */
            log_url?: string | null;
            /** @description How far the attempt is; replaces what was reported before. */
            progress?: components["schemas"]["AttemptProgress"] | null;
            /** @description What the attempt has used since it began. A field that is given replaces what was reported before. */
            usage?: components["schemas"]["AttemptUsage"] | null;
        };
        /**
         * @description Proves that its bearer holds a lock. Opaque: send it back as it came.
         * @example 1-0123456789abcdef0123456789abcdef
         */
        LockToken: string;
        /** @description The ends of the logs of an event's attempts. */
        LogResponse: {
            /** @description The event. */
            event_id: components["schemas"]["EventId"];
            /** @description Those of the last 16 attempts of which there is one, oldest first. */
            logs: components["schemas"]["AttemptLog"][];
        };
        /**
         * @description What became of a member that was not changed.
         * @enum {string}
         */
        MemberOutcome: "conflict" | "failed";
        /** @description What an engine says about itself. Unknown keys are kept and returned. */
        Metadata: {
            /** @description What each heartbeat replaces. */
            dynamic_state?: components["schemas"]["DynamicState"];
            /** @description What holds from one registration to the next. */
            static_config?: components["schemas"]["StaticConfig"];
        } & {
            [key: string]: components["schemas"]["RawJson"];
        };
        /** @description What happened within one step. */
        MinutePoint: {
            /** @description When the step begins. */
            at: components["schemas"]["Timestamp"];
            /**
             * Format: int64
             * @description Events that were given to engines.
             */
            claimed: number;
            /**
             * Format: int64
             * @description Attempts that completed their events.
             */
            completed: number;
            /**
             * Format: int64
             * @description Events that became dead letters.
             */
            dead_lettered: number;
            /**
             * Format: int64
             * @description Events that were enqueued.
             */
            enqueued: number;
            /**
             * Format: int64
             * @description Attempts that failed or took too long, whether or not they are repeated.
             */
            failed: number;
            /**
             * Format: int64
             * @description Attempts that ended because their locks were lost.
             */
            lost: number;
            /** @description From a claim to the end of the attempt: completed, failed or timed out; absent if none has ended. */
            processing?: components["schemas"]["DurationFigures"] | null;
            /** @description From when an event could be claimed to its claim; absent if none was claimed. */
            waiting?: components["schemas"]["DurationFigures"] | null;
        };
        /** @description What happened to some of the events. */
        MinuteSeries: {
            /**
             * @description Of which event type; null if it is not of one.
             * @example frame.render
             */
            event_type: string | null;
            /** @description Oldest first. A step in which nothing happened has none. */
            points: components["schemas"]["MinutePoint"][];
            /**
             * @description Of which queue; null if it is not of one. Where series are of queues and event types, the one that has neither is of all
             *     that were not told apart: a server tells 500 queues with an event type apart.
             * @example default
             */
            queue: string | null;
        };
        /** @description What happened, step by step. */
        MinutesResponse: {
            /** @description When the first step begins. */
            from: components["schemas"]["Timestamp"];
            /** @description In the order of their names. */
            series: components["schemas"]["MinuteSeries"][];
            /**
             * Format: int32
             * @description How long each step is.
             */
            step_seconds: number;
            /** @description When the last step ends. */
            to: components["schemas"]["Timestamp"];
        };
        /** @description What became of a stream of `application/x-ndjson`: the good lines are stored. */
        NdjsonResponse: {
            /**
             * Format: int64
             * @description How many were there before, by their idempotency keys.
             */
            duplicates: number;
            /**
             * Format: int64
             * @description How many events are new.
             */
            enqueued: number;
            /** @description What is wrong with them: the first 1,000. */
            errors: components["schemas"]["LineError"][];
            /**
             * Format: int64
             * @description How many lines were refused.
             */
            rejected: number;
            /** @description What the producer should know, each thing once. */
            warnings: components["schemas"]["Warning"][];
        };
        /** @description An engine beside an event. */
        NearEngineView: {
            /** @description What would let it run the event, if the event's queue and time do; empty if nothing has to change. */
            change: components["schemas"]["ChangeView"][];
            /** @description The engine. */
            engine_id: components["schemas"]["EngineId"];
            /** @description Every gate that keeps it from the event; empty if none does. */
            fails: components["schemas"]["FailedGate"][];
            /** @description Whether it could run the event when it is idle and at its best. */
            fits_when_empty: boolean;
            /** @description What it holds, the longest held first; at most 5. */
            holds: components["schemas"]["HeldEvent"][];
            /**
             * Format: date-time
             * @description When it last asked this server for events; null if it has not, since the server was started.
             * @example 2026-11-23T10:00:00.000Z
             */
            last_claim_at: string | null;
            /** @description Where it is in its life. */
            status: components["schemas"]["EngineStatus"];
        };
        /**
         * @description An address, or a network of them without bits of a host, of IPv4 or IPv6.
         * @example 10.0.0.0/8
         */
        Network: string;
        /** @description A token with its text, which is shown this once. */
        NewToken: {
            /** @description What is kept of it. */
            kept: components["schemas"]["TokenView"];
            /** @description What its bearer sends, as `Authorization: Bearer`. Nobody can show it again. Null if certificates open it. */
            token: string | null;
        };
        /** @description Since when the oldest event has waited. */
        OldestEvent: {
            /** @description Since when it could be claimed. */
            available_at: components["schemas"]["Timestamp"];
            /** @description Its type. */
            event_type: components["schemas"]["EventType"];
            /** @description Its queue. */
            queue: components["schemas"]["QueueName"];
        };
        /**
         * @description What an operation does to each of its members.
         * @enum {string}
         */
        OperationAction: "cancel_events" | "retry_events" | "redrive_events" | "redrive_dead_letters" | "discard_dead_letters" | "drain_engines" | "resume_engines" | "deregister_engines" | "quarantine_engines" | "lift_quarantines";
        /**
         * Format: uuid
         * @description Names one operation: a UUID of version 7 (RFC 9562).
         * @example 0193f2a0-7c4e-7000-8000-000000000001
         */
        OperationId: string;
        /** @description What an operation would be about at this moment. Nothing is changed. */
        OperationPreview: {
            action: components["schemas"]["OperationAction"];
            /**
             * Format: int64
             * @description How many it would be about.
             */
            count: number;
            /** @description Whether there are so many; if not, there are at least so many, and counting stopped there. */
            count_is_exact: boolean;
            /** @description What it would do, in words: `Cancels 12 events`. */
            effect: string;
            /** @description The first of them, in the order in which they would have their turns. */
            samples: components["schemas"]["OperationSample"][];
        };
        /** @description Act on all that match: everything that matches at this moment is written down, and has its turn then. */
        OperationRequest: {
            /** @description What to do. */
            action: components["schemas"]["OperationAction"];
            /** @description Says that all of them are meant. Not together with a filter. */
            all?: boolean;
            /** @description Of `quarantine_engines`: the event types that it is for, at most 100; all if absent or empty. */
            event_types?: components["schemas"]["EventType"][];
            /** @description On which ones, in the language of filters. One that matches all is refused unless `all` is true. */
            filter?: string | null;
            /** @description Of `cancel_events`: whether to take the locks away from engines that work on them, instead of asking these to stop. */
            force?: boolean;
            /**
             * Format: int64
             * @description How many at most, the first in the operation's order; 1 to 1,000,000. Without one, more than 1,000,000 are refused.
             */
            limit?: number | null;
            /**
             * Format: double
             * @description How many have their turn each second at most; as many as the server can do if absent.
             */
            rate_per_second?: number | null;
            /** @description Why, for the history: at most 256 characters. */
            reason?: string | null;
            /** @description Of `drain_engines`: whether the engines are to stop once their last lock is settled. */
            stop_when_drained?: boolean;
            /**
             * Format: date-time
             * @description Of `quarantine_engines`: when the quarantine ends by itself; never if absent.
             * @example 2026-11-23T10:00:00.000Z
             */
            until?: string | null;
        };
        /** @description Something that an operation would be about. */
        OperationSample: {
            /** @description The id of the event, or of the engine. */
            id: string;
            /** @description What kind of event or engine it is. */
            kind: string;
            /** @description The queue of the event; null of an engine. */
            queue: string | null;
            /** @description The status of the event, or of the engine. */
            status: string;
        };
        /**
         * @description How far an operation is.
         * @enum {string}
         */
        OperationStatus: "collecting" | "running" | "completed" | "cancelled" | "failed";
        /** @description The state of everything in a few numbers, and what needs a person. */
        Overview: {
            /** @description What needs a person, the most urgent first; at most 50. */
            attention: components["schemas"]["AttentionItem"][];
            /**
             * Format: int64
             * @description How many dead letters nobody has resolved.
             */
            dead_letters: number;
            /** @description How many engines there are, by status. */
            engines: components["schemas"]["EngineCounts"];
            /** @description How many events there are, by status. */
            events: components["schemas"]["EventCounts"];
            /** @description The event that has waited longest of those that could be claimed; null if none waits. */
            oldest: components["schemas"]["OldestEvent"] | null;
            /** @description How fast the work goes. */
            rates: components["schemas"]["ActivityRates"];
            /**
             * Format: int64
             * @description How many claims wait for events, at this server.
             */
            waiting_claims: number;
        };
        /**
         * @description Whether a gate lets an event through.
         * @enum {string}
         */
        Passage: "open" | "closed" | "not_reached";
        /** @description Why something is to be paused. */
        PauseRequest: {
            /** @description Why; at most 256 characters. */
            reason?: string | null;
        };
        /** @description What the attempts before have left for the one that begins. */
        PreviousAttempt: {
            /** @description The newest checkpoint, of whichever attempt it is; null if there is none. */
            checkpoint: components["schemas"]["RawJson"];
            /**
             * @description The engine that had claimed the event before.
             * @example renderer-1
             */
            engine_id: string | null;
            /** @description What went wrong last; null if nothing has. */
            error: components["schemas"]["AttemptError"] | null;
        };
        /** @description What went wrong, for programs and for people: `application/problem+json`. */
        Problem: {
            /** @description Whether the request has changed anything: `false`, or `"unknown"`. Absent where it goes without saying. */
            applied?: components["schemas"]["Applied"];
            /** @description What went wrong, as a stable word for programs. */
            code: components["schemas"]["Code"];
            /** @description What went wrong this time, in a sentence. */
            detail: string;
            /** @description Every bad field of the request. */
            errors?: components["schemas"]["FieldError"][];
            /** @description The event that is concerned. */
            event_id?: components["schemas"]["EventId"];
            /** @description Where that event is in its life. */
            event_status?: components["schemas"]["EventStatus"];
            /** @description The permission that the token does not have. */
            missing?: string;
            /** @description What the permission would have to be on, such as `queue eu.render`; absent if it is missing altogether. */
            on?: string;
            /** @description What the token has its share of, such as `events_per_second`. */
            quota?: string;
            /** @description Names the request in the server's log. */
            request_id?: string;
            /**
             * Format: int64
             * @description How long to wait before a repeat, in seconds; also in the `Retry-After` header.
             */
            retry_after_seconds?: number;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description What went wrong, in a few words. */
            title: string;
            /** @description A relative URI of the page that explains the code: `/problems/<code>`. */
            type: string;
        };
        /** @description What keeps an engine from events, and until when. What it holds when it begins, it may finish. */
        Quarantine: {
            /** @description The event types that it is for; all if there are none. */
            event_types: components["schemas"]["EventType"][];
            /** @description Why, in the words of whoever did it. */
            reason: string;
            /** @description Since when. */
            since: components["schemas"]["Timestamp"];
            /**
             * Format: date-time
             * @description When it ends by itself; null if somebody has to lift it.
             * @example 2026-11-23T10:00:00.000Z
             */
            until: string | null;
        };
        /**
         * @description What is done about engines that fail more than others do at the same work.
         * @enum {string}
         */
        QuarantineMode: "off" | "advise" | "enforce";
        /** @description No events for the engine, or none of some types, until a time or until somebody lifts it. */
        QuarantineRequest: {
            /** @description The event types that it is for, at most 100; all if absent or empty. */
            event_types?: components["schemas"]["EventType"][];
            /** @description Why; at most 256 characters. */
            reason: string;
            /**
             * Format: date-time
             * @description When it ends by itself; never if absent.
             * @example 2026-11-23T10:00:00.000Z
             */
            until?: string | null;
        };
        /** @description What is in one queue of one event type, and how fast it goes there. */
        QueueActivity: {
            /**
             * Format: int64
             * @description Cancelled.
             */
            cancelled: number;
            /**
             * Format: int64
             * @description Done.
             */
            completed: number;
            /** @description The kind of work. */
            event_type: components["schemas"]["EventType"];
            /**
             * Format: int64
             * @description Finally failed.
             */
            failed: number;
            /**
             * Format: int64
             * @description How many lanes its events are in.
             */
            lanes: number;
            /**
             * Format: date-time
             * @description Since when the first of its waiting events may be claimed, or from when on; null if none waits.
             * @example 2026-11-23T10:00:00.000Z
             */
            oldest_available_at: string | null;
            /** @description Whether its queue or its event type is paused. */
            paused: boolean;
            /**
             * Format: int64
             * @description Held by an engine.
             */
            processing: number;
            /** @description The queue. */
            queue: components["schemas"]["QueueName"];
            /**
             * Format: int64
             * @description Waiting to be claimed, now or later.
             */
            queued: number;
            /** @description How fast it goes. */
            rates: components["schemas"]["ActivityRates"];
            /**
             * @description The worst verdict on what waits there: `impossible` and `blocked` say that no engine serves some of it; null if nothing
             *     waits. Of a large fleet, it is looked for every few seconds.
             */
            verdict: components["schemas"]["WaitingVerdict"] | null;
        };
        /** @description What is in every queue, by event type. */
        QueueActivityList: {
            /** @description As of when, by the store's clock. */
            as_of: components["schemas"]["Timestamp"];
            /**
             * Format: int64
             * @description How many queues with an event type are left out.
             */
            left_out: number;
            /** @description Those with the most events, at most 1,000, in the order of their names. */
            queues: components["schemas"]["QueueActivity"][];
        };
        /**
         * @description Names a stream of events; `default` when none is named.
         * @example default
         */
        QueueName: string;
        /** @description Which events are claimed before an event, as far as engines that could run it claim them. */
        QueuePosition: {
            /**
             * Format: int64
             * @description Queued events of better priorities that engines which could run this one could run too.
             */
            ahead_by_priority: number;
            /**
             * Format: int64
             * @description Events of the same queue, event type, priority and requirements that became available before it; at most 10,000.
             */
            ahead_in_lane: number;
        };
        /** @description What a queue sets for its events; what is absent comes from the defaults. */
        QueueSettings: {
            /**
             * Format: int64
             * @description After how many seconds in which an event waits and others pass it an engine is held back for it; 0 to 2,592,000, and 0 for
             *     never.
             */
            hold_back_after_seconds?: number | null;
            /**
             * Format: int64
             * @description How long one attempt may take, renewals included; 1 to 2,592,000. No limit if absent.
             */
            max_processing_seconds?: number | null;
            /** @description Why it is paused; absent if nobody has said. */
            pause_reason?: string;
            /** @description Whether its events are kept from being claimed. */
            paused: boolean;
            /** @description Since when it is paused; absent if it is not. */
            paused_at?: components["schemas"]["Timestamp"];
            /**
             * Format: int64
             * @description How many seconds make the priority of an event that waits one step better; 0 to 2,592,000, and 0 for never.
             */
            priority_aging_seconds?: number | null;
            /**
             * Format: int64
             * @description How long an attempt may go on without reporting progress; 1 to 2,592,000. No limit if absent.
             */
            progress_timeout_seconds?: number | null;
            /** @description What is done about engines that fail its events more than others do. */
            quarantine?: components["schemas"]["QuarantineMode"] | null;
            /** @description The queue. */
            queue: components["schemas"]["QueueName"];
            /** @description Overrides single fields of the retry policy. */
            retry_policy?: components["schemas"]["RetryPolicyPatch"] | null;
            /**
             * Format: int64
             * @description How long a lock lasts unless extended; 1 to 604,800.
             */
            visibility_timeout_seconds?: number | null;
            /** @description What is done about its events that nobody can run for a while; nothing, if absent. */
            when_blocked?: components["schemas"]["WhenBlocked"] | null;
        };
        /** @description One page of a list. */
        QueueSettingsPage: {
            /** @description At most `limit` items, in the order of the list. */
            items: components["schemas"]["QueueSettings"][];
            /** @description Send it as `cursor` to get the next page; null on the last one. Opaque. */
            next_cursor: string | null;
        };
        /** @description Any JSON value; kept and returned byte for byte. */
        RawJson: unknown;
        /** @description An engine introduces itself, for the first time or again. */
        RegisterRequest: {
            /** @description Groups engines that are the same program: a name. */
            engine_type: components["schemas"]["EngineType"];
            /**
             * Format: int64
             * @description How often it will send a heartbeat, in seconds: 0 (never), or 1 to 300; 10 if absent.
             */
            heartbeat_interval_seconds?: number | null;
            /** @description What it says about itself; at most 64 KiB. */
            metadata?: components["schemas"]["Metadata"];
            /**
             * @description Whether it takes over the id of an engine that lives, with the token that this one was registered with. Its locks end at
             *     once, and count for no loss.
             */
            takeover?: boolean;
        };
        /** @description The engine releases the event; the attempt is not counted. */
        ReleaseRequest: {
            /**
             * @description What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before, and is given to
             *     the next attempt as `previous.checkpoint`.
             */
            checkpoint?: components["schemas"]["RawJson"];
            /**
             * Format: double
             * @description How long nobody may claim it, in seconds; 0 to 31,622,400, 0 if absent.
             */
            delay_seconds?: number | null;
            /** @description The token of the claim's answer. */
            lock_token: components["schemas"]["LockToken"];
            log?: string[];
            /**
             * Format: uri
             * @description Where the whole log is: a URL that begins with `http://` or `https://`.
             */
            log_url?: string | null;
            /** @description How far the attempt is; replaces what was reported before. */
            progress?: components["schemas"]["AttemptProgress"] | null;
            /** @description What the attempt has used since it began. A field that is given replaces what was reported before. */
            usage?: components["schemas"]["AttemptUsage"] | null;
        };
        /** @description A key that was released. */
        ReleasedKey: {
            /** @description The event that had it. It stays as it is. */
            event_id: components["schemas"]["EventId"];
            /** @description The key: the next enqueue with it makes a new event. */
            idempotency_key: string;
        };
        /** @description How much an engine may be given at once. Unknown keys are kept and returned. */
        ResourceLimits: {
            /**
             * Format: int64
             * @description The most locks it may hold; 1 to 1,000. 1,000 if absent.
             */
            max_concurrent_events?: number | null;
            /**
             * Format: int64
             * @description Its memory in MiB; 1 to 2^30. Without it, it gets no event that requires memory.
             */
            memory_limit_mb?: number | null;
        } & {
            [key: string]: components["schemas"]["RawJson"];
        };
        /** @description The present load of an engine. Unknown keys are kept and returned. */
        ResourceUtilization: {
            /**
             * Format: double
             * @description Processor time in percent of one core; 0 or more.
             */
            cpu_percent?: number | null;
            /**
             * Format: double
             * @description Memory in use, in MiB; 0 or more.
             */
            memory_usage_mb?: number | null;
        } & {
            [key: string]: components["schemas"]["RawJson"];
        };
        /** @description Some fields of a [`RetryDelay`]. */
        RetryDelayPatch: {
            /**
             * Format: double
             * @description Seconds before the first retry; 0 to 2,592,000, and at most `max` where both are given.
             */
            initial?: number | null;
            /**
             * Format: double
             * @description The largest part that chance adds; 0 to 1.
             */
            jitter?: number | null;
            /**
             * Format: double
             * @description The longest wait in seconds, jitter aside; 0 to 2,592,000.
             */
            max?: number | null;
            /**
             * Format: double
             * @description How much longer each retry waits than the one before; 1 to 1,000.
             */
            multiplier?: number | null;
        };
        /**
         * @description Whether an event that an engine has failed is retried by another one. A lost lock is no failure.
         * @enum {string}
         */
        RetryElsewhere: "prefer" | "require" | "off";
        /** @description Some fields of a [`RetryPolicy`]. */
        RetryPolicyPatch: {
            /**
             * Format: int32
             * @description How many failures make an event that an engine rejects (`retryable: false`) a dead letter; 1 to 1,000. One whose
             *     retries are exhausted always is.
             */
            dead_letter_threshold?: number | null;
            /**
             * Format: int32
             * @description How many lost locks are forgiven; 0 to 1,000.
             */
            max_losses?: number | null;
            /**
             * Format: int32
             * @description How many failed attempts are retried; 0 to 1,000.
             */
            max_retries?: number | null;
            /** @description How long to wait before a retry. */
            retry_delay?: components["schemas"]["RetryDelayPatch"] | null;
            /** @description Whether another engine is to retry what one has failed. */
            retry_elsewhere?: components["schemas"]["RetryElsewhere"] | null;
        };
        /**
         * @description What a token is for.
         * @enum {string}
         */
        Role: "metrics" | "viewer" | "producer" | "engine" | "operator" | "admin";
        /** @description A new secret for a token. The body may be left out. */
        RotateTokenRequest: {
            /**
             * Format: int64
             * @description How long the token is valid from now on; as long as a new one of its role if absent.
             */
            expires_in_seconds?: number | null;
            /**
             * Format: int64
             * @description For how long the present secret is taken, too; a day if absent, 90 at most, 0 for not at all.
             */
            overlap_seconds?: number | null;
        };
        /** @description How to cancel a scenario run. The body may be left out. */
        RunCancelRequest: {
            /** @description Whether to take the locks away from engines that work on its events, instead of asking these to stop. */
            force?: boolean;
            /** @description Why, for the history: at most 256 characters. */
            reason?: string | null;
        };
        /** @description A group of events with one `scenario_run_id`. */
        ScenarioRun: {
            /**
             * Format: double
             * @description How many of its events end each second: an average in which an end counts less the longer ago it is, by a factor of *e*
             *     after 5 minutes.
             */
            ends_per_second: number;
            /** @description The engines that are on it; only where one run is asked for. */
            engines?: components["schemas"]["EngineId"][];
            /**
             * @description When the events that are queued and processing now will have ended, if they go on to end as fast; absent if none are left,
             *     none ends, or the run is paused.
             */
            estimated_end_at?: components["schemas"]["Timestamp"];
            /** @description How many of its events there are, by status. */
            events: components["schemas"]["EventCounts"];
            /** @description When the first of its events that are kept was enqueued. */
            first_enqueued_at: components["schemas"]["Timestamp"];
            /** @description When one of its events was enqueued or changed its status last. */
            last_activity_at: components["schemas"]["Timestamp"];
            /** @description Why it is paused; absent if nobody has said. */
            pause_reason?: string;
            /** @description Since when it is paused; absent if it is not. */
            paused_at?: components["schemas"]["Timestamp"];
            /** @description Names it. */
            scenario_run_id: components["schemas"]["ScenarioRunId"];
        };
        /**
         * @description Groups events, and the engines that work on them.
         * @example film-42
         */
        ScenarioRunId: string;
        /** @description One page of a list. */
        ScenarioRunPage: {
            /** @description At most `limit` items, in the order of the list. */
            items: components["schemas"]["ScenarioRun"][];
            /** @description Send it as `cursor` to get the next page; null on the last one. Opaque. */
            next_cursor: string | null;
        };
        /**
         * @description A name, or the beginning of names and an asterisk.
         * @example eu.*
         */
        Selector: string;
        /** @description On what a token may act. An empty list is no limit. */
        Selectors: {
            /** @description What an engine may say that it is capable of; anything if absent. */
            capabilities?: components["schemas"]["Selector"][];
            /** @description The engines, by their ids; all if absent. */
            engines?: components["schemas"]["Selector"][];
            /** @description The types of events; all if absent. */
            event_types?: components["schemas"]["Selector"][];
            /** @description The queues of events; all if absent. */
            queues?: components["schemas"]["Selector"][];
        };
        /**
         * @description What the process of an engine proves itself with, as the header `Enginehouse-Session`.
         * @example ehs1_0000000000000000000000000000000000000000000_05gUmH
         */
        SessionToken: string;
        /** @description A setting of a server, as it is in force. */
        SettingInForce: {
            /** @description What it is for, with unit and range, in Markdown. */
            about: string;
            /** @description Where the value comes from: `default`, `file PATH`, `variable NAME` or `flag NAME`. */
            from: string;
            /** @description Its key in the file of settings. */
            setting: string;
            /** @description The value; empty if there is none. No password is in it. */
            value: string;
        };
        /** @description What an event type or a queue sets for its events. */
        Settings: {
            /**
             * Format: int64
             * @description After how many seconds in which an event waits and others pass it an engine is held back for it; 0 to 2,592,000, and 0 for
             *     never.
             */
            hold_back_after_seconds?: number | null;
            /**
             * Format: int64
             * @description How long one attempt may take, renewals included; 1 to 2,592,000. No limit if absent.
             */
            max_processing_seconds?: number | null;
            /** @description Whether its events are kept from being claimed. */
            paused?: boolean;
            /**
             * Format: int64
             * @description How many seconds make the priority of an event that waits one step better; 0 to 2,592,000, and 0 for never.
             */
            priority_aging_seconds?: number | null;
            /**
             * Format: int64
             * @description How long an attempt may go on without reporting progress; 1 to 2,592,000. No limit if absent.
             */
            progress_timeout_seconds?: number | null;
            /** @description What is done about engines that fail its events more than others do. */
            quarantine?: components["schemas"]["QuarantineMode"] | null;
            /** @description Overrides single fields of the retry policy. */
            retry_policy?: components["schemas"]["RetryPolicyPatch"] | null;
            /**
             * Format: int64
             * @description How long a lock lasts unless extended; 1 to 604,800.
             */
            visibility_timeout_seconds?: number | null;
            /** @description What is done about its events that nobody can run for a while; nothing, if absent. */
            when_blocked?: components["schemas"]["WhenBlocked"] | null;
        };
        /**
         * @description The calls that settle or extend.
         * @enum {string}
         */
        SettleOutcome: "complete" | "fail" | "release" | "extend";
        /** @description Up to 10,000 settlements, each with its own answer. One that is wrong is refused by itself. */
        SettleRequest: {
            /** @description The settlements: 1 to 10,000. */
            settlements: components["schemas"]["Settlement"][];
        };
        /** @description What became of a batch of settlements, in the order of the request. */
        SettleResponse: {
            /** @description One for each settlement. */
            results: components["schemas"]["SettlementResult"][];
        };
        /** @description How to settle one event: an outcome, and the fields of the call of that name. */
        Settlement: {
            /**
             * @description What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before, and is given to
             *     the next attempt as `previous.checkpoint`.
             */
            checkpoint?: components["schemas"]["RawJson"];
            /** @description With `fail`: whether a person should look if this was the last attempt. */
            dead_letter?: boolean | null;
            /**
             * Format: double
             * @description With `release`: how long nobody may claim it, in seconds; 0 to 31,622,400.
             */
            delay_seconds?: number | null;
            /** @description With `fail`, and required there: what went wrong. */
            error?: components["schemas"]["AttemptError"] | null;
            /** @description Which event. */
            event_id: components["schemas"]["EventId"];
            /** @description The token of the claim's answer. */
            lock_token: components["schemas"]["LockToken"];
            log?: string[];
            /**
             * Format: uri
             * @description Where the whole log is: a URL that begins with `http://` or `https://`.
             */
            log_url?: string | null;
            /** @description What became of the attempt. */
            outcome: components["schemas"]["SettleOutcome"];
            /** @description How far the attempt is; replaces what was reported before. */
            progress?: components["schemas"]["AttemptProgress"] | null;
            /** @description With `complete`: any JSON of at most 256 KiB, kept byte for byte. */
            result?: components["schemas"]["RawJson"];
            /**
             * Format: double
             * @description With `fail`: how long to wait before the next attempt, in seconds; 0 to 31,622,400.
             */
            retry_after_seconds?: number | null;
            /** @description With `fail`: whether another attempt may help; true if absent. */
            retryable?: boolean | null;
            /** @description What the attempt has used since it began. A field that is given replaces what was reported before. */
            usage?: components["schemas"]["AttemptUsage"] | null;
            /**
             * Format: int64
             * @description With `extend`, and required there: how long from now the lock is to last; 1 to 604,800.
             */
            visibility_timeout_seconds?: number | null;
        };
        /** @description What became of one settlement. */
        SettlementResult: {
            /** @description Why the settlement was refused; absent if it was not. */
            error?: components["schemas"]["Problem"];
            /**
             * Format: uuid
             * @description Which event; null if what was sent is no event's id.
             * @example 0193f2a0-7c4e-7000-8000-000000000000
             */
            event_id: string | null;
            /** @description Where it is now; null if it is not known. */
            status: components["schemas"]["EventStatus"] | null;
        };
        /** @description The event for which an engine is held back. */
        StarvingEventView: {
            /** @description The event. */
            event_id: components["schemas"]["EventId"];
            /** @description When the engine is expected to have room for it. */
            opens_at: components["schemas"]["Timestamp"];
            /** @description Since when. */
            since: components["schemas"]["Timestamp"];
        };
        /** @description What an engine can do and may take. Unknown keys are kept and returned. */
        StaticConfig: {
            /** @description What it can do: at most 64 names. */
            capabilities?: components["schemas"]["Capability"][];
            /** @description Its version; a semantic one, if events require a range of versions. */
            engine_software_version?: string | null;
            /** @description What it may take. */
            resource_limits?: components["schemas"]["ResourceLimits"];
        } & {
            [key: string]: components["schemas"]["RawJson"];
        };
        /** @description What is in the store at one moment. */
        Stats: {
            /**
             * Format: int64
             * @description How many dead letters nobody has resolved.
             */
            dead_letters: number;
            /** @description How many engines there are, by status. */
            engines: components["schemas"]["EngineCounts"];
            /** @description The same, by queue and event type: those with the most events, at most 1,000, in the order of their names. */
            event_types: components["schemas"]["EventTypeStats"][];
            /**
             * Format: int64
             * @description How many queues with an event type are left out above.
             */
            event_types_left_out: number;
            /** @description How many events there are, by status. */
            events: components["schemas"]["EventCounts"];
            /**
             * Format: int64
             * @description How many lanes there are: `/v1/stats/lanes` lists them.
             */
            lanes: number;
            /** @description The moment, by the store's clock. */
            now: components["schemas"]["Timestamp"];
            /**
             * Format: date-time
             * @description Until when no finished event is deleted, because the clock has leapt ahead; null if it has not.
             * @example 2026-11-23T10:00:00.000Z
             */
            pruning_held_until: string | null;
            /**
             * Format: int64
             * @description How many claims are waiting for events.
             */
            waiting_claims: number;
        };
        /**
         * @description What a suspect is.
         * @enum {string}
         */
        SuspectKind: "engine" | "engine_at_type" | "version_at_type";
        /** @description Who fails more than others do at the same work. */
        SuspectList: {
            /** @description As of when, by the store's clock. */
            as_of: components["schemas"]["Timestamp"];
            /**
             * Format: int64
             * @description How many more there are.
             */
            left_out: number;
            /** @description The surest first; at most 100. */
            suspects: components["schemas"]["SuspectView"][];
        };
        /** @description Somebody who fails more than others do, and what speaks for that. */
        SuspectView: {
            /** @description Those that the server has put the engine in because of this, and that are not over. */
            automatic_quarantines: components["schemas"]["AutomaticQuarantine"][];
            /**
             * Format: int64
             * @description How many of them it has completed.
             */
            completed: number;
            /**
             * Format: int64
             * @description How many others have completed.
             */
            completed_elsewhere: number;
            /**
             * @description The engine; null if it is a version.
             * @example renderer-1
             */
            engine_id: string | null;
            /** @description The version of engines' software; null if it is an engine. */
            engine_version: string | null;
            /** @description What it fails at. */
            event_types: components["schemas"]["EventType"][];
            /** @description The last events that count against it; at most 5. */
            evidence: components["schemas"]["EventId"][];
            /**
             * Format: int64
             * @description How many events it has failed or lost since then, of those that it was the first to try.
             */
            failed: number;
            /**
             * Format: int64
             * @description How many events of these types others have failed or lost in the same time.
             */
            failed_elsewhere: number;
            /** @description What it is. */
            kind: components["schemas"]["SuspectKind"];
            /** @description When it last ended an attempt. */
            last_at: components["schemas"]["Timestamp"];
            /**
             * Format: int64
             * @description How many of these it has lost: what an engine loses at one moment counts once.
             */
            lost: number;
            /**
             * Format: double
             * @description How probable it is that it fails more than others do, if one in a thousand goes bad.
             */
            probability: number;
            /** @description What the engine is kept from meanwhile, why and until when; null if it is in no quarantine, and if the suspect is a version. */
            quarantine: components["schemas"]["Quarantine"] | null;
            /** @description Its first failure that counts. */
            since: components["schemas"]["Timestamp"];
            /** @description One sentence that says it all. */
            summary: string;
        };
        /**
         * @description How a server is set up and how it does: what one looks at before one changes anything about it.
         *
         *     Each server answers of itself. Others on the same database may be set up in other ways.
         */
        SystemInfo: {
            /**
             * @description What a person should look after, though nothing is wrong yet: tokens and certificates near their end, and listeners that
             *     can be overheard.
             */
            advice: string[];
            /** @description The room on the disk of the data file; null for a database, which keeps that to itself. */
            disk: components["schemas"]["DiskRoom"] | null;
            /** @description What is wrong, as far as a server sees it that runs. `enginehouse doctor` reads every row besides. */
            findings: string[];
            /** @description What people call this installation, as `instance_name` says; null if nobody has named it. */
            instance_name: string | null;
            /** @description The present, by the store's clock. */
            now: components["schemas"]["Timestamp"];
            /** @description The version of the server. */
            server_version: string;
            /** @description Every setting, in the order of the page that documents them. */
            settings: components["schemas"]["SettingInForce"][];
            /** @description The kind of the store, its version, the version of its schema and where it is, without a password. */
            store: string;
            /**
             * Format: int64
             * @description For how long this server has run, in seconds.
             */
            uptime_seconds: number;
        };
        /**
         * Format: date-time
         * @description A moment between 1970 and 9999 (RFC 3339). Answers are in UTC, with milliseconds.
         * @example 2026-11-23T10:00:00.000Z
         */
        Timestamp: string;
        /**
         * @description Names one access token, for people.
         * @example ci
         */
        TokenName: string;
        /**
         * @description Whether a token opens anything.
         * @enum {string}
         */
        TokenStatus: "active" | "waiting" | "expired" | "revoked";
        /** @description What is kept of a token: nothing of its secret. */
        TokenView: {
            /** @description Names it: the part of the token behind `eh1_`, which is no secret. */
            accessor: components["schemas"]["Accessor"];
            /** @description From where it may be used; from anywhere if empty. */
            allowed_addresses: components["schemas"]["Network"][];
            /**
             * @description The name in the certificates that open it instead of a text.
             * @example spiffe://example.org/engine-7
             */
            certificate_name: string | null;
            /** @description When it was made. */
            created_at: components["schemas"]["Timestamp"];
            /** @description Who made it: the accessor of a token, or `store` for whoever had the store itself. */
            created_by: string;
            /** @description Until when it is valid. */
            expires_at: components["schemas"]["Timestamp"];
            /**
             * Format: date-time
             * @description When its secret was last used, a minute more or less.
             * @example 2026-11-23T10:00:00.000Z
             */
            last_used_at: string | null;
            /** @description What people call it. */
            name: components["schemas"]["TokenName"];
            /**
             * Format: date-time
             * @description From when on it is valid.
             * @example 2026-11-23T10:00:00.000Z
             */
            not_before: string | null;
            /**
             * Format: date-time
             * @description Until when the secret from before that is taken, too.
             * @example 2026-11-23T10:00:00.000Z
             */
            previous_secret_until: string | null;
            /**
             * Format: date-time
             * @description When that one was last used: null once nobody does any more.
             * @example 2026-11-23T10:00:00.000Z
             */
            previous_secret_used_at: string | null;
            /** @description Whether it is an operator's that may read payloads, results and error details, too. */
            read_payloads: boolean;
            /**
             * Format: date-time
             * @description When it was revoked.
             * @example 2026-11-23T10:00:00.000Z
             */
            revoked_at: string | null;
            /** @description Who revoked it. */
            revoked_by: string | null;
            /** @description What it is for. */
            role: components["schemas"]["Role"];
            /**
             * Format: date-time
             * @description When it was last given a new secret.
             * @example 2026-11-23T10:00:00.000Z
             */
            rotated_at: string | null;
            /** @description On what it may act. */
            selectors: components["schemas"]["Selectors"];
            /** @description Whether it opens anything now. */
            status: components["schemas"]["TokenStatus"];
        };
        /** @description One page of a list. */
        TokenViewPage: {
            /** @description At most `limit` items, in the order of the list. */
            items: components["schemas"]["TokenView"][];
            /** @description Send it as `cursor` to get the next page; null on the last one. Opaque. */
            next_cursor: string | null;
        };
        /** @description A member of an operation that had its turn and was not changed. */
        UnchangedItem: {
            /** @description The id of the event, or of the engine. */
            id: string;
            outcome: components["schemas"]["MemberOutcome"];
            why: string;
        };
        /** @description One page of a list. */
        UnchangedItemPage: {
            /** @description At most `limit` items, in the order of the list. */
            items: components["schemas"]["UnchangedItem"][];
            /** @description Send it as `cursor` to get the next page; null on the last one. Opaque. */
            next_cursor: string | null;
        };
        /**
         * @description What holds an event, in one word. Of several reasons, the one that is hardest to change counts.
         * @enum {string}
         */
        Verdict: "impossible" | "blocked" | "waiting" | "runnable" | "running" | "finished";
        /** @description How long events of a type waited and took with engines of one version. */
        VersionDurations: {
            /**
             * @description The version that the engines declare (`engine_software_version`); null for those that declare none, and `*` for all
             *     that were not told apart.
             */
            engine_version: string | null;
            /** @description From a claim to the end of the attempt. */
            processing?: components["schemas"]["DurationFigures"] | null;
            /** @description From when an event could be claimed to its claim. */
            waiting?: components["schemas"]["DurationFigures"] | null;
        };
        /** @description Events that wait and that no engine could tell apart. */
        WaitingLane: {
            /** @description The range that an engine's version must lie in. */
            engine_version: string | null;
            /** @description The kind of work. */
            event_type: components["schemas"]["EventType"];
            /**
             * Format: date-time
             * @description Since when the first of them has been due, or from when on it will be.
             * @example 2026-11-23T10:00:00.000Z
             */
            oldest_available_at: string | null;
            /**
             * Format: int32
             * @description 0 (first) to 9 (last).
             */
            priority: number;
            /** @description The queue. */
            queue: components["schemas"]["QueueName"];
            /**
             * Format: int64
             * @description How many events wait there, due or not.
             */
            queued: number;
            /** @description What an engine must be capable of. */
            required_capabilities: components["schemas"]["Capability"][];
            /**
             * Format: int64
             * @description Memory that an engine must have free, in MiB.
             */
            required_memory_mb: number | null;
        };
        /**
         * @description The verdict on something that waits.
         * @enum {string}
         */
        WaitingVerdict: "impossible" | "blocked" | "waiting" | "runnable";
        /** @description Something that a caller should know about what was accepted. */
        Warning: {
            /** @description A stable word for programs. */
            code: components["schemas"]["WarningCode"];
            /** @description A sentence for people. */
            detail: string;
            /** @description The first event that it is about; absent if it is about none. */
            event_id?: components["schemas"]["EventId"];
        };
        /**
         * @description What a caller can be warned of.
         * @enum {string}
         */
        WarningCode: "no_engine_fits" | "unreadable_version";
        /** @description What an event type or a queue wants done about events that nobody can run for a while. */
        WhenBlocked: {
            /** @description What is done. */
            action: components["schemas"]["BlockedAction"];
            /**
             * Format: int64
             * @description After how many seconds in which an event was due and its verdict was one of these; 1 to 2,592,000.
             */
            after_seconds: number;
            /** @description With which verdicts; `impossible` and `blocked` if absent. */
            verdicts?: components["schemas"]["WaitingVerdict"][];
        };
        /** @description Who makes a call, and what the server permits them: what a user interface offers, and what it leaves out. */
        WhoAmI: {
            /**
             * @description The token's accessor; null as long as the server has no token, so that everybody may do everything.
             * @example k3jq7xw2m5ab
             */
            accessor: string | null;
            /** @description The colour by which they tell it from others; null if it has none. */
            instance_color: components["schemas"]["InstanceColor"] | null;
            /** @description What people call this installation; null if nobody has named it. */
            instance_name: string | null;
            /**
             * @description What people call the token.
             * @example ci
             */
            name: string | null;
            /** @description All that the caller may do, as the `x-permission` of calls names it. */
            permissions: string[];
            /** @description What the token is for. */
            role: components["schemas"]["Role"] | null;
            /** @description On what the caller may do it; on everything if empty. */
            selectors: components["schemas"]["Selectors"];
            /** @description The version of the server that answers. */
            server_version: string;
        };
        /** @description A change, and how much it would open. */
        WouldOpen: {
            /** @description The change. */
            change: components["schemas"]["ChangeView"];
            /**
             * Format: int64
             * @description How many events the engine could be given then, one at a time, beside those that it could be given now.
             */
            events: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The process lives. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthResponse"];
                };
            };
        };
    };
    get_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The metrics. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                    "application/openmetrics-text": string;
                };
            };
        };
    };
    get_readiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The server is ready. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthResponse"];
                };
            };
        };
    };
    list_audit: {
        parameters: {
            query?: {
                /** @description Only what they did: the accessor of a token, `anyone`, `store` or `server`. */
                principal?: string;
                /** @description Only this action, or those that begin with it up to a dot or a colon: `token` is `token.create` and `token.revoke`. */
                action?: string;
                /** @description Only what was done to this event, engine, event type, queue or token. */
                target?: string;
                /** @description Only what was done, or only what was denied. */
                outcome?: components["schemas"]["AuditOutcome"];
                /** @description Only from this moment on. */
                from?: components["schemas"]["Timestamp"];
                /** @description Only before this moment. */
                until?: components["schemas"]["Timestamp"];
                /** @description Most items of the page; 1 to 1,000, 50 if absent. */
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of entries. It may be short and still have a successor. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditItemPage"];
                };
            };
        };
    };
    read_audit_chain: {
        parameters: {
            query?: {
                /** @description The position behind which to begin; from the oldest entry that is kept if absent. */
                after?: number;
                /** @description Most entries of the answer; 1 to 1,000, 50 if absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A part of the chain. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditChain"];
                };
            };
        };
    };
    list_blocked: {
        parameters: {
            query?: {
                /** @description Of this queue. */
                queue?: components["schemas"]["QueueName"];
                /** @description Of this event type. */
                event_type?: components["schemas"]["EventType"];
                /** @description With this verdict. */
                verdict?: components["schemas"]["WaitingVerdict"];
                /** @description Most items of the page; 1 to 1,000, 50 if absent. */
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of lanes. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BlockedLanePage"];
                };
            };
        };
    };
    accept_clock: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Nothing is held back any more. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_dead_letters: {
        parameters: {
            query?: {
                /** @description Only those of this event type. */
                event_type?: components["schemas"]["EventType"];
                /** @description Only those of this queue. */
                queue?: components["schemas"]["QueueName"];
                /** @description Only those with this reason. */
                reason?: components["schemas"]["DeadLetterReason"];
                /** @description Only those whose last error has this code. */
                error_code?: string;
                /** @description Only those of this group of the summary. */
                group_id?: components["schemas"]["ErrorGroupId"];
                /** @description Only those that became dead letters before this moment. */
                dead_lettered_before?: components["schemas"]["Timestamp"];
                /** @description Only those that became dead letters at this moment or later. */
                dead_lettered_after?: components["schemas"]["Timestamp"];
                /**
                 * @description Terms with blanks between them, all of which must hold, beside the other parameters: `queue:render age:>5m -run:*`. An
                 *     event has `id`, `status`, `queue`, `type`, `engine`, `run`, `priority`, `key`, `attempts`, `error`, `error_code`, `group`,
                 *     `reason`, `age`, `enqueued`, `available`, `finished`, `version`, `label.NAME` and `payload.PATH`; a dead letter
                 *     `dead_lettered` too and no `status`; an engine `id`, `status`, `type`, `run`, `age`, `version`, `capability`, `host`,
                 *     `stopped` and `silent`. Values are alternatives with commas between them: `a`, `a*`, `"a b"`, `~part`, `>5`, `<=5`, `*` for
                 *     any; `-` before a term negates it. A term without a colon is an id or its beginning. To ask for something in payloads
                 *     needs `events:read_payload`.
                 */
                filter?: string;
                /** @description Most items of the page; 1 to 1,000, 50 if absent. */
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of dead letters. It may be short and still have a successor. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetterPage"];
                };
            };
        };
    };
    discard_dead_letters: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "filter": {
                 *         "event_type": "frame.render"
                 *       },
                 *       "reason": "the film was cancelled"
                 *     }
                 */
                "application/json": components["schemas"]["BulkDiscardRequest"];
            };
        };
        responses: {
            /** @description All that matched are resolved. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkDiscardResponse"];
                };
            };
        };
    };
    preview_dead_letters: {
        parameters: {
            query?: {
                /** @description Only those of this event type. */
                event_type?: components["schemas"]["EventType"];
                /** @description Only those of this queue. */
                queue?: components["schemas"]["QueueName"];
                /** @description Only those with this reason. */
                reason?: components["schemas"]["DeadLetterReason"];
                /** @description Only those whose last error has this code. */
                error_code?: string;
                /** @description Only those of this group of the summary. */
                group_id?: components["schemas"]["ErrorGroupId"];
                /** @description Only those that became dead letters before this moment. */
                dead_lettered_before?: components["schemas"]["Timestamp"];
                /** @description Only those that became dead letters at this moment or later. */
                dead_lettered_after?: components["schemas"]["Timestamp"];
                /** @description How many at most, oldest first; 1 or more. No limit if absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How many, and the first of them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetterPreview"];
                };
            };
        };
    };
    redrive_dead_letters: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "filter": {
                 *         "event_type": "frame.render"
                 *       },
                 *       "rate_per_second": 100
                 *     }
                 */
                "application/json": components["schemas"]["BulkRedriveRequest"];
            };
        };
        responses: {
            /** @description All that matched are back. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkRedriveResponse"];
                };
            };
        };
    };
    summarize_dead_letters: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The groups. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetterSummary"];
                };
            };
        };
    };
    get_dead_letter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The dead letter. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetter"];
                };
            };
        };
    };
    discard_dead_letter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "reason": "the film was cancelled"
                 *     }
                 */
                "application/json": components["schemas"]["DiscardRequest"];
            };
        };
        responses: {
            /** @description The event as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
        };
    };
    redrive_dead_letter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "payload": {
                 *         "frame": 1
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["ChangeRequest"];
            };
        };
        responses: {
            /** @description The event as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
        };
    };
    list_engines: {
        parameters: {
            query?: {
                /** @description Only those with this status. */
                status?: components["schemas"]["EngineStatus"];
                /** @description Only those that are stopped, or with `false` only the others. */
                stopped?: boolean;
                /** @description Only those of this type. */
                engine_type?: components["schemas"]["EngineType"];
                /** @description Only those that are capable of this. */
                capability?: components["schemas"]["Capability"];
                /**
                 * @description Terms with blanks between them, all of which must hold, beside the other parameters: `queue:render age:>5m -run:*`. An
                 *     event has `id`, `status`, `queue`, `type`, `engine`, `run`, `priority`, `key`, `attempts`, `error`, `error_code`, `group`,
                 *     `reason`, `age`, `enqueued`, `available`, `finished`, `version`, `label.NAME` and `payload.PATH`; a dead letter
                 *     `dead_lettered` too and no `status`; an engine `id`, `status`, `type`, `run`, `age`, `version`, `capability`, `host`,
                 *     `stopped` and `silent`. Values are alternatives with commas between them: `a`, `a*`, `"a b"`, `~part`, `>5`, `<=5`, `*` for
                 *     any; `-` before a term negates it. A term without a colon is an id or its beginning. To ask for something in payloads
                 *     needs `events:read_payload`.
                 */
                filter?: string;
                /** @description Most items of the page; 1 to 1,000, 50 if absent. */
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of engines. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnginePage"];
                };
            };
        };
    };
    register_new_engine: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "engine_type": "renderer",
                 *       "metadata": {
                 *         "static_config": {
                 *           "capabilities": [
                 *             "gpu"
                 *           ],
                 *           "engine_software_version": "1.4.0"
                 *         }
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["RegisterRequest"];
            };
        };
        responses: {
            /** @description The engine, with its id. */
            201: {
                headers: {
                    /** @description The engine's address. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Engine"];
                };
            };
        };
    };
    get_engine: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The engine. */
                engine_id: components["schemas"]["EngineId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The engine. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Engine"];
                };
            };
        };
    };
    register_engine: {
        parameters: {
            query?: never;
            header?: {
                /** @description The session token that the registration before answered, if the same process registers again. */
                "Enginehouse-Session"?: string;
            };
            path: {
                /** @description The engine. */
                engine_id: components["schemas"]["EngineId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "engine_type": "renderer",
                 *       "metadata": {
                 *         "static_config": {
                 *           "capabilities": [
                 *             "gpu"
                 *           ],
                 *           "engine_software_version": "1.4.0"
                 *         }
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["RegisterRequest"];
            };
        };
        responses: {
            /** @description The engine was known. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Engine"];
                };
            };
            /** @description The engine is new. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Engine"];
                };
            };
        };
    };
    deregister_engine: {
        parameters: {
            query?: {
                /**
                 * @description Only if the engine is in this epoch: an engine that says goodbye does not remove the process that has taken over
                 *     its id. In any epoch if absent.
                 */
                epoch?: number;
            };
            header?: {
                /** @description The session token that the engine's registration answered, if it says so itself. Who may control engines need not have it. */
                "Enginehouse-Session"?: string;
            };
            path: {
                /** @description The engine. */
                engine_id: components["schemas"]["EngineId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The engine, stopped. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Engine"];
                };
            };
        };
    };
    claim_events: {
        parameters: {
            query?: never;
            header?: {
                /** @description The session token that the engine's registration answered. Without access tokens it may be left out. */
                "Enginehouse-Session"?: string;
            };
            path: {
                /** @description The engine. */
                engine_id: components["schemas"]["EngineId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "epoch": 1,
                 *       "limit": 2,
                 *       "wait_seconds": 0
                 *     }
                 */
                "application/json": components["schemas"]["ClaimRequest"];
            };
        };
        responses: {
            /** @description The events, with the tokens of their locks. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClaimResponse"];
                };
            };
        };
    };
    drain_engine: {
        parameters: {
            query?: never;
            header?: {
                /** @description The session token that the engine's registration answered, if it says so itself. Who may control engines need not have it. */
                "Enginehouse-Session"?: string;
            };
            path: {
                /** @description The engine. */
                engine_id: components["schemas"]["EngineId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "stop_when_drained": true
                 *     }
                 */
                "application/json": components["schemas"]["DrainRequest"];
            };
        };
        responses: {
            /** @description The engine as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Engine"];
                };
            };
        };
    };
    exchange: {
        parameters: {
            query?: never;
            header?: {
                /** @description The session token that the engine's registration answered. Without access tokens it may be left out. */
                "Enginehouse-Session"?: string;
            };
            path: {
                /** @description The engine. */
                engine_id: components["schemas"]["EngineId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "claim": {
                 *         "limit": 2,
                 *         "wait_seconds": 0
                 *       },
                 *       "epoch": 1,
                 *       "heartbeat": {
                 *         "lock_tokens": []
                 *       },
                 *       "settlements": [
                 *         {
                 *           "event_id": "0193f2a0-7c4e-7000-8000-000000000000",
                 *           "lock_token": "1-0123456789abcdef0123456789abcdef",
                 *           "outcome": "complete",
                 *           "result": {
                 *             "seconds": 12.5
                 *           }
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["ExchangeRequest"];
            };
        };
        responses: {
            /** @description The answer to each part. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExchangeResponse"];
                };
            };
        };
    };
    explain_engine: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The engine. */
                engine_id: components["schemas"]["EngineId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What it could claim. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EngineExplanation"];
                };
            };
        };
    };
    heartbeat: {
        parameters: {
            query?: never;
            header?: {
                /** @description The session token that the engine's registration answered. Without access tokens it may be left out. */
                "Enginehouse-Session"?: string;
            };
            path: {
                /** @description The engine. */
                engine_id: components["schemas"]["EngineId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "epoch": 1,
                 *       "lock_tokens": []
                 *     }
                 */
                "application/json": components["schemas"]["HeartbeatRequest"];
            };
        };
        responses: {
            /** @description What the engine has to know. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HeartbeatResponse"];
                };
            };
        };
    };
    lift_quarantine: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The engine. */
                engine_id: components["schemas"]["EngineId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The engine as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Engine"];
                };
            };
        };
    };
    quarantine_engine: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The engine. */
                engine_id: components["schemas"]["EngineId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "event_types": [
                 *         "frame.render"
                 *       ],
                 *       "reason": "its fan is loud"
                 *     }
                 */
                "application/json": components["schemas"]["QuarantineRequest"];
            };
        };
        responses: {
            /** @description The engine as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Engine"];
                };
            };
        };
    };
    resume_engine: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The engine. */
                engine_id: components["schemas"]["EngineId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The engine as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Engine"];
                };
            };
        };
    };
    list_event_types: {
        parameters: {
            query?: {
                /** @description Most items of the page; 1 to 1,000, 50 if absent. */
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of event types. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventTypeSettingsPage"];
                };
            };
        };
    };
    get_event_type: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event type. */
                event_type: components["schemas"]["EventType"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What it sets, and the durations seen. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventTypeSettings"];
                };
            };
        };
    };
    set_event_type: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event type. */
                event_type: components["schemas"]["EventType"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "retry_policy": {
                 *         "max_retries": 5
                 *       },
                 *       "visibility_timeout_seconds": 600
                 *     }
                 */
                "application/json": components["schemas"]["Settings"];
            };
        };
        responses: {
            /** @description What it sets now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventTypeSettings"];
                };
            };
        };
    };
    delete_event_type: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event type. */
                event_type: components["schemas"]["EventType"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It sets nothing now. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    pause_event_type: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event type. */
                event_type: components["schemas"]["EventType"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "reason": "the disk is full"
                 *     }
                 */
                "application/json": components["schemas"]["PauseRequest"];
            };
        };
        responses: {
            /** @description What it sets now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventTypeSettings"];
                };
            };
        };
    };
    resume_event_type: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event type. */
                event_type: components["schemas"]["EventType"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What it sets now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventTypeSettings"];
                };
            };
        };
    };
    list_events: {
        parameters: {
            query?: {
                /** @description Only those with this status. */
                status?: components["schemas"]["EventStatus"];
                /** @description Only those of this event type. */
                event_type?: components["schemas"]["EventType"];
                /** @description Only those of this queue. */
                queue?: components["schemas"]["QueueName"];
                /** @description Only those of this scenario run. */
                scenario_run_id?: components["schemas"]["ScenarioRunId"];
                /** @description Only those that this engine claimed last. */
                engine_id?: components["schemas"]["EngineId"];
                /** @description Only those of this priority. */
                priority?: number;
                /** @description Only those with this label and value: `KEY=VALUE`. Looks at every event that the rest of the filter leaves. */
                label?: string;
                /** @description Only the one that has this idempotency key. */
                idempotency_key?: string;
                /** @description Only those that may be claimed from this moment on or later. */
                available_after?: components["schemas"]["Timestamp"];
                /** @description Only those enqueued at this moment or later. */
                enqueued_after?: components["schemas"]["Timestamp"];
                /** @description Only those enqueued before this moment. */
                enqueued_before?: components["schemas"]["Timestamp"];
                /**
                 * @description Terms with blanks between them, all of which must hold, beside the other parameters: `queue:render age:>5m -run:*`. An
                 *     event has `id`, `status`, `queue`, `type`, `engine`, `run`, `priority`, `key`, `attempts`, `error`, `error_code`, `group`,
                 *     `reason`, `age`, `enqueued`, `available`, `finished`, `version`, `label.NAME` and `payload.PATH`; a dead letter
                 *     `dead_lettered` too and no `status`; an engine `id`, `status`, `type`, `run`, `age`, `version`, `capability`, `host`,
                 *     `stopped` and `silent`. Values are alternatives with commas between them: `a`, `a*`, `"a b"`, `~part`, `>5`, `<=5`, `*` for
                 *     any; `-` before a term negates it. A term without a colon is an id or its beginning. To ask for something in payloads
                 *     needs `events:read_payload`.
                 */
                filter?: string;
                /** @description Most items of the page; 1 to 1,000, 50 if absent. */
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of events. It may be short and still have a successor. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventPage"];
                };
            };
        };
    };
    enqueue_event: {
        parameters: {
            query?: {
                /**
                 * @description How long to wait for the event to complete, fail or be cancelled; 0 to 60, and 0 if absent. Then the answer has it as it
                 *     is.
                 */
                wait_seconds?: number;
            };
            header?: {
                /** @description The same as `idempotency_key`: in quotes or without, and equal to it where both are given. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "event_type": "frame.render",
                 *       "idempotency_key": "film-42/frame-1",
                 *       "payload": {
                 *         "frame": 1
                 *       },
                 *       "required_capabilities": [
                 *         "gpu"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["EnqueueRequest"];
            };
        };
        responses: {
            /** @description An event with this idempotency key was there before. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnqueueResponse"];
                };
            };
            /** @description The event is stored. */
            201: {
                headers: {
                    /** @description The event's address. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnqueueResponse"];
                };
            };
        };
    };
    enqueue_batch: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "events": [
                 *         {
                 *           "event_type": "frame.render",
                 *           "payload": {
                 *             "frame": 1
                 *           }
                 *         },
                 *         {
                 *           "event_type": "frame.render",
                 *           "payload": {
                 *             "frame": 2
                 *           },
                 *           "priority": 2
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["BatchRequest"];
                /**
                 * @example {"event_type":"frame.render","payload":{"frame":3}}
                 *     {"event_type":"frame.render","payload":{"frame":4}}
                 */
                "application/x-ndjson": string;
            };
        };
        responses: {
            /** @description The events, or the good lines, are stored. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchAnswer"];
                };
            };
        };
    };
    cancel_events: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "dry_run": true,
                 *       "filter": {
                 *         "event_type": "frame.render"
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["BulkCancelRequest"];
            };
        };
        responses: {
            /** @description What was done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkEventsResponse"];
                };
            };
        };
    };
    retry_events: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "dry_run": true,
                 *       "filter": {
                 *         "event_type": "frame.render"
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["BulkRetryRequest"];
            };
        };
        responses: {
            /** @description What was done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkEventsResponse"];
                };
            };
        };
    };
    settle_events: {
        parameters: {
            query?: never;
            header?: {
                /** @description The session token that the registration of the locks' engine answered. Without access tokens it may be left out. */
                "Enginehouse-Session"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "settlements": [
                 *         {
                 *           "error": {
                 *             "code": "out_of_memory",
                 *             "message": "frame 1 needs more than 8 GiB"
                 *           },
                 *           "event_id": "0193f2a0-7c4e-7000-8000-000000000000",
                 *           "lock_token": "1-0123456789abcdef0123456789abcdef",
                 *           "outcome": "fail"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["SettleRequest"];
            };
        };
        responses: {
            /** @description One result for each settlement, in their order. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettleResponse"];
                };
            };
        };
    };
    get_event: {
        parameters: {
            query?: {
                /**
                 * @description How long to wait for the event to complete, fail or be cancelled; 0 to 60, and 0 if absent. Then the answer has it as it
                 *     is.
                 */
                wait_seconds?: number;
            };
            header?: never;
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The event. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
        };
    };
    change_event: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "engine_version": null,
                 *       "priority": 0,
                 *       "required_memory_mb": 2048
                 *     }
                 */
                "application/json": components["schemas"]["ChangeRequest"];
            };
        };
        responses: {
            /** @description The event as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
        };
    };
    cancel_event: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "force": false
                 *     }
                 */
                "application/json": components["schemas"]["CancelRequest"];
            };
        };
        responses: {
            /** @description The event as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
        };
    };
    complete_event: {
        parameters: {
            query?: never;
            header?: {
                /** @description The session token that the registration of the lock's engine answered. Without access tokens it may be left out. */
                "Enginehouse-Session"?: string;
            };
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "lock_token": "1-0123456789abcdef0123456789abcdef",
                 *       "result": {
                 *         "seconds": 12.5
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["CompleteRequest"];
            };
        };
        responses: {
            /** @description The event as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
        };
    };
    explain_event: {
        parameters: {
            query?: {
                /** @description An engine that the event was expected to run on. */
                engine_id?: components["schemas"]["EngineId"];
            };
            header?: never;
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Why it does not run. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventExplanation"];
                };
            };
        };
    };
    extend_lock: {
        parameters: {
            query?: never;
            header?: {
                /** @description The session token that the registration of the lock's engine answered. Without access tokens it may be left out. */
                "Enginehouse-Session"?: string;
            };
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "lock_token": "1-0123456789abcdef0123456789abcdef",
                 *       "visibility_timeout_seconds": 600
                 *     }
                 */
                "application/json": components["schemas"]["ExtendRequest"];
            };
        };
        responses: {
            /** @description The event as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
        };
    };
    fail_event: {
        parameters: {
            query?: never;
            header?: {
                /** @description The session token that the registration of the lock's engine answered. Without access tokens it may be left out. */
                "Enginehouse-Session"?: string;
            };
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "error": {
                 *         "code": "out_of_memory",
                 *         "message": "frame 1 needs more than 8 GiB"
                 *       },
                 *       "lock_token": "1-0123456789abcdef0123456789abcdef",
                 *       "retryable": true
                 *     }
                 */
                "application/json": components["schemas"]["FailRequest"];
            };
        };
        responses: {
            /** @description The event as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
        };
    };
    get_event_history: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The history, oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HistoryResponse"];
                };
            };
        };
    };
    get_event_log: {
        parameters: {
            query?: {
                /** @description Only of the attempt with this number; of the newest ones if absent. */
                attempt?: number;
                /** @description Whether to go on with what is appended until the attempt ends: the newest one, or the one that is named. */
                follow?: boolean;
            };
            header?: never;
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The logs, oldest first; or the parts of one, each a `LogPart`. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogResponse"];
                    "text/event-stream": string;
                };
            };
        };
    };
    redrive_event: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "payload": {
                 *         "frame": 1
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["ChangeRequest"];
            };
        };
        responses: {
            /** @description The event as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
        };
    };
    release_event: {
        parameters: {
            query?: never;
            header?: {
                /** @description The session token that the registration of the lock's engine answered. Without access tokens it may be left out. */
                "Enginehouse-Session"?: string;
            };
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "delay_seconds": 5,
                 *       "lock_token": "1-0123456789abcdef0123456789abcdef"
                 *     }
                 */
                "application/json": components["schemas"]["ReleaseRequest"];
            };
        };
        responses: {
            /** @description The event as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
        };
    };
    retry_event: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The event. */
                event_id: components["schemas"]["EventId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The event as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
        };
    };
    release_idempotency_key: {
        parameters: {
            query: {
                /** @description The key, as it was enqueued. */
                idempotency_key: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The key is free, and the event that had it is named. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReleasedKey"];
                };
            };
        };
    };
    list_operations: {
        parameters: {
            query?: {
                /** @description Most items of the page; 1 to 1,000, 50 if absent. */
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of operations. It may be short and still have a successor. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkOperationPage"];
                };
            };
        };
    };
    create_operation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "action": "cancel_events",
                 *       "filter": "type:frame.render",
                 *       "rate_per_second": 100,
                 *       "reason": "the film was cancelled"
                 *     }
                 */
                "application/json": components["schemas"]["OperationRequest"];
            };
        };
        responses: {
            /** @description The operation. `Location` is where it is watched. */
            201: {
                headers: {
                    /** @description Where the operation is. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkOperation"];
                };
            };
        };
    };
    preview_operation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "action": "cancel_events",
                 *       "filter": "type:frame.render",
                 *       "rate_per_second": 100,
                 *       "reason": "the film was cancelled"
                 *     }
                 */
                "application/json": components["schemas"]["OperationRequest"];
            };
        };
        responses: {
            /** @description What it would be about. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationPreview"];
                };
            };
        };
    };
    get_operation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The operation. */
                operation_id: components["schemas"]["OperationId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkOperation"];
                };
            };
        };
    };
    cancel_operation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The operation. */
                operation_id: components["schemas"]["OperationId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkOperation"];
                };
            };
        };
    };
    list_operation_conflicts: {
        parameters: {
            query?: {
                /** @description Most items of the page; 1 to 1,000, 50 if absent. */
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description The operation. */
                operation_id: components["schemas"]["OperationId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of members. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UnchangedItemPage"];
                };
            };
        };
    };
    list_queues: {
        parameters: {
            query?: {
                /** @description Most items of the page; 1 to 1,000, 50 if absent. */
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of queues. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueSettingsPage"];
                };
            };
        };
    };
    get_queue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The queue. */
                queue: components["schemas"]["QueueName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What it sets. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueSettings"];
                };
            };
        };
    };
    set_queue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The queue. */
                queue: components["schemas"]["QueueName"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "retry_policy": {
                 *         "max_retries": 5
                 *       },
                 *       "visibility_timeout_seconds": 600
                 *     }
                 */
                "application/json": components["schemas"]["Settings"];
            };
        };
        responses: {
            /** @description What it sets now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueSettings"];
                };
            };
        };
    };
    delete_queue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The queue. */
                queue: components["schemas"]["QueueName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It sets nothing now. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    pause_queue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The queue. */
                queue: components["schemas"]["QueueName"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "reason": "the disk is full"
                 *     }
                 */
                "application/json": components["schemas"]["PauseRequest"];
            };
        };
        responses: {
            /** @description What it sets now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueSettings"];
                };
            };
        };
    };
    resume_queue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The queue. */
                queue: components["schemas"]["QueueName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What it sets now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueSettings"];
                };
            };
        };
    };
    list_scenario_runs: {
        parameters: {
            query?: {
                /** @description Most items of the page; 1 to 1,000, 50 if absent. */
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of scenario runs. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScenarioRunPage"];
                };
            };
        };
    };
    get_scenario_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The scenario run. */
                scenario_run_id: components["schemas"]["ScenarioRunId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The scenario run. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScenarioRun"];
                };
            };
        };
    };
    cancel_scenario_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The scenario run. */
                scenario_run_id: components["schemas"]["ScenarioRunId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "reason": "the wrong film"
                 *     }
                 */
                "application/json": components["schemas"]["RunCancelRequest"];
            };
        };
        responses: {
            /** @description The operation. `Location` is where it is watched. */
            201: {
                headers: {
                    /** @description Where the operation is. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkOperation"];
                };
            };
        };
    };
    pause_scenario_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The scenario run. */
                scenario_run_id: components["schemas"]["ScenarioRunId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "reason": "the disk is full"
                 *     }
                 */
                "application/json": components["schemas"]["PauseRequest"];
            };
        };
        responses: {
            /** @description The scenario run. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScenarioRun"];
                };
            };
        };
    };
    resume_scenario_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The scenario run. */
                scenario_run_id: components["schemas"]["ScenarioRunId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The scenario run. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScenarioRun"];
                };
            };
        };
    };
    get_stats: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What is in the store now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Stats"];
                };
            };
        };
    };
    list_engine_loads: {
        parameters: {
            query?: {
                /** @description Only those with this status. */
                status?: components["schemas"]["EngineStatus"];
                /** @description Only those that are stopped, or with `false` only the others. */
                stopped?: boolean;
                /** @description Only those of this type. */
                engine_type?: components["schemas"]["EngineType"];
                /** @description Only those that are capable of this. */
                capability?: components["schemas"]["Capability"];
                /**
                 * @description Terms with blanks between them, all of which must hold, beside the other parameters: `queue:render age:>5m -run:*`. An
                 *     event has `id`, `status`, `queue`, `type`, `engine`, `run`, `priority`, `key`, `attempts`, `error`, `error_code`, `group`,
                 *     `reason`, `age`, `enqueued`, `available`, `finished`, `version`, `label.NAME` and `payload.PATH`; a dead letter
                 *     `dead_lettered` too and no `status`; an engine `id`, `status`, `type`, `run`, `age`, `version`, `capability`, `host`,
                 *     `stopped` and `silent`. Values are alternatives with commas between them: `a`, `a*`, `"a b"`, `~part`, `>5`, `<=5`, `*` for
                 *     any; `-` before a term negates it. A term without a colon is an id or its beginning. To ask for something in payloads
                 *     needs `events:read_payload`.
                 */
                filter?: string;
                /** @description Most items of the page; 1 to 1,000, 50 if absent. */
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of loads. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EngineLoadPage"];
                };
            };
        };
    };
    list_lanes: {
        parameters: {
            query?: {
                /** @description Most items of the page; 1 to 1,000, 50 if absent. */
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of lanes. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LaneStatsPage"];
                };
            };
        };
    };
    get_minutes: {
        parameters: {
            query?: {
                /** @description Only of this queue. */
                queue?: components["schemas"]["QueueName"];
                /** @description Only of this event type. */
                event_type?: components["schemas"]["EventType"];
                /** @description From this moment on; an hour before `to` if absent. What is older than 72 hours is not kept. */
                from?: components["schemas"]["Timestamp"];
                /** @description Before this moment; now if absent. */
                to?: components["schemas"]["Timestamp"];
                /** @description How long each step is: whole minutes, up to an hour. If absent, as long that there are 300 steps at most. */
                step_seconds?: number;
                /** @description Whether there is a series of each queue and event type, of each queue, of each event type, or of everything together. */
                group_by?: "queue_and_event_type" | "queue" | "event_type" | "all";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What happened, as series of steps. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MinutesResponse"];
                };
            };
        };
    };
    get_overview: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Overview"];
                };
            };
        };
    };
    list_queue_activity: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What is there now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueActivityList"];
                };
            };
        };
    };
    follow_topics: {
        parameters: {
            query: {
                /**
                 * @description Up to 10 of `overview`, `engines`, `queues`, `runs` and `event:ID` with the id of an event, separated by commas.
                 * @example overview,engines
                 */
                topics: string;
            };
            header?: {
                /** @description The id of the last part that was seen. */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What there is, and what changes from then on. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
        };
    };
    list_suspects: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who is suspect. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SuspectList"];
                };
            };
        };
    };
    get_system: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The server. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SystemInfo"];
                };
            };
        };
    };
    list_tokens: {
        parameters: {
            query?: {
                /** @description Most items of the page; 1 to 1,000, 50 if absent. */
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of tokens. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenViewPage"];
                };
            };
        };
    };
    create_token: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "expires_in_seconds": 2592000,
                 *       "name": "ci",
                 *       "role": "producer",
                 *       "selectors": {
                 *         "queues": [
                 *           "ci.*"
                 *         ]
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["CreateTokenRequest"];
            };
        };
        responses: {
            /** @description The token. */
            201: {
                headers: {
                    /** @description The token's address. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewToken"];
                };
            };
        };
    };
    get_token: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The token. */
                accessor: components["schemas"]["Accessor"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The token. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenView"];
                };
            };
        };
    };
    revoke_token: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The token. */
                accessor: components["schemas"]["Accessor"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The token, revoked. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenView"];
                };
            };
        };
    };
    rotate_token: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The token. */
                accessor: components["schemas"]["Accessor"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "overlap_seconds": 3600
                 *     }
                 */
                "application/json": components["schemas"]["RotateTokenRequest"];
            };
        };
        responses: {
            /** @description The token, with its new text. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewToken"];
                };
            };
        };
    };
    whoami: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who calls. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WhoAmI"];
                };
            };
        };
    };
}
