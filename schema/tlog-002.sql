-- libtlog, schema 2: a log may keep an index of its leaf hashes.
ALTER TABLE log ADD COLUMN lookup INTEGER NOT NULL DEFAULT 0; -- 1: it does
