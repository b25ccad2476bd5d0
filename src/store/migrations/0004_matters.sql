-- Submissions that belong together: the same complaint over again is joined to the first case,
-- another one about the same matter is linked.

-- How often an identifier of a customer or an order has come in. An identifier is kept as a digest
-- of 64 bits, because it is searched and never read. Whoever stores a submission counts its
-- identifiers up from what they have read; of two who do so at once one has to look again.
CREATE TABLE identifiers (
    digest BIGINT PRIMARY KEY,
    n BIGINT NOT NULL
);

-- In which submissions, and of which cases.
CREATE TABLE sightings (
    digest BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    -- The case's own id for its first submission.
    submission_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    CONSTRAINT sightings_pkey PRIMARY KEY (digest, received_at, submission_id),
    CONSTRAINT sightings_case FOREIGN KEY (case_id) REFERENCES cases (id)
);

CREATE INDEX sightings_submission ON sightings (case_id, submission_id);

CREATE TABLE joined_submissions (
    id TEXT PRIMARY KEY,
    case_id TEXT NOT NULL,
    -- The columns of `cases` that a submission fills.
    channel TEXT NOT NULL,
    external_id TEXT,
    text TEXT NOT NULL,
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
    -- How like it is to what it was joined for.
    similarity DOUBLE PRECISION NOT NULL,
    -- The case that a person made of it.
    separated_into TEXT,
    CONSTRAINT joined_external_id UNIQUE (channel, external_id),
    CONSTRAINT joined_case FOREIGN KEY (case_id) REFERENCES cases (id)
);

CREATE INDEX joined_submissions_case ON joined_submissions (case_id, id);

-- Each link stands here from both sides.
CREATE TABLE case_links (
    case_id TEXT NOT NULL,
    other_id TEXT NOT NULL,
    CONSTRAINT case_links_pkey PRIMARY KEY (case_id, other_id),
    CONSTRAINT case_links_case FOREIGN KEY (case_id) REFERENCES cases (id),
    CONSTRAINT case_links_other FOREIGN KEY (other_id) REFERENCES cases (id)
);
