/* seal.h - keys at rest, closed to everything but this node, this image and
 * firmware at least as new as when they were sealed.
 *
 * The key of a box is mixed of two parts: one that the processor derives for a
 * guest of this launch digest and firmware level (a software sealer has none),
 * and a secret that the operator gives a machine after he has verified its
 * report.  Neither is enough: every guest of the same image on the chip derives
 * the same first part, and the second is in a configuration somewhere.
 * What the first part was derived from stands beside the box, in clear and
 * authenticated.  Spec: docs/SNP.md 4.4, TRUST.md section 2 (class softseal). */
#ifndef QUORATE_ATTEST_SEAL_H
#define QUORATE_ATTEST_SEAL_H

#include "attest/device.h"
#include "base/rand.h"

#define ATTEST_SEAL_SECRET_MIN 16
#define ATTEST_SEAL_PLAIN_MAX 8192
#define ATTEST_SEAL_MAX 16384
#define ATTEST_SEAL_NAME_MAX 64

struct attest_sealer_conf {
    const struct attest_device *device; /* borrowed; NULL: in software */
    struct qr_bytes secret;             /* the operator's; copied */
    struct qr_bytes node;               /* 1..64 bytes of ASCII; copied */
    struct qr_rand rand;
};
struct attest_sealer;

/* Asks the device for one report, to know what it is itself.  QR_USAGE: the
 * secret is shorter than ATTEST_SEAL_SECRET_MIN; QR_NOTIMPL: the device derives
 * no keys; else what the device gives.  Gives; attest_sealer_close. */
enum qr_rc attest_sealer_open(const struct attest_sealer_conf *conf, struct attest_sealer **out,
                              struct qr_err *err) QR_MUST_CHECK;
void attest_sealer_close(struct attest_sealer *s); /* NULL allowed */
/* "production", "simulated", or "software". */
const char *attest_sealer_kind(const struct attest_sealer *s);

/* Appends plain (at most ATTEST_SEAL_PLAIN_MAX) as a box under name, which must
 * be the same when it is opened. */
enum qr_rc attest_seal(struct attest_sealer *s, struct qr_bytes name, struct qr_bytes plain,
                       struct qr_buf *out, struct qr_err *err) QR_MUST_CHECK;

/* Appends what is in a box; stale: the firmware's committed level has risen since,
 * and the box should be made again.  QR_MALFORMED: no box; QR_POLICY: made by
 * another kind of sealer, for another node or name; QR_ATTESTATION: by another
 * image, another guest policy or level, or by newer firmware than this; or it does not open:
 * another chip, another secret, or altered.  Wipe what was appended. */
enum qr_rc attest_unseal(struct attest_sealer *s, struct qr_bytes name, struct qr_bytes box,
                         struct qr_buf *out, bool *stale, struct qr_err *err) QR_MUST_CHECK;
/* It begins as a box does, not as a key in PEM. */
bool attest_is_sealed(struct qr_bytes s);
/* A well-formed box of another kind than software; nothing of it is verified. */
bool attest_sealed_in_hardware(struct qr_bytes s);

#endif
