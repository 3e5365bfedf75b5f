-- libtlog, schema 1: the tables of one log; @ stands for its log_id.  Each log
-- has its own, so that every insert is an append at a B-tree's right edge.

-- Entries, packed: big-endian uint16 length before each, as in a tlog-tiles
-- bundle.  A row ends at a commit, at a multiple of 256 entries, and before
-- 4040 bytes unless one entry is larger.  ck, in a commit's last row, is the
-- checkpoint signed for it.
CREATE TABLE entry_@(
  first INTEGER PRIMARY KEY,       -- index of the row's first entry
  data BLOB NOT NULL,
  ck BLOB
) STRICT;

-- Full tiles, in the order in which they were filled (tlog/tile.h).
CREATE TABLE tile_@(
  seq INTEGER PRIMARY KEY,
  root BLOB NOT NULL,              -- 32 bytes
  nodes BLOB NOT NULL              -- 256 leaves, then the 16 nodes four levels up
) STRICT;
