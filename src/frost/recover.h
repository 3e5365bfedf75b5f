/* recover.h - a lost key share, rebuilt from what a participant keeps: its
 * static key, the certificate and the frames that were addressed to it.
 *
 * For standing groups; a group of one session keeps nothing.  The certificate
 * is verified in full again: a stored transcript is not trusted.
 *
 * Spec: COCKTAIL-DKG v0.2.1 "Recovery Algorithm". */
#ifndef QUORATE_FROST_RECOVER_H
#define QUORATE_FROST_RECOVER_H

#include "frost/cocktail.h"

/* recovery is the n frames as dkg_result_get gave them.  Gives the share
 * (frost_share_fini), which carries the group.  QR_NOTFOUND: the key takes no
 * part in this certificate; QR_MALFORMED: not exactly n frames, or a share
 * that is no scalar; QR_FALSE: a frame does not open or does not fit;
 * otherwise cocktail_certificate_verify. */
enum qr_rc cocktail_recover(const struct cocktail_static *key, struct qr_bytes certificate,
                            struct qr_bytes recovery, struct frost_share *share, struct qr_err *err)
    QR_MUST_CHECK;

#endif
