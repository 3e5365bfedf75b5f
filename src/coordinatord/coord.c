/* coord.c - see coord.h. */
#include "coordinatord/coord.h"

#include "coordinatord/material.h"
#include "coordinatord/step.h"
#include "coordinatord/watch.h"
#include "coordinatord/work.h"

static enum qr_rc restart_one(struct coord *c, int64_t n, struct qr_err *err)
{
    struct step *st = NULL;
    QR_TRY(step_begin_n(c, n, &st, err));
    struct session_event ev = {.kind = SESSION_EV_RESTART};
    return step_end(st, step_event(st, &ev, NULL, err), err);
}

enum { RESTART_BATCH = 64 };

static enum qr_rc restart_all(struct coord *c, struct qr_err *err)
{
    char before[QR_ULID_LEN + 1] = "";
    for (size_t n = RESTART_BATCH; n == RESTART_BATCH;) {
        struct store_list what = {.before = before, .open_only = true, .max = RESTART_BATCH};
        int64_t ns[RESTART_BATCH];
        struct store_session last;
        struct qr_arena arena;
        QR_TRY(qr_db_read(c->s->db, err));
        enum qr_rc rc = store_session_list(c->s->db, &what, ns, &n, err);
        qr_arena_init(&arena, QR_MAX_REQUEST_ARENA);
        if (rc == QR_OK && n > 0) rc = store_session_get(c->s->db, ns[n - 1], &arena, &last, err);
        qr_db_read_end(c->s->db);
        for (size_t i = 0; i < n && rc == QR_OK; i++) rc = restart_one(c, ns[i], err);
        if (rc == QR_OK && n > 0) qr_copy(before, last.id, sizeof before);
        qr_arena_fini(&arena);
        if (rc != QR_OK) return rc;
    }
    return QR_OK;
}

enum qr_rc coord_open(struct coord *c, struct qr_err *err)
{
    QR_TRY(watch_new(c, &c->watch, err));
    QR_TRY(work_new(c, &c->work, err));
    QR_TRY(material_new(c, &c->material, err));
    return restart_all(c, err);
}

void coord_close(struct coord *c)
{
    work_free(c->work);
    watch_free(c->watch);
    material_free(c->material);
    step_fini(c);
    c->work = NULL;
    c->watch = NULL;
    c->material = NULL;
}
