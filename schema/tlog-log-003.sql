-- libtlog, schema 3: the index of one log's leaf hashes with a checksum of each
-- part; @ stands for its log_id.  It is written anew when the log is opened next.
DROP TABLE hash_@;
CREATE TABLE hash_@(
  part INTEGER PRIMARY KEY,
  hashes BLOB NOT NULL,            -- sorted: bytes 1 to 8 of the hash, uint16 leaf
  sum BLOB NOT NULL                -- of part and hashes
) STRICT;
