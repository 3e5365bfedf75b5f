-- Attempts of standing groups at signing that a silent or lying member cost.

-- When the state began; 0: before this schema.
ALTER TABLE group_step ADD COLUMN since_us INTEGER NOT NULL DEFAULT 0;

-- Who cost an attempt; others are taken first in later ones.
CREATE TABLE group_fault (
  step    BLOB    NOT NULL,
  attempt INTEGER NOT NULL,
  sender  BLOB    NOT NULL,
  PRIMARY KEY (step, attempt, sender)
) STRICT;

-- Points that stood in a start: a copy would make the entry of no effect.
CREATE TABLE group_nonce (
  point BLOB PRIMARY KEY
) STRICT;
