-- Add to the count of a lane and a status. A count that somebody has changed by hand stops at zero, or at
-- more than there can be.
insert into lane_counts (lane_id, status, events)
values (?1, ?2, max(?3, 0))
on conflict (lane_id, status) do update set
    events = max(min(lane_counts.events, 1000000000000000) + ?3, 0);
