/* service.h - the log service: handlers of proto/quorate/v1/log.proto over
 * libtlog.  main.c is the only caller; hooks are those of service/run.h. */
#ifndef QUORATE_TLOGD_SERVICE_H
#define QUORATE_TLOGD_SERVICE_H

#include "service/run.h"

/* The hooks, in the order in which service/run.h calls them. */
/* Makes an empty log and its anchor. */
enum qr_rc tlogd_create(struct service *s, struct qr_err *err) QR_MUST_CHECK;
/* Opens the log for appending and learns the authors' newest times. */
enum qr_rc tlogd_open(struct service *s, struct qr_err *err) QR_MUST_CHECK;
/* Adds quorate.v1.Log. */
enum qr_rc tlogd_add(struct service *s, struct qr_err *err) QR_MUST_CHECK;
/* Appends an entry of tlogd's own. */
enum qr_rc tlogd_log_own(struct service *s, enum leaf_kind kind, const json_t *body,
                         struct qr_err *err) QR_MUST_CHECK;
/* Entries of a policy, of the tree that is shown to others. */
enum qr_rc tlogd_find_policy(void *service, const struct qr_hash *hash, log_each *each,
                             void *each_ctx, struct qr_err *err) QR_MUST_CHECK;
/* C2SP tlog-tiles, the checkpoint and the verifier key over HTTP. */
void tlogd_web(struct service *s, const struct http_request *in, struct http_reply *reply);
/* Size and age of the log. */
void tlogd_metrics(struct service *s, struct qr_buf *out);
/* Last hook. */
/* Closes the log. */
void tlogd_close(struct service *s);

#endif
