/* store.h - cad's database: all its SQL.
 *
 * Every function runs inside a transaction that the caller has begun (db.h).
 * It decides nothing.  Tables: schema/cad-*.sql. */
#ifndef QUORATE_CAD_STORE_H
#define QUORATE_CAD_STORE_H

#include "db/db.h"
#include "leaf/certificate.h"

extern const struct qr_db_script cad_scripts[];
#define CAD_SCRIPT_COUNT 3

/* A certificate and the outbox row of its certificate.issued. */
struct issued {
    struct qr_hash sha256;
    enum leaf_purpose purpose;
    struct qr_buf der; /* owned; initialised by whoever fills it */
    struct qr_buf ssh; /* likewise, where purpose is group; may be empty */
    int64_t outbox;
};

/* QR_NOTFOUND.  der and, of a group, ssh are appended to. */
enum qr_rc store_certificate(struct qr_db *db, const struct qr_hash *sha256, struct issued *out,
                             struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_certificate_add(struct qr_db *db, const struct issued *c, struct qr_err *err)
    QR_MUST_CHECK;

/* The use of a grant.  QR_NOTFOUND; QR_EXISTS when added twice. */
struct used_grant {
    char jti[QR_ULID_LEN + 1];
    struct qr_hash request;
    struct qr_hash sha256;
};
enum qr_rc store_grant(struct qr_db *db, struct used_grant *g, struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_grant_add(struct qr_db *db, const struct used_grant *g, struct qr_err *err)
    QR_MUST_CHECK;

/* The transcript and certificate of a descriptor.  QR_NOTFOUND; QR_EXISTS when
 * added twice. */
struct certified {
    struct qr_hash descriptor;
    struct qr_hash transcript;
    struct qr_hash sha256;
};
enum qr_rc store_descriptor(struct qr_db *db, struct certified *c, struct qr_err *err)
    QR_MUST_CHECK;
enum qr_rc store_descriptor_add(struct qr_db *db, const struct certified *c, struct qr_err *err)
    QR_MUST_CHECK;

#endif
