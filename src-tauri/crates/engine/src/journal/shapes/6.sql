-- What programs may ask for over HTTP. Of their keys, a hash.
CREATE TABLE grants (
    name TEXT PRIMARY KEY,
    selector TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL,
    account TEXT NOT NULL,
    scopes TEXT NOT NULL,
    per_second INTEGER NOT NULL,
    made INTEGER NOT NULL,
    ends INTEGER,
    -- How often a token was had with it, and when last.
    uses INTEGER NOT NULL DEFAULT 0,
    used INTEGER
) STRICT;

-- Links that let a person in once, and the sessions of those who are in. Of their keys, a hash.
CREATE TABLE doors (
    selector TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    hash BLOB NOT NULL,
    ends INTEGER NOT NULL
) STRICT;

-- Where the page was last served.
CREATE TABLE served (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    address TEXT NOT NULL
) STRICT;
