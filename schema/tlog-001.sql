-- libtlog, schema 1: what all logs of a database share.
-- PRAGMA application_id and user_version are set by the code that runs this.

CREATE TABLE log(
  log_id INTEGER PRIMARY KEY,
  origin TEXT NOT NULL,
  epoch INTEGER NOT NULL,          -- raised by every writer that opens: fencing
  empty_ck BLOB NOT NULL           -- signed checkpoint of the tree without leaves
) STRICT;

-- Where the entry with a caller's key stands, and its leaf hash.
CREATE TABLE key(
  log_id INTEGER NOT NULL,
  key BLOB NOT NULL,
  idx INTEGER NOT NULL,
  leaf BLOB NOT NULL,
  PRIMARY KEY(log_id, key)
) STRICT, WITHOUT ROWID;

-- Entries by a caller's tag.
CREATE TABLE tag(
  log_id INTEGER NOT NULL,
  tag BLOB NOT NULL,
  idx INTEGER NOT NULL,
  PRIMARY KEY(log_id, tag, idx)
) STRICT, WITHOUT ROWID;
