-- A day whose figures change is no longer added up.

CREATE TRIGGER IF NOT EXISTS figures_received_new AFTER INSERT ON cases
BEGIN
    DELETE FROM rolled_days
    WHERE figures = 'received' AND day = NEW.received_at / 86400000000;
END;

CREATE TRIGGER IF NOT EXISTS figures_received_gone AFTER DELETE ON cases
BEGIN
    DELETE FROM rolled_days
    WHERE figures = 'received' AND day = OLD.received_at / 86400000000;
END;

CREATE TRIGGER IF NOT EXISTS figures_received_changed
AFTER UPDATE OF received_at, department, category ON cases
WHEN OLD.received_at IS NOT NEW.received_at OR OLD.department IS NOT NEW.department
    OR OLD.category IS NOT NEW.category
BEGIN
    DELETE FROM rolled_days WHERE figures = 'received'
    AND day IN (OLD.received_at / 86400000000, NEW.received_at / 86400000000);
END;

CREATE TRIGGER IF NOT EXISTS figures_archived_new AFTER INSERT ON archive
BEGIN
    DELETE FROM rolled_days
    WHERE figures = 'archived' AND day = NEW.archived_at / 86400000000;
END;

CREATE TRIGGER IF NOT EXISTS figures_archived_gone AFTER DELETE ON archive
BEGIN
    DELETE FROM rolled_days
    WHERE figures = 'archived' AND day = OLD.archived_at / 86400000000;
END;

CREATE TRIGGER IF NOT EXISTS figures_archived_changed
AFTER UPDATE OF archived_at, received_at, settled_at, category, department, liability,
    compensation_fen, refund_fen, satisfaction, n_reopened, category_right, severity_right
ON archive
BEGIN
    DELETE FROM rolled_days WHERE figures = 'archived'
    AND day IN (OLD.archived_at / 86400000000, NEW.archived_at / 86400000000);
END;
