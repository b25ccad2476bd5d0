-- People correct labels and routes. What the model said stays where it is; what counts now stands
-- beside it, and every statement of a person is a row of its own that is never changed.

-- The number of the last event: who writes a case names the version that they have read.
ALTER TABLE cases ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
-- Labels by head as JSON: what the model said, and what counts now. Cases from before this
-- migration keep what the columns hold; their model's words stand in `answer` alone.
ALTER TABLE cases ADD COLUMN model_labels TEXT NOT NULL DEFAULT '{}';
ALTER TABLE cases ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';

UPDATE cases SET version = (SELECT MAX(seq) FROM events WHERE events.case_id = cases.id)
WHERE EXISTS (SELECT 1 FROM events WHERE events.case_id = cases.id);
-- Names of labels have no character that JSON would escape.
UPDATE cases SET labels = '{"severity":"' || severity || '"'
    || COALESCE(',"category":"' || category || '"', '')
    || COALESCE(',"sentiment":"' || sentiment || '"', '') || '}';

-- What the actor does for the firm.
ALTER TABLE events ADD COLUMN role TEXT NOT NULL DEFAULT 'system';

CREATE TABLE corrections (
    case_id TEXT NOT NULL,
    -- The number of the event that tells of it.
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    -- `correction`, or `archive` for the labels with which a case was closed.
    source TEXT NOT NULL,
    -- How sure the person was: 2 clear, 1 arguable, 0 a guess.
    certainty BIGINT NOT NULL,
    reason TEXT NOT NULL,
    -- Only what the person said, as JSON; empty objects where nothing was said.
    labels TEXT NOT NULL,
    route TEXT NOT NULL,
    CONSTRAINT corrections_pkey PRIMARY KEY (case_id, seq),
    CONSTRAINT corrections_event FOREIGN KEY (case_id, seq) REFERENCES events (case_id, seq)
);
