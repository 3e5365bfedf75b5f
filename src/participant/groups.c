/* groups.c - see groups.h. */
#include <config.h> /* memmem */

#include "participant/groups.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TRIES = 100, PAUSE_MS = 100 };

struct walking {
    struct people_walk people;
    struct groups_view *out;
};

static bool in_force(void *ctx, const struct leaf_group_person *p, enum qr_role *role,
                     struct qr_pub *person_key)
{
    const struct people_list *l = ctx;
    for (size_t i = 0; i < l->n; i++) {
        const struct people_row *row = &l->row[i];
        if (!qr_hash_equal(&row->is.commitment, &p->commitment)) continue;
        *role = row->is.role;
        *person_key = row->is.person_key;
        return row->state == PEOPLE_ACTIVE && qr_hash_equal(&row->leaf, &p->enrolment);
    }
    return false;
}

static enum qr_rc judge(struct walking *w, uint64_t index, struct qr_bytes entry)
{
    struct leaf_entry e;
    struct trust_report r;
    if (leaf_parse(entry, &e, NULL) != QR_OK) return QR_OK;
    const struct trust_place at = {index, leaf_hash(entry), e.time_us, e.classes};
    trust_report_init(&r);
    enum qr_rc rc = trust_entry_check(w->out->group_ctx, &e, &r);
    if (rc == QR_OK) rc = trust_groups_take(w->out->groups, &e, &at, &r);
    if (rc != QR_OK) {
        w->out->ignored++;
        (void)trust_report_err(&r, &w->out->why);
    }
    trust_report_fini(&r);
    leaf_fini(&e);
    return QR_OK;
}

static bool has(struct qr_bytes entry, const char *mark)
{
    struct qr_bytes m = qr_str(mark);
    return memmem(entry.p, entry.n, m.p, m.n) != NULL;
}

static enum qr_rc each(void *ctx, uint64_t index, struct qr_bytes entry)
{
    struct walking *w = ctx;
    QR_TRY(people_walk_take(&w->people, index, entry));
    if (!has(entry, "\"kind\":\"group.") && !has(entry, "\"kind\":\"session.requested\"") &&
        !has(entry, "\"kind\":\"signature.made\""))
        return QR_OK;
    return judge(w, index, entry);
}

static enum qr_rc load_once(struct services *s, unsigned extra_classes, struct groups_view *out,
                            struct qr_err *err)
{
    static const struct people_until all = {UINT64_MAX, INT64_MAX};
    struct tlog_frontier from = {.size = 0};
    *out = (struct groups_view){.ignored = 0};
    out->ctx = calloc(1, sizeof *out->ctx);
    out->group_ctx = calloc(1, sizeof *out->group_ctx);
    if (!out->ctx || !out->group_ctx) return qr_fail(err, QR_NOMEM, "out of memory");
    trust_context_of(services_trust(s), QR_CLASS_ALL, out->ctx);
    trust_context_of(services_trust(s), extra_classes, out->group_ctx);
    const struct trust_people people = {in_force, &out->people, NULL};
    out->groups = trust_groups_new(out->group_ctx, &people);
    struct walking w = {.people = {.until = &all, .ctx = out->ctx, .out = &out->people},
                        .out = out};
    return log_client_replay(services_log(s), &from, each, &w, err);
}

/* The log lets few walk it at the same time, and all members come at once. */
enum qr_rc groups_view_load(struct services *s, unsigned extra_classes, struct groups_view *out,
                            struct qr_err *err)
{
    enum qr_rc rc = QR_EXHAUSTED;
    for (int i = 0; i < TRIES && rc == QR_EXHAUSTED; i++) {
        struct timespec t = {0, PAUSE_MS * 1000000L};
        if (i > 0) {
            groups_view_free(out);
            (void)nanosleep(&t, NULL);
        }
        rc = load_once(s, extra_classes, out, err);
    }
    return rc;
}

void groups_view_free(struct groups_view *v)
{
    trust_groups_free(v->groups);
    people_list_fini(&v->people);
    free(v->ctx);
    free(v->group_ctx);
    *v = (struct groups_view){.ignored = 0};
}

/* Whether name is the hash in hex, or at least 8 digits of its beginning. */
static bool names(const char *name, const struct qr_hash *h)
{
    char hex[2 * QR_SHA256_SIZE + 1];
    struct qr_bytes s = qr_str(name);
    qr_hex(h->b, sizeof h->b, hex);
    return s.n >= 8 && s.n < sizeof hex && strncmp(hex, name, s.n) == 0;
}

enum qr_rc groups_view_named(const struct groups_view *v, const char *name,
                             const struct trust_group **out, struct qr_err *err)
{
    *out = NULL;
    for (size_t i = 0; i < trust_groups_count(v->groups); i++) {
        const struct trust_group *g = trust_groups_at(v->groups, i);
        if (!names(name, &g->ref.group) && strcmp(name, g->name) != 0) continue;
        if (*out) return qr_fail(err, QR_CONFLICT, "several groups are named so: give an id");
        *out = g;
    }
    return *out ? QR_OK : qr_fail(err, QR_NOTFOUND, "no such group in the log");
}

enum qr_rc groups_view_person(const struct groups_view *v, const char *name,
                              const struct people_row **out, struct qr_err *err)
{
    *out = NULL;
    for (size_t i = 0; i < v->people.n; i++) {
        const struct people_row *row = &v->people.row[i];
        if (row->state != PEOPLE_ACTIVE || !names(name, &row->is.commitment)) continue;
        if (*out) return qr_fail(err, QR_CONFLICT, "several people's commitments begin so");
        *out = row;
    }
    return *out ? QR_OK : qr_fail(err, QR_NOTFOUND, "nobody enrolled has this commitment");
}
