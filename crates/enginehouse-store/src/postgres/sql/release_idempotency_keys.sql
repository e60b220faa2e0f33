-- Take from events their idempotency keys. Whoever does so at the same time does it first or finds nothing to do.
update enginehouse.events
set idempotency_key = null, fingerprint = null, idempotency_key_expires_at = null
where event_id in (
    select event_id
    from enginehouse.events
    where event_id = any($1) and idempotency_key is not null
    order by event_id
    for no key update
);
