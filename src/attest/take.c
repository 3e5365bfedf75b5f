/* take.c - open, ask once, close. */
#include "attest/take.h"

#include <stdio.h>

static void taken_init(struct attest_taken *t, const char *device, enum attest_class trust_class)
{
    *t = (struct attest_taken){.trust_class = trust_class, .certs_rc = QR_NOTFOUND};
    (void)snprintf(t->device, sizeof t->device, "%s", device);
    qr_buf_init(&t->table, ATTEST_TABLE_MAX);
    attest_own_certs_init(&t->certs);
}

void attest_taken_fini(struct attest_taken *t)
{
    qr_buf_fini(&t->table);
    attest_own_certs_fini(&t->certs);
}

static void find_certs(struct attest_taken *t, const char *dir)
{
    struct attest_report r;
    struct qr_err *err = &t->certs_why;
    enum attest_reason why = attest_report_parse(QR_BYTES_OF(t->report), &r);
    t->certs_rc = QR_OK;
    if (why != ATTEST_OK)
        t->certs_rc = qr_fail(err, QR_MALFORMED, "no report: %s", attest_reason_text(why));
    if (t->certs_rc == QR_OK && dir)
        t->certs_rc = attest_certs_from_dir(&t->certs, dir, r.signer, err);
    if (t->certs_rc == QR_OK && attest_certs_complete(&t->certs, NULL) != QR_OK)
        t->certs_rc = attest_certs_from_table(&t->certs, qr_buf_bytes(&t->table), r.signer, err);
    if (t->certs_rc == QR_OK) t->certs_rc = attest_certs_complete(&t->certs, err);
}

void attest_taken_keep(struct attest_taken *out, const char *name, const struct attest_answer *a,
                       const char *certs_dir)
{
    taken_init(out, name, ATTEST_PRODUCTION);
    qr_copy(out->report, a->report, sizeof out->report);
    qr_buf_put_bytes(&out->table, qr_buf_bytes(&a->table));
    find_certs(out, certs_dir);
}

enum qr_rc attest_take(const struct attest_hardware *conf, const struct attest_kernel *kernel,
                       const uint8_t data[ATTEST_REPORT_DATA_SIZE], struct attest_taken *out,
                       struct qr_err *err)
{
    struct attest_guest g;
    struct attest_answer a;
    *out = (struct attest_taken){.device = ""};
    QR_TRY(attest_hardware_guest(conf, kernel, &g, err));
    enum qr_rc rc = g.report(g.ctx, data, &a, err);
    if (rc == QR_OK) {
        attest_taken_keep(out, g.name, &a, conf->certs_dir);
        attest_answer_fini(&a);
    }
    g.close(g.ctx);
    return rc;
}

enum qr_rc attest_take_device(const struct attest_device *d,
                              const uint8_t data[ATTEST_REPORT_DATA_SIZE], struct attest_taken *out,
                              struct qr_err *err)
{
    struct attest_evidence e;
    taken_init(out, "simulator", d->trust_class);
    QR_TRY(attest_device_report(d, data, &e, err));
    qr_copy(out->report, e.report.p, sizeof out->report);
    qr_buf_put_bytes(&out->certs.vek, e.vek);
    qr_buf_put_bytes(&out->certs.ask, e.ask);
    qr_buf_put_bytes(&out->certs.ark, e.ark);
    attest_evidence_fini(&e);
    out->certs_rc = attest_certs_complete(&out->certs, &out->certs_why);
    return QR_OK;
}
