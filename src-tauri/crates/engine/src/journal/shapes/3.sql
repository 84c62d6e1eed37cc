-- In which taker's format it lies there.
ALTER TABLE copies ADD COLUMN format TEXT NOT NULL DEFAULT 'claude-code';
