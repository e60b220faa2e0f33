//! A store on one SQLite file.
