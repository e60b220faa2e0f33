-- Events with their lanes and payloads, in the order asked, as long as those before hold no more than so many bytes. An event
-- whose lane or payload is missing is there, without it: its reader says so.
select
    r.bytes, r.payload, r.checksum,
    {r.lane_columns},
    {r.event_columns}
from (
    select
        e.*, p.payload, p.checksum, {l.lane_columns},
        a.place, s.bytes,
        sum(s.bytes) over (order by a.place rows between unbounded preceding and 1 preceding) as bytes_before
    from unnest($1::uuid[]) with ordinality as a (event_id, place)
    inner join enginehouse.events as e on e.event_id = a.event_id
    left join enginehouse.lanes as l on l.lane_id = e.lane_id
    left join enginehouse.event_payloads as p on p.event_id = a.event_id
    cross join lateral (
        select (coalesce(octet_length(p.payload::text), 0) + coalesce(octet_length(e.result::text), 0))::bigint as bytes
    ) as s
) as r
where coalesce(r.bytes_before, 0) < $2
order by r.place;
