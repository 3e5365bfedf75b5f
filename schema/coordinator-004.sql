-- The OpenSSH certificate that came with the group certificate, if any.
ALTER TABLE attempt ADD COLUMN ssh_certificate BLOB;
