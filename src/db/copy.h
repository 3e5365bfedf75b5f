/* copy.h - a copy of a whole database, taken while others use it.
 *
 * For backups; any SQLite database of this project, the log's too. */
#ifndef QUORATE_DB_COPY_H
#define QUORATE_DB_COPY_H

#include "base/rc.h"

/* Makes `to` (mode 0600; it must not exist) a copy of `from` as of one moment,
 * durable and checked.  QR_NOTFOUND: no such database; QR_EXISTS; QR_IO names
 * what is wrong. */
enum qr_rc qr_db_copy(const char *from, const char *to, struct qr_err *err) QR_MUST_CHECK;

#endif
