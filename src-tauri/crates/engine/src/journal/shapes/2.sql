-- Whose token it was: what lies in a volume may be another account's.
ALTER TABLE tokens ADD COLUMN account TEXT NOT NULL DEFAULT '';
UPDATE tokens SET account = coalesce((SELECT name FROM accounts WHERE accounts.fingerprint = tokens.fingerprint), '');
