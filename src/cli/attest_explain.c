/* attest_explain.c - `quorate attest explain`: a report field by field, with
 * the rules that speak of each and what came of them. */
#include <config.h>

#include "base/limits.h"
#include "cli/attest.h"
#include "cli/attest_input.h"

static const char *const no_names[] = {NULL};
static const struct qr_setting own[] = {ATTEST_INPUT_SETTINGS};
static const struct qr_config_spec spec = {
    .program = "quorate attest explain",
    .summary = "shows a report field by field: value, meaning, rule, verdict",
    .examples = "  quorate attest explain --report report.bin --vek vcek.der --ica ask.pem \\\n"
                "      --ark ark.pem --policy attestation.policy\n",
    .names = no_names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .notes = "A field is `not judged` when the verdict ended before its rules; then nothing that\n"
             "it says is known to be true.\n"
             "Exit codes: 0 accepted, 3 unreadable, 9 refused.\n",
};

static const struct field {
    const char *name;
    size_t offset, size;
    uint64_t reasons;
    const char *keys, *meaning;
} fields[] = {
#define FIELD(name, offset, size, reasons, keys, meaning) \
    {name, offset, size, reasons, keys, meaning},
#include "cli/attest_fields.def"
#undef FIELD
};

/* Every rule that speaks of the field was asked: rules on claims are asked
 * together, those before them up to the one that failed. */
static bool is_judged(const struct field *f, const struct attest_verdict *v)
{
    uint64_t before = v->authentic ? ~0ULL : (1ULL << v->reason) - 1;
    return (f->reasons & ~before) == 0;
}

/* The line of key in the canonical policy, without its end. */
static struct qr_bytes line_of(struct qr_bytes policy, struct qr_bytes key)
{
    while (policy.n) {
        size_t n = 0;
        while (policy.p[n] != '\n') n++;
        if (n > key.n && policy.p[key.n] == ' ' && qr_bytes_equal(QR_BYTES(policy.p, key.n), key))
            return QR_BYTES(policy.p, n);
        policy = QR_BYTES(policy.p + n + 1, policy.n - n - 1);
    }
    return QR_BYTES_NONE;
}

static void show_rules(const struct cli *c, const struct field *f, struct qr_bytes policy,
                       json_t *rules)
{
    struct qr_bytes rest = qr_str(f->keys);
    while (rest.n) {
        size_t n = 0;
        while (n < rest.n && rest.p[n] != ' ') n++;
        struct qr_bytes line = line_of(policy, QR_BYTES(rest.p, n));
        cli_out(c, "    rule     %.*s", (int)line.n, (const char *)line.p);
        qr_json_add(rules, qr_json_text(line));
        rest = n < rest.n ? QR_BYTES(rest.p + n + 1, rest.n - n - 1) : QR_BYTES_NONE;
    }
}

static void show(struct cli *c, const struct field *f, const struct attest_input *in,
                 const struct attest_verdict *v, struct qr_bytes policy)
{
    char hex[2 * 144 + 1];
    uint64_t failed = f->reasons & v->failed;
    const char *verdict = failed ? "refused" : is_judged(f, v) ? "ok" : "not judged";
    json_t *o = qr_json_object(), *rules = qr_json_array(), *why = qr_json_array();
    qr_hex(in->q.report.p + f->offset, f->size, hex);
    cli_out(c, "%03zx %s: %s", f->offset, f->name, verdict);
    cli_out(c, "    value    %s", hex);
    cli_out(c, "    meaning  %s", f->meaning);
    show_rules(c, f, policy, rules);
    for (unsigned r = 0; r < ATTEST_REASON_COUNT; r++) {
        if (!(failed >> r & 1)) continue;
        const char *name = attest_reason_name((enum attest_reason)r);
        cli_out(c, "    refused  %s: %s", name, attest_reason_text((enum attest_reason)r));
        qr_json_add(why, qr_json_text(qr_str(name)));
    }
    qr_json_set_str(o, "name", f->name);
    qr_json_set_int(o, "offset", (int64_t)f->offset);
    qr_json_set_str(o, "value", hex);
    qr_json_set_str(o, "verdict", verdict);
    qr_json_set_str(o, "meaning", f->meaning);
    qr_json_set(o, "rules", rules);
    qr_json_set(o, "failed", why);
    qr_json_add(json_object_get(c->result, "fields"), o);
}

static enum qr_rc explain(struct cli *c, const struct attest_input *in, struct qr_err *err)
{
    struct attest_verdict v;
    struct qr_buf policy;
    if (in->q.report.n != ATTEST_REPORT_SIZE)
        return qr_fail(err, QR_MALFORMED, "the report is not %d bytes", ATTEST_REPORT_SIZE);
    qr_buf_init(&policy, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = attest_policy_canonical(in->policy, &policy);
    attest_verify(&in->q, &v);
    c->result = qr_json_object();
    qr_json_set_str(c->result, "reason", attest_reason_name(v.reason));
    qr_json_set(c->result, "fields", qr_json_array());
    for (size_t i = 0; rc == QR_OK && i < sizeof fields / sizeof fields[0]; i++)
        show(c, &fields[i], in, &v, qr_buf_bytes(&policy));
    qr_buf_fini(&policy);
    if (rc != QR_OK || v.reason == ATTEST_OK) return rc;
    return qr_fail(err, QR_ATTESTATION, "%s: %s", attest_reason_name(v.reason),
                   attest_reason_text(v.reason));
}

enum qr_rc cli_attest_explain(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    struct attest_input in;
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    enum qr_rc rc = attest_input_read(c, &in, err);
    if (rc == QR_OK) rc = explain(c, &in, err);
    attest_input_fini(&in);
    return rc;
}
