/* attest_input.h - the files that `quorate attest verify` and `explain` judge.
 *
 * Only src/cli calls this.  Certificates may be DER or PEM. */
#ifndef QUORATE_CLI_ATTEST_INPUT_H
#define QUORATE_CLI_ATTEST_INPUT_H

#include "attest/verdict.h"
#include "cli/cli.h"

/* Settings of both; a command adds its own behind them. */
#define ATTEST_INPUT_SETTINGS                                                                     \
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},               \
        {"REPORT", "report", QR_SET_PATH, NULL, 0, 0, "the report, 1184 bytes"},                  \
        {"VEK", "vek", QR_SET_PATH, NULL, 0, 0, "its VCEK or VLEK, DER or PEM"},                  \
        {"ICA", "ica", QR_SET_PATH, NULL, 0, 0, "the ASK or ASVK above it"},                      \
        {"ARK", "ark", QR_SET_PATH, NULL, 0, 0, "the root above that"},                           \
        {"CRL", "crl", QR_SET_PATH, NULL, 0, 0, "revocation list of the root, DER"},              \
        {"POLICY", "policy", QR_SET_PATH, NULL, 0, 0, "the attestation policy"},                  \
        {"AT", "at", QR_SET_TEXT, NULL, 0, 0, "time of the verdict, 2026-11-23T15:34:00Z (now)"}, \
    {                                                                                             \
        "REPORT_DATA", "report-data", QR_SET_TEXT, NULL, 0, 0,                                    \
            "what REPORT_DATA must be, 128 hex digits; without it no exchange is proved"          \
    }

struct attest_input {
    struct qr_buf report, vek, ask, ark, crl;
    uint8_t report_data[ATTEST_REPORT_DATA_SIZE];
    struct attest_policy *policy;
    struct attest_question q; /* borrows from the above */
};

/* Reads a file of at most cap bytes into b, which is initialised here in any
 * case; as_cert: PEM becomes DER. */
enum qr_rc attest_input_file(struct qr_buf *b, const char *path, size_t cap, bool as_cert,
                             struct qr_err *err) QR_MUST_CHECK;
/* 2026-11-23T15:34:00Z, with or without six decimals.  QR_USAGE. */
enum qr_rc attest_input_time(const char *text, int64_t *us, struct qr_err *err) QR_MUST_CHECK;

/* Everything that the flags name; all of report, vek, ica, ark and policy must
 * be given (QR_USAGE).  Gives in any case; attest_input_fini. */
enum qr_rc attest_input_read(const struct cli *c, struct attest_input *in, struct qr_err *err)
    QR_MUST_CHECK;
void attest_input_fini(struct attest_input *in);

#endif
