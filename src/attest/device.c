/* device.c - the device interface, and the real device: a guest's requests with
 * certificates around the reports. */
#include "attest/device.h"

#include "attest/own_certs.h"
#include "base/limits.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* Measured on a public cloud: nine quick reports, the tenth after ten seconds,
 * 0.97 a second in the long run.  A little below that, nothing stalls. */
#define PACE_BURST 8
#define PACE_REFILL_US 1100000

void attest_device_close(struct attest_device *d)
{
    if (d->close) d->close(d->ctx);
    *d = (struct attest_device){.ctx = NULL};
}

static enum qr_rc ask_device(const struct attest_device *d, struct attest_ask *ask,
                             struct attest_evidence *out, struct qr_err *err)
{
    *out = (struct attest_evidence){.report = QR_BYTES_NONE};
    if (!d->get_report) return qr_fail(err, QR_STATE, "no attestation device is open");
    return d->get_report(d->ctx, ask, out, err);
}

enum qr_rc attest_device_report(const struct attest_device *d,
                                const uint8_t report_data[ATTEST_REPORT_DATA_SIZE],
                                struct attest_evidence *out, struct qr_err *err)
{
    struct attest_ask ask = {.step_up = false};
    qr_copy(ask.report_data, report_data, sizeof ask.report_data);
    return ask_device(d, &ask, out, err);
}

enum qr_rc attest_device_evidence(const struct attest_device *d, const struct attest_binding *b,
                                  struct attest_evidence *out, struct qr_err *err)
{
    struct qr_buf encoded;
    struct attest_evidence bare = {.report = QR_BYTES_NONE};
    struct attest_ask ask = {.step_up = true};
    *out = bare;
    qr_buf_init(&encoded, ATTEST_BINDING_MAX);
    enum qr_rc rc = attest_binding_encode(b, &encoded, err);
    if (rc == QR_OK) {
        attest_binding_digest(qr_buf_bytes(&encoded), ask.report_data);
        rc = ask_device(d, &ask, &bare, err);
    }
    if (rc == QR_OK) {
        bare.binding = qr_buf_bytes(&encoded);
        rc = attest_evidence_copy(&bare, out, err);
    }
    attest_evidence_fini(&bare);
    qr_buf_fini(&encoded);
    return rc;
}

enum qr_rc attest_device_key(const struct attest_device *d, const struct attest_key_mix *mix,
                             uint8_t out[ATTEST_DERIVED_SIZE], struct qr_err *err)
{
    if (!d->get_key) return qr_fail(err, QR_NOTIMPL, "only " ATTEST_SEV_PATH " derives keys");
    return d->get_key(d->ctx, mix, out, err);
}

/* ---- hardware ---- */

enum qr_rc attest_hardware_guest(const struct attest_hardware *conf,
                                 const struct attest_kernel *kernel, struct attest_guest *out,
                                 struct qr_err *err)
{
    struct qr_bytes name = qr_str(conf->name);
    bool any = qr_bytes_is(name, "auto");
    *out = (struct attest_guest){.ctx = NULL};
    if (!any && !qr_bytes_is(name, "configfs") && !qr_bytes_is(name, "sev-guest"))
        return qr_fail(err, QR_USAGE, "unknown attestation device: auto, configfs or sev-guest");
    if (any || qr_bytes_is(name, "configfs")) {
        enum qr_rc rc = attest_guest_configfs(kernel, conf->level, out, err);
        if (!any || rc != QR_NODEVICE) return rc;
    }
    return attest_guest_sev(kernel, conf->level, true, out, err);
}

struct hardware {
    struct attest_guest guest;
    struct attest_guest keys; /* configfs derives none: the other driver, if it is there */
    char *certs_dir;
};

/* Both half-filled and whole tables occur; the operator's files come first. */
static enum qr_rc find_certs(const struct hardware *h, const struct attest_answer *a,
                             struct attest_own_certs *certs, struct qr_err *err)
{
    struct attest_report r;
    enum attest_reason why = attest_report_parse(QR_BYTES_OF(a->report), &r);
    if (why != ATTEST_OK)
        return qr_fail(err, QR_MALFORMED, "the firmware's report is refused: %s",
                       attest_reason_name(why));
    if (h->certs_dir) QR_TRY(attest_certs_from_dir(certs, h->certs_dir, r.signer, err));
    if (attest_certs_complete(certs, NULL) == QR_OK) return QR_OK;
    QR_TRY(attest_certs_from_table(certs, qr_buf_bytes(&a->table), r.signer, err));
    return attest_certs_complete(certs, err);
}

static enum qr_rc hw_report(void *ctx, const struct attest_ask *ask, struct attest_evidence *out,
                            struct qr_err *err)
{
    const struct hardware *h = ctx;
    struct attest_answer a;
    struct attest_own_certs certs;
    QR_TRY(h->guest.report(h->guest.ctx, ask->report_data, &a, err));
    attest_own_certs_init(&certs);
    enum qr_rc rc = find_certs(h, &a, &certs, err);
    if (rc == QR_OK) {
        struct attest_evidence e = {.report = QR_BYTES_OF(a.report),
                                    .vek = qr_buf_bytes(&certs.vek),
                                    .ask = qr_buf_bytes(&certs.ask),
                                    .ark = qr_buf_bytes(&certs.ark),
                                    .trust_class = ATTEST_PRODUCTION};
        rc = attest_evidence_copy(&e, out, err);
    }
    attest_own_certs_fini(&certs);
    attest_answer_fini(&a);
    return rc;
}

static enum qr_rc hw_key(void *ctx, const struct attest_key_mix *mix,
                         uint8_t out[ATTEST_DERIVED_SIZE], struct qr_err *err)
{
    const struct hardware *h = ctx;
    const struct attest_guest *g = h->guest.key ? &h->guest : &h->keys;
    return g->key(g->ctx, mix, out, err);
}

static bool hw_dead(void *ctx)
{
    const struct hardware *h = ctx;
    return h->guest.dead(h->guest.ctx) || (h->keys.dead && h->keys.dead(h->keys.ctx));
}

static void hw_close(void *ctx)
{
    struct hardware *h = ctx;
    if (h->guest.close) h->guest.close(h->guest.ctx);
    if (h->keys.close) h->keys.close(h->keys.ctx);
    free(h->certs_dir);
    free(h);
}

static enum qr_rc keep_dir(struct hardware *h, const char *dir)
{
    struct qr_bytes s = qr_str(dir);
    h->certs_dir = malloc(s.n + 1);
    if (!h->certs_dir) return QR_NOMEM;
    qr_copy(h->certs_dir, s.p, s.n + 1);
    return QR_OK;
}

enum qr_rc attest_hardware_open(const struct attest_hardware *conf,
                                const struct attest_kernel *kernel, struct attest_device *out,
                                struct qr_err *err)
{
    *out = (struct attest_device){.ctx = NULL};
    struct hardware *h = calloc(1, sizeof *h);
    if (!h) return QR_NOMEM;
    enum qr_rc rc = conf->certs_dir ? keep_dir(h, conf->certs_dir) : QR_OK;
    if (rc == QR_OK) rc = attest_hardware_guest(conf, kernel, &h->guest, err);
    if (rc != QR_OK) {
        hw_close(h);
        return rc;
    }
    if (!h->guest.key && qr_bytes_is(qr_str(conf->name), "auto"))
        (void)!attest_guest_sev(kernel, conf->level, false, &h->keys, NULL);
    *out = (struct attest_device){.get_report = hw_report,
                                  .get_key = h->guest.key || h->keys.key ? hw_key : NULL,
                                  .dead = hw_dead,
                                  .close = hw_close,
                                  .trust_class = ATTEST_PRODUCTION,
                                  .pace = {PACE_BURST, PACE_REFILL_US},
                                  .ctx = h};
    return QR_OK;
}
