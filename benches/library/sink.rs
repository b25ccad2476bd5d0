//! Writes rows by the thousand, in the fastest way of each engine.

use std::fmt::Write;

use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use crate::story::{Rows, Value};

/// The tables with the columns that are written; every row has its values in this order.
pub(crate) const TABLES: [(&str, &str); 5] = [
    (
        "cases",
        "id, channel, external_id, text, customer_id, customer_name, product, shop, evidence, \
         amount_fen, customer_tier, received_at, created_at, status, is_open, queue, department, \
         tier, category, severity, severity_rank, sentiment, executive_review, needs_triage, \
         priority, first_due_at, resolution_due_at, model_version, rules_version, fallback, answer, \
         version, model_labels, labels",
    ),
    ("events", "case_id, seq, at, actor, role, kind, data"),
    (
        "archive",
        "number, case_id, archived_at, received_at, settled_at, category, severity, department, \
         liability, outcome, compensation_fen, refund_fen, satisfaction, n_reopened, \
         category_right, severity_right, summary",
    ),
    ("archive_terms", "number, terms"),
    ("archive_vectors", "model, number, vector"),
];

/// Values that one statement of SQLite takes.
const MAX_VALUES: usize = 30_000;

/// An open database.
pub(crate) enum Sink {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Sink {
    pub(crate) async fn open(address: &str) -> Self {
        if address.starts_with("postgres") {
            let mut connection = PgConnection::connect(address).await.expect("it answers");
            // Made at once at the end it takes a tenth of the time.
            connection.execute("DROP INDEX archive_terms_gin").await.expect("it is there");
            return Self::Postgres(connection);
        }
        let path = address.trim_start_matches("sqlite:").trim_start_matches("//");
        let options = SqliteConnectOptions::new().filename(path);
        let options = options.journal_mode(SqliteJournalMode::Wal).pragma("synchronous", "OFF");
        let options = options.foreign_keys(false).pragma("cache_size", "-400000");
        let mut connection = options.connect().await.expect("it opens");
        // An index that is filled at the end is filled in its order.
        connection.execute("DROP INDEX cases_received").await.expect("it is there");
        Self::Sqlite(connection)
    }

    pub(crate) async fn write(&mut self, rows: Vec<Rows>) {
        let mut tables: [Vec<Vec<Value>>; TABLES.len()] = Default::default();
        for row in rows {
            for (table, rows) in tables.iter_mut().zip(row.0) {
                table.extend(rows);
            }
        }
        match self {
            Self::Sqlite(connection) => write_sqlite(connection, &tables).await,
            Self::Postgres(connection) => write_postgres(connection, &tables).await,
        }
    }

    /// What the service would have counted, and what the planners know.
    pub(crate) async fn finish(self, n_archived: u64) {
        let numbers = format!("UPDATE archive_numbers SET last = {n_archived} WHERE id = 1");
        match self {
            Self::Sqlite(mut connection) => {
                connection.execute(AssertSqlSafe(numbers)).await.expect("it is there");
                let script = include_str!("../../src/store/migrations/0006_library.sql");
                let index = statement(script, "CREATE INDEX cases_received");
                connection.execute(index).await.expect("it can be made");
                let optimize = "INSERT INTO archive_terms(archive_terms) VALUES ('optimize')";
                connection.execute(optimize).await.expect("it is an index of terms");
                connection.execute("ANALYZE").await.expect("it is sound");
                let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
                connection.execute(checkpoint).await.expect("nobody else has it open");
            }
            Self::Postgres(mut connection) => {
                connection.execute(AssertSqlSafe(numbers)).await.expect("it is there");
                let memory = "SET maintenance_work_mem = '1GB'";
                connection.execute(memory).await.expect("it is a setting");
                let script = include_str!("../../src/store/library/postgres.sql");
                let index = statement(script, "CREATE INDEX IF NOT EXISTS archive_terms_gin");
                connection.execute(index).await.expect("it can be made");
                connection.execute("VACUUM ANALYZE").await.expect("it is sound");
            }
        }
    }
}

/// The statement of a script that begins so.
fn statement(script: &'static str, beginning: &str) -> &'static str {
    let start = script.find(beginning).expect("the script has it");
    let end = script[start..].find(';').expect("a statement ends") + start;
    &script[start..end]
}

async fn write_sqlite(connection: &mut SqliteConnection, tables: &[Vec<Vec<Value>>]) {
    connection.execute("BEGIN").await.expect("nobody else writes");
    for ((table, columns), rows) in TABLES.iter().zip(tables) {
        let n_columns = columns.split(',').count();
        let columns = if *table == "archive_terms" { "rowid, terms" } else { columns };
        for rows in rows.chunks(MAX_VALUES / n_columns) {
            let row = format!("({})", vec!["?"; n_columns].join(","));
            let places = vec![row; rows.len()].join(",");
            let sql = format!("INSERT INTO {table} ({columns}) VALUES {places}");
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for value in rows.iter().flatten() {
                query = match value {
                    Value::Number(number) => query.bind(*number),
                    Value::Real(number) => query.bind(*number),
                    Value::Text(text) => query.bind(text.as_str()),
                    Value::Terms(terms) => query.bind(terms.join(" ")),
                    Value::Bytes(bytes) => query.bind(bytes.as_slice()),
                };
            }
            query.execute(&mut *connection).await.expect("the rows fit the tables");
        }
    }
    connection.execute("COMMIT").await.expect("there is room on the disk");
}

/// The text format of `COPY`.
async fn write_postgres(connection: &mut PgConnection, tables: &[Vec<Vec<Value>>]) {
    for ((table, columns), rows) in TABLES.iter().zip(tables) {
        let mut text = String::new();
        for row in rows {
            for (value_idx, value) in row.iter().enumerate() {
                if 0 < value_idx {
                    text.push('\t');
                }
                match value {
                    Value::Number(number) => text.push_str(&number.to_string()),
                    Value::Real(number) => text.push_str(&number.to_string()),
                    Value::Text(words) => push_escaped(&mut text, words),
                    Value::Terms(terms) => {
                        let quoted = terms.iter().map(|term| format!("'{term}'"));
                        push_escaped(&mut text, &quoted.collect::<Vec<_>>().join(" "));
                    }
                    Value::Bytes(bytes) => {
                        text.push_str("\\\\x");
                        for byte in bytes {
                            write!(text, "{byte:02x}").expect("a string takes everything");
                        }
                    }
                }
            }
            text.push('\n');
        }
        let sql = format!("COPY {table} ({columns}) FROM STDIN");
        let mut copy = connection.copy_in_raw(&sql).await.expect("the table is there");
        copy.send(text.as_bytes()).await.expect("the server takes it");
        copy.finish().await.expect("the rows fit the tables");
    }
}

fn push_escaped(text: &mut String, words: &str) {
    for c in words.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            _ => text.push(c),
        }
    }
}
