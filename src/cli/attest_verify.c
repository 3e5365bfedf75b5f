/* attest_verify.c - `quorate attest verify`: one report, or a file of cases. */
#include <config.h>

#include "cli/attest.h"
#include "cli/attest_cases.h"
#include "cli/attest_input.h"

static const char *const no_names[] = {NULL};
static const struct qr_setting own[] = {
    ATTEST_INPUT_SETTINGS,
    {"CASES", "cases", QR_SET_PATH, NULL, 0, 0,
     "judge every case of this file instead; one line of JSON each"},
};
static const struct qr_config_spec spec = {
    .program = "quorate attest verify",
    .summary = "judges a SEV-SNP report under a policy, offline",
    .examples = "  quorate attest verify --report report.bin --vek vcek.der --ica ask.pem \\\n"
                "      --ark ark.pem --crl milan.crl --policy attestation.policy\n"
                "  quorate attest verify ... --at 2026-11-23T15:34:00Z --json\n"
                "  quorate attest verify --cases cases.json\n",
    .names = no_names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .notes = "Every rule that the report breaks is printed, the one that decides first.\n"
             "Exit codes: 0 accepted, 3 unreadable, 9 refused.\n",
};

static json_t *tcb_json(const struct attest_tcb *t)
{
    json_t *o = qr_json_object();
    qr_json_set_int(o, "fmc", t->fmc);
    qr_json_set_int(o, "bl", t->bl);
    qr_json_set_int(o, "tee", t->tee);
    qr_json_set_int(o, "snp", t->snp);
    qr_json_set_int(o, "ucode", t->ucode);
    return o;
}

static json_t *claims_json(const struct attest_claims *cl)
{
    json_t *o = qr_json_object();
    const struct attest_report *r = &cl->report;
    qr_json_set_str(o, "class", attest_class_name(cl->trust_class));
    qr_json_set_str(o, "product", attest_product_name(cl->product));
    qr_json_set_int(o, "version", r->version);
    qr_json_set_str(o, "signer", r->signer == ATTEST_VLEK ? "VLEK" : "VCEK");
    qr_json_set_hex(o, "measurement", r->measurement, sizeof r->measurement);
    qr_json_set_hex(o, "report_data", r->report_data, sizeof r->report_data);
    qr_json_set_hex(o, "host_data", r->host_data, sizeof r->host_data);
    qr_json_set_hex(o, "hwid", cl->vek.hwid, sizeof cl->vek.hwid);
    qr_json_set_str(o, "csp_id", cl->vek.csp_id);
    qr_json_set_int(o, "vmpl", r->vmpl);
    qr_json_set(o, "reported", tcb_json(&cl->reported));
    qr_json_set(o, "current", tcb_json(&cl->current));
    qr_json_set(o, "committed", tcb_json(&cl->committed));
    qr_json_set(o, "launch", tcb_json(&cl->launch));
    qr_json_set_hex(o, "evidence_digest", cl->evidence_digest.b, sizeof cl->evidence_digest.b);
    return o;
}

static void print_claims(const struct cli *c, const struct attest_claims *cl)
{
    char hex[2 * ATTEST_REPORT_DATA_SIZE + 1];
    const struct attest_tcb *t = &cl->reported;
    cli_out(c, "%-12s %s, report version %u, %s", "product", attest_product_name(cl->product),
            cl->report.version, cl->report.signer == ATTEST_VLEK ? "VLEK" : "VCEK");
    cli_out(c, "%-12s fmc=%u bl=%u tee=%u snp=%u ucode=%u", "reported TCB", t->fmc, t->bl, t->tee,
            t->snp, t->ucode);
    qr_hex(cl->report.measurement, sizeof cl->report.measurement, hex);
    cli_out(c, "%-12s %s", "measurement", hex);
    qr_hex(cl->report.report_data, sizeof cl->report.report_data, hex);
    cli_out(c, "%-12s %s", "report data", hex);
}

static void print_failed(struct cli *c, const struct attest_verdict *v)
{
    json_t *a = qr_json_array();
    for (unsigned r = 0; r < ATTEST_REASON_COUNT; r++) {
        if (!(v->failed >> r & 1)) continue;
        enum attest_reason reason = (enum attest_reason)r;
        cli_out(c, "%-12s %s: %s", "refused", attest_reason_name(reason),
                attest_reason_text(reason));
        qr_json_add(a, qr_json_text(qr_str(attest_reason_name(reason))));
    }
    qr_json_set(c->result, "failed", a);
}

static enum qr_rc judge(struct cli *c, const struct attest_input *in, struct qr_err *err)
{
    struct attest_verdict v;
    char at[QR_TIME_LEN + 1];
    attest_verify(&in->q, &v);
    bool ok = v.reason == ATTEST_OK;
    qr_time_format(in->q.time_us, at);
    c->result = qr_json_object();
    qr_json_set_str(c->result, "verdict", ok ? "accept" : "reject");
    qr_json_set_str(c->result, "reason", attest_reason_name(v.reason));
    qr_json_set_str(c->result, "time", at);
    qr_json_set_hex(c->result, "policy_hash", in->policy->hash.b, sizeof in->policy->hash.b);
    qr_json_set(c->result, "bound", json_boolean(in->q.report_data.n > 0));
    if (v.authentic) {
        qr_json_set(c->result, "claims", claims_json(&v.claims));
        print_claims(c, &v.claims);
    }
    print_failed(c, &v);
    if (!ok)
        return qr_fail(err, QR_ATTESTATION, "%s: %s", attest_reason_name(v.reason),
                       attest_reason_text(v.reason));
    cli_out(c, "%-12s at %s, class %s", "accepted", at, attest_class_name(in->policy->trust_class));
    if (in->q.report_data.n == 0)
        cli_say(c, "note: without --report-data the report is bound to no exchange");
    return QR_OK;
}

enum qr_rc cli_attest_verify(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    struct attest_input in;
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    const char *cases = qr_config_str(c->config, "CASES");
    if (cases) return attest_cases_judge(c, cases, err);
    enum qr_rc rc = attest_input_read(c, &in, err);
    if (rc == QR_OK) rc = judge(c, &in, err);
    attest_input_fini(&in);
    return rc;
}
