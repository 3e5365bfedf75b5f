/* admission.c - see admission.h.
 *
 * The time of an entry that admission_judge accepted is read from its fixed
 * place at the end of the canonical object, where "sig", "time" and "v" stand
 * last; so the thread that orders the log parses no JSON. */
#include "tlogd/admission.h"

#include "base/removal.h"
#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define TAIL_BEFORE "\",\"time\":\""
#define TAIL_AFTER "\",\"v\":1}"

struct admission_tag admission_tag(char kind, struct qr_bytes what)
{
    struct admission_tag t = {.n = 0};
    size_t n = what.n < sizeof t.b - 1 ? what.n : sizeof t.b - 1;
    t.b[0] = (uint8_t)kind;
    qr_copy(t.b + 1, what.p, n);
    t.n = n + 1;
    return t;
}

/* ---- tags ---- */

static void add(struct admission_entry *out, char kind, struct qr_bytes what)
{
    if (out->tag_count == TLOG_TAGS_MAX) return;
    size_t i = out->tag_count++;
    out->tag[i] = admission_tag(kind, what);
    out->tags[i] = (struct tlog_bytes){out->tag[i].b, out->tag[i].n};
}

/* Tag from a hex digest of the body; a body without it has no such tag (its
 * readers judge the body, the log does not). */
static void add_hex(struct admission_entry *out, char kind, const json_t *body, const char *key)
{
    const json_t *v = json_object_get(body, key);
    struct qr_hash h;
    if (!json_is_string(v)) return;
    struct qr_bytes text = QR_BYTES(json_string_value(v), json_string_length(v));
    if (qr_unhex(text, h.b, sizeof h.b) == QR_OK) add(out, kind, QR_BYTES_OF(h.b));
}

static void add_session(struct admission_entry *out, const json_t *body)
{
    const json_t *v = json_object_get(body, "session");
    if (!json_is_string(v)) return;
    struct qr_bytes id = QR_BYTES(json_string_value(v), json_string_length(v));
    if (qr_ulid_ok(id)) add(out, ADMISSION_TAG_SESSION, id);
}

static void add_tags(struct admission_entry *out, const struct leaf_entry *e)
{
    add_session(out, e->body);
    add_hex(out, ADMISSION_TAG_SESSION_LEAF, e->body, "session_leaf");
    switch (e->kind) {
    case LEAF_SESSION_REQUESTED:
        add_hex(out, ADMISSION_TAG_ARTIFACT, json_object_get(e->body, "artifact"), "sha256");
        break;
    case LEAF_SIGNATURE_MADE: add_hex(out, ADMISSION_TAG_MADE, e->body, "session_leaf"); break;
    case LEAF_POLICY_CHANGED: add_hex(out, ADMISSION_TAG_POLICY, e->body, "hash"); break;
    case LEAF_CERTIFICATE_ISSUED: add_hex(out, ADMISSION_TAG_CERTIFICATE, e->body, "sha256"); break;
    case LEAF_IDENTITY_ENROLLED:
    case LEAF_IDENTITY_ROLE_CHANGED:
    case LEAF_IDENTITY_REVOKED:
    case LEAF_IDENTITY_ERASED: add_hex(out, ADMISSION_TAG_COMMITMENT, e->body, "commitment"); break;
    default: break;
    }
}

/* ---- one entry alone ---- */

enum qr_rc admission_init(struct admission *a, const struct trust_dir *trust, struct qr_err *err)
{
    *a = (struct admission){.trust = trust, .clock = admission_clock_new(trust)};
    enum qr_rc rc = known_keys_new(&a->keys);
    for (size_t i = 0; i < LEAF_AUTHOR_COUNT; i++)
        for (size_t k = 0; rc == QR_OK && k < trust->authors[i].n; k++)
            rc = known_keys_add(a->keys, &trust->authors[i].k[k]);
    if (rc == QR_OK) return QR_OK;
    admission_fini(a);
    return qr_fail(err, rc, "the authors' keys cannot be used");
}

void admission_fini(struct admission *a)
{
    known_keys_free(a->keys);
    admission_clock_free(a->clock);
    *a = (struct admission){.trust = NULL};
}

/* pub has the entry's key id: it was found by it. */
static enum qr_rc check_signature(const struct known_keys *keys, const struct qr_pub *pub,
                                  struct qr_bytes entry, const struct leaf_entry *e)
{
    struct qr_bytes parts[LEAF_SIGNED_PARTS];
    if (!keys) return leaf_verify(e, pub);
    QR_TRY(leaf_signed_parts(entry, parts));
    return known_keys_verify(keys, pub, parts, LEAF_SIGNED_PARTS, &e->sig);
}

static enum qr_rc check_author(const struct admission *a, struct qr_bytes entry,
                               const struct leaf_entry *e, struct qr_err *err)
{
    const struct qr_pub *pub = trust_author_key(a->trust, e->author, qr_str(e->key_id));
    if (!QR_HOLDS(ADMISSION_AUTHOR, pub != NULL))
        return qr_fail(err, QR_DENIED, "key %s is not one of author %s", e->key_id,
                       leaf_author_name(e->author));
    if (!QR_HOLDS(ADMISSION_KIND, leaf_author_may(e->author, e->kind)))
        return qr_fail(err, QR_DENIED, "%s may not log %s", leaf_author_name(e->author),
                       leaf_kind_name(e->kind));
    if (!QR_HOLDS(ADMISSION_SIGNATURE, pub && check_signature(a->keys, pub, entry, e) == QR_OK))
        return qr_fail(err, QR_UNAUTHENTICATED, "the author's signature does not verify");
    return QR_OK;
}

enum qr_rc admission_judge(const struct admission *a, struct qr_bytes entry,
                           struct admission_entry *out, struct qr_err *err)
{
    struct leaf_entry e;
    *out = (struct admission_entry){.tag_count = 0};
    if (entry.n > QR_MAX_ENTRY) return qr_fail(err, QR_RANGE, "entry larger than 65535 bytes");
    QR_TRY(leaf_parse(entry, &e, err));
    enum qr_rc rc = check_author(a, entry, &e, err);
    if (rc == QR_OK) {
        (void)snprintf(out->key, sizeof out->key, "%s/%s", e.key_id, e.event_id);
        add_tags(out, &e);
    }
    leaf_fini(&e);
    return rc;
}

/* ---- time ---- */

struct author {
    char key_id[QR_KEY_ID_LEN + 1];
    int64_t last_us; /* of the newest entry, admitted ones included */
};

/* What an admitted entry changed, to take it back. */
struct undo {
    uint64_t index;
    struct author *author;
    int64_t before_us;
};

struct admission_clock {
    size_t n;
    struct author a[LEAF_AUTHOR_COUNT * TRUST_MAX_KEYS];
    struct undo *undo; /* ascending index */
    size_t undo_count, undo_room;
};

struct admission_clock *admission_clock_new(const struct trust_dir *trust)
{
    struct admission_clock *c = calloc(1, sizeof *c);
    if (!c) qr_fatal("out of memory");
    for (size_t i = 0; i < LEAF_AUTHOR_COUNT; i++)
        for (size_t k = 0; k < trust->authors[i].n; k++)
            qr_key_id(&trust->authors[i].k[k], c->a[c->n++].key_id);
    return c;
}

void admission_clock_free(struct admission_clock *c)
{
    if (c) free(c->undo);
    free(c);
}

static struct author *find(struct admission_clock *c, struct qr_bytes key_id)
{
    for (size_t i = 0; i < c->n; i++)
        if (qr_bytes_is(key_id, c->a[i].key_id)) return &c->a[i];
    return NULL;
}

void admission_clock_note(struct admission_clock *c, const struct leaf_entry *e)
{
    struct author *a = find(c, qr_str(e->key_id));
    if (!a || a->last_us >= e->time_us) return;
    a->last_us = e->time_us;
}

/* Author's key id and time of canonical entry bytes. */
static enum qr_rc head_and_tail(struct qr_bytes entry, struct qr_bytes *key_id, int64_t *us)
{
    static const char head[] = "{\"author\":{\"key\":\"";
    const size_t before = sizeof TAIL_BEFORE - 1, after = sizeof TAIL_AFTER - 1;
    const size_t tail = before + QR_TIME_LEN + after;
    if (entry.n < sizeof head - 1 + QR_KEY_ID_LEN + tail) return QR_MALFORMED;
    const uint8_t *t = entry.p + entry.n - tail;
    if (!qr_bytes_is(QR_BYTES(t, before), TAIL_BEFORE) ||
        !qr_bytes_is(QR_BYTES(t + before + QR_TIME_LEN, after), TAIL_AFTER) ||
        !qr_bytes_is(QR_BYTES(entry.p, sizeof head - 1), head))
        return QR_MALFORMED;
    *key_id = QR_BYTES(entry.p + sizeof head - 1, QR_KEY_ID_LEN);
    return qr_time_parse(QR_BYTES(t + before, QR_TIME_LEN), us);
}

static void remember(struct admission_clock *c, uint64_t index, struct author *a)
{
    if (c->undo_count == c->undo_room) {
        c->undo_room = c->undo_room ? 2 * c->undo_room : 64;
        c->undo = reallocarray(c->undo, c->undo_room, sizeof *c->undo);
        if (!c->undo) qr_fatal("out of memory");
    }
    c->undo[c->undo_count++] = (struct undo){index, a, a->last_us};
}

enum qr_rc admission_time(struct admission_clock *c, uint64_t index, struct qr_bytes entry,
                          int64_t now_us, struct qr_err *err)
{
    struct qr_bytes key_id = QR_BYTES_NONE;
    int64_t us = 0;
    if (head_and_tail(entry, &key_id, &us) != QR_OK) qr_fatal("an entry was not judged");
    struct author *a = find(c, key_id);
    if (!a) qr_fatal("an author was not judged");
    bool near = us >= now_us - QR_MAX_TIME_SKEW_US && us <= now_us + QR_MAX_TIME_SKEW_US;
    if (!QR_HOLDS(ADMISSION_TIME, near))
        return qr_fail(err, QR_STALE, "the entry's time is %lld ms off the log's clock",
                       (long long)((us - now_us) / 1000));
    if (!QR_HOLDS(ADMISSION_ORDER, us >= a->last_us))
        return qr_fail(err, QR_STALE, "the entry's time is before its author's previous entry");
    remember(c, index, a);
    a->last_us = us;
    return QR_OK;
}

void admission_clock_settle(struct admission_clock *c, uint64_t from, bool kept)
{
    while (c->undo_count > 0 && c->undo[c->undo_count - 1].index >= from) {
        const struct undo *u = &c->undo[--c->undo_count];
        if (!kept) u->author->last_us = u->before_us;
    }
}
