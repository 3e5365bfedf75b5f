/* sealed.h - identities at rest: salt and identity of each person, sealed under
 * the service's key and a key of that person's own.
 *
 * The person's key is a file of its own beside the database and no part of an
 * ordinary backup: when it is destroyed, the sealed row opens nowhere, in no
 * backup either.  Functions that take a database need a transaction (store.h).
 * Spec: TRUST.md section 4. */
#ifndef QUORATE_AUTHD_SEALED_H
#define QUORATE_AUTHD_SEALED_H

#include "authd/store.h"
#include "base/secret.h"
#include "service/path.h"

struct sealed {
    struct qr_secret service_key; /* 32 bytes; of the key in its file */
    struct service_path dir;      /* of the persons' keys */
    struct qr_rand rand;
};

/* Makes the directory unless it is there.  key: the service's, of the file
 * LAYOUT_IDENTITY_KEY; borrowed. */
enum qr_rc sealed_init(struct sealed *s, const char *state, const struct qr_signer *key,
                       struct qr_rand rand, struct qr_err *err) QR_MUST_CHECK;
void sealed_fini(struct sealed *s);

/* HMAC of issuer and e-mail address: what an identity is found by. */
void sealed_email_tag(const struct sealed *s, struct qr_bytes issuer, struct qr_bytes email,
                      uint8_t out[32]);

struct identity_clear {
    struct qr_hash commitment;
    uint8_t salt[32];
    struct qr_bytes identity; /* canonical */
    uint8_t email_tag[32];
};
/* Makes the person's key, durably, and then the row.  A key without a row (the
 * transaction failed) opens nothing.  QR_EXISTS, from the store. */
enum qr_rc sealed_put(const struct sealed *s, struct qr_db *db, const struct identity_clear *in,
                      struct qr_err *err) QR_MUST_CHECK;
/* Appends salt (32 bytes) and identity; the caller wipes out.  QR_NOTFOUND: no
 * row, or its key is destroyed; QR_FALSE: damaged. */
enum qr_rc sealed_get(const struct sealed *s, struct qr_db *db, const struct qr_hash *commitment,
                      struct qr_buf *out, struct qr_err *err) QR_MUST_CHECK;
/* Destroys the person's key and removes the row.  Not undone by a rollback: call
 * it only for what the log holds.  Nothing there: QR_OK. */
enum qr_rc sealed_destroy(const struct sealed *s, struct qr_db *db,
                          const struct qr_hash *commitment, struct qr_err *err) QR_MUST_CHECK;
/* Gives each row that an older version sealed under the service's key alone a
 * key of its own. */
enum qr_rc sealed_upgrade(const struct sealed *s, struct qr_db *db, struct qr_err *err)
    QR_MUST_CHECK;

#endif
