/* people.c - see people.h. */
#include <config.h> /* memmem */

#include "participant/people.h"

#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {"active", "revoked", "erased"};

const char *people_state_name(enum people_state s) { return state_names[s]; }

void people_list_fini(struct people_list *l)
{
    free(l->row);
    *l = (struct people_list){0};
}

static struct people_row *find(struct people_list *l, const struct qr_hash *commitment)
{
    for (size_t i = 0; i < l->n; i++)
        if (qr_hash_equal(&l->row[i].is.commitment, commitment)) return &l->row[i];
    return NULL;
}

static struct people_row *one_more(struct people_list *l)
{
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 32;
        struct people_row *more = realloc(l->row, room * sizeof *more);
        if (!more) return NULL;
        l->row = more;
        l->room = room;
    }
    l->row[l->n] = (struct people_row){.state = PEOPLE_ACTIVE};
    return &l->row[l->n++];
}

/* An enrolment is a person's first entry; a change names the one in force. */
static enum qr_rc take_identity(struct people_walk *w, const struct leaf_entry *e,
                                const struct trust_place *at, struct trust_report *r)
{
    struct trust_identity id = {.at = *at, .kind = e->kind, .body = e->body};
    QR_TRY(leaf_identity_read(e->body, e->kind, &id.is, NULL));
    QR_TRY(trust_enrolment_check(w->ctx, &id, r));
    struct people_row *row = find(w->out, &id.is.commitment);
    if (e->kind == LEAF_IDENTITY_ENROLLED) {
        if (row) return QR_STATE;
        row = one_more(w->out);
        if (!row) return QR_NOMEM;
        row->enrolled_index = at->index;
        row->enrolled_us = at->time_us;
    } else if (!row || row->state != PEOPLE_ACTIVE || !qr_hash_equal(&row->leaf, &id.is.enrolment))
        return QR_STATE;
    row->is = id.is;
    row->leaf = at->leaf;
    row->last_index = at->index;
    row->last_us = at->time_us;
    return QR_OK;
}

static enum qr_rc take_end(struct people_walk *w, const struct leaf_entry *e,
                           const struct trust_place *at)
{
    const struct trust_dir *t = w->ctx->dir;
    struct leaf_revocation end;
    QR_TRY(leaf_revocation_read(e->body, e->kind, &end, NULL));
    size_t good = leaf_admin_sigs_good(&end.admin_sigs, e->body, leaf_admin_tag(e->kind),
                                       t->admins.k, t->admins.n);
    if (good < signing_policy_admins(&t->signing)) return QR_POLICY;
    struct people_row *row = find(w->out, &end.commitment);
    if (!row || row->state == PEOPLE_ERASED) return QR_STATE;
    row->state = e->kind == LEAF_IDENTITY_ERASED ? PEOPLE_ERASED : PEOPLE_REVOKED;
    row->last_index = at->index;
    row->last_us = at->time_us;
    return QR_OK;
}

static enum qr_rc take_entry(struct people_walk *w, const struct leaf_entry *e,
                             const struct trust_place *at)
{
    struct trust_report r;
    trust_report_init(&r);
    enum qr_rc rc = trust_entry_check(w->ctx, e, &r);
    if (rc == QR_OK && (e->kind == LEAF_IDENTITY_REVOKED || e->kind == LEAF_IDENTITY_ERASED))
        rc = take_end(w, e, at);
    else if (rc == QR_OK)
        rc = take_identity(w, e, at, &r);
    trust_report_fini(&r);
    if (rc == QR_NOMEM) return rc;
    if (rc != QR_OK) w->out->ignored++;
    return QR_OK;
}

/* Only entries of people are parsed, but for a time every one must be. */
enum qr_rc people_walk_take(struct people_walk *w, uint64_t index, struct qr_bytes entry)
{
    static const char mark[] = "\"kind\":\"identity.";
    struct leaf_entry e;
    bool people = memmem(entry.p, entry.n, mark, sizeof mark - 1) != NULL;
    bool timed = w->until->time_us != INT64_MAX;
    w->over = w->over || index > w->until->index;
    if (w->over) return QR_OK;
    if ((people || timed) && leaf_parse(entry, &e, NULL) == QR_OK) {
        enum qr_rc rc = QR_OK;
        struct trust_place at = {index, leaf_hash(entry), e.time_us, e.classes};
        w->over = e.time_us > w->until->time_us;
        people = e.kind >= LEAF_IDENTITY_ENROLLED && e.kind <= LEAF_IDENTITY_ERASED;
        if (!w->over && people) rc = take_entry(w, &e, &at);
        leaf_fini(&e);
        QR_TRY(rc);
    }
    if (!w->over) w->out->entries = index + 1;
    return QR_OK;
}

static enum qr_rc each(void *ctx, uint64_t index, struct qr_bytes entry)
{
    return people_walk_take(ctx, index, entry);
}

enum qr_rc people_as_of(struct services *s, const struct people_until *until,
                        struct people_list *out, struct qr_err *err)
{
    struct tlog_frontier from = {.size = 0};
    *out = (struct people_list){0};
    struct people_walk w = {.until = until, .out = out};
    w.ctx = calloc(1, sizeof *w.ctx);
    if (!w.ctx) return QR_NOMEM;
    trust_context_of(services_trust(s), QR_CLASS_ALL, w.ctx);
    enum qr_rc rc = log_client_replay(services_log(s), &from, each, &w, err);
    free(w.ctx);
    return rc;
}
