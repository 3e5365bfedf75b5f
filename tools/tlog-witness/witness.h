/* witness.h - a witness of transparency logs: it cosigns a checkpoint only when
 * it continues what it cosigned before, and remembers before it answers.
 *
 * Any C2SP log, not only ours.  Spec: C2SP tlog-witness, tlog-cosignature. */
#ifndef TLOG_WITNESS_WITNESS_H
#define TLOG_WITNESS_WITNESS_H

#include "base/clock.h"
#include "base/logline.h"
#include "db/db.h"
#include "http/serve.h"
#include "tlog/tlog.h"

/* A request: an old size, at most 63 hashes, a checkpoint. */
#define WITNESS_BODY_MAX ((size_t)TLOG_NOTE_MAX + 4096)

struct witness {
    struct qr_db *db;
    const struct tlog_policy *logs; /* only its logs are looked at */
    struct tlog_signer key;
    struct qr_clock clock;
    const struct qr_log *log;
};

/* The handler for http/serve.h; ctx is the struct witness.  Any thread. */
void witness_handle(void *ctx, const struct http_request *in, struct http_reply *reply);

#endif
