-- Personal data goes when its time is over. What is left of a case are labels, figures and what
-- happened when.

-- When a person asked that the case be erased; it is as soon as the law lets go of it.
ALTER TABLE cases ADD COLUMN erasure_asked_at BIGINT;
CREATE INDEX cases_erasure_asked ON cases (erasure_asked_at)
    WHERE erasure_asked_at IS NOT NULL AND erased_at IS NULL;

-- All cases of a person are found by what they are called and how they are reached.
CREATE INDEX cases_of_contact ON cases (customer_contact, id);
CREATE INDEX joined_of_customer ON joined_submissions (customer_id, case_id);
CREATE INDEX joined_of_contact ON joined_submissions (customer_contact, case_id);

-- An erased entry stays for its figures, and nobody finds it any more.
ALTER TABLE archive ADD COLUMN erased BIGINT NOT NULL DEFAULT 0;
-- How many entries have been erased. Copies of vectors that were made before are stale.
ALTER TABLE archive_numbers ADD COLUMN n_erased BIGINT NOT NULL DEFAULT 0;

-- Work that comes round. Whoever leases a job does it for all replicas.
CREATE TABLE jobs (id TEXT PRIMARY KEY, due_at BIGINT NOT NULL);
INSERT INTO jobs (id, due_at) VALUES ('erasure', 0);
