/* attest_cases.c - each case becomes a policy text and a question.
 *
 * The policy of a case holds single rules, so it is read as partial; keys it
 * does not know are refused like those of a policy file. */
#include <config.h>

#include "cli/attest_cases.h"

#include "base/limits.h"
#include "cli/attest_input.h"

#include <limits.h>
#include <stdio.h>

struct cases {
    struct cli *c;
    const char *path;
    int dir_len; /* of path, up to the last '/' */
};

static struct qr_bytes text_of(const json_t *v)
{
    return QR_BYTES(json_string_value(v), json_string_length(v));
}

static enum qr_rc file_of(const struct cases *cs, const json_t *name, char out[PATH_MAX],
                          struct qr_err *err)
{
    int n = -1;
    if (json_is_string(name))
        n = snprintf(out, PATH_MAX, "%.*s%s", cs->dir_len, cs->path, json_string_value(name));
    return n > 0 && n < PATH_MAX ? QR_OK : qr_fail(err, QR_MALFORMED, "no file name");
}

static void put_value(struct qr_buf *out, const json_t *v)
{
    if (json_is_boolean(v)) qr_buf_put_str(out, json_is_true(v) ? "yes" : "no");
    if (json_is_integer(v)) qr_buf_printf(out, "%lld", (long long)json_integer_value(v));
    if (json_is_string(v)) qr_buf_put_bytes(out, text_of(v));
}

static void put_list(struct qr_buf *out, const json_t *v, const char *between)
{
    if (!json_is_array(v)) put_value(out, v);
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (i) qr_buf_put_str(out, between);
        put_value(out, json_array_get(v, i));
    }
}

/* {"Genoa": {"bl": 1, ...}}: one key per product; levels left out are 0. */
static void put_levels(struct qr_buf *out, const char *key, json_t *by_product)
{
    static const char *const parts[] = {"bl", "tee", "snp", "ucode", "fmc"};
    const char *product;
    json_t *levels;
    json_object_foreach(by_product, product, levels)
    {
        bool turin = qr_bytes_is(qr_str(product), "Turin");
        qr_buf_printf(out, "%s.%s =", key, product);
        for (size_t i = 0; i < (turin ? 5u : 4u); i++)
            qr_buf_printf(out, " %s=%lld", parts[i],
                          (long long)json_integer_value(json_object_get(levels, parts[i])));
        qr_buf_put_str(out, "\n");
    }
}

/* Products that nobody here knows are left out; *none: no other is named. */
static void put_products(struct qr_buf *out, const json_t *v, bool *none)
{
    const char *between = "products = ";
    *none = true;
    for (size_t i = 0; i < json_array_size(v); i++) {
        struct qr_bytes name = text_of(json_array_get(v, i));
        if (attest_product_from_name(name) == ATTEST_PRODUCT_UNKNOWN) continue;
        qr_buf_put_str(out, between);
        qr_buf_put_bytes(out, name);
        between = ", ";
        *none = false;
    }
    if (!*none) qr_buf_put_str(out, "\n");
}

static void put_rule(struct qr_buf *out, const char *key, json_t *v, bool *no_product)
{
    struct qr_bytes k = qr_str(key);
    if (qr_bytes_is(k, "report_data")) return;
    if (qr_bytes_is(k, "products")) {
        put_products(out, v, no_product);
        return;
    }
    if (json_is_object(v)) {
        put_levels(out, key, v);
        return;
    }
    qr_buf_printf(out, "%s = ", key);
    put_list(out, v, qr_bytes_is(k, "min_abi") ? "." : ", ");
    qr_buf_put_str(out, "\n");
}

/* The pins of a case that does not trust AMD. */
static enum qr_rc put_pins(const struct cases *cs, const json_t *trust, struct qr_buf *out,
                           struct qr_err *err)
{
    char path[PATH_MAX];
    struct qr_buf text;
    json_t *pins = NULL, *v;
    const char *product;
    if (json_is_string(trust) && qr_bytes_is(text_of(trust), "amd")) return QR_OK;
    QR_TRY(file_of(cs, trust, path, err));
    enum qr_rc rc = attest_input_file(&text, path, QR_MAX_CONFIG_FILE, false, err);
    if (rc == QR_OK) rc = qr_json_parse_loose(qr_buf_bytes(&text), &pins, err);
    qr_buf_fini(&text);
    if (rc != QR_OK) return rc;
    qr_buf_put_str(out, "classes = simulated\n");
    json_object_foreach(pins, product, v)
    {
        qr_buf_printf(out, "ark.%s = ", product);
        put_list(out, v, ", ");
        qr_buf_put_str(out, "\n");
    }
    json_decref(pins);
    return QR_OK;
}

static enum qr_rc read_policy(const struct cases *cs, const json_t *v, struct attest_input *in,
                              struct qr_err *err)
{
    struct qr_buf text;
    json_t *rules = json_object_get(v, "policy");
    bool no_product = false;
    qr_buf_init(&text, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = put_pins(cs, json_object_get(v, "trust"), &text, err);
    for (void *i = json_object_iter(rules); i; i = json_object_iter_next(rules, i))
        put_rule(&text, json_object_iter_key(i), json_object_iter_value(i), &no_product);
    if (rc == QR_OK) rc = qr_buf_ok(&text);
    if (rc == QR_OK) rc = attest_policy_parse_partial(qr_buf_bytes(&text), &in->policy, err);
    qr_buf_fini(&text);
    if (rc == QR_OK && no_product)
        for (int i = 0; i < ATTEST_PRODUCTS; i++) in->policy->products[i] = false;
    const json_t *data = json_object_get(rules, "report_data");
    if (rc != QR_OK || !data) return rc;
    if (qr_unhex(text_of(data), in->report_data, sizeof in->report_data) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "bad value of report_data");
    in->q.report_data = QR_BYTES_OF(in->report_data);
    return QR_OK;
}

static enum qr_rc read_files(const struct cases *cs, const json_t *v, struct attest_input *in,
                             struct qr_err *err)
{
    const struct {
        const char *key;
        struct qr_buf *to;
        size_t cap;
        bool cert;
    } files[] = {
        {"report", &in->report, 2 * ATTEST_REPORT_SIZE, false},
        {"vek", &in->vek, 2 * QR_MAX_CERT_DER, true},
        {"ica", &in->ask, 2 * QR_MAX_CERT_DER, true},
        {"ark", &in->ark, 2 * QR_MAX_CERT_DER, true},
        {"crl", &in->crl, ATTEST_CRL_MAX, false},
    };
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const json_t *name = json_object_get(v, files[i].key);
        qr_buf_init(files[i].to, files[i].cap);
        if (!name && files[i].to == &in->crl) continue;
        QR_TRY(file_of(cs, name, path, err));
        QR_TRY(attest_input_file(files[i].to, path, files[i].cap, files[i].cert, err));
    }
    in->q.report = qr_buf_bytes(&in->report);
    in->q.certs = (struct attest_certs){.vek = qr_buf_bytes(&in->vek),
                                        .ask = qr_buf_bytes(&in->ask),
                                        .ark = qr_buf_bytes(&in->ark),
                                        .crl = qr_buf_bytes(&in->crl)};
    return QR_OK;
}

static enum qr_rc judge_case(const struct cases *cs, const json_t *v, struct qr_err *err)
{
    struct attest_input in = {.policy = NULL};
    struct attest_verdict verdict;
    const json_t *at = json_object_get(v, "at");
    if (!json_is_string(at)) return qr_fail(err, QR_MALFORMED, "no time");
    enum qr_rc rc = read_files(cs, v, &in, err);
    if (rc == QR_OK) rc = attest_input_time(json_string_value(at), &in.q.time_us, err);
    if (rc == QR_OK) rc = read_policy(cs, v, &in, err);
    if (rc == QR_OK) {
        in.q.policy = in.policy;
        attest_verify(&in.q, &verdict);
        json_t *o = qr_json_object();
        qr_json_set_bytes(o, "name", text_of(json_object_get(v, "name")));
        qr_json_set_str(o, "reason", attest_reason_name(verdict.reason));
        qr_json_set_str(o, "verdict", verdict.reason == ATTEST_OK ? "accept" : "reject");
        (void)json_dumpf(o, stdout, JSON_COMPACT | JSON_SORT_KEYS);
        (void)putchar('\n');
        json_decref(o);
    }
    attest_input_fini(&in);
    return rc;
}

enum qr_rc attest_cases_judge(struct cli *c, const char *path, struct qr_err *err)
{
    struct cases cs = {.c = c, .path = path};
    struct qr_buf text;
    json_t *doc = NULL;
    enum qr_rc rc = attest_input_file(&text, path, QR_MAX_BUNDLE, false, err);
    if (rc == QR_OK) rc = qr_json_parse_loose(qr_buf_bytes(&text), &doc, err);
    qr_buf_fini(&text);
    if (rc != QR_OK) return rc;
    struct qr_bytes whole = qr_str(path);
    for (size_t i = 0; i < whole.n; i++)
        if (path[i] == '/') cs.dir_len = (int)i + 1;
    const json_t *all = json_object_get(doc, "cases");
    if (json_array_size(all) == 0) rc = qr_fail(err, QR_MALFORMED, "%s: no cases", path);
    for (size_t i = 0; rc == QR_OK && i < json_array_size(all); i++) {
        const json_t *v = json_array_get(all, i);
        struct qr_err why = {{0}};
        struct qr_bytes name = text_of(json_object_get(v, "name"));
        if (!name.p) rc = qr_fail(&why, QR_MALFORMED, "no name");
        if (rc == QR_OK) rc = judge_case(&cs, v, &why);
        if (rc != QR_OK)
            rc = qr_fail(err, rc, "case %zu, %.*s: %s", i + 1, (int)name.n,
                         name.p ? (const char *)name.p : "", why.text);
    }
    json_decref(doc);
    c->done = rc == QR_OK;
    return rc;
}
