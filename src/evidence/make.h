/* make.h - an evidence pack from bundles and exports, and whether a pack is one.
 *
 * A pack is a pure function of its bundles and exports and of the reader's trust
 * directory: everything else in it is taken out of them for people to look at.
 * So a pack is checked by making it again from its bundles and exports, under
 * the trust directory of who checks, and comparing every byte.
 * Nothing here opens a socket or a file.
 * Spec: docs/FORMATS.md section 21, TRUST.md sections 10 and 11. */
#ifndef QUORATE_EVIDENCE_MAKE_H
#define QUORATE_EVIDENCE_MAKE_H

#include "bundle/verify.h"
#include "evidence/pack.h"
#include "trust/trust_dir.h"

#define EVIDENCE_MANIFEST "manifest.json"
#define EVIDENCE_PAGE "index.html"

struct evidence_source {
    const char *name; /* of an export: its file name in the pack; of a bundle: NULL */
    struct qr_bytes bytes;
};
struct evidence_input {
    const struct trust_dir *trust;
    const struct evidence_source *bundles; /* one session each, stage `signed` */
    size_t bundle_count;
    const struct evidence_source *exports;
    size_t export_count;
    bool allow_simulated; /* beyond the policy */
    const char *tool_version;
};

/* What stands in a pack. */
struct evidence_facts {
    size_t sessions, entries, exports;
    uint64_t exported; /* rows of the exports */
    int64_t time_us;   /* of the newest entry of a bundle */
    unsigned classes;  /* of all bundles */
};

/* Verifies each bundle and export, and fills out (all zeros before; pack_fini in
 * every case).  err names the bundle or export that failed and its check. */
enum qr_rc evidence_make(const struct evidence_input *in, struct pack *out,
                         struct evidence_facts *facts, struct qr_err *err) QR_MUST_CHECK;

/* As evidence_make from what p holds, and compares: QR_FALSE names the first
 * file that is missing, too many or changed.  *page: whether index.html was
 * compared, which is done for packs of this program's version only. */
enum qr_rc evidence_check(const struct pack *p, const struct trust_dir *trust, bool allow_simulated,
                          struct evidence_facts *facts, bool *page, struct qr_err *err)
    QR_MUST_CHECK;

#endif
