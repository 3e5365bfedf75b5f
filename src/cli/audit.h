/* audit.h - the subcommands of `quorate audit`, for people who examine a log.
 *
 * They read a database, a directory of tiles or an export, and write nothing but
 * a working paper.  argv[0] is the subcommand's name. */
#ifndef QUORATE_CLI_AUDIT_H
#define QUORATE_CLI_AUDIT_H

#include "cli/cli.h"
#include "export/paper.h"
#include "export/population.h"

/* sample: places drawn by a seed */
enum qr_rc cli_audit_sample(struct cli *c, int argc, char **argv, struct qr_err *err);
/* checklist: evidence for each control */
enum qr_rc cli_audit_checklist(struct cli *c, int argc, char **argv, struct qr_err *err);

/* The settings that both have. */
#define CLI_AUDIT_SETTINGS                                                                           \
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},                  \
        {"AUDIT_DB", "db", QR_SET_PATH, NULL, 0, 0, "the log's database; it may be in use"},         \
        {"AUDIT_TILES", "tiles", QR_SET_PATH, NULL, 0, 0, "a tree of files instead"},                \
        {"AUDIT_EXPORT",                                                                             \
         "export",                                                                                   \
         QR_SET_PATH,                                                                                \
         NULL,                                                                                       \
         0,                                                                                          \
         0,                                                                                          \
         "an export instead; its proof is checked"},                                                 \
        {"AUDIT_FROM", "from", QR_SET_TEXT, NULL, 0, 0, "first entry: index or time"},               \
        {"AUDIT_TO", "to", QR_SET_TEXT, NULL, 0, 0, "first entry after the range: index or time"},   \
        {"AUDIT_FILTER", "filter", QR_SET_TEXT, NULL, 0, 0, "\"COLUMN=VALUE ...\": only such rows"}, \
        {"AUDIT_FORM", "format", QR_SET_TEXT, "text", 0, 0, "text, csv or html"},                    \
    {                                                                                                \
        "AUDIT_OUTPUT", "output", QR_SET_PATH, "-", 0, 0, "where to, - is standard output"           \
    }

/* What they say.  controls may be NULL. */
struct export_source cli_audit_source(const struct cli *c, const char *controls);
/* Writes the paper where --output says, or sets c->result with --json (facts, and
 * the rows as `items`). */
enum qr_rc cli_audit_print(struct cli *c, const struct paper *p, struct qr_err *err) QR_MUST_CHECK;

#endif
