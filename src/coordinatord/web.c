/* web.c - see web.h. */
#include "coordinatord/web.h"

#include "base/limits.h"
#include "coordinatord/store.h"

#include <stdio.h>

#define PREFIX "bundle/"
#define HEX_LEN (2 * QR_SHA256_SIZE)

/* One spelling only: lower case, nothing behind. */
static bool path_read(struct qr_bytes path, struct qr_hash *artifact, char session[QR_ULID_LEN + 1])
{
    const size_t prefix = sizeof PREFIX - 1, one = prefix + HEX_LEN;
    char again[HEX_LEN + 1];
    session[0] = 0;
    if (path.n != one && path.n != one + 1 + QR_ULID_LEN) return false;
    struct qr_bytes hex = QR_BYTES(path.p + prefix, HEX_LEN);
    if (qr_unhex(hex, artifact->b, sizeof artifact->b) != QR_OK) return false;
    qr_hex(artifact->b, sizeof artifact->b, again);
    if (!qr_bytes_is(hex, again)) return false;
    if (path.n == one) return true;
    struct qr_bytes id = QR_BYTES(path.p + one + 1, QR_ULID_LEN);
    if (path.p[one] != '/' || !qr_ulid_ok(id)) return false;
    qr_copy(session, id.p, id.n);
    session[id.n] = 0;
    return true;
}

static enum qr_rc look_up(struct service *s, const struct qr_hash *artifact, const char *session,
                          struct qr_buf *out)
{
    struct qr_arena arena;
    struct qr_bytes bytes;
    struct qr_err ignored;
    qr_arena_init(&arena, 2 * QR_MAX_BUNDLE);
    enum qr_rc rc = qr_db_read(s->db, &ignored);
    if (rc == QR_OK) {
        rc = store_bundle_find(s->db, artifact, session, &arena, &bytes, &ignored);
        qr_db_read_end(s->db);
    }
    if (rc == QR_OK) qr_buf_put_bytes(out, bytes);
    qr_arena_fini(&arena);
    return rc;
}

void coordinator_web(struct service *s, const struct http_request *in, struct http_reply *reply)
{
    struct qr_hash artifact;
    char session[QR_ULID_LEN + 1];
    if (in->path.n < sizeof PREFIX - 1 ||
        !qr_bytes_is(QR_BYTES(in->path.p, sizeof PREFIX - 1), PREFIX))
        return;
    if (!path_read(in->path, &artifact, session)) {
        http_say(reply, 400, "not bundle/SHA256 or bundle/SHA256/SESSION");
        return;
    }
    struct qr_buf bundle;
    qr_buf_init(&bundle, QR_MAX_BUNDLE);
    enum qr_rc rc = look_up(s, &artifact, session, &bundle);
    if (rc == QR_OK) {
        reply->status = 200;
        reply->type = "application/json";
        reply->cache = session[0] ? HTTP_FOREVER : HTTP_ASK_AGAIN;
        reply->compress = true;
        qr_buf_reset(&reply->body);
        qr_buf_put_bytes(&reply->body, qr_buf_bytes(&bundle));
    } else if (rc == QR_NOTFOUND) {
        http_say(reply, 404, "no finished bundle of this artifact");
    } else {
        http_say(reply, 500, qr_rc_text(rc));
    }
    qr_buf_fini(&bundle);
}
