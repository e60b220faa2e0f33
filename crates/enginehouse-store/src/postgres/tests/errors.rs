//! Errors that do not come from the server are told apart by their type.

use super::open_fresh;
use crate::StoreError;
use crate::postgres::tx::columns::{params, sql};

#[tokio::test]
async fn a_parameter_of_the_wrong_type_is_not_an_outage() {
    let fresh = open_fresh().await;
    let session = fresh.shared.readers.session().await.unwrap();
    let failure = session.execute(sql!("write_last_time"), params![INT8: &"a text", INT8: &0_i64]).await.unwrap_err();
    let error = StoreError::from(failure);
    assert!(!matches!(error, StoreError::Unavailable { .. }), "{error}");
    // The connection is still good.
    assert_eq!(session.query(sql!("last_time"), params![]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_broken_connection_is_an_outage_and_is_not_used_again() {
    let fresh = open_fresh().await;
    let session = fresh.shared.readers.session().await.unwrap();
    let killer = fresh.connect().await;
    let others = "select pg_terminate_backend(pid, 10000) from pg_stat_activity \
                  where datname = current_database() and pid <> pg_backend_pid()";
    killer.execute(others, &[]).await.unwrap();
    for _ in 0..2 {
        let error = StoreError::from(session.query(sql!("last_time"), params![]).await.unwrap_err());
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    }
    drop(session);
    let session = fresh.shared.readers.session().await.unwrap();
    assert_eq!(session.query(sql!("last_time"), params![]).await.unwrap().len(), 1);
}
