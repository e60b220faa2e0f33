-- Forget the histograms of days before a moment.
delete from duration_histograms
where (event_type, engine_version, day, kind) in (
    select event_type, engine_version, day, kind from duration_histograms where day < ?1 order by day limit ?2
);
