-- A renewed certificate is looked at and answered; nothing ever read what was
-- kept of it.
DROP TABLE renewal;

-- How many sessions one requester has open.
CREATE INDEX session_open ON session(requester_idx) WHERE final=0;
