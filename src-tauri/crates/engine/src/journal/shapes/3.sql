-- Copies lie in places of several kinds, and in several formats beside each other.
CREATE TABLE spots (
    -- `volume`, `directory` and so on; the rest by kind, empty where it has no meaning.
    kind TEXT NOT NULL,
    -- What it is reached through, such as an engine.
    host TEXT NOT NULL,
    -- What the files lie in, such as a volume.
    root TEXT NOT NULL,
    folder TEXT NOT NULL,
    format TEXT NOT NULL,
    destination TEXT NOT NULL,
    account TEXT NOT NULL,
    sent TEXT NOT NULL,
    confirmed TEXT,
    under_way INTEGER NOT NULL DEFAULT 0,
    uncertain INTEGER NOT NULL DEFAULT 0,
    delivered INTEGER,
    read_back INTEGER,
    withdraw INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER,
    failing_since INTEGER,
    trouble TEXT,
    PRIMARY KEY (kind, host, root, folder, format)
) STRICT;
INSERT INTO spots SELECT 'volume', engine, volume, folder, 'claude-code', destination, account, sent, confirmed, under_way,
    uncertain, delivered, read_back, withdraw, failures, not_before, failing_since, trouble FROM copies;
DROP TABLE copies;
ALTER TABLE spots RENAME TO copies;

-- Who was told the terms, and wants to give the token to others than Anthropic's own programs all the same.
CREATE TABLE consents (
    account TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;
