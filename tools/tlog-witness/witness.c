/* witness.c - C2SP tlog-witness: add-checkpoint, and the checkpoint cosigned.
 *
 * One write transaction reads the newest checkpoint of the log, compares, and
 * replaces it: two requests for one log follow each other, and what is answered
 * is durable. */
#include "tools/tlog-witness/witness.h"

#include "crypto/crypto.h"
#include "tools/tlog-witness/store.h"

#include <inttypes.h>
#include <stdio.h>

#define HASHES_MAX 63

/* A request that was read. */
struct asked {
    uint64_t old;
    struct tlog_proof proof;
    struct tlog_bytes note;
    struct tlog_note parsed;
    struct tlog_checkpoint cp;
    const struct tlog_party *party; /* a log of this origin */
};

static bool next_line(struct qr_bytes *rest, struct qr_bytes *line)
{
    for (size_t i = 0; i < rest->n; i++)
        if (rest->p[i] == '\n') {
            *line = QR_BYTES(rest->p, i);
            *rest = QR_BYTES(rest->p + i + 1, rest->n - i - 1);
            return true;
        }
    return false;
}

/* tlog-witness, add-checkpoint: the request body. */
static bool read_body(struct qr_bytes body, struct asked *a)
{
    static const char old[] = "old ";
    struct qr_bytes line = QR_BYTES_NONE;
    if (!next_line(&body, &line) || line.n < sizeof old - 1 ||
        !qr_bytes_is(QR_BYTES(line.p, sizeof old - 1), old) ||
        qr_parse_u64(QR_BYTES(line.p + sizeof old - 1, line.n - (sizeof old - 1)), INT64_MAX,
                     &a->old) != QR_OK)
        return false;
    for (a->proof.n = 0;; a->proof.n++) {
        if (!next_line(&body, &line)) return false;
        if (line.n == 0) break;
        if (a->proof.n == HASHES_MAX ||
            qr_unbase64_n(line, a->proof.h[a->proof.n].b, TLOG_HASH_SIZE) != QR_OK)
            return false;
    }
    a->note = (struct tlog_bytes){body.p, body.n};
    return tlog_note_parse(a->note, &a->parsed) == TLOG_OK &&
           tlog_checkpoint_parse(a->parsed.text, &a->cp) == TLOG_OK && a->cp.head.size <= INT64_MAX;
}

/* 404: no log of that origin; 403: no right signature of its keys; 0: fine. */
static unsigned judge_signature(const struct witness *w, struct asked *a)
{
    const struct tlog_party *log;
    struct tlog_vkey keys[TLOG_POLICY_MAX];
    size_t count = 0, n = tlog_policy_logs(w->logs, &log);
    for (size_t i = 0; i < n; i++)
        if (qr_bytes_is(QR_BYTES(a->cp.origin.p, a->cp.origin.n), log[i].key.name)) {
            a->party = &log[i];
            keys[count++] = log[i].key;
        }
    if (count == 0) return 404;
    return tlog_note_verify(&a->parsed, keys, count, NULL) == TLOG_OK ? 0 : 403;
}

/* Does the checkpoint continue what was cosigned?  (404 and 403 are behind us.) */
static bool continues(const struct asked *a, const struct tlog_head *before)
{
    struct tlog_hash empty;
    tlog_empty_root(&empty);
    if (a->cp.head.size == 0 && !tlog_hash_equal(&a->cp.head.root, &empty)) return false;
    return tlog_consistency_check(before, &a->cp.head, &a->proof) == TLOG_OK;
}

static enum qr_rc cosign(const struct witness *w, const struct asked *a, char *line, size_t *n,
                         struct qr_err *err)
{
    struct tlog_out out = {line, TLOG_COSIGNATURE_MAX, 0};
    uint64_t now_s = (uint64_t)(qr_now_us(&w->clock) / 1000000);
    if (tlog_cosign(a->parsed.text, now_s, &w->key, &out) != TLOG_OK)
        return qr_fail(err, QR_BUG, "a checkpoint could not be cosigned");
    *n = out.n;
    return QR_OK;
}

/* The note as we show it: the text, the log's own signatures that we verified,
 * and our line. */
static void put_note(const struct asked *a, const char *line, size_t n, struct qr_buf *out)
{
    qr_buf_put(out, a->parsed.text.p, a->parsed.text.n);
    qr_buf_put_u8(out, '\n');
    for (size_t i = 0; i < a->parsed.sigs; i++) {
        const struct tlog_note_sig *s = &a->parsed.sig[i];
        if (!qr_bytes_is(QR_BYTES(s->name.p, s->name.n), a->party->key.name)) continue;
        qr_buf_put_str(out, "\xe2\x80\x94 ");
        qr_buf_put(out, s->name.p, s->name.n);
        qr_buf_put_u8(out, ' ');
        qr_buf_put(out, s->base64.p, s->base64.n);
        qr_buf_put_u8(out, '\n');
    }
    qr_buf_put(out, line, n);
}

/* In the transaction: answers and says whether it may be committed. */
static enum qr_rc step(const struct witness *w, const struct asked *a, struct http_reply *reply,
                       struct qr_err *err)
{
    struct latest l;
    char line[TLOG_COSIGNATURE_MAX];
    size_t n = 0;
    struct qr_buf note;
    latest_init(&l);
    qr_buf_init(&note, (size_t)TLOG_NOTE_MAX + TLOG_COSIGNATURE_MAX);
    enum qr_rc rc = store_latest(w->db, a->party->key.name, &l, err);
    if (rc == QR_OK && l.head.size != a->old) {
        char size[24];
        (void)snprintf(size, sizeof size, "%" PRIu64, l.head.size);
        http_say(reply, 409, size);
        reply->type = "text/x.tlog.size";
    } else if (rc == QR_OK && !continues(a, &l.head)) {
        http_say(reply, 422, "the checkpoint does not continue the one that was cosigned");
        rc = store_put_evidence(w->db, a->party->key.name, qr_now_us(&w->clock),
                                qr_buf_bytes(&l.note), QR_BYTES(a->note.p, a->note.n), err);
    } else if (rc == QR_OK) {
        rc = cosign(w, a, line, &n, err);
        if (rc == QR_OK) put_note(a, line, n, &note);
        if (rc == QR_OK) rc = qr_buf_ok(&note);
        if (rc == QR_OK)
            rc = store_put_latest(w->db, a->party->key.name, &a->cp.head, qr_buf_bytes(&note), err);
        reply->status = 200;
        qr_buf_reset(&reply->body);
        qr_buf_put(&reply->body, line, n);
    }
    qr_buf_fini(&note);
    latest_fini(&l);
    return rc;
}

static void add_checkpoint(const struct witness *w, struct qr_bytes body, struct http_reply *reply)
{
    struct asked a = {.old = 0};
    struct qr_err err = {{0}};
    if (!read_body(body, &a)) {
        http_say(reply, 400, "not a request to add a checkpoint");
        return;
    }
    unsigned status = judge_signature(w, &a);
    if (status != 0) {
        http_say(reply, status, status == 404 ? "unknown log" : "not signed by a key of that log");
        return;
    }
    if (a.old > a.cp.head.size) {
        http_say(reply, 400, "the old size is larger than the checkpoint's");
        return;
    }
    enum qr_rc rc = qr_db_begin(w->db, &err);
    /* COMMIT POINT: what is answered is remembered. */
    if (rc == QR_OK) rc = qr_db_end(w->db, step(w, &a, reply, &err), &err);
    if (rc != QR_OK) http_say(reply, 503, "not remembered, hence not cosigned");
    qr_log_text(w->log, "add-checkpoint", "%s size %" PRIu64 " from %" PRIu64 ": %u%s%s",
                a.party->key.name, a.cp.head.size, a.old, reply->status, rc == QR_OK ? "" : " ",
                err.text);
}

/* tlog-witness, Monitor Retrieval Mechanism. */
static void show(const struct witness *w, struct qr_bytes hash, struct http_reply *reply)
{
    const struct tlog_party *log;
    struct qr_err err = {{0}};
    size_t n = tlog_policy_logs(w->logs, &log);
    for (size_t i = 0; i < n; i++) {
        char hex[2 * QR_SHA256_SIZE + 1];
        struct latest l;
        struct qr_hash h = qr_sha256_one(qr_str(log[i].key.name));
        qr_hex(h.b, sizeof h.b, hex);
        if (!qr_bytes_is(hash, hex)) continue;
        latest_init(&l);
        if (qr_db_read(w->db, &err) == QR_OK) {
            if (store_latest(w->db, log[i].key.name, &l, &err) == QR_OK && l.note.n > 0) {
                reply->status = 200;
                reply->cache = HTTP_ASK_AGAIN;
                qr_buf_reset(&reply->body);
                qr_buf_put_bytes(&reply->body, qr_buf_bytes(&l.note));
            }
            qr_db_read_end(w->db);
        }
        latest_fini(&l);
        return;
    }
}

void witness_handle(void *ctx, const struct http_request *in, struct http_reply *reply)
{
    static const char tail[] = "/checkpoint";
    const size_t hex = 2 * QR_SHA256_SIZE;
    const struct witness *w = ctx;
    bool add = qr_bytes_is(in->path, "add-checkpoint");
    http_say(reply, add || in->post ? 405 : 404, add ? "POST it" : "not found");
    if (add && in->post) {
        add_checkpoint(w, in->body, reply);
    } else if (!in->post && qr_bytes_is(in->path, "vkey")) {
        char vkey[TLOG_VKEY_MAX];
        tlog_vkey_format(&w->key.key, vkey);
        http_say(reply, 200, vkey);
    } else if (!in->post && in->path.n == hex + sizeof tail - 1 &&
               qr_bytes_is(QR_BYTES(in->path.p + hex, sizeof tail - 1), tail)) {
        show(w, QR_BYTES(in->path.p, hex), reply);
    }
}
