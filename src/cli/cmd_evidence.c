/* cmd_evidence.c - `quorate evidence pack`: what an auditor gets about one or
 * more sessions, in one file. */
#include <config.h>

#include "base/file.h"
#include "cli/open.h"
#include "evidence/make.h"
#include "leaf/session.h"

#include <stdlib.h>

static const struct qr_setting own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"SESSION", "session", QR_SET_TEXT, NULL, 0, 0, "a signed session; asked of the coordinator"},
    {"FROM", "from", QR_SET_INT, NULL, 0, INT64_MAX, "first entry: all sessions signed from there"},
    {"TO", "to", QR_SET_INT, NULL, 0, INT64_MAX, "first entry that is not of the range"},
    {"EXPORT", "export", QR_SET_PATH, NULL, 0, 0, "put this file of quorate-export into it"},
    {"OUT", "output", QR_SET_PATH, NULL, 0, 0, "where the pack goes"},
    {"ALLOW_SIMULATED", "allow-simulated", QR_SET_SWITCH, NULL, 0, 0,
     "accept the TEE simulator beyond the policy"},
};
#define EXAMPLES                                                                         \
    "  quorate evidence pack --session ID --output release.qpack\n"                      \
    "  quorate evidence pack --output release.qpack release.tar.gz.quorate\n"            \
    "  quorate evidence pack --from 0 --to 5000 --export year.csv --output year.qpack\n" \
    "  tlog-verify pack --trust DIR release.qpack\n"

static const struct qr_config_spec spec = {
    .program = "quorate evidence pack",
    .summary = "writes one file that shows an auditor what was approved and signed",
    .examples = EXAMPLES,
    .names = open_names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .operands = "[BUNDLE...]",
};

/* Bundles and an export in memory, and whose trust directory judges them. */
struct packing {
    struct cli *c;
    struct open_all all;
    bool online;
    struct trust_dir *trust; /* all.trust, or own */
    struct qr_buf *buf;      /* of each bundle */
    struct evidence_source *bundles;
    size_t n, room;
    struct qr_buf export;
    struct evidence_source export_source;
};

/* An empty buffer for one more bundle; NULL: no memory. */
static struct qr_buf *one_more(struct packing *p)
{
    if (p->n == p->room) {
        size_t room = p->room ? 2 * p->room : 16;
        struct qr_buf *more = realloc(p->buf, room * sizeof *more);
        if (!more) return NULL;
        p->buf = more;
        p->room = room;
    }
    struct qr_buf *b = &p->buf[p->n++];
    qr_buf_init(b, QR_MAX_BUNDLE);
    return b;
}

static enum qr_rc add_session(struct packing *p, const char *session, struct qr_err *err)
{
    struct qr_buf *b = one_more(p);
    if (!b) return QR_NOMEM;
    return services_material(p->all.services, session, NULL, BUNDLE_SIGNED, b, err);
}

static enum qr_rc add_file(struct packing *p, const char *path, struct qr_err *err)
{
    struct qr_buf *b = one_more(p);
    if (!b) return QR_NOMEM;
    return qr_file_read(path, b, err);
}

/* ---- a range ---- */

/* The session that the entry says was signed, if it is such an entry. */
static enum qr_rc add_signed(struct packing *p, const struct log_entry *e, struct qr_err *err)
{
    struct leaf_entry entry;
    struct leaf_made made;
    QR_TRY(leaf_parse(e->bytes, &entry, err));
    bool is = entry.kind == LEAF_SIGNATURE_MADE && leaf_made_read(entry.body, &made, err) == QR_OK;
    leaf_fini(&entry);
    return is ? add_session(p, made.session.id, err) : QR_OK;
}

#define AT_ONCE 256

static enum qr_rc add_range(struct packing *p, uint64_t from, uint64_t to, struct qr_err *err)
{
    struct log_answer head;
    QR_TRY(log_client_head(services_log(p->all.services), &head, err));
    uint64_t size = head.head.at.size;
    log_answer_fini(&head);
    if (to > size) to = size;
    if (from >= to) return qr_fail(err, QR_RANGE, "the log has no entry in that range");
    while (from < to) {
        uint64_t index[AT_ONCE];
        struct log_answer a;
        size_t n = 0;
        while (n < AT_ONCE && from < to) index[n++] = from++;
        enum qr_rc rc = log_client_proofs(services_log(p->all.services), index, n, &a, err);
        for (size_t i = 0; rc == QR_OK && i < a.n; i++) rc = add_signed(p, &a.entries[i], err);
        log_answer_fini(&a);
        QR_TRY(rc);
        if (p->c->tty)
            cli_say(p->c, "%llu of %llu entries read", (unsigned long long)from,
                    (unsigned long long)to);
    }
    return p->n ? QR_OK : qr_fail(err, QR_NOTFOUND, "nothing was signed in that range");
}

/* ---- all of it ---- */

static enum qr_rc load_trust(struct packing *p, struct qr_err *err)
{
    char state[PATH_MAX], path[PATH_MAX];
    const char *given = qr_config_str(p->c->config, "QUORATE_TRUST_DIR");
    QR_TRY(cli_state_dir(p->c, state, err));
    QR_TRY(cli_path(path, state, "trust", NULL, err));
    p->trust = calloc(1, sizeof *p->trust);
    return p->trust ? trust_dir_load(given ? given : path, p->trust, err) : QR_NOMEM;
}

static enum qr_rc gather(struct packing *p, struct qr_err *err)
{
    char **files;
    const struct qr_config *conf = p->c->config;
    int count = qr_config_operands(conf, &files);
    const char *session = qr_config_str(conf, "SESSION");
    int64_t from = qr_config_int(conf, "FROM", -1), to = qr_config_int(conf, "TO", -1);
    if (!session && from < 0 && to < 0 && count == 0)
        return qr_fail(err, QR_USAGE, "give --session ID, --from and --to, or bundle files");
    p->online = session || from >= 0 || to >= 0;
    if (p->online) {
        QR_TRY(open_services(p->c, &p->all, err));
        p->trust = p->all.trust;
    } else
        QR_TRY(load_trust(p, err));
    if (session) QR_TRY(add_session(p, session, err));
    if (from >= 0 || to >= 0)
        QR_TRY(
            add_range(p, from < 0 ? 0 : (uint64_t)from, to < 0 ? UINT64_MAX : (uint64_t)to, err));
    for (int i = 0; i < count; i++) QR_TRY(add_file(p, files[i], err));
    return QR_OK;
}

static enum qr_rc take_export(struct packing *p, struct qr_err *err)
{
    const char *path = qr_config_str(p->c->config, "EXPORT");
    if (!path) return QR_OK;
    const char *name = path;
    for (const char *s = path; *s; s++)
        if (*s == '/') name = s + 1;
    QR_TRY(qr_file_read(path, &p->export, err));
    p->export_source = (struct evidence_source){name, qr_buf_bytes(&p->export)};
    return QR_OK;
}

static void tell(struct cli *c, const struct evidence_facts *f, const char *path, size_t bytes)
{
    char classes[64];
    qr_classes_text(f->classes, classes);
    c->result = qr_json_object();
    qr_json_set_str(c->result, "pack", path);
    qr_json_set_int(c->result, "sessions", (int64_t)f->sessions);
    qr_json_set_int(c->result, "entries", (int64_t)f->entries);
    qr_json_set_int(c->result, "exports", (int64_t)f->exports);
    qr_json_set_int(c->result, "bytes", (int64_t)bytes);
    qr_json_set_str(c->result, "classes", classes);
    cli_say(c, "%s: %zu sessions, %zu entries with proofs, %zu exports; trust class %s.", path,
            f->sessions, f->entries, f->exports, classes);
    cli_say(c, "Unpack it and open index.html, or: tlog-verify pack --trust DIR %s", path);
}

static enum qr_rc write_pack(struct packing *p, const char *out, struct qr_err *err)
{
    struct pack pack = {0};
    struct evidence_facts facts;
    struct qr_buf archive;
    struct evidence_input in = {.trust = p->trust,
                                .bundles = p->bundles,
                                .bundle_count = p->n,
                                .exports = &p->export_source,
                                .export_count = p->export_source.name ? 1 : 0,
                                .allow_simulated = qr_config_on(p->c->config, "ALLOW_SIMULATED"),
                                .tool_version = PACKAGE_VERSION};
    qr_buf_init(&archive, PACK_MAX_BYTES);
    enum qr_rc rc = evidence_make(&in, &pack, &facts, err);
    if (rc == QR_OK) rc = pack_write(&pack, facts.time_us, &archive, err);
    if (rc == QR_OK) rc = qr_file_write(out, qr_buf_bytes(&archive), 0600, err);
    if (rc == QR_OK) tell(p->c, &facts, out, archive.n);
    pack_fini(&pack);
    qr_buf_fini(&archive);
    return rc;
}

static enum qr_rc run_pack(struct packing *p, struct qr_err *err)
{
    const char *out = qr_config_str(p->c->config, "OUT");
    if (!out) return qr_fail(err, QR_USAGE, "give --output FILE");
    QR_TRY(gather(p, err));
    QR_TRY(take_export(p, err));
    p->bundles = calloc(p->n, sizeof *p->bundles);
    if (!p->bundles) return QR_NOMEM;
    for (size_t i = 0; i < p->n; i++) p->bundles[i].bytes = qr_buf_bytes(&p->buf[i]);
    return write_pack(p, out, err);
}

static void close_all(struct packing *p)
{
    if (!p->online && p->trust) {
        trust_dir_fini(p->trust);
        free(p->trust);
    }
    open_close(&p->all);
    for (size_t i = 0; i < p->n; i++) qr_buf_fini(&p->buf[i]);
    free(p->buf);
    free(p->bundles);
    qr_buf_fini(&p->export);
    free(p);
}

static enum qr_rc evidence_pack(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    struct packing *p = calloc(1, sizeof *p);
    if (!p) return QR_NOMEM;
    p->c = c;
    qr_buf_init(&p->export, PACK_MAX_BYTES);
    enum qr_rc rc = run_pack(p, err);
    close_all(p);
    return rc;
}

static const struct cli_command commands[] = {
    {"pack", "write one file that shows what was approved and signed", evidence_pack},
};
static const struct cli_group group = {
    .name = "evidence",
    .examples = EXAMPLES,
    .commands = commands,
    .count = sizeof commands / sizeof commands[0],
};

enum qr_rc cli_evidence(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    return cli_group_run(c, &group, argc, argv, err);
}
