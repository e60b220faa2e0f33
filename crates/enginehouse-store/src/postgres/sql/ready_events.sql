-- The events that have been due the longest, of all ranges together, with their payloads. Of each range so many are locked for
-- this transaction alone; what another one has locked is left out. A range begins where a scan last found something, so that a
-- claim does not step over all that was claimed before and cannot be vacuumed yet: so the first event of each range comes
-- too, without its payload, if it is not among the first of all.
-- The rows are wide: they are numbered where they are sorted, and not kept in a table of the statement's own.
select
    n.number <= $5,
    p.payload, p.checksum,
    {n.event_columns}
from (
    select e.*, row_number() over (order by e.available_at, e.event_id) as number
    from unnest($1::bigint[], $2::timestamptz[], $3::uuid[]) as r (lane_id, from_at, from_id)
    cross join lateral (
        select l.*, row_number() over () as number_in_lane
        from (
            select q.*
            from enginehouse.events as q
            where
                {condition} and q.lane_id = r.lane_id and q.available_at <= $4
                and (q.available_at, q.event_id) >= (r.from_at, r.from_id)
            order by {order}
            limit $5
            for no key update skip locked
        ) as l
    ) as e
) as n
-- One row each, by its key: limited, so that it is planned as nothing else.
left join lateral (
    select t.payload, t.checksum
    from enginehouse.event_payloads as t
    where t.event_id = n.event_id and n.number <= $5
    limit 1
) as p on true
where n.number <= $5 or n.number_in_lane = 1
order by n.number;
