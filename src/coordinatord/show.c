/* show.c - see show.h. */
#include "coordinatord/show.h"

#include "service/receipt.h"

#include <stdlib.h>

enum { LIST_MAX = 1000, ENTRIES_MAX = 4096 };

enum qr_rc show_number(struct coord *c, const char *id, int64_t *n, struct qr_err *err)
{
    struct qr_arena arena;
    struct store_session row;
    qr_arena_init(&arena, QR_MAX_REQUEST_ARENA);
    enum qr_rc rc = qr_db_read(c->s->db, err);
    if (rc == QR_OK) {
        rc = store_session_by_id(c->s->db, id, &arena, &row, err);
        qr_db_read_end(c->s->db);
    }
    if (rc == QR_OK) *n = row.n;
    qr_arena_fini(&arena);
    return rc;
}

static char *text(struct qr_arena *arena, const char *s) { return qr_arena_str(arena, qr_str(s)); }

static void fill_state(const struct session *s, Quorate__V1__SessionView *v)
{
    v->state = (char *)(uintptr_t)session_state_name(s->state);
    v->engineers_have = session_have(s, QR_ENGINEER);
    v->engineers_need = s->rules.engineers;
    v->stewards_have = session_have(s, QR_STEWARD);
    v->stewards_need = s->rules.stewards;
    v->attempt = s->attempt;
}

static enum qr_rc fill_requested(struct coord *c, const struct store_session *row,
                                 struct qr_arena *arena, Quorate__V1__SessionView *v,
                                 struct qr_err *err)
{
    struct store_logged l;
    if (!row->logged) return QR_OK;
    QR_TRY(store_logged_get(c->s->db, row->n, LEAF_SESSION_REQUESTED, 0, arena, &l, err));
    struct qr_bytes leaf = qr_arena_dup(arena, QR_BYTES_OF(row->leaf.b));
    if (!leaf.p) return QR_NOMEM;
    v->session_index = row->index;
    v->session_leaf = receipt_bytes(leaf);
    v->requested = receipt_bytes(l.bytes);
    return QR_OK;
}

static enum qr_rc fill(struct coord *c, const struct store_session *row, struct qr_arena *arena,
                       Quorate__V1__SessionView *v, struct qr_err *err)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s) return qr_fail(err, QR_NOMEM, "out of memory");
    quorate__v1__session_view__init(v);
    enum qr_rc rc = session_read(row->record, s, err);
    if (rc == QR_OK) {
        fill_state(s, v);
        v->session = text(arena, row->id);
        v->reason = text(arena, row->reason);
        v->step = text(arena, row->step);
        rc = fill_requested(c, row, arena, v, err);
    }
    free(s);
    if (rc == QR_OK && (!v->session || !v->reason || !v->step)) rc = QR_NOMEM;
    return rc;
}

static enum qr_rc fill_entries(const struct store_logged *l, size_t n, struct qr_arena *arena,
                               Quorate__V1__SessionView *v)
{
    Quorate__V1__SessionEntry *entries = qr_arena_alloc(arena, (n + 1) * sizeof *entries);
    v->entries = qr_arena_alloc(arena, (n + 1) * sizeof *v->entries);
    if (!entries || !v->entries) return QR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        quorate__v1__session_entry__init(&entries[i]);
        entries[i].index = l[i].index;
        entries[i].kind = (char *)(uintptr_t)leaf_kind_name(l[i].kind);
        entries[i].time = text(arena, l[i].time);
        if (!entries[i].time) return QR_NOMEM;
        v->entries[i] = &entries[i];
    }
    v->n_entries = n;
    return QR_OK;
}

static enum qr_rc load(struct coord *c, const char *id, struct qr_arena *arena,
                       Quorate__V1__SessionView *v, struct qr_err *err)
{
    struct store_session row;
    size_t n = 0;
    struct store_logged *l = qr_arena_alloc(arena, ENTRIES_MAX * sizeof *l);
    if (!l) return QR_NOMEM;
    QR_TRY(store_session_by_id(c->s->db, id, arena, &row, err));
    QR_TRY(fill(c, &row, arena, v, err));
    QR_TRY(store_logged_list(c->s->db, row.n, l, ENTRIES_MAX, &n, err));
    return fill_entries(l, n, arena, v);
}

enum qr_rc show_session(struct coord *c, const char *id, struct qr_arena *arena,
                        Quorate__V1__SessionView *out, struct qr_err *err)
{
    QR_TRY(qr_db_read(c->s->db, err));
    enum qr_rc rc = load(c, id, arena, out, err);
    qr_db_read_end(c->s->db);
    return rc;
}

static enum qr_rc load_list(struct coord *c, const struct store_list *what, struct qr_arena *arena,
                            Quorate__V1__ListReply *out, struct qr_err *err)
{
    int64_t ns[LIST_MAX];
    size_t n = 0;
    QR_TRY(store_session_list(c->s->db, what, ns, &n, err));
    Quorate__V1__SessionView *views = qr_arena_alloc(arena, (n + 1) * sizeof *views);
    out->sessions = qr_arena_alloc(arena, (n + 1) * sizeof *out->sessions);
    if (!views || !out->sessions) return QR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        struct store_session row;
        QR_TRY(store_session_get(c->s->db, ns[i], arena, &row, err));
        QR_TRY(fill(c, &row, arena, &views[i], err));
        out->sessions[i] = &views[i];
    }
    out->n_sessions = n;
    return QR_OK;
}

enum qr_rc show_list(struct coord *c, const struct store_list *what, struct qr_arena *arena,
                     Quorate__V1__ListReply *out, struct qr_err *err)
{
    if (what->max > LIST_MAX) return qr_fail(err, QR_RANGE, "at most %d sessions", LIST_MAX);
    QR_TRY(qr_db_read(c->s->db, err));
    enum qr_rc rc = load_list(c, what, arena, out, err);
    qr_db_read_end(c->s->db);
    return rc;
}
