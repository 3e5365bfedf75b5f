/* verify_end.h - from the key generation to the signature: (k) to (n) of
 * TRUST.md section 10.  Inside src/bundle only. */
#ifndef QUORATE_BUNDLE_VERIFY_END_H
#define QUORATE_BUNDLE_VERIFY_END_H

#include "bundle/sort.h"

/* After everything up to the descriptor has passed. */
enum qr_rc verify_end(const struct sorted *s, const struct bundle_options *opt,
                      struct bundle_facts *f, struct trust_report *r) QR_MUST_CHECK;

#endif
