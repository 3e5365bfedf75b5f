/* audit_checklist.c - `quorate audit checklist`: for each control of the mapping
 * the entries that are evidence, and the command that shows what they prove. */
#include "cli/audit.h"

#include <inttypes.h>

static const char *const no_names[] = {NULL};
static const struct qr_setting own[] = {
    CLI_AUDIT_SETTINGS,
    {"AUDIT_CONTROLS", "controls", QR_SET_PATH, NULL, 0, 0, "another mapping of controls"},
};
static const struct qr_config_spec spec = {
    .program = "quorate audit checklist",
    .summary = "lists the evidence for each control",
    .examples = "  quorate audit checklist --export quarter.csv --format html --output list.html\n"
                "  quorate audit checklist --db log.db --from 2026-10-01T00:00:00Z\n",
    .names = no_names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .notes = "Which entries are evidence for which control is a mapping (COMPLIANCE.md), not a\n"
             "judgement: the commands named show what the entries prove.\n"
             "Exit codes: 0 listed, 1 the export is not complete, 2 usage, 3 unreadable, 5 not\n"
             "found, 10 the log is damaged.\n",
};

static const char *const columns[] = {"control", "title",   "rows", "leaf_indexes",
                                      "shows",   "command", NULL};
static const char *const blank[] = {"tested_by", "conclusion", "remarks", NULL};

#define INDEXES_MAX ((size_t)64 * 1024 * 1024)

/* Places of one control, as "0-6 9 12-13". */
struct places {
    uint64_t n, first, last; /* of the run under way, when n > 0 */
    struct qr_buf text;
};

struct list {
    struct export_population p;
    struct places of[EXPORT_CONTROLS_MAX];
};

static void end_run(struct places *x)
{
    if (x->n == 0) return;
    qr_buf_printf(&x->text, "%s%" PRIu64, x->text.n ? " " : "", x->first);
    if (x->last > x->first) qr_buf_printf(&x->text, "-%" PRIu64, x->last);
}

static void add_place(struct places *x, uint64_t at)
{
    if (x->n == 0 || at != x->last + 1) {
        end_run(x);
        x->first = at;
    }
    x->last = at;
    x->n++;
}

static enum qr_rc take(void *ctx, const struct export_row *r, struct qr_err *err)
{
    struct list *l = ctx;
    (void)err;
    if (r->what != EXPORT_ENTRY) return QR_OK;
    for (size_t i = 0; i < l->p.h.controls.n; i++)
        if (l->p.h.controls.c[i].kinds >> r->e.kind & 1) add_place(&l->of[i], r->index);
    return QR_OK;
}

static json_t *control_json(const struct export_control *c, struct places *x)
{
    json_t *o = qr_json_object();
    end_run(x);
    qr_json_set_str(o, "control", c->id);
    qr_json_set_str(o, "title", c->title);
    qr_json_set_u64str(o, "rows", x->n);
    qr_json_set_bytes(o, "leaf_indexes", qr_buf_bytes(&x->text));
    qr_json_set_str(o, "shows", c->shows);
    qr_json_set_str(o, "command", c->command);
    return o;
}

static enum qr_rc print(struct cli *c, struct list *l, struct qr_err *err)
{
    json_t *facts = qr_json_object(), *rows = qr_json_array();
    qr_json_set_str(facts, "log_origin", l->p.h.origin);
    qr_json_set_u64str(facts, "range_start", l->p.h.start);
    qr_json_set_u64str(facts, "range_end", l->p.h.end);
    qr_json_set_u64str(facts, "population", l->p.n);
    for (size_t i = 0; i < l->p.h.controls.n; i++)
        qr_json_add(rows, control_json(&l->p.h.controls.c[i], &l->of[i]));
    const struct paper paper = {"Checklist", facts, columns, blank, rows};
    enum qr_rc rc = cli_audit_print(c, &paper, err);
    json_decref(facts);
    json_decref(rows);
    return rc;
}

enum qr_rc cli_audit_checklist(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    struct list l = {.p = {.n = 0}};
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    for (size_t i = 0; i < EXPORT_CONTROLS_MAX; i++) qr_buf_init(&l.of[i].text, INDEXES_MAX);
    struct export_source from = cli_audit_source(c, qr_config_str(c->config, "AUDIT_CONTROLS"));
    enum qr_rc rc = export_population_read(&from, &l.p, take, &l, err);
    if (rc == QR_OK) rc = print(c, &l, err);
    for (size_t i = 0; i < EXPORT_CONTROLS_MAX; i++) qr_buf_fini(&l.of[i].text);
    export_population_fini(&l.p);
    return rc;
}
