-- Work that replicas share: clocks that strike, and what goes out to other systems. A row that is
-- due is claimed by moving its time into the future; a claim that is not settled by then is lost,
-- and the row is due again.

-- When a clock of the case next wants something done. Nothing while no clock runs.
ALTER TABLE cases ADD COLUMN alarm_at BIGINT;
-- Open cases of before are looked at once.
UPDATE cases SET alarm_at = 0 WHERE is_open = 1;
CREATE INDEX cases_alarm ON cases (alarm_at, id) WHERE alarm_at IS NOT NULL;

-- By what the clocks ran when `alarm_at` was computed: one row, a digest.
CREATE TABLE timetable (id BIGINT PRIMARY KEY, digest TEXT NOT NULL);
INSERT INTO timetable (id, digest) VALUES (1, '');

-- Where events are sent.
CREATE TABLE endpoints (
    id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    -- Which events, as JSON; empty means all.
    kinds TEXT NOT NULL,
    -- Whether it is sent what people wrote, beside ids and what changed.
    with_words BIGINT NOT NULL,
    -- Signing takes the secret itself, so it is not hashed.
    secret TEXT NOT NULL,
    -- The one before, which signs as well until its time is over.
    old_secret TEXT,
    old_secret_until BIGINT,
    enabled BIGINT NOT NULL,
    -- Why the service has disabled it.
    problem TEXT,
    created_at BIGINT NOT NULL
);

-- What is to be sent, written with the event that it tells of. What is delivered is deleted.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    -- What carries it: `webhook`, or `message` for messages to customers.
    topic TEXT NOT NULL,
    -- Where to: an endpoint, or a gateway.
    target TEXT NOT NULL,
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
    problem TEXT,
    CONSTRAINT outbox_event FOREIGN KEY (case_id, seq) REFERENCES events (case_id, seq)
);

CREATE INDEX outbox_due ON outbox (topic, target, state, due_at, id);
-- Within a case messages go out in the order of its events.
CREATE INDEX outbox_order ON outbox (topic, target, case_id, seq);

-- Cases whose words are being erased, for the length of that transaction; see `guards`.
CREATE TABLE erasing (case_id TEXT PRIMARY KEY);
