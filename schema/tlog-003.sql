-- libtlog, schema 3: every row that no hash of the tree covers has a checksum, of
-- 8 bytes, so that damage is named and never misleads a search.  That of a key or
-- a tag covers also the name after it, in the order of the primary key (nothing,
-- at the end); before a log's first name stands a row of the empty one.  So the
-- rows of a log are a chain: what is not there is shown to be absent.
-- The sums are computed by the code that runs this.

ALTER TABLE log ADD COLUMN sum BLOB NOT NULL DEFAULT x'';

CREATE TABLE keyed(
  log_id INTEGER NOT NULL,
  key BLOB NOT NULL,
  idx INTEGER NOT NULL,
  leaf BLOB NOT NULL,
  sum BLOB NOT NULL,
  PRIMARY KEY(log_id, key)
) STRICT, WITHOUT ROWID;
INSERT INTO keyed SELECT log_id, x'', 0, zeroblob(32), zeroblob(8) FROM log;
INSERT INTO keyed SELECT log_id, key, idx, leaf, zeroblob(8) FROM key ORDER BY log_id, key;
DROP TABLE key;

CREATE TABLE tagged(
  log_id INTEGER NOT NULL,
  tag BLOB NOT NULL,
  idx INTEGER NOT NULL,
  sum BLOB NOT NULL,
  PRIMARY KEY(log_id, tag, idx)
) STRICT, WITHOUT ROWID;
INSERT INTO tagged SELECT log_id, x'', 0, zeroblob(8) FROM log;
INSERT INTO tagged SELECT log_id, tag, idx, zeroblob(8) FROM tag ORDER BY log_id, tag, idx;
DROP TABLE tag;
