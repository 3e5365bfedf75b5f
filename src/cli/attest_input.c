/* attest_input.c - files and flags of a question to the verifier. */
#include <config.h>

#include "cli/attest_input.h"

#include "attest/certtable.h"
#include "base/file.h"
#include "base/limits.h"

enum qr_rc attest_input_file(struct qr_buf *b, const char *path, size_t cap, bool as_cert,
                             struct qr_err *err)
{
    struct qr_buf raw;
    qr_buf_init(b, cap);
    qr_buf_init(&raw, 2 * cap);
    enum qr_rc rc = qr_file_read(path, &raw, err);
    if (rc == QR_OK) {
        struct qr_bytes s = qr_buf_bytes(&raw);
        if (as_cert)
            rc = attest_cert_to_der(s, b);
        else
            qr_buf_put_bytes(b, s);
        if (rc == QR_OK) rc = qr_buf_ok(b);
        if (rc != QR_OK)
            rc = qr_fail(err, QR_MALFORMED, "%s: too large, or neither DER nor one certificate",
                         path);
    }
    qr_buf_fini(&raw);
    return rc;
}

enum qr_rc attest_input_time(const char *text, int64_t *us, struct qr_err *err)
{
    char full[QR_TIME_LEN + 1] = "YYYY-MM-DDTHH:MM:SS.000000Z";
    struct qr_bytes s = qr_str(text);
    if (s.n == QR_TIME_LEN - 7 && s.p[s.n - 1] == 'Z') {
        qr_copy(full, s.p, s.n - 1);
        s = qr_str(full);
    }
    return qr_time_parse(s, us) == QR_OK
               ? QR_OK
               : qr_fail(err, QR_USAGE, "%s is not a time like 2026-11-23T15:34:00Z", text);
}

static enum qr_rc read_report_data(const struct cli *c, struct attest_input *in, struct qr_err *err)
{
    const char *hex = qr_config_str(c->config, "REPORT_DATA");
    if (!hex) return QR_OK;
    if (qr_unhex(qr_str(hex), in->report_data, sizeof in->report_data) != QR_OK)
        return qr_fail(err, QR_USAGE, "--report-data is not 128 lower-case hexadecimal digits");
    in->q.report_data = QR_BYTES_OF(in->report_data);
    return QR_OK;
}

enum qr_rc attest_input_read(const struct cli *c, struct attest_input *in, struct qr_err *err)
{
    const struct {
        const char *name;
        struct qr_buf *to;
        size_t cap;
        bool cert;
    } files[] = {
        {"REPORT", &in->report, 2 * ATTEST_REPORT_SIZE, false},
        {"VEK", &in->vek, QR_MAX_CERT_DER, true},
        {"ICA", &in->ask, QR_MAX_CERT_DER, true},
        {"ARK", &in->ark, QR_MAX_CERT_DER, true},
        {"CRL", &in->crl, ATTEST_CRL_MAX, false},
    };
    const char *policy = qr_config_str(c->config, "POLICY");
    const char *at = qr_config_str(c->config, "AT");
    enum qr_rc rc = QR_OK;
    *in = (struct attest_input){.policy = NULL};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const char *path = qr_config_str(c->config, files[i].name);
        qr_buf_init(files[i].to, files[i].cap);
        if (rc == QR_OK && path)
            rc = attest_input_file(files[i].to, path, files[i].cap, files[i].cert, err);
        if (rc == QR_OK && !path && files[i].to != &in->crl)
            rc = qr_fail(err, QR_USAGE, "give --report, --vek, --ica, --ark and --policy");
    }
    if (rc == QR_OK && !policy)
        rc = qr_fail(err, QR_USAGE, "give --report, --vek, --ica, --ark and --policy");
    in->q.time_us = qr_now_us(&c->clock);
    if (rc == QR_OK && at) rc = attest_input_time(at, &in->q.time_us, err);
    if (rc == QR_OK) rc = read_report_data(c, in, err);
    if (rc == QR_OK) rc = attest_policy_load(policy, QR_BYTES_NONE, &in->policy, err);
    in->q.report = qr_buf_bytes(&in->report);
    in->q.certs = (struct attest_certs){.vek = qr_buf_bytes(&in->vek),
                                        .ask = qr_buf_bytes(&in->ask),
                                        .ark = qr_buf_bytes(&in->ark),
                                        .crl = qr_buf_bytes(&in->crl)};
    in->q.policy = in->policy;
    return rc;
}

void attest_input_fini(struct attest_input *in)
{
    qr_buf_fini(&in->report);
    qr_buf_fini(&in->vek);
    qr_buf_fini(&in->ask);
    qr_buf_fini(&in->ark);
    qr_buf_fini(&in->crl);
    attest_policy_free(in->policy);
    in->policy = NULL;
}
