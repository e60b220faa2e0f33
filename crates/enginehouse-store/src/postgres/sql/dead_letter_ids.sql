-- Dead letters that match, oldest event first, from behind a place.
select event_id
from enginehouse.dead_letters
where
    event_id > $11
    and ($1::text is null or event_type = $1)
    and ($2::text is null or queue = $2)
    and ($3::text is null or reason = $3)
    and ($4::text is null or error_code = $4)
    and ($5::text is null or group_id = $5)
    and ($6::timestamptz is null or dead_lettered_at < $6)
    and ($7::timestamptz is null or dead_lettered_at >= $7)
    and ($9::text[] is null or queue like any ($9))
    and ($10::text[] is null or event_type like any ($10))
order by event_id
limit $8;
