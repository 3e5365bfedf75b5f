/* policy_watch.h - when the next attestation policy comes in force: a
 * policy.changed entry with the admins' signatures, which every node finds in
 * the log for itself.
 *
 * The trust directory says what the next policy is, the log only from where on it
 * is in force: what the directory does not name never comes in force by an entry.
 * A node that is behind cannot ask a log that is not: it asks once more under the
 * next policy, and believes nothing but the proven entry.
 * Spec: docs/SNP.md section 6. */
#ifndef QUORATE_SERVICE_POLICY_WATCH_H
#define QUORATE_SERVICE_POLICY_WATCH_H

#include "attest/handshake.h"
#include "rpc/channel.h"
#include "service/log_client.h"

/* Where entries of a policy are found: gives each that names the hash, in the
 * order of the log, to each. */
typedef enum qr_rc policy_find(void *ctx, const struct qr_hash *hash, log_each *each,
                               void *each_ctx, struct qr_err *err);

/* Looks; the next policy of the directory is in force afterwards if the log says
 * so (attest/pin.h).  Nothing to find: QR_OK. */
enum qr_rc policy_look(const struct trust_dir *trust, policy_find *find, void *ctx,
                       struct qr_err *err) QR_MUST_CHECK;

/* Index of the current policy's entry, by the directory's history or else by the
 * log.  QR_NOTFOUND: it has none. */
enum qr_rc policy_since(const struct trust_dir *trust, struct log_client *log, uint64_t *out,
                        struct qr_err *err) QR_MUST_CHECK;

struct policy_watch_conf {
    const struct trust_dir *trust;   /* keeps */
    const struct attest_self *self;  /* keeps */
    struct rpc_channel_conf channel; /* to the log; its strings are kept */
    const char *anchor_path;         /* what was seen under the next policy; copied */
    struct log_client *log;          /* the node's own; keeps */
};
struct policy_watch;

/* Gives; policy_watch_free. */
enum qr_rc policy_watch_new(struct policy_watch **out, const struct policy_watch_conf *conf,
                            struct qr_err *err) QR_MUST_CHECK;
void policy_watch_free(struct policy_watch *w); /* NULL allowed */
/* As policy_look, over the network; one call at a time looks.  QR_UNAVAILABLE and
 * the like: nothing was learned. */
enum qr_rc policy_watch_look(struct policy_watch *w, struct qr_err *err) QR_MUST_CHECK;

#endif
