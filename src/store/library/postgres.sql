-- Replicas that start together wait for each other.
SELECT pg_advisory_xact_lock(7291650184);
CREATE TABLE IF NOT EXISTS archive_terms (
    number INTEGER PRIMARY KEY,
    terms TSVECTOR NOT NULL
);
-- An entry is found under its terms and under the blocks of numbers that it lies in, since an index
-- of terms alone cannot be asked for the newest.
CREATE OR REPLACE FUNCTION archive_filed(terms TSVECTOR, number INTEGER) RETURNS TSVECTOR
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$
        SELECT terms || array_to_tsvector(ARRAY[{blocks}])
    $$;
-- The index of a large library is made once, in minutes.
SET LOCAL maintenance_work_mem = '256MB';
-- Terms that wait in a list would make a search now and then slow.
CREATE INDEX IF NOT EXISTS archive_terms_filed ON archive_terms
    USING gin (archive_filed(terms, number)) WITH (fastupdate = off);
DROP INDEX IF EXISTS archive_terms_gin;
