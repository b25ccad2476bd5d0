-- The same as `sqlite.sql`, in the words of PostgreSQL. Replicas that start together wait here.
-- Writers hold a weak lock on `rolled_days` until their transaction ends, and whoever adds a day up
-- takes a strong one first, so that nothing is written between the adding and its result.
LOCK TABLE cases, archive IN SHARE ROW EXCLUSIVE MODE;

CREATE OR REPLACE FUNCTION figures_received() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE rolled_days IN ROW EXCLUSIVE MODE;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM rolled_days
        WHERE figures = 'received' AND day = OLD.received_at / 86400000000;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        DELETE FROM rolled_days
        WHERE figures = 'received' AND day = NEW.received_at / 86400000000;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION figures_archived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE rolled_days IN ROW EXCLUSIVE MODE;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM rolled_days
        WHERE figures = 'archived' AND day = OLD.archived_at / 86400000000;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        DELETE FROM rolled_days
        WHERE figures = 'archived' AND day = NEW.archived_at / 86400000000;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER figures_received AFTER INSERT OR DELETE ON cases
    FOR EACH ROW EXECUTE FUNCTION figures_received();
CREATE OR REPLACE TRIGGER figures_received_changed
    AFTER UPDATE OF received_at, department, category ON cases
    FOR EACH ROW WHEN ((OLD.received_at, OLD.department, OLD.category)
        IS DISTINCT FROM (NEW.received_at, NEW.department, NEW.category))
    EXECUTE FUNCTION figures_received();
CREATE OR REPLACE TRIGGER figures_archived AFTER INSERT OR DELETE ON archive
    FOR EACH ROW EXECUTE FUNCTION figures_archived();
CREATE OR REPLACE TRIGGER figures_archived_changed
    AFTER UPDATE OF archived_at, received_at, settled_at, category, department, liability,
        compensation_fen, refund_fen, satisfaction, n_reopened, category_right, severity_right
    ON archive FOR EACH ROW EXECUTE FUNCTION figures_archived();
