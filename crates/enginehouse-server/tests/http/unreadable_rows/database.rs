//! The tables from outside, without their rules.

use crate::under_test::TestStore;

/// One value that was put where it does not belong.
#[derive(Clone, Debug)]
pub(crate) struct Garbled {
    pub(crate) table: &'static str,
    pub(crate) column: String,
    /// As SQL.
    pub(crate) value: &'static str,
    /// The row, by the first column of its key, as it was before.
    pub(crate) key: String,
}

pub(crate) enum Database {
    Sqlite(rusqlite::Connection),
    Postgres(tokio_postgres::Client),
}

struct Column {
    name: String,
    of_type: String,
    is_nullable: bool,
}

impl Database {
    pub(crate) async fn open(place: &TestStore) -> Self {
        match place {
            TestStore::Folder(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join("harness.db")).unwrap();
                connection.execute_batch("pragma ignore_check_constraints = on; pragma foreign_keys = off").unwrap();
                Self::Sqlite(connection)
            }
            TestStore::Database(url) => {
                let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
                tokio::spawn(connection);
                client.batch_execute(WITHOUT_RULES).await.unwrap();
                Self::Postgres(client)
            }
        }
    }

    /// Puts each kind of wrong value into each column of a table, each into a row of its own: those with these keys.
    pub(crate) async fn garble(&self, table: &'static str, keys: &[String]) -> Vec<Garbled> {
        let columns = self.columns(table).await;
        let key_column = columns[0].name.clone();
        if let (Self::Postgres(client), "scenario_runs") = (self, table) {
            // They are added up after a while; a test does not wait for that.
            let sql = "insert into enginehouse.scenario_runs select unnest($1::text[]), now(), 0, 0, 0, 0, 0, now(), 0 on conflict do nothing";
            client.execute(sql, &[&keys]).await.unwrap();
        }
        let mut keys = keys.iter();
        let mut garbled = Vec::new();
        for column in &columns {
            let null = column.is_nullable.then_some("null");
            for value in self.wrong_values(&column.of_type).iter().copied().chain(null) {
                let key = keys.next().unwrap_or_else(|| panic!("more rows of {table} are needed")).clone();
                let set = format!("update {table} set {} = {value} where {}", column.name, self.is(&key_column, &key));
                let set = match self {
                    Self::Sqlite(_) => set,
                    // A null stands for itself, whatever the type.
                    Self::Postgres(_) => set.replacen("update ", "update enginehouse.", 1),
                };
                let rows = self.execute(&set).await;
                assert!(rows >= 1, "{set}");
                garbled.push(Garbled { table, column: column.name.clone(), value, key });
            }
        }
        garbled
    }

    /// Takes from the chain of the audit log where it ends.
    pub(crate) async fn garble_chain(&self) {
        match self {
            Self::Sqlite(_) => assert_eq!(self.execute("update audit_chain set hash = x'00'").await, 1),
            // Its entries may not be linked yet.
            Self::Postgres(_) => {
                self.execute("update enginehouse.audit_chain set hash = '\\x00'").await;
            }
        }
    }

    /// A condition that a column has a value.
    pub(crate) fn is(&self, column: &str, value: &str) -> String {
        match self {
            Self::Sqlite(_) if column == "event_id" => format!("event_id = unhex('{value}', '-')"),
            _ => format!("{column} = '{value}'"),
        }
    }

    pub(crate) async fn execute(&self, sql: &str) -> u64 {
        match self {
            Self::Sqlite(connection) => {
                connection.execute(sql, []).unwrap_or_else(|error| panic!("{sql}: {error}")) as u64
            }
            Self::Postgres(client) => client.execute(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")),
        }
    }

    /// The columns of a table; the first of its key comes first.
    async fn columns(&self, table: &str) -> Vec<Column> {
        match self {
            Self::Sqlite(connection) => {
                let sql = "select name, type, \"notnull\" from pragma_table_info(?1) order by cid";
                let mut statement = connection.prepare(sql).unwrap();
                let read = |row: &rusqlite::Row<'_>| {
                    let (name, of_type, not_null) = (row.get(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?);
                    Ok(Column { name, of_type: of_type.to_lowercase(), is_nullable: !not_null })
                };
                statement.query_map([table], read).unwrap().map(Result::unwrap).collect()
            }
            Self::Postgres(client) => {
                let sql = "select column_name::text, data_type::text, is_nullable = 'YES' from information_schema.columns \
                           where table_schema = 'enginehouse' and table_name = $1 order by ordinal_position";
                let rows = client.query(sql, &[&table]).await.unwrap();
                let column = |row: &tokio_postgres::Row| Column {
                    name: row.get(0),
                    of_type: row.get(1),
                    is_nullable: row.get(2),
                };
                rows.iter().map(column).collect()
            }
        }
    }

    /// What a column of a type can hold and should not.
    fn wrong_values(&self, of_type: &str) -> &'static [&'static str] {
        match (self, of_type) {
            (Self::Sqlite(_), "text") => &["'bad name! '", "cast(x'ff41' as text)", "'{\"a\":[1}'"],
            (Self::Sqlite(_), "integer") => &["-5", "9223372036854775807"],
            (Self::Sqlite(_), "blob") => &["x'00'", "x''", "zeroblob(17)"],
            (Self::Postgres(_), "text") => &["'bad name! '"],
            (Self::Postgres(_), "bigint") => &["-5", "9223372036854775807"],
            (Self::Postgres(_), "integer") => &["-5", "2147483647"],
            (Self::Postgres(_), "smallint") => &["-5", "32767"],
            (Self::Postgres(_), "timestamp with time zone") => &["'infinity'", "'-infinity'"],
            (Self::Postgres(_), "json") => &["'5'", "'{\"retry_delay\":{\"initial\":-1}}'", "'[[]]'"],
            (Self::Postgres(_), "bytea") => &["'\\x00'"],
            // Of these every value is a good one, or is the database's own.
            (Self::Postgres(_), "boolean" | "uuid" | "xid8") => &[],
            (_, other) => panic!("which values of a column of type {other} are wrong?"),
        }
    }
}

/// Takes away every rule of the tables and of their types, and that numbers are given by the database alone.
const WITHOUT_RULES: &str = "
    do $$
    declare
        rule record;
    begin
        for rule in
            select c.conname, c.contypid, c.conrelid
            from pg_catalog.pg_constraint as c
            join pg_catalog.pg_namespace as n on n.oid = c.connamespace
            where n.nspname = 'enginehouse' and c.contype = 'c'
        loop
            if rule.contypid <> 0 then
                execute format('alter domain %s drop constraint %I', rule.contypid::regtype, rule.conname);
            else
                execute format('alter table %s drop constraint %I', rule.conrelid::regclass, rule.conname);
            end if;
        end loop;
        alter table enginehouse.lanes alter column lane_id set generated by default;
        alter table enginehouse.audit_log alter column audit_id set generated by default;
    end
    $$";
