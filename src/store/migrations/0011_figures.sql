-- Statistics and lists at a million cases. Figures of days that are over are added up once and
-- read from here; a day that changes afterwards loses its row in `rolled_days` by a trigger (see
-- `stats`) and is counted case by case until it is added up again. Days are those of UTC, counted
-- since 1970. Nothing of a person is here.

CREATE TABLE rolled_days (
    -- `received` or `archived`.
    figures TEXT NOT NULL,
    day BIGINT NOT NULL,
    CONSTRAINT rolled_days_pkey PRIMARY KEY (figures, day)
);

CREATE TABLE received_days (
    -- Empty for the whole firm, or an equals sign and a department.
    part TEXT NOT NULL,
    day BIGINT NOT NULL,
    -- Empty where nobody and no model said.
    category TEXT NOT NULL,
    -- Cases by hour of the day.
    h0 BIGINT NOT NULL, h1 BIGINT NOT NULL, h2 BIGINT NOT NULL, h3 BIGINT NOT NULL,
    h4 BIGINT NOT NULL, h5 BIGINT NOT NULL, h6 BIGINT NOT NULL, h7 BIGINT NOT NULL,
    h8 BIGINT NOT NULL, h9 BIGINT NOT NULL, h10 BIGINT NOT NULL, h11 BIGINT NOT NULL,
    h12 BIGINT NOT NULL, h13 BIGINT NOT NULL, h14 BIGINT NOT NULL, h15 BIGINT NOT NULL,
    h16 BIGINT NOT NULL, h17 BIGINT NOT NULL, h18 BIGINT NOT NULL, h19 BIGINT NOT NULL,
    h20 BIGINT NOT NULL, h21 BIGINT NOT NULL, h22 BIGINT NOT NULL, h23 BIGINT NOT NULL,
    CONSTRAINT received_days_pkey PRIMARY KEY (part, day, category)
);
CREATE INDEX received_days_day ON received_days (day);

CREATE TABLE archived_days (
    part TEXT NOT NULL,
    day BIGINT NOT NULL,
    category TEXT NOT NULL,
    -- Empty where no investigation said.
    liability TEXT NOT NULL,
    n_cases BIGINT NOT NULL,
    n_settled BIGINT NOT NULL,
    -- Microseconds from reception to settlement.
    settled_us BIGINT NOT NULL,
    n_day BIGINT NOT NULL,
    n_three_days BIGINT NOT NULL,
    n_week BIGINT NOT NULL,
    n_rated BIGINT NOT NULL,
    ratings BIGINT NOT NULL,
    n_reopened BIGINT NOT NULL,
    compensation_fen BIGINT NOT NULL,
    refund_fen BIGINT NOT NULL,
    n_category BIGINT NOT NULL,
    category_right BIGINT NOT NULL,
    n_severity BIGINT NOT NULL,
    severity_right BIGINT NOT NULL,
    CONSTRAINT archived_days_pkey PRIMARY KEY (part, day, category, liability)
);
CREATE INDEX archived_days_day ON archived_days (day);

INSERT INTO jobs (id, due_at) VALUES ('figures', 0);

-- How the queues stand.
CREATE INDEX cases_open ON cases (queue, resolution_due_at, executive_review) WHERE is_open = 1;
-- What executives must decide, the most urgent first, and all that they see.
CREATE INDEX cases_for_executives ON cases (status, priority DESC, resolution_due_at, id)
    WHERE is_open = 1 AND (executive_review = 1 OR tier = 3);
CREATE INDEX cases_of_executives ON cases (id) WHERE executive_review = 1 OR tier = 3;
-- What a person must label first, the most urgent first, and all such cases.
CREATE INDEX cases_to_review ON cases (queue, priority DESC, resolution_due_at, id)
    WHERE is_open = 1 AND needs_triage = 1;
CREATE INDEX cases_of_triage ON cases (id) WHERE needs_triage = 1;
