-- What customers were told. Rows stay; an erasure takes the words and whom they went to.

CREATE TABLE messages (
    case_id TEXT NOT NULL,
    -- The number of the event that tells of it.
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    channel TEXT NOT NULL,
    -- A telephone number, an address, an account.
    contact TEXT NOT NULL,
    recipient TEXT,
    -- What the recipient is to the customer; nothing for the customer.
    relation TEXT,
    subject TEXT,
    text TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    CONSTRAINT messages_pkey PRIMARY KEY (case_id, seq),
    CONSTRAINT messages_event FOREIGN KEY (case_id, seq) REFERENCES events (case_id, seq)
);
