/* open.h - a node's attestation device by its settings: hardware or simulator,
 * with a broker in front.
 *
 * Daemons and participants open theirs here and nowhere else.  Which class is
 * wanted comes from the pinned attestation policy, not from the settings: a
 * setting can never turn a production node into a simulated one. */
#ifndef QUORATE_ATTEST_OPEN_H
#define QUORATE_ATTEST_OPEN_H

#include "attest/broker.h"

struct attest_node_conf {
    const char *device;       /* TEE_DEVICE: auto, configfs, sev-guest, simulator */
    const char *certs_dir;    /* TEE_CERTS, or NULL */
    int level;                /* TEE_LEVEL, or ATTEST_LEVEL_ANY */
    const char *sim_dir;      /* of this node */
    enum attest_class wanted; /* of the attestation policy */
    struct attest_broker_conf broker;
};

/* QR_POLICY: the device is of another class than wanted; otherwise what the
 * device gives.  Closed with attest_device_close. */
enum qr_rc attest_open(const struct attest_node_conf *conf, struct attest_device *out,
                       struct qr_err *err) QR_MUST_CHECK;

#endif
