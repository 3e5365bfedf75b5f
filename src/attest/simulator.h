/* simulator.h - a device for development: reports in the real format, signed
 * under a development root.
 *
 * Built only with QUORATE_SIMULATOR.  Its evidence is of class simulated and
 * goes through the same verifier as AMD's; a production policy can never
 * accept it, because its root is not AMD's.  It protects nothing: whoever
 * reads the node directory can make any report. */
#ifndef QUORATE_ATTEST_SIMULATOR_H
#define QUORATE_ATTEST_SIMULATOR_H

#include "attest/device.h"
#include "base/clock.h"

/* The image whose SHA-384 is the measurement when none is named. */
#define ATTEST_SIM_IMAGE "quorate simulated image"

/* Makes the root of a simulated product "Genoa": dir/ark.der, dir/ask.der,
 * dir/ask.key (0600).  The root's own key is not kept.  dir must exist.  Two
 * RSA-4096 keys: takes seconds.  QR_EXISTS when there is one already. */
enum qr_rc attest_sim_root_make(const char *dir, int64_t now_us, struct qr_err *err) QR_MUST_CHECK;

/* Makes a node under that root: node_dir/vcek.der, vcek.key (0600), and copies
 * of ask.der and ark.der; the chip id is random.  node_dir must exist.
 * QR_EXISTS when there is one already. */
enum qr_rc attest_sim_node_make(const char *root_dir, const char *node_dir, int64_t now_us,
                                const struct qr_rand *rand, struct qr_err *err) QR_MUST_CHECK;

/* Opens a node's simulator; image NULL: ATTEST_SIM_IMAGE.  A file
 * node_dir/throttle of two numbers, "10 10230", makes it as slow as a cloud
 * that throttles its guests: every 10th report takes 10230 ms more, and the
 * device has the pace of hardware; "1 1000" is one report a second.  To a file
 * node_dir/reports, if there is one, each report adds a line: our process and its
 * monotonic microseconds when the report was made.  Closed with attest_device_close. */
enum qr_rc attest_sim_open(const char *node_dir, const char *image, struct attest_device *out,
                           struct qr_err *err) QR_MUST_CHECK;

/* SHA-384 of the image's name: the measurement its reports carry. */
void attest_sim_measurement(const char *image, uint8_t out[ATTEST_MEASUREMENT_SIZE]);

/* Appends the text of a policy that accepts the nodes of this root running
 * image (NULL: ATTEST_SIM_IMAGE), class simulated. */
enum qr_rc attest_sim_policy(const char *root_dir, const char *image, struct qr_buf *out,
                             struct qr_err *err) QR_MUST_CHECK;

#endif
