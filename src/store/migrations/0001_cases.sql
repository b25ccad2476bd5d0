-- Ids are text, so that people can read them; a v7 UUID sorts by time. Times are microseconds
-- since 1970 in UTC. Flags are 0 or 1, because the two engines disagree about booleans. JSON is
-- text, because nothing in it is searched.

CREATE TABLE cases (
    id TEXT PRIMARY KEY,
    -- Empty when unknown: two nulls would not count as the same channel.
    channel TEXT NOT NULL,
    external_id TEXT,
    text TEXT NOT NULL,
    -- The five elements 五要素, as far as the intake system knows them.
    customer_id TEXT,
    customer_name TEXT,
    customer_contact TEXT,
    product TEXT,
    shop TEXT,
    employee TEXT,
    order_number TEXT,
    demand TEXT,
    evidence TEXT NOT NULL,
    amount_fen BIGINT,
    customer_tier TEXT NOT NULL,
    prior_contacts BIGINT,
    occurred_at BIGINT,
    received_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    status TEXT NOT NULL,
    is_open BIGINT NOT NULL,
    queue TEXT NOT NULL,
    department TEXT NOT NULL,
    tier BIGINT NOT NULL,
    category TEXT,
    severity TEXT NOT NULL,
    severity_rank BIGINT NOT NULL,
    sentiment TEXT,
    executive_review BIGINT NOT NULL,
    needs_triage BIGINT NOT NULL,
    priority DOUBLE PRECISION NOT NULL,
    first_due_at BIGINT NOT NULL,
    resolution_due_at BIGINT NOT NULL,
    model_version TEXT,
    rules_version TEXT NOT NULL,
    fallback BIGINT NOT NULL,
    -- The whole answer as the API gave it.
    answer TEXT NOT NULL,
    CONSTRAINT cases_external_id UNIQUE (channel, external_id)
);

-- A queue as its page shows it, and its counts.
CREATE INDEX cases_queue ON cases (is_open, queue, priority DESC, resolution_due_at, id);
-- Lists of everything, filtered by what people filter by.
CREATE INDEX cases_category ON cases (category, id);
CREATE INDEX cases_severity ON cases (severity, id);

CREATE TABLE events (
    case_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (case_id, seq),
    CONSTRAINT events_case FOREIGN KEY (case_id) REFERENCES cases (id)
);

CREATE TABLE idempotency_keys (
    key TEXT PRIMARY KEY,
    body_digest TEXT NOT NULL,
    -- Whoever claimed the key last holds it: a claim is finished by its time.
    claimed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- The stored answer, once there is one.
    status BIGINT,
    body TEXT
);

CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
