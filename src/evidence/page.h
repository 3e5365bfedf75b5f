/* page.h - index.html of an evidence pack: data/pack.html with the pack's files
 * in it.  The page runs without network, under a policy that names its own script
 * and style by digest. */
#ifndef QUORATE_EVIDENCE_PAGE_H
#define QUORATE_EVIDENCE_PAGE_H

#include "evidence/pack.h"

/* Appends the page for the files of p.  QR_NOMEM: too large. */
enum qr_rc evidence_page(const struct pack *p, struct qr_buf *out, struct qr_err *err)
    QR_MUST_CHECK;

#endif
