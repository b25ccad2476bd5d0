-- The same as `sqlite.sql`, in the words of PostgreSQL. Replicas that start together wait here.
LOCK TABLE events, corrections, audit, evidence_files, messages IN SHARE ROW EXCLUSIVE MODE;

CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% are append-only', TG_TABLE_NAME;
END $$;

CREATE OR REPLACE FUNCTION events_erasable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM erasing WHERE erasing.case_id = OLD.case_id)
        AND (NEW.case_id, NEW.seq, NEW.at, NEW.kind, NEW.role, NEW.actor)
        = (OLD.case_id, OLD.seq, OLD.at, OLD.kind, OLD.role, OLD.actor)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'events are append-only';
END $$;

CREATE OR REPLACE FUNCTION corrections_erasable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM erasing WHERE erasing.case_id = OLD.case_id)
        AND (NEW.case_id, NEW.seq, NEW.at, NEW.actor, NEW.role, NEW.source, NEW.certainty,
            NEW.labels, NEW.route)
        = (OLD.case_id, OLD.seq, OLD.at, OLD.actor, OLD.role, OLD.source, OLD.certainty,
            OLD.labels, OLD.route)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'corrections are append-only';
END $$;

CREATE OR REPLACE FUNCTION files_erasable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM erasing WHERE erasing.case_id = OLD.case_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'evidence files are append-only';
END $$;

CREATE OR REPLACE FUNCTION messages_erasable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM erasing WHERE erasing.case_id = OLD.case_id)
        AND (NEW.case_id, NEW.seq, NEW.kind, NEW.channel, NEW.at, NEW.actor, NEW.role)
        = (OLD.case_id, OLD.seq, OLD.kind, OLD.channel, OLD.at, OLD.actor, OLD.role)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'messages are append-only';
END $$;

CREATE OR REPLACE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE OR REPLACE TRIGGER events_no_delete BEFORE DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE OR REPLACE TRIGGER events_no_update BEFORE UPDATE ON events
    FOR EACH ROW EXECUTE FUNCTION events_erasable();
CREATE OR REPLACE TRIGGER corrections_no_delete BEFORE DELETE OR TRUNCATE ON corrections
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE OR REPLACE TRIGGER corrections_no_update BEFORE UPDATE ON corrections
    FOR EACH ROW EXECUTE FUNCTION corrections_erasable();
CREATE OR REPLACE TRIGGER evidence_files_no_delete BEFORE DELETE ON evidence_files
    FOR EACH ROW EXECUTE FUNCTION files_erasable();
CREATE OR REPLACE TRIGGER evidence_files_no_change BEFORE UPDATE OR TRUNCATE ON evidence_files
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE OR REPLACE TRIGGER messages_no_delete BEFORE DELETE OR TRUNCATE ON messages
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE OR REPLACE TRIGGER messages_no_update BEFORE UPDATE ON messages
    FOR EACH ROW EXECUTE FUNCTION messages_erasable();
