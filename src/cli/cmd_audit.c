/* cmd_audit.c - `quorate audit`: its subcommands, and what they share. */
#include "base/file.h"
#include "cli/audit.h"

#include <stdio.h>

#define PAPER_MAX ((size_t)1024 * 1024 * 1024)

static const struct cli_command commands[] = {
    {"sample", "draw entries by a seed, so that everybody draws the same", cli_audit_sample},
    {"checklist", "list the evidence for each control", cli_audit_checklist},
};
static const struct cli_group group = {
    .name = "audit",
    .examples = "  quorate audit sample --export quarter.csv --seed 4711 --n 25 \\\n"
                "      --filter event_type=signature.made --format html --output sample.html\n"
                "  quorate audit checklist --tiles /srv/log --from 2026-10-01T00:00:00Z\n",
    .commands = commands,
    .count = sizeof commands / sizeof commands[0],
};

enum qr_rc cli_audit(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    return cli_group_run(c, &group, argc, argv, err);
}

struct export_source cli_audit_source(const struct cli *c, const char *controls)
{
    return (struct export_source){.db = qr_config_str(c->config, "AUDIT_DB"),
                                  .tiles = qr_config_str(c->config, "AUDIT_TILES"),
                                  .file = qr_config_str(c->config, "AUDIT_EXPORT"),
                                  .log_id = 1,
                                  .from = qr_config_str(c->config, "AUDIT_FROM"),
                                  .to = qr_config_str(c->config, "AUDIT_TO"),
                                  .filters = qr_config_str(c->config, "AUDIT_FILTER"),
                                  .controls = controls};
}

static enum qr_rc put(const char *path, struct qr_bytes s, struct qr_err *err)
{
    if (!qr_bytes_is(qr_str(path), "-")) return qr_file_write(path, s, 0644, err);
    if (fwrite(s.p, 1, s.n, stdout) == s.n && fflush(stdout) == 0) return QR_OK;
    return qr_fail(err, QR_IO, "standard output cannot be written");
}

enum qr_rc cli_audit_print(struct cli *c, const struct paper *p, struct qr_err *err)
{
    struct qr_buf out;
    enum paper_form form;
    QR_TRY(paper_form_parse(qr_config_str(c->config, "AUDIT_FORM"), &form, err));
    if (c->json) {
        c->result = json_deep_copy(p->facts);
        qr_json_set(c->result, "items", json_incref((json_t *)p->rows));
        return QR_OK;
    }
    qr_buf_init(&out, PAPER_MAX);
    paper_write(p, form, &out);
    enum qr_rc rc = qr_buf_ok(&out);
    if (rc == QR_OK) rc = put(qr_config_str(c->config, "AUDIT_OUTPUT"), qr_buf_bytes(&out), err);
    qr_buf_fini(&out);
    return rc;
}
