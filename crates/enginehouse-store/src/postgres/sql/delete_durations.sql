-- Forget the histograms of days before a moment. What another server forgets or adds to at the same time is left to it.
delete from enginehouse.duration_histograms
where (event_type, engine_version, day, kind) in (
    select event_type, engine_version, day, kind
    from enginehouse.duration_histograms
    where day < $1
    order by day
    limit $2
    for update skip locked
);
