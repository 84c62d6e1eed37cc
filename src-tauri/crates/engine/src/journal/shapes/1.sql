-- An account as the vault last had it, without its tokens.
CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    stage TEXT NOT NULL,
    provider TEXT NOT NULL,
    identity TEXT NOT NULL,
    scopes TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    access_token_ends INTEGER NOT NULL,
    sign_in_ends INTEGER NOT NULL,
    version INTEGER NOT NULL,
    refresh_count INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    -- Renewals that failed since the last that did not, and when the next may be tried.
    failures INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER,
    trouble TEXT
) STRICT;

-- A sign-in that waits for its code. The vault has its verifier.
CREATE TABLE pending (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    ends INTEGER NOT NULL
) STRICT;

-- Every place that holds, or may hold, a copy. Written before anything is sent there.
CREATE TABLE copies (
    engine TEXT NOT NULL,
    volume TEXT NOT NULL,
    folder TEXT NOT NULL,
    destination TEXT NOT NULL,
    account TEXT NOT NULL,
    -- What was last sent there; `confirmed` is what was last read back.
    sent TEXT NOT NULL,
    confirmed TEXT,
    -- A delivery was begun, and nothing was heard of its end: it runs, or its process was killed.
    under_way INTEGER NOT NULL DEFAULT 0,
    -- A copy may lie there that was not read back.
    uncertain INTEGER NOT NULL DEFAULT 0,
    delivered INTEGER,
    read_back INTEGER,
    -- The copy shall go, as soon as the place can be reached.
    withdraw INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER,
    failing_since INTEGER,
    trouble TEXT,
    PRIMARY KEY (engine, volume, folder)
) STRICT;

-- The tokens that were ever kept here: what lies in a volume is ours if it is one of them.
CREATE TABLE tokens (
    fingerprint TEXT PRIMARY KEY,
    ends INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    account TEXT,
    destination TEXT,
    text TEXT NOT NULL
) STRICT;
