/* follow.h - stays with a session from the approval to its end: reads the
 * coordinator's orders, takes every step of the ceremony, renews the
 * certificate while people take their time, and comes back after cut
 * connections where it was.
 *
 * Spec: TRUST.md sections 7 and 9, docs/FORMATS.md section 9. */
#ifndef QUORATE_PARTICIPANT_FOLLOW_H
#define QUORATE_PARTICIPANT_FOLLOW_H

#include "participant/approve.h"
#include "participant/ceremony.h"

/* What there is to tell while waiting. */
struct follow_news {
    enum leaf_order_type type;
    uint32_t attempt;
    int64_t engineers_have, engineers_need, stewards_have, stewards_need; /* progress */
    char state[16];                                                       /* progress, ended */
    char step[LEAF_MAX_CODE + 1]; /* attempt_failed, ended */
    char reason[LEAF_MAX_CODE + 1];
    /* attempt_failed with somebody to blame: the letters that show it (canonical
     * JSON), and the newest material that we verified in that attempt; borrowed,
     * n is 0 where there is none. */
    struct qr_bytes evidence;
    struct qr_bytes material;
    const char *note; /* a word of ours: "connection lost"; else NULL */
};

struct follow_plan {
    struct approve_plan approve;         /* services, person, keys, facts of stage open */
    const struct approve_papers *papers; /* of the approval */
    struct qr_hash approval;             /* its leaf hash */
    const struct bundle_known *known;    /* from judging the facts */
    bool allow_simulated;
    bool has_file;
    struct qr_bytes file; /* the artifact, when we have it */
    void (*tell)(void *ctx, const struct follow_news *news);
    bool (*stop)(void *ctx); /* asked between steps: give up waiting */
    void *ctx;
};

/* Returns when the session is signed: appends the bundle, already verified in
 * full.  QR_STALE: expired, or dropped from the session (join again);
 * QR_STATE: cancelled or failed; QR_FORK: the log shows two histories;
 * QR_CANCELLED: stop said so.  err names reason and step. */
enum qr_rc follow_run(const struct follow_plan *plan, struct qr_buf *bundle, struct qr_err *err)
    QR_MUST_CHECK;

/* The same without taking part: tells the news until the session ends. */
struct follow_onlooker {
    struct services *services;
    const char *session;
    struct qr_hash session_leaf;
    void (*tell)(void *ctx, const struct follow_news *news);
    bool (*stop)(void *ctx);
    void *ctx;
};
/* QR_OK: signed.  Else as follow_run. */
enum qr_rc follow_watch(const struct follow_onlooker *w, struct qr_err *err) QR_MUST_CHECK;

#endif
