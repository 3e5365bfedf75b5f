/* store.h - what a witness remembers: all its SQL. */
#ifndef TLOG_WITNESS_STORE_H
#define TLOG_WITNESS_STORE_H

#include "db/db.h"
#include "tlog/tlog.h"

#define WITNESS_APP_ID 0x51525749u
#define WITNESS_SCRIPT_COUNT 1
extern const struct qr_db_script witness_scripts[WITNESS_SCRIPT_COUNT];

/* The newest checkpoint of a log that was cosigned. */
struct latest {
    struct tlog_head head; /* of no entries when there is none */
    struct qr_buf note;    /* with our line; empty when there is none */
};

/* Inside a transaction.  latest_init first; latest_fini frees. */
void latest_init(struct latest *l);
void latest_fini(struct latest *l);
enum qr_rc store_latest(struct qr_db *db, const char *origin, struct latest *out,
                        struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_put_latest(struct qr_db *db, const char *origin, const struct tlog_head *head,
                            struct qr_bytes note, struct qr_err *err) QR_MUST_CHECK;
/* Two checkpoints that do not fit; the same pair once, and a bounded number. */
enum qr_rc store_put_evidence(struct qr_db *db, const char *origin, int64_t at_us,
                              struct qr_bytes cosigned, struct qr_bytes refused, struct qr_err *err)
    QR_MUST_CHECK;

#endif
