-- Evidence files. Their bytes lie beside the database under their digest; a row says which case a
-- file belongs to. The same bytes in two cases are two rows and one object.

CREATE TABLE evidence_files (
    id TEXT PRIMARY KEY,
    case_id TEXT NOT NULL,
    -- The number of the event that tells of it.
    seq BIGINT NOT NULL,
    -- As the sender calls it: it may name people, so no event holds it.
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    n_bytes BIGINT NOT NULL,
    digest TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    CONSTRAINT evidence_files_event FOREIGN KEY (case_id, seq) REFERENCES events (case_id, seq)
);

CREATE INDEX evidence_files_case ON evidence_files (case_id, id);
CREATE INDEX evidence_files_digest ON evidence_files (digest);
