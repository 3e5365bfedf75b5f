/* attest_kds.c - `quorate attest kds-url`: what an operator must fetch. */
#include <config.h>

#include "attest/kds.h"
#include "cli/attest.h"
#include "cli/attest_input.h"

static const char *const no_names[] = {NULL};
static const struct qr_setting own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"REPORT", "report", QR_SET_PATH, NULL, 0, 0, "the report, 1184 bytes"},
    {"PRODUCT", "product", QR_SET_TEXT, NULL, 0, 0,
     "Milan, Genoa or Turin: a report of version 2 does not say"},
};
static const struct qr_config_spec spec = {
    .program = "quorate attest kds-url",
    .summary = "prints where AMD publishes the certificates behind a report",
    .examples = "  quorate attest kds-url --report report.bin\n"
                "  quorate attest kds-url --report old.bin --product Milan\n",
    .names = no_names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .notes =
        "Nothing is fetched. The report is only read, not verified. AMD answers the same\n"
        "request about once in ten seconds; keep what it sends.\n"
        "Exit codes: 0 printed, 3 unreadable or of an unknown product, 5 the chip is hidden.\n",
};

static void url(struct cli *c, const char *key, const char *text)
{
    if (!text[0]) return;
    cli_out(c, "%-6s %s", key, text);
    qr_json_set_str(c->result, key, text);
}

enum qr_rc cli_attest_kds(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    struct qr_buf bytes;
    struct attest_report r;
    struct attest_kds_urls urls = {.vek = ""};
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    const char *path = qr_config_str(c->config, "REPORT");
    const char *product = qr_config_str(c->config, "PRODUCT");
    if (!path) return qr_fail(err, QR_USAGE, "give --report");
    enum attest_product p =
        product ? attest_product_from_name(qr_str(product)) : ATTEST_PRODUCT_UNKNOWN;
    if (product && p == ATTEST_PRODUCT_UNKNOWN)
        return qr_fail(err, QR_USAGE, "--product is Milan, Genoa or Turin");
    enum qr_rc rc = attest_input_file(&bytes, path, 2 * ATTEST_REPORT_SIZE, false, err);
    if (rc == QR_OK) {
        enum attest_reason why = attest_report_parse(qr_buf_bytes(&bytes), &r);
        if (why != ATTEST_OK)
            rc = qr_fail(err, QR_MALFORMED, "%s: %s", path, attest_reason_text(why));
    }
    qr_buf_fini(&bytes);
    if (rc != QR_OK) return rc;
    rc = attest_kds_urls(&r, p, &urls, err);
    c->result = qr_json_object();
    url(c, "vek", urls.vek);
    url(c, "chain", urls.chain);
    url(c, "crl", urls.crl);
    if (rc == QR_OK && !urls.vek[0])
        cli_say(c, "note: a VLEK is not published; the host's certificate table has it");
    return rc;
}
