-- The events that have been due the longest, of all ranges together, with their payloads. Of each range so many are locked for
-- this transaction alone; what another one has locked is left out. A range begins where a scan last found something, so that a
-- claim does not step over all that was claimed before and cannot be vacuumed yet: so the first event of each range comes
-- too, without its payload, if it is not among the first of all.
with
locked as materialized (
    select e.*
    from unnest($1::bigint[], $2::timestamptz[], $3::uuid[]) as r (lane_id, from_at, from_id)
    cross join lateral (
        select q.*
        from enginehouse.events as q
        where
            {condition} and q.lane_id = r.lane_id and q.available_at <= $4
            and (q.available_at, q.event_id) >= (r.from_at, r.from_id)
        order by {order}
        limit $5
        for no key update skip locked
    ) as e
),
numbered as materialized (
    select
        l.*, row_number() over (order by l.available_at, l.event_id) as number,
        row_number() over (partition by l.lane_id order by l.available_at, l.event_id) as number_in_lane
    from locked as l
)
select n.number <= $5, p.payload, {n.event_columns}
from numbered as n
left join lateral (
    select y.payload
    from enginehouse.event_payloads as y
    where y.event_id = n.event_id and n.number <= $5
    offset 0
) as p on true
where n.number <= $5 or n.number_in_lane = 1
order by n.number;
