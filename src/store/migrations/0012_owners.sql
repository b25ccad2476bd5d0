-- Who owns a case 首问负责制, so that a queue can be filtered by it and its backlog handed out.
ALTER TABLE cases ADD COLUMN owner TEXT;
-- Events say who owns the open cases of before: they are looked at once.
UPDATE cases SET alarm_at = 0 WHERE is_open = 1;
CREATE INDEX cases_owner ON cases (queue, owner) WHERE is_open = 1;
