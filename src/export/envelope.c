/* envelope.c - a session's request and newest descriptor are kept until it is
 * signed or has ended. */
#include "export/envelope.h"

#include "audit/map.h"
#include "export/model.h"
#include "leaf/message.h"
#include "leaf/session.h"

#include <stdlib.h>

#define GONE (AUDIT_NONE - 1)
#define STATEMENT_MAX (256 * 1024)
#define ENVELOPES_MAX ((size_t)1024 * 1024 * 1024)

struct session {
    struct leaf_request request;
    json_t *descriptor; /* body; owned; NULL: none yet */
};

struct envelopes {
    const struct export_header *h;
    struct audit_map by_leaf; /* request leaf -> session, or GONE */
    struct session **sessions;
    size_t n, room;
    struct qr_buf lines;
};

struct envelopes *envelopes_new(const struct export_header *h)
{
    struct envelopes *e = calloc(1, sizeof *e);
    if (!e) qr_fatal("out of memory");
    e->h = h;
    qr_buf_init(&e->lines, ENVELOPES_MAX);
    return e;
}

static void session_free(struct session *s)
{
    if (!s) return;
    json_decref(s->descriptor);
    free(s);
}

void envelopes_free(struct envelopes *e)
{
    if (!e) return;
    for (size_t i = 0; i < e->n; i++) session_free(e->sessions[i]);
    free(e->sessions);
    audit_map_fini(&e->by_leaf);
    qr_buf_fini(&e->lines);
    free(e);
}

static void begin(struct envelopes *e, const struct export_row *r)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s) qr_fatal("out of memory");
    if (leaf_request_read(r->e.body, &s->request, NULL) != QR_OK) {
        free(s);
        return;
    }
    if (e->n == e->room) {
        e->room = e->room ? 2 * e->room : 16;
        e->sessions = realloc(e->sessions, e->room * sizeof *e->sessions);
        if (!e->sessions) qr_fatal("out of memory");
    }
    audit_map_set(&e->by_leaf, &r->leaf, e->n);
    e->sessions[e->n++] = s;
}

static void put_line(struct envelopes *e, const struct leaf_made *made,
                     const struct leaf_signed_payload *p, struct qr_bytes statement)
{
    char key[2 * QR_KEY_SIZE + 1];
    json_t *o = qr_json_object(), *list = qr_json_array(), *sig = qr_json_object();
    qr_hex(made->group_key.b, sizeof made->group_key.b, key);
    qr_json_set_str(sig, "keyid", key);
    qr_json_set_base64(sig, "sig", QR_BYTES_OF(p->sig.b));
    qr_json_add(list, sig);
    qr_json_set_base64(o, "payload", statement);
    qr_json_set_str(o, "payloadType", LEAF_STATEMENT_TYPE);
    qr_json_set(o, "signatures", list);
    if (qr_json_write(o, &e->lines) != QR_OK) qr_fatal("an envelope that is no JSON");
    qr_buf_put_u8(&e->lines, '\n');
    json_decref(o);
}

static void finish(struct envelopes *e, const struct session *s, const struct export_row *r)
{
    struct leaf_descriptor d;
    struct leaf_made made;
    struct qr_buf statement;
    if (!s->descriptor || leaf_descriptor_read(s->descriptor, &d, NULL) != QR_OK ||
        leaf_made_read(r->e.body, &made, NULL) != QR_OK)
        return;
    qr_buf_init(&statement, STATEMENT_MAX);
    for (size_t i = 0; i < made.n; i++) {
        if (made.signatures[i].type != QR_DSSE) continue;
        qr_buf_reset(&statement);
        if (leaf_statement(&s->request, &d, qr_str(e->h->origin), &statement) == QR_OK)
            put_line(e, &made, &made.signatures[i], qr_buf_bytes(&statement));
    }
    qr_buf_fini(&statement);
}

void envelopes_take(struct envelopes *e, const struct export_row *r)
{
    struct qr_hash leaf;
    if (r->what != EXPORT_ENTRY) return;
    enum leaf_kind k = r->e.kind;
    if (k == LEAF_SESSION_REQUESTED) {
        begin(e, r);
        return;
    }
    if (k != LEAF_ROSTER_FROZEN && k != LEAF_SIGNATURE_MADE && k != LEAF_SESSION_ENDED) return;
    if (qr_unhex(export_cell(r, EXPORT_REQUEST_LEAF), leaf.b, sizeof leaf.b) != QR_OK) return;
    uint64_t at = audit_map_get(&e->by_leaf, &leaf);
    if (at >= GONE) return;
    struct session *s = e->sessions[at];
    if (k == LEAF_ROSTER_FROZEN) {
        json_decref(s->descriptor);
        s->descriptor = json_incref((json_t *)r->e.body);
        return;
    }
    if (k == LEAF_SIGNATURE_MADE) finish(e, s, r);
    session_free(s);
    e->sessions[at] = NULL;
    audit_map_set(&e->by_leaf, &leaf, GONE);
}

struct qr_bytes envelopes_lines(const struct envelopes *e) { return qr_buf_bytes(&e->lines); }
