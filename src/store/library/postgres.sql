-- Replicas that start together wait for each other.
SELECT pg_advisory_xact_lock(7291650184);
CREATE TABLE IF NOT EXISTS archive_terms (
    number INTEGER PRIMARY KEY,
    terms TSVECTOR NOT NULL
);
-- Terms that wait in a list would make a search now and then slow.
CREATE INDEX IF NOT EXISTS archive_terms_gin ON archive_terms USING gin (terms)
    WITH (fastupdate = off);
