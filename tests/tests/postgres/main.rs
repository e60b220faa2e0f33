//! What users fear of a database that is shared, far away, and somebody else's.

mod backups;
mod calls;
mod failover;
mod full_disk;
mod outages;
mod pooler;
mod servers;
mod sql_clients;
