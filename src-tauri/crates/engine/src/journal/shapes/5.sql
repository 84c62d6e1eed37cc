-- What a person was shown a notice of, and which end or episode it was about, in milliseconds: each is shown once.
CREATE TABLE told (
    what TEXT PRIMARY KEY,
    about INTEGER NOT NULL
) STRICT;
