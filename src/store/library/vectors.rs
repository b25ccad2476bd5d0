//! The vectors by which similar cases are found, as each model made them.

use crate::store::Store;
use crate::store::error::Error;
use crate::store::row::Columns;
use crate::store::writer::Write;

use sqlx::AnyConnection;
use uuid::Uuid;

/// What stands for the vector of an entry that has none.
pub(super) const NO_VECTOR: &[u8] = &[];

/// An entry's vector as one model made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredVector {
    /// The entry.
    pub number: i64,
    /// Numbers of 8 bits, one a byte.
    pub vector: Vec<u8>,
}

/// Vectors to write.
struct Vectors {
    model: i64,
    vectors: Vec<StoredVector>,
}

/// Vectors of other models to forget.
struct Forget {
    model: i64,
    limit: i64,
}

impl Store {
    /// Writes vectors of a model; those that are there stay.
    pub async fn insert_vectors(
        &self,
        model: i64,
        vectors: Vec<StoredVector>,
    ) -> Result<(), Error> {
        self.writer.write(Vectors { model, vectors }).await
    }

    /// Forgets at most so many vectors of other models, and says how many.
    pub async fn forget_vectors(&self, model: i64, limit: u16) -> Result<u64, Error> {
        self.writer.write(Forget { model, limit: i64::from(limit) }).await
    }

    /// The lowest and the highest number for which a model has made a vector. It makes them
    /// without a gap, so that all between are there as well.
    pub async fn vector_range(&self, model: i64) -> Result<Option<(i64, i64)>, Error> {
        // Two questions, each answered by one step in the index.
        let end = async |sql: &'static str| {
            let row = sqlx::query(sql).bind(model).fetch_one(&self.pool).await?;
            Columns(&row).get::<Option<i64>>("number")
        };
        let first = end("SELECT MIN(number) AS number FROM archive_vectors WHERE model = $1");
        let last = end("SELECT MAX(number) AS number FROM archive_vectors WHERE model = $1");
        Ok(first.await?.zip(last.await?))
    }

    /// Vectors of a model with numbers between these, lowest first.
    pub async fn list_vectors(
        &self,
        model: i64,
        (from, to): (i64, i64),
        limit: u16,
    ) -> Result<Vec<StoredVector>, Error> {
        let sql = "SELECT number, vector FROM archive_vectors WHERE model = $1 \
                   AND number >= $2 AND number <= $3 ORDER BY number LIMIT $4";
        let query = sqlx::query(sql).bind(model).bind(from).bind(to).bind(i64::from(limit));
        let rows = query.fetch_all(&self.pool).await?;
        let vector = |row| {
            let row = Columns(row);
            Ok(StoredVector { number: row.get("number")?, vector: row.get("vector")? })
        };
        rows.iter().map(vector).collect()
    }

    /// The vector that a model made of an archived case.
    pub async fn find_vector(&self, model: i64, case_id: Uuid) -> Result<Option<Vec<u8>>, Error> {
        let sql = "SELECT v.vector FROM archive a JOIN archive_vectors v ON v.number = a.number \
                   WHERE a.case_id = $1 AND v.model = $2";
        let query = sqlx::query_scalar(sql).bind(case_id.to_string()).bind(model);
        Ok(query.fetch_optional(&self.pool).await?)
    }

    /// How many entries have been erased: with every one of them, copies of vectors are stale.
    pub async fn count_erased_entries(&self) -> Result<i64, Error> {
        let sql = "SELECT n_erased FROM archive_numbers WHERE id = 1";
        Columns(&sqlx::query(sql).fetch_one(&self.pool).await?).get("n_erased")
    }

    /// The number of the last entry.
    pub async fn last_archived(&self) -> Result<i64, Error> {
        let sql = "SELECT last FROM archive_numbers WHERE id = 1";
        Columns(&sqlx::query(sql).fetch_one(&self.pool).await?).get("last")
    }
}

impl Write for Vectors {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        // Whoever read an entry before it was erased writes no vector of its words afterwards.
        let sql = "INSERT INTO archive_vectors (model, number, vector) \
                   VALUES ($1, $2, CASE WHEN EXISTS (SELECT 1 FROM archive WHERE number = $2 \
                   AND erased = 1) THEN $4 ELSE $3 END) ON CONFLICT (model, number) DO NOTHING";
        for StoredVector { number, vector } in &self.vectors {
            let query = sqlx::query(sql).bind(self.model).bind(number).bind(vector.as_slice());
            let query = query.bind(NO_VECTOR);
            query.execute(&mut *connection).await?;
        }
        Ok(())
    }
}

impl Write for Forget {
    type Output = u64;

    async fn run(&self, connection: &mut AnyConnection) -> Result<u64, Error> {
        let mut n_forgotten = 0;
        for outside in ["model < $1", "model > $1"] {
            let sql = format!(
                "DELETE FROM archive_vectors WHERE {outside} AND number IN (SELECT number \
                 FROM archive_vectors WHERE {outside} ORDER BY model, number LIMIT $2)"
            );
            // Only constants went into the text.
            let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(self.model).bind(self.limit);
            n_forgotten += query.execute(&mut *connection).await?.rows_affected();
        }
        Ok(n_forgotten)
    }
}
