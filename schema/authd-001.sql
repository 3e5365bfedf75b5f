-- authd: people.  Everything but sealed identities is a cache of what is in
-- the log; replaying the log over it changes nothing that is right.
CREATE TABLE person (
  commitment BLOB PRIMARY KEY CHECK (length(commitment) = 32),
  role       TEXT NOT NULL,
  person_key BLOB NOT NULL CHECK (length(person_key) = 32),
  node       TEXT NOT NULL,            -- '' = any
  enrolment  BLOB NOT NULL CHECK (length(enrolment) = 32),  -- newest identity entry
  idx        INTEGER NOT NULL,         -- where that entry stands
  last_idx   INTEGER NOT NULL,         -- newest entry about this person
  state      TEXT NOT NULL CHECK (state IN ('active', 'revoked', 'erased'))
) STRICT, WITHOUT ROWID;
CREATE INDEX person_by_key ON person (person_key);
-- Salt and identity, sealed under a key that is not in this database.  A row
-- is written with the outbox row of the enrolment, so it may stand here before
-- the person does.
CREATE TABLE identity (
  commitment BLOB PRIMARY KEY CHECK (length(commitment) = 32),
  email_tag  BLOB NOT NULL UNIQUE CHECK (length(email_tag) = 32),  -- HMAC of issuer and e-mail
  nonce      BLOB NOT NULL CHECK (length(nonce) = 24),
  sealed     BLOB NOT NULL
) STRICT, WITHOUT ROWID;
-- People whose revocation or erasure is on its way to the log: as good as gone.
CREATE TABLE leaving (
  commitment BLOB PRIMARY KEY CHECK (length(commitment) = 32)
) STRICT, WITHOUT ROWID;
-- Policies that are logged, or on their way (idx NULL).
CREATE TABLE policy (
  name TEXT NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  idx  INTEGER,
  PRIMARY KEY (name, hash)
) STRICT, WITHOUT ROWID;
-- One roster.attested per session and attempt.
CREATE TABLE roster (
  session_leaf BLOB NOT NULL CHECK (length(session_leaf) = 32),
  attempt      INTEGER NOT NULL,
  request      BLOB NOT NULL CHECK (length(request) = 32),  -- hash of what was asked
  outbox       INTEGER NOT NULL REFERENCES outbox (id),
  PRIMARY KEY (session_leaf, attempt)
) STRICT, WITHOUT ROWID;
-- How far the log was replayed: peaks of the tree of that size.
CREATE TABLE replayed (
  one      INTEGER PRIMARY KEY CHECK (one = 1),
  size     INTEGER NOT NULL,
  frontier BLOB NOT NULL
) STRICT;
INSERT INTO replayed VALUES (1, 0, x'');
