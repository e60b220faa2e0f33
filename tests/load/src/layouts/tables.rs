//! The layouts.

/// A layout: its tables, and what is done with them.
pub(super) struct Layout {
    pub(super) name: &'static str,
    pub(super) tables: &'static str,
    /// Adds `$1` events with the payload `$2`.
    pub(super) enqueue: &'static str,
    /// Claims `$1` events that became available after `$2`, or a time of `$3` before it. Answers with id and time.
    pub(super) claim: &'static str,
    /// Completes the events `$1`.
    pub(super) complete: &'static str,
    pub(super) retention: RetentionSql,
}

/// How events that were completed seconds ago are pruned.
pub(super) enum RetentionSql {
    /// Deletes what was completed from `$1` on. Answers with the latest of these times.
    Delete(&'static str),
    /// Drops whole partitions.
    Drop(&'static str),
}

pub(super) const DROP: &str = "drop schema if exists layout cascade; create schema layout";

/// The columns of an event, its lock among them, and its indexes.
macro_rules! events {
    ($payload:literal) => {
        concat!(
            "create table layout.events (
                event_id uuid not null default gen_random_uuid(), lane_id bigint not null default 1,
                lock_serial bigint not null default 0, enqueued_at timestamptz not null default clock_timestamp(),
                available_at timestamptz not null default clock_timestamp(), claimed_at timestamptz, finished_at timestamptz,
                lock_expires_at timestamptz, lock_engine text collate \"C\", lock_secret uuid,
                attempt bigint not null default 0, retries bigint not null default 0, failures bigint not null default 0,
                losses bigint not null default 0, status text collate \"C\" not null default 'queued'",
            $payload,
            ", constraint events_key primary key (event_id)
            ) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
            create index on layout.events (lane_id, available_at, event_id) where status = 'queued';
            create index on layout.events (lock_expires_at, event_id) where status = 'processing';
            create index on layout.events (finished_at, event_id) where status = 'completed';"
        )
    };
}

macro_rules! payloads {
    () => {
        "create table layout.payloads (event_id uuid primary key, payload json not null)
            with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);"
    };
}

/// Which events are claimed.
macro_rules! found {
    () => {
        "with found as materialized (
            select event_id
            from layout.events
            where lane_id = 1 and status = 'queued' and available_at <= clock_timestamp()
                and available_at >= $2::text::timestamptz - $3::text::interval
            order by available_at, event_id
            limit $1
            for update skip locked
        ),
        claimed as (
            update layout.events as e
            set status = 'processing', lock_serial = lock_serial + 1, claimed_at = clock_timestamp(),
                lock_expires_at = clock_timestamp() + interval '300 s', lock_engine = 'an-engine',
                lock_secret = gen_random_uuid(), attempt = attempt + 1
            from found
            where e.event_id = found.event_id
            returning e.*
        )"
    };
}

/// Its condition is not the status: a partial index of those that are processing, full of what is dead, would seem as
/// good as the key to a planner that has no counts.
const COMPLETE: &str = "update layout.events
     set status = 'completed', finished_at = clock_timestamp(), lock_expires_at = null, lock_engine = null,
         lock_secret = null
     where event_id = any($1) and lock_secret is not null";

const ENQUEUE_WITH_PAYLOAD: &str = "with new as (
         insert into layout.events (available_at) select clock_timestamp() from generate_series(1, $1::bigint)
         returning event_id
     )
     insert into layout.payloads select event_id, $2::text::json from new";

const CLAIM_WITH_PAYLOAD: &str = concat!(
    found!(),
    " select c.event_id, c.available_at::text, p.payload from claimed as c join layout.payloads as p using (event_id)"
);

const PRUNE_WITH_PAYLOAD: &str = "with old as (
         delete from layout.events
         where status = 'completed' and finished_at < clock_timestamp() - interval '5 s'
             and finished_at >= $1::text::timestamptz
         returning event_id, finished_at
     ),
     texts as (delete from layout.payloads where event_id in (select event_id from old))
     select max(finished_at)::text from old";

const LEASES: &str = concat!(
    payloads!(),
    "create table layout.events (
        event_id uuid primary key default gen_random_uuid(), lane_id bigint not null default 1,
        enqueued_at timestamptz not null default clock_timestamp(), finished_at timestamptz,
        attempt bigint not null default 0, retries bigint not null default 0, failures bigint not null default 0,
        losses bigint not null default 0, status text collate \"C\" not null default 'queued'
    ) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
    create index on layout.events (finished_at, event_id) where status = 'completed';
    create table layout.ready (
        lane_id bigint, available_at timestamptz, event_id uuid, primary key (lane_id, available_at, event_id)
    ) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
    create table layout.leases (
        event_id uuid primary key, lock_serial bigint not null, claimed_at timestamptz not null,
        lock_expires_at timestamptz not null, lock_engine text collate \"C\" not null, lock_secret uuid not null
    ) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
    create index on layout.leases (lock_expires_at, event_id);"
);

const MOVED: &str = concat!(
    payloads!(),
    events!(""),
    "create table layout.finished (
        event_id uuid not null, lane_id bigint not null, enqueued_at timestamptz not null, available_at timestamptz not null,
        claimed_at timestamptz not null, attempt bigint not null, finished_at timestamptz not null, payload json not null
    ) partition by range (finished_at);
    create index on layout.finished (event_id);
    create table layout.partitions (name text not null, ends_at timestamptz not null);
    do $$
    declare
        begins_at timestamptz := date_trunc('minute', clock_timestamp());
    begin
        for n in 1..60 loop
            execute format(
                'create table layout.finished_%s partition of layout.finished for values from (%L) to (%L)',
                n, begins_at, begins_at + interval '10 s'
            );
            begins_at := begins_at + interval '10 s';
            insert into layout.partitions values ('finished_' || n, begins_at);
        end loop;
    end
    $$"
);

pub(super) static LAYOUTS: [Layout; 4] = [
    Layout {
        name: "one table",
        tables: events!(", payload json not null"),
        enqueue: "insert into layout.events (payload) select $2::text::json from generate_series(1, $1::bigint)",
        claim: concat!(found!(), " select event_id, available_at::text, payload from claimed"),
        complete: COMPLETE,
        retention: RetentionSql::Delete(
            "with old as (
                delete from layout.events
                where status = 'completed' and finished_at < clock_timestamp() - interval '5 s'
                    and finished_at >= $1::text::timestamptz
                returning finished_at
            )
            select max(finished_at)::text from old",
        ),
    },
    Layout {
        name: "payloads apart",
        tables: concat!(payloads!(), events!("")),
        enqueue: ENQUEUE_WITH_PAYLOAD,
        claim: CLAIM_WITH_PAYLOAD,
        complete: COMPLETE,
        retention: RetentionSql::Delete(PRUNE_WITH_PAYLOAD),
    },
    Layout {
        name: "payloads and leases apart",
        tables: LEASES,
        enqueue: "with new as (
                insert into layout.events (lane_id) select 1 from generate_series(1, $1::bigint) returning event_id
            ),
            ready as (insert into layout.ready select 1, clock_timestamp(), event_id from new)
            insert into layout.payloads select event_id, $2::text::json from new",
        claim: "with found as materialized (
                select lane_id, available_at, event_id
                from layout.ready
                where lane_id = 1 and available_at <= clock_timestamp()
                    and available_at >= $2::text::timestamptz - $3::text::interval
                order by available_at, event_id
                limit $1
                for update skip locked
            ),
            taken as (
                delete from layout.ready as r
                using found as f
                where r.lane_id = f.lane_id and r.available_at = f.available_at and r.event_id = f.event_id
                returning r.event_id, r.available_at
            ),
            leased as (
                insert into layout.leases
                select event_id, 1, clock_timestamp(), clock_timestamp() + interval '300 s', 'an-engine', gen_random_uuid()
                from taken
            )
            select t.event_id, t.available_at::text, p.payload from taken as t join layout.payloads as p using (event_id)",
        complete: "with ended as (delete from layout.leases where event_id = any($1) returning event_id)
            update layout.events as e
            set status = 'completed', finished_at = clock_timestamp(), attempt = attempt + 1
            from ended
            where e.event_id = ended.event_id",
        retention: RetentionSql::Delete(PRUNE_WITH_PAYLOAD),
    },
    Layout {
        name: "payloads apart, completed events in partitions that are dropped",
        tables: MOVED,
        enqueue: ENQUEUE_WITH_PAYLOAD,
        claim: CLAIM_WITH_PAYLOAD,
        complete: "with done as (
                delete from layout.events
                where event_id = any($1) and lock_secret is not null
                returning event_id, lane_id, enqueued_at, available_at, claimed_at, attempt
            ),
            texts as (delete from layout.payloads where event_id = any($1) returning event_id, payload)
            insert into layout.finished
            select d.event_id, d.lane_id, d.enqueued_at, d.available_at, d.claimed_at, d.attempt, clock_timestamp(), t.payload
            from done as d
            join texts as t using (event_id)",
        retention: RetentionSql::Drop("do $$
            declare
                old record;
            begin
                for old in select name from layout.partitions where ends_at < clock_timestamp() - interval '5 s' loop
                    execute 'drop table layout.' || old.name;
                    delete from layout.partitions where name = old.name;
                end loop;
            end
            $$"),
    },
];
