-- Steps of alerts are told to other systems as events of cases are.

-- The outbox as it was, but that a row may tell of an alert's step as well as of a case's event, so
-- that no foreign key fits. SQLite cannot drop one from a table that is there.
CREATE TABLE outbox_of_all (
    id TEXT PRIMARY KEY,
    -- What carries it: `webhook`, or `message` for messages to customers.
    topic TEXT NOT NULL,
    -- Where to: an endpoint, or a gateway.
    target TEXT NOT NULL,
    -- The case or the alert, and the number of its event or step.
    case_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    -- What the carrier needs beside the event.
    payload TEXT NOT NULL,
    -- `pending`, or `dead` after too many attempts.
    state TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    -- Why the last attempt failed.
    problem TEXT
);
INSERT INTO outbox_of_all (id, topic, target, case_id, seq, payload, state, due_at, created_at,
    attempts, problem)
SELECT id, topic, target, case_id, seq, payload, state, due_at, created_at, attempts, problem
FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_of_all RENAME TO outbox;
CREATE INDEX outbox_due ON outbox (topic, target, state, due_at, id);
-- Within a case messages go out in the order of its events.
CREATE INDEX outbox_order ON outbox (topic, target, case_id, seq);

INSERT INTO jobs (id, due_at) VALUES ('watch', 0);
