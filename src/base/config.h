/* config.h - the tunables of every program: one table of names, each also a
 * flag; flags win over the environment, the environment over a file.
 *
 * The file has lines KEY=VALUE; '#' starts a comment line.  A key that is not
 * in the table, a key given twice or a value of the wrong kind is refused with
 * file and line.  Secrets have no flag: argv can be read by every user.
 *
 * main.c of a program is the caller; modules get the values they need.  This
 * module (and main.c) are the only ones that read the environment. */
#ifndef QUORATE_BASE_CONFIG_H
#define QUORATE_BASE_CONFIG_H

#include "base/bytes.h"

#include <stdio.h>

enum qr_set_kind {
    QR_SET_TEXT,
    QR_SET_PATH,
    QR_SET_ADDR,   /* host:port, [v6]:port; port 0 where a server may choose */
    QR_SET_INT,    /* lo..hi */
    QR_SET_HASH,   /* 64 lower-case hex digits */
    QR_SET_SECRET, /* environment or private file only */
    QR_SET_SWITCH  /* a flag without value; own settings only */
};

struct qr_setting {
    const char *name; /* "TLOG_BIND"; own settings: any unique name */
    const char *flag; /* "tlog-bind", without dashes; NULL: none */
    enum qr_set_kind kind;
    const char *def; /* NULL: unset */
    int64_t lo, hi;
    const char *help; /* one line */
};

/* What a program takes.  Everything is kept (constants). */
struct qr_config_spec {
    const char *program;          /* "quorate-authd" */
    const char *summary;          /* one line */
    const char *examples;         /* lines, indented by two spaces */
    const char *const *names;     /* tunables it uses, NULL at the end */
    const struct qr_setting *own; /* flags of this program only */
    size_t own_count;
    const char *operands; /* "FILE"; NULL: none are taken */
    const char *notes;    /* files and exit codes, after the options; may be NULL */
};

struct qr_config;

/* Reads flags, environment and file: --config FILE, else QUORATE_CONFIG, else
 * quorate.conf in the state directory if it is there.  Gives qr_config_free.
 * QR_USAGE: flags or environment; QR_MALFORMED: the file; QR_PERMS: the file
 * holds a secret and others can read it; err names the place. */
enum qr_rc qr_config_load(struct qr_config **out, const struct qr_config_spec *spec, int argc,
                          char **argv, struct qr_err *err) QR_MUST_CHECK;
void qr_config_free(struct qr_config *c); /* wipes secrets; NULL allowed */

/* --help or --version was given; main prints with qr_config_print and exits 0. */
bool qr_config_wants_text(const struct qr_config *c);
void qr_config_print(const struct qr_config *c, FILE *out);
/* The help text of a program without reading anything: examples first. */
void qr_config_help(const struct qr_config_spec *spec, FILE *out);

/* Values; NULL or dflt when unset.  Asking for a name that is neither in the
 * table nor one of the program's own is a bug.  Strings live as long as c. */
const char *qr_config_str(const struct qr_config *c, const char *name);
int64_t qr_config_int(const struct qr_config *c, const char *name, int64_t dflt);
bool qr_config_on(const struct qr_config *c, const char *name); /* a switch */
struct qr_bytes qr_config_secret(const struct qr_config *c, const char *name);
/* Where the value comes from: "flag", "environment", "FILE:LINE", "default" or
 * "unset"; for error texts. */
const char *qr_config_where(const struct qr_config *c, const char *name);
/* What is left of argv after the flags. */
int qr_config_operands(const struct qr_config *c, char ***out);

/* The whole table, for man pages and tests. */
const struct qr_setting *qr_config_table(size_t *count);

#endif
