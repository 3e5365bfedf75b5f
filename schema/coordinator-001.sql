-- Signing sessions.  Everything here can be told again from the log but the
-- bytes that participants sent: those are kept as they came.

-- One row a session.  record is the state of src/session as canonical JSON;
-- state and due_us repeat what the machine says, for queries.
CREATE TABLE session (
  n          INTEGER PRIMARY KEY,
  id         TEXT    NOT NULL UNIQUE,
  request    BLOB    NOT NULL,          -- canonical body of session.requested
  artifact   BLOB    NOT NULL,          -- SHA-256
  file       BLOB,                      -- only where a raw payload is asked for
  record     BLOB    NOT NULL,
  state      INTEGER NOT NULL,
  final      INTEGER NOT NULL,
  due_us     INTEGER,                   -- NULL: no tick is needed
  outbox_row INTEGER NOT NULL,          -- of session.requested
  idx        INTEGER,                   -- where it stands, once it is logged
  leaf       BLOB,
  requester_idx INTEGER NOT NULL,       -- of the requester's identity entry
  orders     INTEGER NOT NULL,          -- sequence number of the newest order
  reason     TEXT    NOT NULL,          -- of the end
  step       TEXT    NOT NULL
) STRICT;
CREATE INDEX session_artifact ON session(artifact, state);
CREATE INDEX session_due ON session(due_us) WHERE due_us IS NOT NULL;

-- Every approval ever recorded, also those that no longer stand.
CREATE TABLE approval (
  session      INTEGER NOT NULL REFERENCES session(n),
  id           INTEGER NOT NULL,        -- from 1 in each session
  body         BLOB    NOT NULL,        -- canonical, both signatures in it
  body_sha256  BLOB    NOT NULL,
  outbox_row   INTEGER NOT NULL,
  idx          INTEGER,
  leaf         BLOB,
  identity     BLOB    NOT NULL,        -- entry bytes of the enrolment
  identity_idx INTEGER NOT NULL,
  certificate  BLOB    NOT NULL,        -- DER
  issued_idx   INTEGER NOT NULL,        -- of certificate.issued
  cad_grant    BLOB    NOT NULL,
  evidence     BLOB    NOT NULL,
  PRIMARY KEY (session, id),
  UNIQUE (session, body_sha256)
) STRICT;
CREATE INDEX approval_leaf ON approval(leaf);

-- Certificates renewed for the keys of an approval.
CREATE TABLE renewal (
  session     INTEGER NOT NULL REFERENCES session(n),
  approval    INTEGER NOT NULL,
  certificate BLOB    NOT NULL,
  cad_grant   BLOB    NOT NULL,
  issued_idx  INTEGER NOT NULL,
  PRIMARY KEY (session, approval, issued_idx)
) STRICT;

-- Grants that were used, until they have expired.
CREATE TABLE used_grant (
  jti        TEXT    PRIMARY KEY,
  expires_us INTEGER NOT NULL
) STRICT;

-- What members sent, byte for byte.  The first envelope of a round counts; a
-- different one is refused and kept as evidence (conflict = 1).
CREATE TABLE submission (
  session  INTEGER NOT NULL REFERENCES session(n),
  attempt  INTEGER NOT NULL,
  round    INTEGER NOT NULL,
  approval INTEGER NOT NULL,
  conflict INTEGER NOT NULL,
  envelope BLOB    NOT NULL,
  sig      BLOB    NOT NULL,
  PRIMARY KEY (session, attempt, round, approval, conflict)
) STRICT;

-- What watchers are told, in order, signed.
CREATE TABLE sent_order (
  session  INTEGER NOT NULL REFERENCES session(n),
  sequence INTEGER NOT NULL,
  bytes    BLOB    NOT NULL,
  sig      BLOB    NOT NULL,
  PRIMARY KEY (session, sequence)
) STRICT;

-- What one attempt has produced so far.
CREATE TABLE attempt (
  session     INTEGER NOT NULL REFERENCES session(n),
  attempt     INTEGER NOT NULL,
  descriptor  BLOB,                     -- canonical body of roster.frozen
  certificate BLOB,                     -- of the DKG: transcript and signatures
  frames      BLOB,
  group_certificate BLOB,               -- DER
  PRIMARY KEY (session, attempt)
) STRICT;

-- Entries on their way to the log, and what their arrival means.
CREATE TABLE owed (
  outbox_row INTEGER PRIMARY KEY,
  session    INTEGER NOT NULL REFERENCES session(n),
  attempt    INTEGER NOT NULL,
  approval   INTEGER NOT NULL           -- 0 where none
) STRICT;

-- Entries of a session that are in the log, also those of authd and cad.
CREATE TABLE logged (
  session INTEGER NOT NULL REFERENCES session(n),
  idx     INTEGER NOT NULL,
  kind    INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  leaf    BLOB    NOT NULL,
  time    TEXT    NOT NULL,
  bytes   BLOB    NOT NULL,
  PRIMARY KEY (session, idx)
) STRICT;

-- Finished bundles.
CREATE TABLE bundle (
  session INTEGER PRIMARY KEY REFERENCES session(n),
  bytes   BLOB    NOT NULL
) STRICT;
