-- Engines behind an id, by id. Answers what matches, and the last one of so many.
select l.is_match, l.place, {l.engine_columns}
from (
    select
        f.*,
        (
            ($4::text is null or f.status = $4)
            and ($7::boolean is null or (f.status = 'stopped') = $7)
            and ($5::text is null or f.engine_type = $5)
            and ($8::text[] is null or f.engine_id like any ($8))
            and (
                $6::text is null
                or exists (
                    select 1
                    from json_array_elements_text(f.metadata -> 'static_config' -> 'capabilities') as c (capability)
                    where c.capability = $6
                )
            )
        ) is true as is_match,
        row_number() over (order by f.engine_id) as place
    from (
        select *
        from enginehouse.engines
        where engine_id > $1
        order by engine_id
        limit $2
    ) as f
) as l
where l.is_match or l.place = $2
order by l.engine_id
limit $3;
