-- cad: what was issued, and grants that were used.
CREATE TABLE certificate (
  sha256     BLOB PRIMARY KEY CHECK (length(sha256) = 32),
  purpose    TEXT NOT NULL CHECK (purpose IN ('participant', 'group', 'transport')),
  der        BLOB NOT NULL,
  outbox     INTEGER NOT NULL REFERENCES outbox (id)
) STRICT, WITHOUT ROWID;
-- A grant is accepted once; the same request again gets the same certificate.
CREATE TABLE used_grant (
  jti        TEXT PRIMARY KEY CHECK (length(jti) = 26),
  request    BLOB NOT NULL CHECK (length(request) = 32),
  sha256     BLOB NOT NULL REFERENCES certificate (sha256)
) STRICT, WITHOUT ROWID;
-- One group certificate for a descriptor, and for one transcript only.
CREATE TABLE descriptor (
  hash       BLOB PRIMARY KEY CHECK (length(hash) = 32),
  transcript BLOB NOT NULL CHECK (length(transcript) = 32),
  sha256     BLOB NOT NULL REFERENCES certificate (sha256)
) STRICT, WITHOUT ROWID;
