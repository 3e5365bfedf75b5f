-- Shares of standing groups that one person keeps on this machine.

-- held is the sealed share (docs/FORMATS.md section 23); the key that opens it is
-- in a file of its own, so that destroying the file erases the share from copies
-- of this database too.  current is 0 while the change that gave the share is not
-- in the log yet.
CREATE TABLE share (
  grp     BLOB    NOT NULL,              -- the group
  epoch   INTEGER NOT NULL,
  digest  BLOB    NOT NULL,              -- of the group in that epoch
  held    BLOB    NOT NULL,
  current INTEGER NOT NULL,
  PRIMARY KEY (grp, digest)
) STRICT;
