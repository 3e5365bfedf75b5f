-- tlog-witness: the newest checkpoint cosigned of each log, and what a log
-- signed that does not fit it.
CREATE TABLE latest (
  origin     TEXT PRIMARY KEY,
  size       INTEGER NOT NULL CHECK (size >= 0),
  root       BLOB NOT NULL CHECK (length(root) = 32),
  note       BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE evidence (
  id         INTEGER PRIMARY KEY,
  at_us      INTEGER NOT NULL,
  origin     TEXT NOT NULL,
  cosigned   BLOB NOT NULL,
  refused    BLOB NOT NULL UNIQUE
) STRICT;
