-- Who may do what: systems have keys, people have roles; and what was done stands in a log that
-- is only ever added to.

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- SHA-256 in hex. A secret of 256 random bits cannot be guessed, so no slow hash is needed.
    digest TEXT NOT NULL,
    -- JSON arrays.
    scopes TEXT NOT NULL,
    act_as TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    -- To the hour.
    last_used_at BIGINT,
    -- The key whose successor this is.
    replaces TEXT
);

CREATE TABLE users (
    name TEXT PRIMARY KEY,
    display_name TEXT NOT NULL,
    -- A JSON array.
    roles TEXT NOT NULL,
    -- The only queue that the front line sees; every one when it is null.
    queue TEXT,
    -- Argon2id in PHC form; null while the user cannot log in.
    password_hash TEXT,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    user_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- To the minute.
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT sessions_user FOREIGN KEY (user_name) REFERENCES users (name)
);

CREATE INDEX sessions_of_user ON sessions (user_name);

-- Log-ins that failed, by user and by address, so that replicas throttle together.
CREATE TABLE log_in_attempts (
    subject TEXT PRIMARY KEY,
    n_failed BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);

CREATE TABLE audit (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    action TEXT NOT NULL,
    -- The case, key, user or person that it was done to.
    subject TEXT NOT NULL,
    -- JSON; never the words of a customer.
    data TEXT NOT NULL,
    -- SHA-256 over the hash before and this row, so that a row that is gone or changed shows.
    hash TEXT NOT NULL
);

CREATE INDEX audit_of_actor ON audit (actor, seq);
CREATE INDEX audit_of_subject ON audit (subject, seq);

-- The end of the chain. Whoever adds a row holds this one, so that there is one chain.
CREATE TABLE audit_head (
    id BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);

INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '');

-- Whose a case is: its first event names who handed it in.
CREATE INDEX events_received_by ON events (actor, case_id) WHERE seq = 1;

-- Cases whose words are being erased, for the length of that transaction.
CREATE TABLE IF NOT EXISTS erasing (case_id TEXT PRIMARY KEY);

-- When a person's words and names were taken out; labels and figures stay.
ALTER TABLE cases ADD COLUMN erased_at BIGINT;
CREATE INDEX cases_to_erase ON cases (erased_at, is_open, created_at);
CREATE INDEX cases_of_customer ON cases (customer_id, id);
