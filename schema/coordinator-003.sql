-- Standing groups: each as the newest entry about it says, and the steps that
-- are taken with them.

CREATE TABLE standing_group (
  grp     BLOB    PRIMARY KEY,          -- SHA-256 of the plan that made it
  idx     INTEGER NOT NULL,
  body    BLOB    NOT NULL,             -- canonical, of its newest change
  retired INTEGER NOT NULL
) STRICT;

-- One attempt at a plan, or at signing.
CREATE TABLE group_step (
  n           INTEGER PRIMARY KEY,
  step        BLOB    NOT NULL,         -- SHA-256 of text
  attempt     INTEGER NOT NULL,
  grp         BLOB    NOT NULL,
  text        BLOB    NOT NULL,
  session     INTEGER NOT NULL REFERENCES session(n),
  approved    BLOB    NOT NULL,         -- leaf hash of its signature.made
  state       INTEGER NOT NULL,
  reason      TEXT    NOT NULL,
  seen_us     INTEGER NOT NULL,         -- when somebody asked last
  outbox_row  INTEGER,                  -- of the entry on its way
  started_idx INTEGER,
  started     BLOB,                     -- leaf hash
  done_idx    INTEGER,
  UNIQUE (step, attempt)
) STRICT;
CREATE INDEX group_step_open ON group_step(grp, state);
CREATE INDEX group_step_row ON group_step(outbox_row) WHERE outbox_row IS NOT NULL;

-- What the parties sent, byte for byte.
CREATE TABLE group_letter (
  n      INTEGER PRIMARY KEY,
  step   INTEGER NOT NULL REFERENCES group_step(n),
  round  INTEGER NOT NULL,
  sender BLOB    NOT NULL,
  letter BLOB    NOT NULL,
  sig    BLOB    NOT NULL,
  UNIQUE (step, round, sender)
) STRICT;
