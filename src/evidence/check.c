/* check.c - is this pack what its bundles and exports make of it?  (make.h) */
#include <config.h>

#include "evidence/make.h"

#include <stdlib.h>
#include <string.h>

/* What a pack is made from, found in it. */
struct found {
    struct evidence_source *bundles, *exports;
    size_t bundle_count, export_count;
    char version[33];
};

static const char *after(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 ? path + n : NULL;
}

static bool is_bundle(const char *path)
{
    const char *rest = after(path, "sessions/");
    const char *slash = rest ? strchr(rest, '/') : NULL;
    return slash && strcmp(slash, "/bundle.quorate") == 0;
}

static enum qr_rc find_sources(const struct pack *p, struct found *f)
{
    f->bundles = calloc(p->n ? p->n : 1, sizeof *f->bundles);
    f->exports = calloc(p->n ? p->n : 1, sizeof *f->exports);
    if (!f->bundles || !f->exports) return QR_NOMEM;
    for (size_t i = 0; i < p->n; i++) {
        const char *name = after(p->file[i].path, "exports/");
        struct evidence_source s = {name, p->file[i].data};
        if (is_bundle(p->file[i].path)) f->bundles[f->bundle_count++] = s;
        if (name) f->exports[f->export_count++] = s;
    }
    return QR_OK;
}

static enum qr_rc read_version(const struct pack *p, struct found *f, struct qr_err *err)
{
    const struct pack_file *m = pack_find(p, EVIDENCE_MANIFEST);
    json_t *v = NULL;
    if (!m) return qr_fail(err, QR_MALFORMED, "no " EVIDENCE_MANIFEST ": not an evidence pack");
    if (qr_json_parse(m->data, &v, NULL) != QR_OK)
        return qr_fail(err, QR_FALSE, EVIDENCE_MANIFEST " was changed");
    const char *version = json_string_value(json_object_get(v, "tool_version"));
    struct qr_bytes s = qr_str(version ? version : "");
    bool ok = s.n > 0 && s.n < sizeof f->version;
    if (ok) qr_copy(f->version, s.p, s.n);
    json_decref(v);
    return ok ? QR_OK : qr_fail(err, QR_FALSE, EVIDENCE_MANIFEST " was changed");
}

static enum qr_rc compare(const struct pack *is, const struct pack *must, bool page,
                          struct qr_err *err)
{
    for (size_t i = 0; i < must->n; i++) {
        const struct pack_file *f = pack_find(is, must->file[i].path);
        if (!f) return qr_fail(err, QR_FALSE, "%s is missing", must->file[i].path);
        bool skip = !page && strcmp(f->path, EVIDENCE_PAGE) == 0;
        if (!skip && !qr_bytes_equal(f->data, must->file[i].data))
            return qr_fail(err, QR_FALSE, "%s was changed", f->path);
    }
    for (size_t i = 0; i < is->n; i++)
        if (!pack_find(must, is->file[i].path))
            return qr_fail(err, QR_FALSE, "%s does not belong there", is->file[i].path);
    return QR_OK;
}

enum qr_rc evidence_check(const struct pack *p, const struct trust_dir *trust, bool allow_simulated,
                          struct evidence_facts *facts, bool *page, struct qr_err *err)
{
    struct found f = {.bundles = NULL};
    struct pack must = {0};
    *facts = (struct evidence_facts){0};
    enum qr_rc rc = read_version(p, &f, err);
    if (rc == QR_OK) rc = find_sources(p, &f);
    if (rc == QR_OK && f.bundle_count == 0)
        rc = qr_fail(err, QR_FALSE, "no session stands in the pack");
    struct evidence_input in = {.trust = trust,
                                .bundles = f.bundles,
                                .bundle_count = f.bundle_count,
                                .exports = f.exports,
                                .export_count = f.export_count,
                                .allow_simulated = allow_simulated,
                                .tool_version = f.version};
    *page = strcmp(f.version, PACKAGE_VERSION) == 0;
    if (rc == QR_OK) rc = evidence_make(&in, &must, facts, err);
    if (rc == QR_OK) rc = compare(p, &must, *page, err);
    pack_fini(&must);
    free(f.bundles);
    free(f.exports);
    return rc;
}
