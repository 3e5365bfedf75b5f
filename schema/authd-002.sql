-- authd: a key for each identity.  keyed = 0: sealed under the service's key
-- alone, as before; such rows are sealed anew at start.
ALTER TABLE identity ADD COLUMN keyed INTEGER NOT NULL DEFAULT 0 CHECK (keyed IN (0, 1));
-- People who were erased, for as long as a session may run in which they had
-- approved: until then they are not enrolled anew, so that nobody votes twice.
CREATE TABLE tombstone (
  email_tag BLOB PRIMARY KEY CHECK (length(email_tag) = 32),  -- as in identity
  until     INTEGER NOT NULL                                   -- microseconds, UTC
) STRICT, WITHOUT ROWID;
