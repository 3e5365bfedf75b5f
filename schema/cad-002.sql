-- The OpenSSH certificate that was issued with a group certificate, if any.
ALTER TABLE certificate ADD COLUMN ssh BLOB;
