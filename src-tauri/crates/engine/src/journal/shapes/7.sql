-- How long it took, in milliseconds, where that is known.
ALTER TABLE events ADD COLUMN took INTEGER;
