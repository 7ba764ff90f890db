//! Tables of PostgreSQL databases, copied into files that ingest reads like any other.
//!
//! ```text
//! mapping with databases ── copy ──> COPY (…) TO STDOUT, in one snapshot ──> CSV files ──> a mapping that reads them
//! ```
//!
//! Behind the Cargo feature `postgres`. A mapping names an environment variable; the connection that it holds, with
//! its password, is read here and shown nowhere. A query reads and nothing else: it is one statement in a read-only
//! transaction.

mod connection;
mod error;
mod snapshot;
mod tls;

use std::path::Path;

use connection::Connection;
pub use error::DatabaseError;
use snapshot::copy_all;

use crate::ingest::{DatabaseTable, Mapping, TableCopy};

/// Copies the tables of databases that `mapping` reads into the folder `staging`: the mapping that reads the copies.
///
/// All tables of one connection are as they are at one instant (`REPEATABLE READ`). Instants are written in UTC, numbers
/// with all their digits, whatever the server's settings.
///
/// # Errors
///
/// [`DatabaseError`]: `Unset` and `Unreadable` for a connection that is not given, `Refused` for a server that does not let
/// us in, `Queries` with every query that it does not understand, `Rows` for one that fails on the way, `Write` when
/// `staging` cannot be written.
pub fn copy(mapping: Mapping, staging: &Path) -> Result<Mapping, DatabaseError> {
    let tables = mapping.database_tables();
    let mut copies: Vec<Option<TableCopy>> = vec![None; tables.len()];
    // Nothing is asked of the first server before the connection of the last is known to be given.
    let mut connections: Vec<Connection> = Vec::new();
    for table in &tables {
        if !connections.iter().any(|one| one.variable() == table.variable()) {
            connections.push(Connection::given_by(table.variable())?);
        }
    }
    for connection in connections {
        let (places, own): (Vec<usize>, Vec<&DatabaseTable>) = tables
            .iter()
            .enumerate()
            .filter(|(_, table)| table.variable() == connection.variable())
            .unzip();
        let paths: Vec<_> =
            places.iter().map(|place| staging.join(format!("table_{place}.csv"))).collect();
        for (place, copied) in places.into_iter().zip(copy_all(&connection, &own, &paths)?) {
            copies[place] = Some(copied);
        }
    }
    let copies = copies.into_iter().map(|copy| copy.expect("every table has a connection"));
    Ok(mapping.copied(copies.collect()))
}
