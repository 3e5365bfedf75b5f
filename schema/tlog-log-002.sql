-- libtlog, schema 2: the index of one log's leaf hashes; @ stands for its log_id.
-- A part belongs to a full tile of level 1, 65536 leaves, and to a first byte of
-- their hashes: part = 256 * tile + byte.  It is written once, when the tile is
-- full, in ascending order; it can be made again from the tiles.
CREATE TABLE hash_@(
  part INTEGER PRIMARY KEY,
  hashes BLOB NOT NULL             -- sorted: bytes 1 to 8 of the hash, uint16 leaf
) STRICT;
