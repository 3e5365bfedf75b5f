-- outbox: entries on their way to the log.  A row is written in the
-- transaction of the act it records; one thread carries rows to the log in
-- order of id and then notes where they stand.
CREATE TABLE outbox (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE CHECK (length(event_id) = 26),
  kind     TEXT NOT NULL,
  entry    BLOB NOT NULL,              -- signed bytes, as last sent
  time_us  INTEGER NOT NULL,           -- the time inside entry
  idx      INTEGER UNIQUE,             -- where it stands in the log; NULL: pending
  leaf     BLOB CHECK (leaf IS NULL OR length(leaf) = 32),
  CHECK ((idx IS NULL) = (leaf IS NULL))
) STRICT;
CREATE INDEX outbox_pending ON outbox (id) WHERE idx IS NULL;
-- The newest time this author has put into an entry.
CREATE TABLE outbox_clock (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  last_us INTEGER NOT NULL
) STRICT;
INSERT INTO outbox_clock VALUES (1, 0);
