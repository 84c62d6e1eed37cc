-- What is kept for the account: a sign-in, a one-year token, an API key.
ALTER TABLE accounts ADD COLUMN kind TEXT NOT NULL DEFAULT 'sign_in';

-- Of which notice before its end an account was told last, in days, for which token: each is told of once.
CREATE TABLE notices (
    account TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    days INTEGER NOT NULL
) STRICT;
