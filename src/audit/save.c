/* save.c - what is known, so that a replay can stop and go on.
 *
 * Only counts, the newest times, the ends of sessions and what was used are written
 * down.  Everything else is made by a few entries of the log: those that changed
 * policies and people, and those of sessions that are open.  These are written down
 * by index and leaf hash, and judged again in their order; what they mean depends
 * on nothing but one another.  Standing groups, and what quorums signed, are written
 * down as they are. */
#include "audit/state.h"

#include <stdlib.h>

#define FORM "quorate-audit/v1\n"

static int by_index(const void *a, const void *b)
{
    const struct audit_step *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void put_trail(const struct audit_trail *t, struct audit_step *all, size_t *n)
{
    for (size_t i = 0; i < t->n; i++) all[(*n)++] = t->steps[i];
}

static void save_steps(const struct audit *a, struct qr_buf *out)
{
    size_t n = a->people.n, at = 0;
    for (size_t i = 0; i < a->session_room; i++)
        if (a->sessions[i].live) n += a->sessions[i].trail.n;
    struct audit_step *all = calloc(n + 1, sizeof *all);
    if (!all) qr_fatal("out of memory");
    put_trail(&a->people, all, &at);
    for (size_t i = 0; i < a->session_room; i++)
        if (a->sessions[i].live) put_trail(&a->sessions[i].trail, all, &at);
    qsort(all, n, sizeof *all, by_index);
    qr_buf_put_be64(out, n);
    for (size_t i = 0; i < n; i++) {
        qr_buf_put_be64(out, all[i].index);
        qr_buf_put(out, all[i].leaf.b, sizeof all[i].leaf.b);
    }
    free(all);
}

static void save_ended(const struct audit *a, struct qr_buf *out)
{
    struct qr_hash key;
    uint64_t n = 0, value = AUDIT_ENDED;
    for (size_t at = 0; audit_map_next(&a->by_leaf, &value, &at, &key); value = AUDIT_ENDED) n++;
    qr_buf_put_be64(out, n);
    for (size_t at = 0; audit_map_next(&a->by_leaf, &value, &at, &key); value = AUDIT_ENDED) {
        qr_buf_put(out, key.b, AUDIT_KEY_SIZE);
        qr_buf_put_be64(out, value);
    }
}

static void save_counts(const struct audit *a, struct qr_buf *out)
{
    const struct audit_counts *c = &a->counts;
    qr_buf_put_be64(out, c->entries);
    for (size_t i = 0; i < LEAF_KIND_COUNT; i++) qr_buf_put_be64(out, c->kinds[i]);
    qr_buf_put_be64(out, c->breaches);
    qr_buf_put_be64(out, c->signatures);
    qr_buf_put_be64(out, c->unchecked);
    qr_buf_put_be64(out, c->open);
    qr_buf_put_be32(out, (uint32_t)c->first);
    qr_buf_put_be64(out, (uint64_t)a->newest_us);
    for (size_t i = 0; i < a->clock_count; i++)
        qr_buf_put_be64(out, (uint64_t)a->clocks[i].last_us);
}

enum qr_rc audit_save(struct audit *a, struct qr_buf *out)
{
    qr_buf_put_str(out, FORM);
    save_counts(a, out);
    save_ended(a, out);
    save_steps(a, out);
    trust_groups_save(a->groups, out);
    return once_save(a->once, out);
}

/* ---- reading ---- */

static void load_counts(struct audit *a, struct qr_reader *in)
{
    struct audit_counts *c = &a->counts;
    c->entries = qr_read_be64(in);
    for (size_t i = 0; i < LEAF_KIND_COUNT; i++) c->kinds[i] = qr_read_be64(in);
    c->breaches = qr_read_be64(in);
    c->signatures = qr_read_be64(in);
    c->unchecked = qr_read_be64(in);
    c->open = qr_read_be64(in);
    c->first = (enum qr_rc)qr_read_be32(in);
    a->newest_us = (int64_t)qr_read_be64(in);
    for (size_t i = 0; i < a->clock_count; i++) a->clocks[i].last_us = (int64_t)qr_read_be64(in);
}

static void load_ended(struct audit *a, struct qr_reader *in)
{
    uint64_t n = qr_read_be64(in);
    for (uint64_t i = 0; i < n && !in->failed; i++) {
        struct qr_hash key = {{0}};
        qr_read_into(in, key.b, AUDIT_KEY_SIZE);
        uint64_t value = qr_read_be64(in);
        if (audit_ended(value)) audit_map_set(&a->by_leaf, &key, value);
    }
}

struct again {
    audit_reader *read;
    void *ctx;
    struct qr_err *err;
};

static enum qr_rc judge_again(struct audit *a, const struct audit_step *s, const struct again *g)
{
    struct qr_bytes entry;
    QR_TRY(g->read(g->ctx, s->index, &entry));
    struct qr_hash leaf = leaf_hash(entry);
    if (!qr_hash_equal(&leaf, &s->leaf))
        return qr_fail(g->err, QR_FORK, "entry %llu is not the one that was judged",
                       (unsigned long long)s->index);
    a->counts.entries = s->index;
    return audit_entry(a, entry);
}

/* What the steps make is as it was before the last of them; counts and times are
 * those that were saved. */
static enum qr_rc load_steps(struct audit *a, struct qr_reader *in, const struct again *g)
{
    struct audit_counts counts = a->counts;
    struct clock_of clocks[sizeof a->clocks / sizeof a->clocks[0]];
    int64_t newest_us = a->newest_us;
    qr_copy(clocks, a->clocks, sizeof clocks);
    uint64_t n = qr_read_be64(in), before = 0;
    enum qr_rc rc = QR_OK;
    a->counts.open = 0;
    a->again = true;
    for (uint64_t i = 0; i < n && rc == QR_OK; i++) {
        struct audit_step s = {.index = qr_read_be64(in)};
        qr_read_into(in, s.leaf.b, sizeof s.leaf.b);
        bool right = !in->failed && s.index < counts.entries && (i == 0 || s.index > before);
        before = s.index;
        rc = right ? judge_again(a, &s, g)
                   : qr_fail(g->err, QR_MALFORMED, "what is to be read again is cut short");
    }
    a->again = false;
    bool same = a->counts.open == counts.open;
    a->counts = counts;
    a->newest_us = newest_us;
    qr_copy(a->clocks, clocks, sizeof clocks);
    if (rc == QR_OK && !same) rc = qr_fail(g->err, QR_MALFORMED, "other sessions are open");
    return rc;
}

enum qr_rc audit_load(struct audit *a, struct qr_bytes saved, audit_reader *read, void *ctx,
                      struct qr_err *err)
{
    struct qr_reader in = qr_reader_of(saved);
    const struct again g = {read, ctx, err};
    if (!qr_bytes_is(qr_read_bytes(&in, sizeof FORM - 1), FORM))
        return qr_fail(err, QR_MALFORMED, "not what this version writes");
    load_counts(a, &in);
    load_ended(a, &in);
    QR_TRY(load_steps(a, &in, &g));
    if (trust_groups_load(a->groups, &in) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "standing groups as another version has them");
    QR_TRY(once_load(a->once, &in, err));
    return qr_reader_done(&in) == QR_OK
               ? QR_OK
               : qr_fail(err, QR_MALFORMED, "something follows what was used");
}
