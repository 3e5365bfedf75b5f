/* make.c - see make.h. */
#include <config.h>

#include "evidence/make.h"

#include "evidence/page.h"
#include "export/document.h"
#include "export/signed.h"
#include "export/verify.h"
#include "tlog/qr.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MANIFEST (16u * 1024 * 1024)
#define DIR_SESSIONS "sessions/"
#define DIR_EXPORTS "exports/"
#define BUNDLE_NAME "bundle.quorate"

/* A pack under construction. */
struct making {
    const struct evidence_input *in;
    struct pack *out;
    struct evidence_facts *facts;
    json_t *sessions; /* of the manifest, by id */
    json_t *authors;  /* {name: {key id: key}} */
    json_t *log_keys; /* {verifier key: ""}: a set */
    json_t *witnesses;
    struct qr_err *err;
};

/* ---- keys that the page needs, out of the reader's trust directory ---- */

static enum qr_rc add_author(struct making *m, const struct leaf_entry *e)
{
    const struct qr_pub *pub = trust_author_key(m->in->trust, e->author, qr_str(e->key_id));
    if (!pub) return qr_fail(m->err, QR_FALSE, "an entry's author is not trusted");
    const char *name = leaf_author_name(e->author);
    json_t *keys = json_object_get(m->authors, name);
    if (!keys) {
        keys = qr_json_object();
        qr_json_set(m->authors, name, keys);
    }
    qr_json_set_hex(keys, e->key_id, pub->b, sizeof pub->b);
    return QR_OK;
}

static void add_vkey(json_t *set, const struct tlog_vkey *k)
{
    char text[TLOG_VKEY_MAX];
    tlog_vkey_format(k, text);
    qr_json_set_str(set, text, "");
}

/* The log's key that signed it, and the witnesses that cosigned it. */
static enum qr_rc add_signers(struct making *m, struct qr_bytes checkpoint, uint64_t size)
{
    const struct trust_dir *t = m->in->trust;
    struct tlog_vkey keys[TRUST_MAX_KEYS];
    struct tlog_note note;
    struct qr_buf names;
    unsigned count = 0;
    size_t n = trust_log_keys(t, size, keys);
    for (size_t i = 0; i < n; i++) {
        struct tlog_trust one = {.origin = t->origin, .keys = &keys[i], .key_count = 1};
        struct tlog_checkpoint cp;
        if (tlog_checkpoint_open(tlog_of_qr(checkpoint), &one, &cp) == TLOG_OK)
            add_vkey(m->log_keys, &keys[i]);
    }
    if (tlog_note_parse(tlog_of_qr(checkpoint), &note) != TLOG_OK) return QR_MALFORMED;
    for (size_t i = 0; i < t->witness_count; i++) {
        struct trust_dir one = {.witness_count = 1};
        one.witnesses[0] = t->witnesses[i];
        qr_buf_init(&names, 1024);
        enum qr_rc rc = trust_witnesses_count(&one, &note, &count, &names);
        qr_buf_fini(&names);
        if (rc == QR_OK && count == 1) add_vkey(m->witnesses, &t->witnesses[i]);
    }
    return QR_OK;
}

/* ---- one session ---- */

static enum qr_rc put(struct making *m, const char *session, const char *name, struct qr_bytes data)
{
    char path[PACK_MAX_PATH + 1];
    (void)snprintf(path, sizeof path, DIR_SESSIONS "%s/%s", session, name);
    return pack_add(m->out, path, data, m->err);
}

/* DIR/01.END, DIR/02.END ... */
struct listing {
    const char *dir, *end;
    const struct qr_bytes *list;
    size_t n;
};

static enum qr_rc put_list(struct making *m, const char *session, struct listing l)
{
    char name[64];
    for (size_t i = 0; i < l.n; i++) {
        (void)snprintf(name, sizeof name, "%s/%02zu.%s", l.dir, i + 1, l.end);
        QR_TRY(put(m, session, name, l.list[i]));
    }
    return QR_OK;
}

static enum qr_rc put_parts(struct making *m, const struct bundle *b)
{
    char name[64];
    QR_TRY(put(m, b->session, "checkpoint.note", b->checkpoint));
    for (size_t i = 0; i < b->entry_count; i++) {
        (void)snprintf(name, sizeof name, "entries/%08llu.json",
                       (unsigned long long)b->entries[i].index);
        QR_TRY(put(m, b->session, name, b->entries[i].leaf));
    }
    const struct listing lists[] = {
        {"certificates", "der", b->certificates, b->certificate_count},
        {"evidence", "json", b->evidence, b->evidence_count},
        {"grants", "json", b->grants, b->grant_count},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        QR_TRY(put_list(m, b->session, lists[i]));
    return put(m, b->session, "key-generation.bin", b->transcript);
}

static json_t *session_line(const struct bundle_facts *f)
{
    const struct leaf_request *r = &f->request.is;
    char key[2 * QR_KEY_SIZE + 1];
    json_t *o = qr_json_object();
    qr_json_set_str(o, "artifact_name", r->artifact.name);
    qr_json_set_hex(o, "artifact_sha256", r->artifact.sha256.b, QR_SHA256_SIZE);
    qr_hex(f->group_key.b, QR_KEY_SIZE, key);
    qr_json_set_str(o, "group_key", key);
    return o;
}

static enum qr_rc take_facts(struct making *m, const struct bundle *b, struct bundle_facts *f)
{
    for (size_t i = 0; i < f->parsed_count; i++) QR_TRY(add_author(m, &f->parsed[i]));
    QR_TRY(add_signers(m, b->checkpoint, f->head.size));
    qr_json_set(m->sessions, b->session, session_line(f));
    m->facts->sessions++;
    m->facts->entries += b->entry_count;
    m->facts->classes |= f->classes;
    if (f->time_us > m->facts->time_us) m->facts->time_us = f->time_us;
    return QR_OK;
}

static enum qr_rc verify(struct making *m, const struct bundle *b, struct bundle_facts *f)
{
    struct trust_report r;
    struct qr_err why = {{0}};
    struct bundle_options opt = {.need = BUNDLE_SIGNED, .allow_simulated = m->in->allow_simulated};
    trust_report_init(&r);
    enum qr_rc rc = bundle_verify(b, m->in->trust, &opt, &r, f);
    if (rc != QR_OK) {
        (void)trust_report_err(&r, &why);
        rc = qr_fail(m->err, rc, "session %s: %s", b->session, why.text);
    }
    trust_report_fini(&r);
    return rc;
}

static enum qr_rc add_bundle(struct making *m, const struct evidence_source *src)
{
    struct bundle b;
    QR_TRY(bundle_read(src->bytes, &b, m->err));
    struct bundle_facts *f = calloc(1, sizeof *f);
    enum qr_rc rc = f ? verify(m, &b, f) : QR_NOMEM;
    if (rc == QR_OK) rc = take_facts(m, &b, f);
    if (rc == QR_OK) rc = put(m, b.session, BUNDLE_NAME, src->bytes);
    if (rc == QR_OK) rc = put_parts(m, &b);
    if (f) bundle_facts_fini(f);
    free(f);
    bundle_fini(&b);
    return rc;
}

/* ---- one export ---- */

static enum qr_rc on_header(void *ctx, const struct export_header *h, struct qr_err *err)
{
    const struct making *m = ctx;
    QR_TRY(export_header_signed(h, m->in->trust, err));
    return export_header_witnessed(h, m->in->trust, err);
}

static enum qr_rc on_row(void *ctx, const struct export_row *r, struct qr_err *err)
{
    return export_row_signed(r, ((const struct making *)ctx)->in->trust, err);
}

static enum qr_rc add_export(struct making *m, const struct evidence_source *src)
{
    struct export_input in;
    struct export_verdict v;
    struct export_watch watch = {on_header, on_row, m};
    export_input_init(&in, NULL, src->bytes, EXPORT_UNIT_MAX);
    enum qr_rc rc = export_document_sniff(export_input_peek(&in, 20))
                        ? export_document_verify(&in, &watch, &v)
                        : export_verify(&in, &watch, &v);
    export_input_fini(&in);
    if (rc != QR_OK) return qr_fail(m->err, rc, "export %s: %s", src->name, v.err.text);
    char path[PACK_MAX_PATH + 1];
    int n = snprintf(path, sizeof path, DIR_EXPORTS "%s", src->name);
    if (n < 0 || n > PACK_MAX_PATH)
        return qr_fail(m->err, QR_MALFORMED, "the name of an export is too long");
    m->facts->exports++;
    m->facts->exported += v.entries;
    return pack_add(m->out, path, src->bytes, m->err);
}

/* ---- the whole ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, so that the order of the bundles does not show. */
static json_t *keys_of(json_t *set)
{
    const char *keys[TRUST_MAX_KEYS];
    size_t n = 0;
    json_t *a = qr_json_array();
    for (void *i = json_object_iter(set); i; i = json_object_iter_next(set, i)) {
        assert(n < TRUST_MAX_KEYS);
        keys[n++] = json_object_iter_key(i);
    }
    if (n > 1) qsort(keys, n, sizeof keys[0], by_text);
    for (size_t i = 0; i < n; i++) qr_json_add(a, json_string(keys[i]));
    return a;
}

static json_t *file_list(const struct pack *p)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < p->n; i++) {
        json_t *o = qr_json_object();
        struct qr_hash h = qr_sha256_one(p->file[i].data);
        qr_json_set_str(o, "path", p->file[i].path);
        qr_json_set_hex(o, "sha256", h.b, sizeof h.b);
        qr_json_set_u64str(o, "size", p->file[i].data.n);
        qr_json_add(a, o);
    }
    return a;
}

static enum qr_rc put_manifest(struct making *m)
{
    struct qr_buf b;
    json_t *o = qr_json_object(), *keys = qr_json_object();
    qr_json_set(keys, "authors", json_incref(m->authors));
    qr_json_set(keys, "log", keys_of(m->log_keys));
    qr_json_set(keys, "witnesses", keys_of(m->witnesses));
    qr_json_set(o, "files", file_list(m->out));
    qr_json_set(o, "keys", keys);
    qr_json_set_str(o, "origin", m->in->trust->origin);
    qr_json_set(o, "sessions", json_incref(m->sessions));
    qr_json_set_str(o, "tool_version", m->in->tool_version);
    qr_json_set_str(o, "type", "quorate.evidence");
    qr_json_set_int(o, "v", 1);
    qr_buf_init(&b, MAX_MANIFEST);
    enum qr_rc rc = qr_json_write(o, &b);
    if (rc == QR_OK) rc = pack_add(m->out, EVIDENCE_MANIFEST, qr_buf_bytes(&b), m->err);
    qr_buf_fini(&b);
    json_decref(o);
    return rc;
}

static enum qr_rc put_page(struct making *m)
{
    struct qr_buf b;
    qr_buf_init(&b, PACK_MAX_BYTES);
    enum qr_rc rc = evidence_page(m->out, &b, m->err);
    if (rc == QR_OK) rc = pack_add(m->out, EVIDENCE_PAGE, qr_buf_bytes(&b), m->err);
    qr_buf_fini(&b);
    return rc;
}

static enum qr_rc add_all(struct making *m)
{
    for (size_t i = 0; i < m->in->bundle_count; i++) QR_TRY(add_bundle(m, &m->in->bundles[i]));
    for (size_t i = 0; i < m->in->export_count; i++) QR_TRY(add_export(m, &m->in->exports[i]));
    pack_sort(m->out);
    QR_TRY(put_manifest(m));
    pack_sort(m->out);
    QR_TRY(put_page(m));
    pack_sort(m->out);
    return QR_OK;
}

enum qr_rc evidence_make(const struct evidence_input *in, struct pack *out,
                         struct evidence_facts *facts, struct qr_err *err)
{
    *facts = (struct evidence_facts){0};
    if (in->bundle_count == 0) return qr_fail(err, QR_USAGE, "a pack needs a session");
    struct making m = {.in = in,
                       .out = out,
                       .facts = facts,
                       .sessions = qr_json_object(),
                       .authors = qr_json_object(),
                       .log_keys = qr_json_object(),
                       .witnesses = qr_json_object(),
                       .err = err};
    enum qr_rc rc = add_all(&m);
    json_decref(m.sessions);
    json_decref(m.authors);
    json_decref(m.log_keys);
    json_decref(m.witnesses);
    return rc;
}
