/* audit_sample.c - `quorate audit sample`: entries drawn by a seed
 * (export/sample.h). */
#include "cli/audit.h"
#include "export/sample.h"

#include <inttypes.h>

static const char *const no_names[] = {NULL};
static const struct qr_setting own[] = {
    CLI_AUDIT_SETTINGS,
    {"AUDIT_SEED", "seed", QR_SET_TEXT, NULL, 0, 0, "any text; agree on it beforehand"},
    {"AUDIT_N", "n", QR_SET_INT, "25", 1, SAMPLE_MAX, "how many to draw"},
};
static const struct qr_config_spec spec = {
    .program = "quorate audit sample",
    .summary = "draws entries of a range by a seed, so that everybody draws the same",
    .examples = "  quorate audit sample --export quarter.csv --seed 4711 --n 25\n"
                "  quorate audit sample --db log.db --from 2026-10-01T00:00:00Z --seed 4711 \\\n"
                "      --filter event_type=signature.made --format csv --output paper.csv\n",
    .names = no_names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .notes = "Entry i of the log has the key SHA-256(\"quorate/sample/v1\" || 00 || lp(seed) ||\n"
             "lp(log origin) || be64(i)), lp(x) = be32(length) || x; those with the smallest keys\n"
             "are drawn. The rest of the log is not looked at: the range and the filter are.\n"
             "Exit codes: 0 drawn, 1 the export is not complete, 2 usage, 3 unreadable, 5 not\n"
             "found, 10 the log is damaged.\n",
};

static const char *const columns[] = {"leaf_index",    "leaf_hash",    "event_type",
                                      "event_time",    "actor_id",     "actor_role",
                                      "subject_id",    "outcome",      "reason_code",
                                      "session_id",    "request_leaf", "artifact_digest",
                                      "artifact_name", "policy_hash",  "meaning",
                                      "trust_classes", "control_refs", NULL};
static const char *const blank[] = {"tested_by", "result", "remarks", NULL};

struct drawing {
    struct sample s;
    struct export_population p;
};

static json_t *row_json(const struct export_row *r)
{
    json_t *o = qr_json_object();
    for (const char *const *name = columns; *name; name++)
        for (unsigned c = 0; c < EXPORT_COLUMNS; c++)
            if (qr_bytes_is(qr_str(*name), export_column_name((enum export_column)c)))
                qr_json_set_bytes(o, *name, export_cell(r, (enum export_column)c));
    return o;
}

static enum qr_rc draw(void *ctx, const struct export_row *r, struct qr_err *err)
{
    struct drawing *d = ctx;
    struct qr_hash key;
    (void)err;
    d->s.origin = qr_str(d->p.h.origin);
    if (sample_wants(&d->s, r->index, &key)) sample_put(&d->s, &key, r->index, row_json(r));
    return QR_OK;
}

static enum qr_rc print(struct cli *c, struct drawing *d, struct qr_err *err)
{
    json_t *facts = qr_json_object(), *rows = qr_json_array();
    const char *filter = qr_config_str(c->config, "AUDIT_FILTER");
    qr_json_set_str(facts, "log_origin", d->p.h.origin);
    qr_json_set_u64str(facts, "range_start", d->p.h.start);
    qr_json_set_u64str(facts, "range_end", d->p.h.end);
    qr_json_set_str(facts, "filter", filter ? filter : "");
    qr_json_set_u64str(facts, "population", d->p.n);
    qr_json_set_u64str(facts, "sample_size", d->s.have);
    qr_json_set_bytes(facts, "seed", d->s.seed);
    qr_json_set_str(facts, "algorithm", "quorate/sample/v1");
    sample_sort(&d->s);
    for (size_t i = 0; i < d->s.have; i++) qr_json_add(rows, json_incref(d->s.item[i].row));
    const struct paper paper = {"Sample", facts, columns, blank, rows};
    enum qr_rc rc = cli_audit_print(c, &paper, err);
    json_decref(facts);
    json_decref(rows);
    return rc;
}

enum qr_rc cli_audit_sample(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    struct drawing d = {.p = {.n = 0}};
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    const char *seed = qr_config_str(c->config, "AUDIT_SEED");
    if (!seed || !*seed || !qr_utf8_ok(qr_str(seed)))
        return qr_fail(err, QR_USAGE, "give --seed, a text");
    struct export_source from = cli_audit_source(c, NULL);
    sample_init(&d.s, qr_str(seed), QR_BYTES_NONE, (size_t)qr_config_int(c->config, "AUDIT_N", 25));
    enum qr_rc rc = export_population_read(&from, &d.p, draw, &d, err);
    if (rc == QR_OK) rc = print(c, &d, err);
    sample_fini(&d.s);
    export_population_fini(&d.p);
    return rc;
}
