-- Of each lane, the events that have been due the longest, from a place on. They are taken for this transaction alone;
-- what another one has taken is left out. The place is where work was last found, so that a claim does not step over all that
-- was claimed before and cannot be vacuumed yet.
select {e.event_columns}
from unnest($1::bigint[], $2::timestamptz[], $3::uuid[]) with ordinality as r (lane_id, from_at, from_id, place)
cross join lateral (
    select q.*
    from enginehouse.events as q
    where
        q.status = 'queued' and q.lane_id = r.lane_id and q.available_at <= $4
        and (q.available_at, q.event_id) >= (r.from_at, r.from_id)
    order by q.available_at, q.event_id
    limit $5
    for no key update skip locked
) as e
order by r.place, e.available_at, e.event_id;
