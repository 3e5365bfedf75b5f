/* log_view.c - see log_view.h.
 *
 * Tags are the same as those of tlogd (tlogd/admission.c), shortened to 16
 * bytes of their SHA-256, in chains from a table that doubles.  New entries are
 * read without the mutex and taken only if no other thread was faster. */
#include "service/log_view.h"

#include "base/limits.h"
#include "base/removal.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define CHUNK 128 /* entries asked for at once */
#define KEY_SIZE 16
#define HEADS_MIN 1024
#define NONE UINT32_MAX

struct tag {
    uint8_t key[KEY_SIZE];
    uint64_t index;
    uint32_t next; /* in its chain; older ones follow */
};

struct tags {
    size_t n, room;
    struct tag *t;
};

struct log_view {
    struct log_client *client;
    uint64_t from;
    pthread_mutex_t mutex; /* all below */
    uint64_t next;         /* entries [from, next) were read */
    struct tags tags;
    uint32_t *heads;
    size_t head_count; /* a power of two */
};

/* ---- tags ---- */

static void make_key(char kind, struct qr_bytes what, uint8_t key[KEY_SIZE])
{
    struct qr_bytes parts[] = {QR_BYTES(&kind, 1), what};
    struct qr_hash h = qr_sha256(parts, 2);
    qr_copy(key, h.b, KEY_SIZE);
}

static void put(struct tags *l, char kind, struct qr_bytes what, uint64_t index)
{
    if (l->n == l->room) {
        l->room = l->room ? 2 * l->room : 64;
        l->t = reallocarray(l->t, l->room, sizeof *l->t);
        if (!l->t) qr_fatal("out of memory");
    }
    struct tag *t = &l->t[l->n++];
    make_key(kind, what, t->key);
    t->index = index;
    t->next = NONE;
}

static void put_hex(struct tags *l, char kind, const json_t *v, uint64_t index)
{
    struct qr_hash h;
    if (!json_is_string(v)) return;
    struct qr_bytes text = QR_BYTES(json_string_value(v), json_string_length(v));
    if (qr_unhex(text, h.b, sizeof h.b) == QR_OK) put(l, kind, QR_BYTES_OF(h.b), index);
}

/* What does not parse is nobody's entry. */
static void put_entry(struct tags *l, uint64_t index, struct qr_bytes entry)
{
    struct leaf_entry e;
    if (leaf_parse(entry, &e, NULL) != QR_OK) return;
    const json_t *id = json_object_get(e.body, "session");
    if (json_is_string(id))
        put(l, 's', QR_BYTES(json_string_value(id), json_string_length(id)), index);
    put_hex(l, 'S', json_object_get(e.body, "session_leaf"), index);
    if (e.kind == LEAF_IDENTITY_ENROLLED || e.kind == LEAF_IDENTITY_ROLE_CHANGED ||
        e.kind == LEAF_IDENTITY_REVOKED || e.kind == LEAF_IDENTITY_ERASED)
        put_hex(l, 'i', json_object_get(e.body, "commitment"), index);
    leaf_fini(&e);
}

static uint32_t *head_of(const struct log_view *v, const uint8_t key[KEY_SIZE])
{
    size_t h = 0;
    for (size_t i = 0; i < sizeof h; i++) h = h << 8 | key[i];
    return &v->heads[h & (v->head_count - 1)];
}

static void link_tag(struct log_view *v, size_t i)
{
    uint32_t *head = head_of(v, v->tags.t[i].key);
    v->tags.t[i].next = *head;
    *head = (uint32_t)i;
}

static void grow(struct log_view *v)
{
    while (v->head_count < 2 * v->tags.n) v->head_count *= 2;
    v->heads = reallocarray(v->heads, v->head_count, sizeof *v->heads);
    if (!v->heads) qr_fatal("out of memory");
    for (size_t i = 0; i < v->head_count; i++) v->heads[i] = NONE;
    for (size_t i = 0; i < v->tags.n; i++) link_tag(v, i);
}

/* Takes the tags of [from, to), unless somebody else has. */
static void take(struct log_view *v, uint64_t from, uint64_t to, const struct tags *l)
{
    (void)pthread_mutex_lock(&v->mutex);
    for (size_t i = 0; v->next == from && i < l->n; i++) {
        if (v->tags.n == NONE) qr_fatal("the log is too long for a view");
        if (v->tags.n == v->tags.room) {
            v->tags.room = v->tags.room ? 2 * v->tags.room : HEADS_MIN;
            v->tags.t = reallocarray(v->tags.t, v->tags.room, sizeof *v->tags.t);
            if (!v->tags.t) qr_fatal("out of memory");
        }
        v->tags.t[v->tags.n] = l->t[i];
        link_tag(v, v->tags.n++);
        if (v->tags.n > v->head_count) grow(v);
    }
    if (v->next == from) v->next = to;
    (void)pthread_mutex_unlock(&v->mutex);
}

/* ---- reading ---- */

static uint64_t next_of(struct log_view *v)
{
    (void)pthread_mutex_lock(&v->mutex);
    uint64_t next = v->next;
    (void)pthread_mutex_unlock(&v->mutex);
    return next;
}

/* Reads on to `to`, each entry proven at its index. */
static enum qr_rc read_to(struct log_view *v, uint64_t to, struct qr_err *err)
{
    uint64_t from = 0;
    size_t most = CHUNK;
    while ((from = next_of(v)) < to) {
        uint64_t index[CHUNK];
        size_t n = to - from < most ? (size_t)(to - from) : most;
        struct log_answer a;
        struct tags l = {.n = 0};
        for (size_t i = 0; i < n; i++) index[i] = from + i;
        enum qr_rc rc = log_client_proofs(v->client, index, n, &a, err);
        if (rc == QR_EXHAUSTED && n > 1) {
            most = n / 2; /* large entries */
            continue;
        }
        if (rc != QR_OK) return rc;
        for (size_t i = 0; i < n; i++) put_entry(&l, from + i, a.entries[i].bytes);
        log_answer_fini(&a);
        take(v, from, from + n, &l);
        free(l.t);
    }
    return QR_OK;
}

static enum qr_rc walked(void *ctx, uint64_t index, struct qr_bytes entry)
{
    put_entry(ctx, index, entry);
    return QR_OK;
}

enum qr_rc log_view_replay(struct log_view *v, struct qr_err *err)
{
    struct tlog_frontier f = {.size = 0};
    struct tags l = {.n = 0};
    assert(v->from == 0);
    enum qr_rc rc = log_client_replay(v->client, &f, walked, &l, err);
    if (rc == QR_OK) take(v, 0, f.size, &l);
    free(l.t);
    return rc;
}

/* ---- finding ---- */

static bool has(const struct log_answer *a, uint64_t index)
{
    size_t lo = 0, hi = a->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (a->entries[mid].index < index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < a->n && a->entries[lo].index == index;
}

/* Every entry below `end` with this tag stands in the answer. */
static enum qr_rc complete(struct log_view *v, char kind, struct qr_bytes what,
                           const struct log_answer *a, struct qr_err *err)
{
    uint8_t key[KEY_SIZE];
    uint64_t missing = UINT64_MAX;
    make_key(kind, what, key);
    (void)pthread_mutex_lock(&v->mutex);
    for (uint32_t i = *head_of(v, key); i != NONE; i = v->tags.t[i].next) {
        const struct tag *t = &v->tags.t[i];
        if (t->index < a->found_at && qr_equal_ct(t->key, key, KEY_SIZE) && !has(a, t->index))
            missing = t->index;
    }
    (void)pthread_mutex_unlock(&v->mutex);
    if (QR_HOLDS(LOG_COMPLETE, missing == UINT64_MAX)) return QR_OK;
    return qr_fail(err, QR_FORK, "the log leaves out its entry %llu", (unsigned long long)missing);
}

enum qr_rc log_view_find(struct log_view *v, const struct log_query *q, struct log_answer *out,
                         struct qr_err *err)
{
    bool session = q->by == LOG_FIND_SESSION;
    assert(session || q->by == LOG_FIND_COMMITMENT);
    QR_TRY(log_client_find(v->client, q, out, err));
    enum qr_rc rc = read_to(v, out->found_at, err);
    if (rc == QR_OK)
        rc = complete(v, session ? 's' : 'i', session ? qr_str(q->text) : QR_BYTES_OF(q->hash->b),
                      out, err);
    /* A certificate names only the leaf of its session.requested, the lowest. */
    if (rc == QR_OK && session && out->n > 0)
        rc = complete(v, 'S', QR_BYTES_OF(out->entries[0].leaf.b), out, err);
    if (rc != QR_OK) log_answer_fini(out);
    return rc;
}

/* ---- life ---- */

struct log_view *log_view_new(struct log_client *c, uint64_t from)
{
    struct log_view *v = calloc(1, sizeof *v);
    if (!v) qr_fatal("out of memory");
    v->client = c;
    v->from = v->next = from;
    v->head_count = HEADS_MIN;
    grow(v);
    if (pthread_mutex_init(&v->mutex, NULL) != 0) qr_fatal("mutex");
    return v;
}

void log_view_free(struct log_view *v)
{
    if (!v) return;
    (void)pthread_mutex_destroy(&v->mutex);
    free(v->tags.t);
    free(v->heads);
    free(v);
}

uint64_t log_view_from(const struct log_view *v) { return v->from; }
