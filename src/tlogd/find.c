/* find.c - see find.h. */
#include "tlogd/find.h"

#include "tlog/qr.h"
#include "tlogd/admission.h"

/* Adds the indexes of a tag, keeping the list ascending and without doubles. */
static enum qr_rc add_tag(struct tlog_log *log, char kind, struct qr_bytes what, struct found *f,
                          struct qr_err *err)
{
    struct admission_tag tag = admission_tag(kind, what);
    struct tlog_err terr = {{0}};
    struct found got = {.n = FIND_ROOM};
    QR_TRY(tlog_to_qr(
        tlog_find_tag(log, (struct tlog_bytes){tag.b, tag.n}, 0, got.index, &got.n, &terr), &terr,
        err));
    struct found all = {.n = 0};
    size_t i = 0, k = 0;
    while (all.n < FIND_ROOM && (i < f->n || k < got.n)) {
        if (k == got.n || (i < f->n && f->index[i] < got.index[k])) {
            all.index[all.n++] = f->index[i++];
        } else {
            if (i < f->n && f->index[i] == got.index[k]) i++;
            all.index[all.n++] = got.index[k++];
        }
    }
    *f = all;
    return QR_OK;
}

/* For the first count entries found so far, those that name them as their
 * session. */
static enum qr_rc add_of_sessions(struct tlog_log *log, char kind, size_t count, struct found *f,
                                  struct qr_err *err)
{
    struct found roots = *f;
    for (size_t i = 0; i < count && i < roots.n; i++) {
        struct tlog_hash leaf;
        struct tlog_err terr = {{0}};
        QR_TRY(tlog_to_qr(tlog_leaf_at(log, roots.index[i], &leaf, &terr), &terr, err));
        QR_TRY(add_tag(log, kind, QR_BYTES_OF(leaf.b), f, err));
    }
    return QR_OK;
}

static enum qr_rc find_key(struct tlog_log *log, const char *key, struct found *f,
                           struct qr_err *err)
{
    struct tlog_err terr = {{0}};
    enum qr_rc rc =
        tlog_to_qr(tlog_find_key(log, tlog_of_qr(qr_str(key)), &f->index[0], &terr), &terr, err);
    f->n = rc == QR_OK;
    return rc == QR_NOTFOUND ? QR_OK : rc;
}

static enum qr_rc find_session(struct tlog_log *log, const char *id, struct found *f,
                               struct qr_err *err)
{
    QR_TRY(add_tag(log, ADMISSION_TAG_SESSION, qr_str(id), f, err));
    /* The lowest is session.requested; a certificate names only its leaf. */
    return add_of_sessions(log, ADMISSION_TAG_SESSION_LEAF, 1, f, err);
}

static size_t fields_set(const Quorate__V1__FindRequest *in)
{
    return (size_t)(in->session[0] != 0) + (in->artifact_sha256.len > 0) +
           (in->commitment.len > 0) + (in->policy_hash.len > 0) + (in->certificate.len > 0) +
           (in->leaf_hash.len > 0) + (in->author_event[0] != 0);
}

static enum qr_rc find_leaf(struct tlog_log *log, const ProtobufCBinaryData *hash, struct found *f,
                            struct qr_err *err)
{
    struct tlog_hash leaf;
    struct tlog_err terr = {{0}};
    if (hash->len != sizeof leaf.b) return qr_fail(err, QR_MALFORMED, "a digest has 32 bytes");
    qr_copy(leaf.b, hash->data, sizeof leaf.b);
    enum qr_rc rc = tlog_to_qr(tlog_find_hash(log, &leaf, &f->index[0], &terr), &terr, err);
    f->n = rc == QR_OK;
    return rc == QR_NOTFOUND ? QR_OK : rc;
}

static enum qr_rc find_digest(struct tlog_log *log, const Quorate__V1__FindRequest *in,
                              struct found *f, struct qr_err *err)
{
    const struct {
        const ProtobufCBinaryData *value;
        char tag;
    } by[] = {{&in->artifact_sha256, ADMISSION_TAG_ARTIFACT},
              {&in->commitment, ADMISSION_TAG_COMMITMENT},
              {&in->policy_hash, ADMISSION_TAG_POLICY},
              {&in->certificate, ADMISSION_TAG_CERTIFICATE}};
    for (size_t i = 0; i < sizeof by / sizeof by[0]; i++) {
        if (by[i].value->len == 0) continue;
        if (by[i].value->len != QR_SHA256_SIZE)
            return qr_fail(err, QR_MALFORMED, "a digest has 32 bytes");
        QR_TRY(add_tag(log, by[i].tag, QR_BYTES(by[i].value->data, by[i].value->len), f, err));
        if (by[i].tag == ADMISSION_TAG_ARTIFACT)
            QR_TRY(add_of_sessions(log, ADMISSION_TAG_MADE, FIND_MAX, f, err));
    }
    return QR_OK;
}

enum qr_rc find_entries(struct tlog_log *log, const Quorate__V1__FindRequest *in, struct found *out,
                        struct qr_err *err)
{
    out->n = 0;
    if (fields_set(in) != 1) return qr_fail(err, QR_MALFORMED, "exactly one field must be set");
    QR_TRY(in->session[0]        ? find_session(log, in->session, out, err)
           : in->author_event[0] ? find_key(log, in->author_event, out, err)
           : in->leaf_hash.len   ? find_leaf(log, &in->leaf_hash, out, err)
                                 : find_digest(log, in, out, err));
    if (out->n <= FIND_MAX) return QR_OK;
    return qr_fail(err, QR_EXHAUSTED, "more than %d entries are found", FIND_MAX);
}
