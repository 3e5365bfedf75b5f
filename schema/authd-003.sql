-- authd: only who is on the way out stands in leaving.  Rows stayed when the
-- revocation was logged, and then nobody who was revoked could be erased.
DELETE FROM leaving WHERE commitment IN (SELECT commitment FROM person WHERE state <> 'active');
