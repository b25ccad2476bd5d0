-- The case library: what is kept of an archived case beside its words, the vectors by which
-- similar cases are found, early warnings, and what the firm does about them.

-- Entries are numbered in the order in which they were committed, without gaps, so that whoever
-- has read up to a number has missed nothing.
CREATE TABLE archive_numbers (
    id INTEGER PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO archive_numbers (id, last) VALUES (1, 0);

CREATE TABLE archive (
    number INTEGER PRIMARY KEY,
    case_id TEXT NOT NULL,
    archived_at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    settled_at BIGINT,
    category TEXT,
    severity TEXT NOT NULL,
    department TEXT NOT NULL,
    liability TEXT,
    -- The remedies with which it ended, separated by spaces; empty when nothing was agreed on.
    outcome TEXT NOT NULL,
    compensation_fen BIGINT NOT NULL,
    refund_fen BIGINT NOT NULL,
    satisfaction BIGINT,
    n_reopened BIGINT NOT NULL,
    -- Whether the model's label is the one that a person gave in the end; nothing where none did.
    category_right BIGINT,
    severity_right BIGINT,
    summary TEXT NOT NULL,
    CONSTRAINT archive_case UNIQUE (case_id)
);
CREATE INDEX archive_time ON archive (archived_at, number);

-- Vectors of 8-bit numbers, one for a model and an entry.
CREATE TABLE archive_vectors (
    model BIGINT NOT NULL,
    number BIGINT NOT NULL,
    vector BYTEA NOT NULL,
    CONSTRAINT archive_vectors_pkey PRIMARY KEY (model, number)
);

-- What statistics and early warnings read of every case, in the order of time.
CREATE INDEX cases_received ON cases
    (received_at, department, category, product, shop, customer_id, customer_contact, id);

-- Lists of what is rare would otherwise read every case to find none.
CREATE INDEX cases_status ON cases (status, id);
CREATE INDEX cases_channel ON cases (channel, id);
CREATE INDEX cases_queue_id ON cases (queue, id);

CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    -- `category`, `product` or `shop`, and which.
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    -- When the count was last above its threshold.
    seen_at BIGINT NOT NULL,
    n_complainants BIGINT NOT NULL,
    expected DOUBLE PRECISION NOT NULL,
    threshold BIGINT NOT NULL,
    state TEXT NOT NULL,
    version BIGINT NOT NULL
);
-- One alert about a subject at a time, however many replicas watch.
CREATE UNIQUE INDEX alerts_subject ON alerts (kind, subject) WHERE state <> 'closed';
CREATE INDEX alerts_state ON alerts (state, id);

CREATE TABLE alert_cases (
    alert_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    CONSTRAINT alert_cases_pkey PRIMARY KEY (alert_id, case_id),
    CONSTRAINT alert_cases_alert FOREIGN KEY (alert_id) REFERENCES alerts (id)
);

CREATE TABLE improvements (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    department TEXT NOT NULL,
    owner TEXT NOT NULL,
    -- A day such as 2026-12-31.
    due_on TEXT NOT NULL,
    state TEXT NOT NULL,
    alert_id TEXT,
    category TEXT,
    version BIGINT NOT NULL,
    CONSTRAINT improvements_alert FOREIGN KEY (alert_id) REFERENCES alerts (id)
);
CREATE INDEX improvements_state ON improvements (state, id);

-- Who did what to an alert or an improvement, and why; only ever added to.
CREATE TABLE review_steps (
    subject_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    note TEXT NOT NULL,
    CONSTRAINT review_steps_pkey PRIMARY KEY (subject_id, seq)
);
