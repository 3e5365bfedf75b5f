/* config.c - config.h: the table, then its three readers.
 *
 * Values are taken in order of strength and the first stays: flags, then
 * environment, then file, then defaults. */
#include "base/config.h"
#include <config.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"

#include <assert.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BIND_HELP "where it listens; port 0: any"
#define THREADS_HELP "threads that answer calls"
#define SERVER(prefix, flag, dir, port, threads)                                        \
    {prefix "_BIND", flag "-bind", QR_SET_ADDR, "127.0.0.1:" port, 0, 0, BIND_HELP},    \
        {prefix "_THREADS", flag "-threads", QR_SET_INT, threads, 1, 64, THREADS_HELP}, \
        {prefix "_TLS_CERT",                                                            \
         flag "-tls-cert",                                                              \
         QR_SET_PATH,                                                                   \
         NULL,                                                                          \
         0,                                                                             \
         0,                                                                             \
         "certificate (default STATE/" dir "/tls.crt)"},                                \
        {prefix "_TLS_KEY",                                                             \
         flag "-tls-key",                                                               \
         QR_SET_PATH,                                                                   \
         NULL,                                                                          \
         0,                                                                             \
         0,                                                                             \
         "its key (default STATE/" dir "/tls.key)"},                                    \
        {prefix "_TLS_CA",                                                              \
         flag "-tls-ca",                                                                \
         QR_SET_PATH,                                                                   \
         NULL,                                                                          \
         0,                                                                             \
         0,                                                                             \
         "CA of the clients (default STATE/transport/ca.pem)"},                         \
        {prefix "_HTTP_BIND",                                                           \
         flag "-http-bind",                                                             \
         QR_SET_ADDR,                                                                   \
         NULL,                                                                          \
         0,                                                                             \
         0,                                                                             \
         "where anyone may read over HTTP; off when unset"},                            \
        {prefix "_HTTP_CERT",                                                           \
         flag "-http-cert",                                                             \
         QR_SET_PATH,                                                                   \
         NULL,                                                                          \
         0,                                                                             \
         0,                                                                             \
         "its certificate chain; without, HTTP has no TLS"},                            \
    {                                                                                   \
        prefix "_HTTP_KEY", flag "-http-key", QR_SET_PATH, NULL, 0, 0,                  \
            "the key of that certificate"                                               \
    }

static const struct qr_setting table[] = {
    SERVER("COORD", "coord", "coordinatord", "7700", "4"),
    {"REQUIRED_ENGINEERS", "required-engineers", QR_SET_INT, NULL, 0, 32,
     "engineers that the policy must ask for"},
    {"REQUIRED_STEWARDS", "required-stewards", QR_SET_INT, NULL, 0, 32,
     "stewards that the policy must ask for"},
    SERVER("CA", "ca", "cad", "7701", "4"),
    {"CA_TTL_SECONDS", "ca-ttl-seconds", QR_SET_INT, "600", 60, 86400,
     "life of a participant certificate"},
    /* An append waits for the disk, in company: more waiters, larger commits. */
    SERVER("TLOG", "tlog", "tlogd", "7702", "32"),
    {"TLOG_WITNESS_POLICY", "tlog-witness-policy", QR_SET_PATH, NULL, 0, 0,
     "witnesses of the log with their URLs, a tlog-policy"},
    {"TLOG_WITNESS_WAIT_MS", "tlog-witness-wait-ms", QR_SET_INT, "0", 0, 60000,
     "how long an append waits for the witnesses' quorum"},
    SERVER("AUTH", "auth", "authd", "7703", "4"),
    {"AUTH_DEMO_TOKEN", NULL, QR_SET_SECRET, NULL, 0, 0,
     "token of a development login (class demo)"},
    {"CLIENT_TLS_CA", "client-tls-ca", QR_SET_PATH, NULL, 0, 0,
     "CA of the servers (default STATE/transport/ca.pem)"},
    {"CLIENT_TLS_CERT", "client-tls-cert", QR_SET_PATH, NULL, 0, 0, "certificate of this client"},
    {"CLIENT_TLS_KEY", "client-tls-key", QR_SET_PATH, NULL, 0, 0, "its key"},
    {"COORDINATOR_ADDR", "coordinator-addr", QR_SET_ADDR, "127.0.0.1:7700", 0, 0,
     "the coordinator"},
    {"TLOG_ADDR", "tlog-addr", QR_SET_ADDR, "127.0.0.1:7702", 0, 0, "the log"},
    {"CA_ADDR", "ca-addr", QR_SET_ADDR, "127.0.0.1:7701", 0, 0, "the CA"},
    {"AUTH_ADDR", "auth-addr", QR_SET_ADDR, "127.0.0.1:7703", 0, 0, "the auth service"},
    {"TEE_POLICY_HASH", "tee-policy-hash", QR_SET_HASH, NULL, 0, 0,
     "hash that the attestation policy must have"},
    {"TEE_POLICY_FILE", "tee-policy-file", QR_SET_PATH, NULL, 0, 0,
     "attestation policy (default TRUST/attestation.policy)"},
    {"TEE_DEVICE", "tee-device", QR_SET_TEXT, "auto", 0, 0,
     "where reports come from: auto, configfs, sev-guest or simulator"},
    {"TEE_CERTS", "tee-certs", QR_SET_PATH, NULL, 0, 0,
     "directory of the certificates that the host does not give"},
    {"TEE_LEVEL", "tee-level", QR_SET_INT, NULL, 0, 3, "privilege level (VMPL) of the reports"},
    {"SEAL", "seal", QR_SET_TEXT, "off", 0, 0,
     "keys at rest are sealed: off, software or hardware"},
    {"SEAL_SECRET", NULL, QR_SET_SECRET, NULL, 0, 0,
     "the operator's part of the key that seals, 16 bytes or more"},
    {"SIGNING_POLICY_FILE", "signing-policy-file", QR_SET_PATH, NULL, 0, 0,
     "signing policy (default TRUST/signing.policy)"},
    {"ROSTER_FILE", "roster-file", QR_SET_PATH, NULL, 0, 0,
     "people enrolled at start (default STATE/roster.jsonl)"},
    {"QUORATE_STATE_DIR", "state-dir", QR_SET_PATH, NULL, 0, 0,
     "STATE: keys and databases (default ~/.local/state/quorate)"},
    {"QUORATE_TRUST_DIR", "trust-dir", QR_SET_PATH, NULL, 0, 0,
     "TRUST: what is trusted (default STATE/trust)"},
    {"QUORATE_PERSON_KEY", "person-key", QR_SET_PATH, NULL, 0, 0, "key that a person signs with"},
};
#define TABLE_SIZE (sizeof table / sizeof table[0])
#define OWN_MAX 32
#define ALL_MAX (TABLE_SIZE + OWN_MAX)

struct value {
    char *text;
    char where[128];
};

struct qr_config {
    const struct qr_config_spec *spec;
    struct value value[ALL_MAX]; /* the table's, then the program's own */
    char **operands;
    int operand_count;
    bool help, version;
    char *file;
};

const struct qr_setting *qr_config_table(size_t *count)
{
    *count = TABLE_SIZE;
    return table;
}

static size_t total(const struct qr_config_spec *spec)
{
    assert(spec->own_count <= OWN_MAX);
    return TABLE_SIZE + spec->own_count;
}

static const struct qr_setting *setting(const struct qr_config_spec *spec, size_t i)
{
    return i < TABLE_SIZE ? &table[i] : &spec->own[i - TABLE_SIZE];
}

static bool is_own(size_t i) { return i >= TABLE_SIZE; }

static bool uses(const struct qr_config_spec *spec, size_t i)
{
    if (is_own(i)) return true;
    for (const char *const *n = spec->names; *n; n++)
        if (strcmp(*n, table[i].name) == 0) return true;
    return false;
}

/* ---- one value ---- */

static bool addr_ok(struct qr_bytes s)
{
    size_t colon = s.n;
    while (colon > 0 && s.p[colon - 1] != ':') colon--;
    if (colon < 2) return false;
    uint64_t port;
    if (qr_parse_u64(QR_BYTES(s.p + colon, s.n - colon), 65535, &port) != QR_OK) return false;
    struct qr_bytes host = QR_BYTES(s.p, colon - 1);
    bool v6 = host.p[0] == '[' && host.p[host.n - 1] == ']';
    return v6 || !memchr(host.p, ':', host.n);
}

static const char *kind_mistake(const struct qr_setting *s, const char *text, char *why,
                                size_t room)
{
    uint64_t n = 0;
    uint8_t hash[32];
    switch (s->kind) {
    case QR_SET_ADDR: return addr_ok(qr_str(text)) ? NULL : "not HOST:PORT";
    case QR_SET_HASH:
        return qr_unhex(qr_str(text), hash, sizeof hash) == QR_OK
                   ? NULL
                   : "not 64 lower-case hexadecimal digits";
    case QR_SET_INT:
        if (qr_parse_u64(qr_str(text), INT64_MAX, &n) == QR_OK && (int64_t)n >= s->lo &&
            (int64_t)n <= s->hi)
            return NULL;
        (void)snprintf(why, room, "not a number from %lld to %lld", (long long)s->lo,
                       (long long)s->hi);
        return why;
    case QR_SET_TEXT:
    case QR_SET_PATH:
    case QR_SET_SECRET: return *text ? NULL : "empty";
    case QR_SET_SWITCH: return NULL;
    }
    return "of an unknown kind";
}

static char *copy_text(struct qr_bytes s)
{
    char *t = malloc(s.n + 1);
    if (!t) qr_fatal("out of memory");
    qr_copy(t, s.p, s.n);
    t[s.n] = 0;
    return t;
}

/* Sets value i unless something stronger did; text is checked in any case. */
static enum qr_rc set(struct qr_config *c, size_t i, const char *text, const char *where,
                      struct qr_err *err)
{
    char why[80];
    const struct qr_setting *s = setting(c->spec, i);
    const char *mistake = kind_mistake(s, text, why, sizeof why);
    if (mistake) return qr_fail(err, QR_USAGE, "%s: %s is %s", where, s->name, mistake);
    if (c->value[i].text) return QR_OK;
    c->value[i].text = copy_text(qr_str(text));
    (void)snprintf(c->value[i].where, sizeof c->value[i].where, "%s", where);
    return QR_OK;
}

/* ---- suggestions ---- */

/* Edit distance; names here are short. */
static size_t distance(struct qr_bytes a, struct qr_bytes b)
{
    size_t row[64];
    if (a.n >= 64 || b.n >= 64) return 64;
    for (size_t j = 0; j <= b.n; j++) row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diag = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = diag + (a.p[i - 1] != b.p[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diag = row[j];
            row[j] = best;
        }
    }
    return row[b.n];
}

static const char *nearest(const struct qr_config_spec *spec, struct qr_bytes name, bool flags)
{
    const char *best = NULL;
    size_t least = 4;
    for (size_t i = 0; i < total(spec); i++) {
        const struct qr_setting *s = setting(spec, i);
        const char *cand = flags ? s->flag : s->name;
        if (!cand || (flags ? !uses(spec, i) : is_own(i))) continue;
        size_t d = distance(name, qr_str(cand));
        if (d < least) {
            least = d;
            best = cand;
        }
    }
    return best;
}

/* ---- flags ---- */

enum { OPT_HELP = 1000, OPT_VERSION, OPT_CONFIG, OPT_FIRST = 2000 };

static size_t long_options(const struct qr_config_spec *spec, struct option *out)
{
    size_t n = 0;
    out[n++] = (struct option){"help", no_argument, NULL, OPT_HELP};
    out[n++] = (struct option){"version", no_argument, NULL, OPT_VERSION};
    out[n++] = (struct option){"config", required_argument, NULL, OPT_CONFIG};
    for (size_t i = 0; i < total(spec); i++) {
        const struct qr_setting *s = setting(spec, i);
        if (!s->flag || !uses(spec, i)) continue;
        int arg = s->kind == QR_SET_SWITCH ? no_argument : required_argument;
        out[n++] = (struct option){s->flag, arg, NULL, OPT_FIRST + (int)i};
    }
    out[n] = (struct option){NULL, 0, NULL, 0};
    return n;
}

static enum qr_rc bad_flag(const struct qr_config *c, int opt, char **argv, struct qr_err *err)
{
    const char *arg = argv[optind - 1];
    if (opt == ':') return qr_fail(err, QR_USAGE, "%s needs a value", arg);
    struct qr_bytes name = qr_str(arg);
    while (name.n > 0 && name.p[0] == '-') name = QR_BYTES(name.p + 1, name.n - 1);
    const uint8_t *eq = name.n ? memchr(name.p, '=', name.n) : NULL;
    if (eq) name.n = (size_t)(eq - name.p);
    const char *near = nearest(c->spec, name, true);
    return qr_fail(err, QR_USAGE, "unknown option %s%s%s%s (see --help)", arg,
                   near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

static enum qr_rc take_flag(struct qr_config *c, size_t i, const char *value, struct qr_err *err)
{
    const struct qr_setting *s = setting(c->spec, i);
    char where[80];
    (void)snprintf(where, sizeof where, "--%s", s->flag);
    if (c->value[i].text) return qr_fail(err, QR_USAGE, "%s is given twice", where);
    return set(c, i, s->kind == QR_SET_SWITCH ? "1" : value, where, err);
}

static enum qr_rc read_flags(struct qr_config *c, int argc, char **argv, struct qr_err *err)
{
    struct option opts[ALL_MAX + 4];
    (void)long_options(c->spec, opts);
    optind = 0;
    opterr = 0;
    for (;;) {
        int o = getopt_long(argc, argv, c->spec->operands ? ":h" : "+:h", opts, NULL);
        if (o == -1) break;
        if (o == '?' || o == ':') return bad_flag(c, o, argv, err);
        if (o == 'h' || o == OPT_HELP)
            c->help = true;
        else if (o == OPT_VERSION)
            c->version = true;
        else if (o == OPT_CONFIG) {
            if (c->file) return qr_fail(err, QR_USAGE, "--config is given twice");
            c->file = copy_text(qr_str(optarg));
        } else
            QR_TRY(take_flag(c, (size_t)(o - OPT_FIRST), optarg, err));
    }
    c->operands = argv + optind;
    c->operand_count = argc - optind;
    if (!c->spec->operands && c->operand_count > 0 && !c->help)
        return qr_fail(err, QR_USAGE, "unexpected argument %s (see --help)", argv[optind]);
    return QR_OK;
}

/* ---- environment and file ---- */

static enum qr_rc read_environment(struct qr_config *c, struct qr_err *err)
{
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        const char *v = uses(c->spec, i) ? getenv(table[i].name) : NULL;
        if (v && *v) QR_TRY(set(c, i, v, "environment", err));
        /* Children and /proc/self/environ need not have it any longer. */
        if (v && table[i].kind == QR_SET_SECRET) (void)unsetenv(table[i].name);
    }
    const char *file = getenv("QUORATE_CONFIG");
    if (!c->file && file && *file) c->file = copy_text(qr_str(file));
    return QR_OK;
}

static size_t index_of(const struct qr_config_spec *spec, struct qr_bytes name)
{
    for (size_t i = 0; i < total(spec); i++)
        if (qr_bytes_is(name, setting(spec, i)->name)) return i;
    return SIZE_MAX;
}

static struct qr_bytes trim(struct qr_bytes s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) s = QR_BYTES(s.p + 1, s.n - 1);
    while (s.n > 0 && memchr(" \t\r", s.p[s.n - 1], 3)) s.n--;
    return s;
}

struct file_reader {
    struct qr_config *c;
    const char *path;
    unsigned line;
    unsigned seen[TABLE_SIZE]; /* line where a key stood */
    bool secret;
};

static enum qr_rc read_line(struct file_reader *f, struct qr_bytes s, struct qr_err *err)
{
    s = trim(s);
    if (s.n == 0 || s.p[0] == '#') return QR_OK;
    const uint8_t *eq = memchr(s.p, '=', s.n);
    if (!eq) return qr_fail(err, QR_MALFORMED, "%s:%u: not KEY=VALUE", f->path, f->line);
    struct qr_bytes key = trim(QR_BYTES(s.p, (size_t)(eq - s.p)));
    struct qr_bytes val = trim(QR_BYTES(eq + 1, s.n - (size_t)(eq - s.p) - 1));
    size_t i = index_of(f->c->spec, key);
    if (i >= TABLE_SIZE) {
        const char *near = nearest(f->c->spec, key, false);
        return qr_fail(err, QR_MALFORMED, "%s:%u: unknown setting %.*s%s%s%s", f->path, f->line,
                       (int)(key.n < 40 ? key.n : 40), (const char *)key.p,
                       near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    }
    if (f->seen[i])
        return qr_fail(err, QR_MALFORMED, "%s:%u: %s stands in line %u already", f->path, f->line,
                       table[i].name, f->seen[i]);
    f->seen[i] = f->line;
    if (val.n > 0 && (val.p[0] == '"' || val.p[0] == '\''))
        return qr_fail(err, QR_MALFORMED, "%s:%u: write the value without quotes", f->path,
                       f->line);
    f->secret = f->secret || table[i].kind == QR_SET_SECRET;
    char where[128];
    (void)snprintf(where, sizeof where, "%.100s:%u", f->path, f->line);
    char *text = copy_text(val);
    enum qr_rc rc = strlen(text) == val.n ? set(f->c, i, text, where, err) : QR_MALFORMED;
    qr_wipe(text, val.n);
    free(text);
    return rc == QR_USAGE ? QR_MALFORMED : rc;
}

static enum qr_rc read_lines(struct file_reader *f, struct qr_bytes all, struct qr_err *err)
{
    while (all.n > 0) {
        const uint8_t *nl = memchr(all.p, '\n', all.n);
        size_t n = nl ? (size_t)(nl - all.p) : all.n;
        f->line++;
        QR_TRY(read_line(f, QR_BYTES(all.p, n), err));
        n += nl ? 1 : 0;
        all = QR_BYTES(all.p + n, all.n - n);
    }
    return QR_OK;
}

static enum qr_rc read_config_file(struct qr_config *c, struct qr_err *err)
{
    struct file_reader f = {.c = c, .path = c->file};
    struct qr_buf b;
    qr_buf_init(&b, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = qr_file_read(c->file, &b, err);
    if (rc == QR_OK) rc = read_lines(&f, qr_buf_bytes(&b), err);
    qr_wipe(b.p, b.n);
    qr_buf_reset(&b);
    if (rc == QR_OK && f.secret) {
        rc = qr_file_read_private(c->file, &b, err);
        qr_wipe(b.p, b.n);
    }
    qr_buf_fini(&b);
    return rc;
}

/* ---- defaults ---- */

static void default_state_dir(char *out, size_t room)
{
    const char *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (xdg && *xdg == '/')
        (void)snprintf(out, room, "%s/quorate", xdg);
    else
        (void)snprintf(out, room, "%s/.local/state/quorate", home && *home ? home : "");
}

static enum qr_rc find_state(struct qr_config *c, bool *by_default, struct qr_err *err)
{
    size_t i = index_of(c->spec, qr_str("QUORATE_STATE_DIR"));
    char path[PATH_MAX];
    if (c->value[i].text) return QR_OK;
    *by_default = true;
    default_state_dir(path, sizeof path);
    return set(c, i, path, "default", err);
}

static enum qr_rc find_file(struct qr_config *c, struct qr_err *err)
{
    bool by_default = false;
    char path[PATH_MAX];
    size_t i = index_of(c->spec, qr_str("QUORATE_STATE_DIR"));
    if (!c->file) {
        QR_TRY(find_state(c, &by_default, err));
        (void)snprintf(path, sizeof path, "%s/quorate.conf", c->value[i].text);
        if (!qr_file_exists(path)) return QR_OK;
        c->file = copy_text(qr_str(path));
    }
    char *before = by_default ? c->value[i].text : NULL;
    if (by_default) c->value[i].text = NULL;
    enum qr_rc rc = read_config_file(c, err);
    free(before);
    if (rc != QR_OK) return rc;
    return find_state(c, &by_default, err);
}

static enum qr_rc set_defaults(struct qr_config *c, struct qr_err *err)
{
    for (size_t i = 0; i < total(c->spec); i++)
        if (setting(c->spec, i)->def) QR_TRY(set(c, i, setting(c->spec, i)->def, "default", err));
    return QR_OK;
}

enum qr_rc qr_config_load(struct qr_config **out, const struct qr_config_spec *spec, int argc,
                          char **argv, struct qr_err *err)
{
    *out = NULL;
    struct qr_config *c = calloc(1, sizeof *c);
    if (!c) return QR_NOMEM;
    c->spec = spec;
    enum qr_rc rc = read_flags(c, argc, argv, err);
    if (rc == QR_OK && !c->help && !c->version) {
        rc = read_environment(c, err);
        if (rc == QR_OK) rc = find_file(c, err);
        if (rc == QR_OK) rc = set_defaults(c, err);
    }
    if (rc != QR_OK) {
        qr_config_free(c);
        return rc;
    }
    *out = c;
    return QR_OK;
}

void qr_config_free(struct qr_config *c)
{
    if (!c) return;
    for (size_t i = 0; i < ALL_MAX; i++) {
        if (c->value[i].text) qr_wipe(c->value[i].text, strlen(c->value[i].text));
        free(c->value[i].text);
    }
    free(c->file);
    free(c);
}

/* ---- what main asks ---- */

static const struct value *value_of(const struct qr_config *c, const char *name)
{
    size_t i = index_of(c->spec, qr_str(name));
    if (i == SIZE_MAX) qr_fatal("no setting %s", name);
    return &c->value[i];
}

const char *qr_config_str(const struct qr_config *c, const char *name)
{
    return value_of(c, name)->text;
}

int64_t qr_config_int(const struct qr_config *c, const char *name, int64_t dflt)
{
    uint64_t n = 0;
    const char *t = value_of(c, name)->text;
    if (!t || qr_parse_u64(qr_str(t), INT64_MAX, &n) != QR_OK) return dflt;
    return (int64_t)n;
}

bool qr_config_on(const struct qr_config *c, const char *name)
{
    return value_of(c, name)->text != NULL;
}

struct qr_bytes qr_config_secret(const struct qr_config *c, const char *name)
{
    const char *t = value_of(c, name)->text;
    return t ? qr_str(t) : QR_BYTES_NONE;
}

const char *qr_config_where(const struct qr_config *c, const char *name)
{
    const struct value *v = value_of(c, name);
    return v->text ? v->where : "unset";
}

int qr_config_operands(const struct qr_config *c, char ***out)
{
    *out = c->operands;
    return c->operand_count;
}

bool qr_config_wants_text(const struct qr_config *c) { return c->help || c->version; }

void qr_config_print(const struct qr_config *c, FILE *out)
{
    if (c->help)
        qr_config_help(c->spec, out);
    else
        (void)fprintf(out, "%s %s\n", c->spec->program, PACKAGE_VERSION);
}

static void print_setting(const struct qr_setting *s, bool own, FILE *out)
{
    static const char *const words[] = {"TEXT", "PATH", "HOST:PORT", "N", "HASH", "", ""};
    char left[64];
    if (s->flag)
        (void)snprintf(left, sizeof left, "--%s %s", s->flag, words[s->kind]);
    else
        (void)snprintf(left, sizeof left, "(no flag)");
    (void)fprintf(out, "  %-34s %s", left, s->help);
    if (s->def) (void)fprintf(out, " (default %s)", s->def);
    if (!own) (void)fprintf(out, " [%s]", s->name);
    (void)fputc('\n', out);
}

void qr_config_help(const struct qr_config_spec *spec, FILE *out)
{
    (void)fprintf(out, "Examples:\n%s\n", spec->examples);
    (void)fprintf(out, "%s - %s\n\nUsage: %s [OPTION]... %s\n\nOptions:\n", spec->program,
                  spec->summary, spec->program, spec->operands ? spec->operands : "");
    for (size_t i = TABLE_SIZE; i < total(spec); i++) print_setting(setting(spec, i), true, out);
    for (size_t i = 0; i < TABLE_SIZE; i++)
        if (uses(spec, i)) print_setting(&table[i], false, out);
    (void)fprintf(out,
                  "  %-34s KEY=VALUE lines (default STATE/quorate.conf) [QUORATE_CONFIG]\n"
                  "  %-34s this text\n  %-34s version\n\n"
                  "Names in brackets are environment variables and keys of the file; flags win\n"
                  "over the environment, the environment over the file.\n",
                  "--config PATH", "--help", "--version");
    if (spec->notes) (void)fprintf(out, "\n%s", spec->notes);
}
