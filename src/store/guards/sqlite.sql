-- Events and corrections are append-only. One thing may change: while the case stands in
-- `erasing`, an erasure by policy blanks the words in place, and takes evidence files away.
-- Nothing else is ever deleted. What customers were told is guarded alike.

CREATE TRIGGER IF NOT EXISTS events_no_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TRIGGER IF NOT EXISTS events_no_update BEFORE UPDATE ON events
WHEN NOT (EXISTS (SELECT 1 FROM erasing WHERE erasing.case_id = OLD.case_id)
    AND NEW.case_id = OLD.case_id AND NEW.seq = OLD.seq AND NEW.at = OLD.at
    AND NEW.kind = OLD.kind AND NEW.role = OLD.role AND NEW.actor = OLD.actor)
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TRIGGER IF NOT EXISTS audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER IF NOT EXISTS audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER IF NOT EXISTS corrections_no_delete BEFORE DELETE ON corrections
BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END;

CREATE TRIGGER IF NOT EXISTS corrections_no_update BEFORE UPDATE ON corrections
WHEN NOT (EXISTS (SELECT 1 FROM erasing WHERE erasing.case_id = OLD.case_id)
    AND NEW.case_id = OLD.case_id AND NEW.seq = OLD.seq AND NEW.at = OLD.at
    AND NEW.actor = OLD.actor AND NEW.role = OLD.role AND NEW.source = OLD.source
    AND NEW.certainty = OLD.certainty AND NEW.labels = OLD.labels AND NEW.route = OLD.route)
BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END;

CREATE TRIGGER IF NOT EXISTS evidence_files_no_delete BEFORE DELETE ON evidence_files
WHEN NOT EXISTS (SELECT 1 FROM erasing WHERE erasing.case_id = OLD.case_id)
BEGIN SELECT RAISE(ABORT, 'evidence files are append-only'); END;

CREATE TRIGGER IF NOT EXISTS evidence_files_no_update BEFORE UPDATE ON evidence_files
BEGIN SELECT RAISE(ABORT, 'evidence files are append-only'); END;

CREATE TRIGGER IF NOT EXISTS messages_no_delete BEFORE DELETE ON messages
BEGIN SELECT RAISE(ABORT, 'messages are append-only'); END;

CREATE TRIGGER IF NOT EXISTS messages_no_update BEFORE UPDATE ON messages
WHEN NOT (EXISTS (SELECT 1 FROM erasing WHERE erasing.case_id = OLD.case_id)
    AND NEW.case_id = OLD.case_id AND NEW.seq = OLD.seq AND NEW.kind = OLD.kind
    AND NEW.channel = OLD.channel AND NEW.at = OLD.at AND NEW.actor = OLD.actor
    AND NEW.role = OLD.role)
BEGIN SELECT RAISE(ABORT, 'messages are append-only'); END;
