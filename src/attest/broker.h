/* broker.h - the one place of a process that asks a device: a queue, a deadline
 * for everyone in it, and a budget of reports.
 *
 * Hardware has to be asked one thing at a time and is throttled by its host; a
 * guest that asks too fast waits ten seconds inside the driver, and everybody
 * behind it.  So reports are made at the device's own pace, by one thread.
 * The last tokens are kept for step-up evidence: opening channels must not
 * keep an approval from being made.  A device that died ends the node: every
 * later request fails at once, and the owner is told.  Spec: SNP.md 4.1, 5.4. */
#ifndef QUORATE_ATTEST_BROKER_H
#define QUORATE_ATTEST_BROKER_H

#include "attest/device.h"
#include "base/clock.h"

#define ATTEST_QUEUE_MAX 64      /* requests that wait at the same time */
#define ATTEST_RESERVE 2         /* tokens that channels leave */
#define ATTEST_CHANNEL_WAIT_S 20 /* a report for a channel waits so long */
#define ATTEST_STEP_UP_WAIT_S 60 /* evidence for an operation */

struct attest_broker_conf {
    struct qr_clock clock;
    /* Called once, from the broker's thread, when the device has died; text
     * says why.  NULL: nobody. */
    void (*dead)(void *ctx, const char *text);
    void *ctx;
};

/* Puts a broker before *d: takes the device and replaces it by one that many
 * threads may use.  Closing it waits for the request that the device works on.
 * On failure *d is as before. */
enum qr_rc attest_broker_start(struct attest_device *d, const struct attest_broker_conf *conf,
                               struct qr_err *err) QR_MUST_CHECK;

#endif
