//! What can go wrong with a database that is shared, remote, and run by others.

mod backups;
mod calls;
mod failover;
mod full_disk;
mod held_rows;
mod new_lanes;
mod outages;
mod paused_servers;
mod pooler;
mod servers;
mod sql_clients;
