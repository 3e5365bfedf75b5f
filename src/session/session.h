/* session.h - the signing session: a state and an event in, a state and
 * effects out.
 *
 * A pure state machine.  It knows no clock (each event carries its time), no
 * log, no message and no key: the coordinator records what happened, tells
 * it here, commits the new state, and carries out the effects.  Nothing here
 * allocates or blocks; any thread may call it.
 *
 *   OPEN -> QUORATE -> DKG -> CERTIFIED -> SIGNING -> SIGNED
 *
 * or EXPIRED, CANCELLED, FAILED.  Whatever fails an attempt leads back to OPEN
 * while the session lives and attempts remain.
 *
 * The rules it holds: one person one slot; n = t = the policy's minimum, the
 * earliest live approvals that fill the roles exactly; a blamed or refusing
 * person never counts again; nothing happens in a final state.
 *
 * Spec: TRUST.md sections 4, 6, 9; docs/FORMATS.md sections 3 and 9. */
#ifndef QUORATE_SESSION_SESSION_H
#define QUORATE_SESSION_SESSION_H

#include "base/limits.h"
#include "base/words.h"
#include "crypto/crypto.h"

#define SESSION_MAX_APPROVALS (2 * QR_MAX_PARTICIPANTS) /* members and those who wait */
#define SESSION_MAX_BARRED (2 * QR_MAX_PARTICIPANTS)    /* half refused, half blamed */
#define SESSION_MAX_EFFECTS 12

enum session_state {
    SESSION_OPEN,
    SESSION_QUORATE,
    SESSION_DKG,
    SESSION_CERTIFIED,
    SESSION_SIGNING,
    SESSION_SIGNED, /* this and all below are final */
    SESSION_EXPIRED,
    SESSION_CANCELLED,
    SESSION_FAILED
};

/* What a running attempt waits for; the `step` of attempt.failed. */
enum session_wait {
    SESSION_WAIT_JOIN,      /* OPEN: approvals */
    SESSION_WAIT_PRESENCE,  /* QUORATE: a presence envelope of every member */
    SESSION_WAIT_ROSTER,    /* QUORATE: roster.attested from authd */
    SESSION_WAIT_FREEZE,    /* QUORATE: roster.frozen in the log */
    SESSION_WAIT_DKG1,      /* DKG: message 1 of every member */
    SESSION_WAIT_DKG2,      /* DKG: CertEq signature and nonces of every member */
    SESSION_WAIT_VERIFY,    /* DKG: the certificate is being verified */
    SESSION_WAIT_COMPLETE,  /* DKG: dkg.completed in the log */
    SESSION_WAIT_CERTIFY,   /* DKG: the group certificate from cad */
    SESSION_WAIT_START,     /* CERTIFIED: signing.started in the log */
    SESSION_WAIT_SHARE,     /* SIGNING: a signature share of every member */
    SESSION_WAIT_AGGREGATE, /* SIGNING: the shares are being combined */
    SESSION_WAIT_MAKE,      /* SIGNING: signature.made in the log; no way back */
    SESSION_WAIT_NONE,      /* final */
    /* Between aggregate and make, where a second signature is over the first
     * (the numbers above are in stored records). */
    SESSION_WAIT_CHAIN, /* SIGNING: a share of the second signature of every member */
    SESSION_WAIT_SEAL   /* SIGNING: these shares are being combined */
};

/* Facts fixed when the session is requested.  All times in microseconds. */
struct session_rules {
    uint32_t engineers; /* minimum of each role; together 1..QR_MAX_PARTICIPANTS */
    uint32_t stewards;
    bool requester_may_approve;
    struct qr_hash requester; /* commitment */
    int64_t expires_us;       /* wall time */
    int64_t presence_us;      /* how long an answer to `presence` may take */
    int64_t round_us;         /* ... dkg1, dkg2, share, chain */
    int64_t service_us;       /* ... authd, cad, the log, our own computing */
    int64_t grace_us;         /* how long a watcher may be away and still count */
    int64_t backoff_us;       /* wait after a failure that blames nobody */
    uint32_t attempts_max;
};

/* A standing approval. */
struct session_approval {
    uint32_t id;           /* given by the caller, unique in the session, never 0 */
    struct qr_hash person; /* commitment */
    enum qr_role role;
    bool logged;         /* leaf and index are known */
    struct qr_hash leaf; /* of approval.given */
    uint64_t index;
    uint32_t watchers; /* open streams */
    int64_t gone_us;   /* when the last of them went; INT64_MIN: never seen since a restart */
    uint32_t member;   /* 1..n in the running attempt, else 0 */
    bool answered;     /* the envelope of the present round is there */
};

struct session_barred {
    struct qr_hash person;
    bool blamed; /* else refused */
};

struct session {
    struct session_rules rules;
    enum session_state state;
    enum session_wait wait;
    bool requested;      /* session.requested is in the log */
    uint32_t attempt;    /* 0 before the first */
    int64_t deadline_us; /* of the present wait; INT64_MAX: none */
    int64_t hold_us;     /* no new attempt before this time */
    uint32_t n_approvals;
    struct session_approval approvals[SESSION_MAX_APPROVALS];
    uint32_t n_barred;
    struct session_barred barred[SESSION_MAX_BARRED];
};

enum session_event_kind {
    SESSION_EV_REQUESTED,       /* session.requested is in the log */
    SESSION_EV_APPROVAL,        /* a checked approval is to be recorded: id, person, role */
    SESSION_EV_APPROVAL_LOGGED, /* id, leaf, index */
    SESSION_EV_REFUSED,         /* person */
    SESSION_EV_WITHDRAWN,       /* id */
    SESSION_EV_CANCELLED,       /* person */
    SESSION_EV_ATTACHED,        /* id: a watcher's stream opened */
    SESSION_EV_DETACHED,        /* id: it closed */
    SESSION_EV_SUBMITTED,       /* id, attempt, wait: an envelope of that round was kept */
    SESSION_EV_ABORTED,         /* id, attempt, culprits (claimed, may be 0) */
    SESSION_EV_CULPRITS,        /* attempt, culprits (proven by their own signed bytes) */
    SESSION_EV_ROSTER_ATTESTED, /* attempt, and so on to STEP_FAILED */
    SESSION_EV_FROZEN_LOGGED,
    SESSION_EV_DKG_VERIFIED,
    SESSION_EV_COMPLETED_LOGGED,
    SESSION_EV_GROUP_CERTIFIED,
    SESSION_EV_STARTED_LOGGED,
    SESSION_EV_CHAINED,    /* verified under the group key; a second signature is to follow */
    SESSION_EV_AGGREGATED, /* all, and verified under the group key */
    SESSION_EV_MADE_LOGGED,
    SESSION_EV_STEP_FAILED, /* attempt, reason: nobody to blame; culprits leave */
    SESSION_EV_TICK,
    SESSION_EV_RESTART /* the coordinator started: no stream is open */
};

/* Fields beyond kind and now_us are read only where the list above names
 * them.  culprits: bit i-1 is member i. */
struct session_event {
    enum session_event_kind kind;
    int64_t now_us;
    uint32_t id;
    struct qr_hash person;
    enum qr_role role;
    struct qr_hash leaf;
    uint64_t index;
    uint32_t attempt;
    enum session_wait wait;
    uint64_t culprits;
    const char *reason; /* kept: a string constant */
};

enum session_effect_kind {
    SESSION_DO_LOG,     /* record an entry: log */
    SESSION_DO_ORDER,   /* send an order: order */
    SESSION_DO_ROSTER,  /* ask authd for roster.attested of the members */
    SESSION_DO_VERIFY,  /* verify the DKG certificate */
    SESSION_DO_CERTIFY, /* ask cad for the group certificate */
    SESSION_DO_AGGREGATE,
    SESSION_DO_END /* a final state is reached: close the streams */
};

enum session_log_kind {
    SESSION_LOG_APPROVAL_GIVEN,
    SESSION_LOG_APPROVAL_REFUSED,
    SESSION_LOG_APPROVAL_WITHDRAWN,
    SESSION_LOG_ROSTER_FROZEN,
    SESSION_LOG_DKG_COMPLETED,
    SESSION_LOG_SIGNING_STARTED,
    SESSION_LOG_SIGNATURE_MADE,
    SESSION_LOG_ATTEMPT_FAILED,
    SESSION_LOG_SESSION_ENDED
};

enum session_order_kind {
    SESSION_ORDER_PROGRESS,
    SESSION_ORDER_PRESENCE,
    SESSION_ORDER_FROZEN,
    SESSION_ORDER_DKG1,
    SESSION_ORDER_SIGN,
    SESSION_ORDER_CHAIN,
    SESSION_ORDER_SIGNED,
    SESSION_ORDER_ATTEMPT_FAILED,
    SESSION_ORDER_ENDED
};

struct session_effect {
    enum session_effect_kind kind;
    enum session_log_kind log;
    enum session_order_kind order;
    uint32_t attempt; /* which one it belongs to */
};

/* In the order in which they are to be carried out.  The fields below the
 * list belong to ATTEMPT_FAILED and SESSION_ENDED. */
struct session_effects {
    uint32_t n;
    struct session_effect list[SESSION_MAX_EFFECTS];
    enum session_wait step; /* where it failed or ended */
    const char *reason;     /* of ATTEMPT_FAILED; string constants */
    const char *end_reason; /* of SESSION_ENDED */
    uint32_t n_blame;
    struct qr_hash blame[QR_MAX_PARTICIPANTS]; /* people, in member order */
    uint32_t n_dropped;
    uint32_t dropped[QR_MAX_PARTICIPANTS]; /* approvals that no longer stand */
    uint32_t replaced;                     /* approval that APPROVAL pushed out, or 0 */
};

/* A new session, OPEN, nothing logged yet.  QR_RANGE: rules that cannot be
 * met (no role needed, or more than QR_MAX_PARTICIPANTS). */
enum qr_rc session_init(struct session *s, const struct session_rules *rules, struct qr_err *err)
    QR_MUST_CHECK;

/* One step.  out and effects are written wholly; in and out must not be the
 * same object.  On any result but QR_OK nothing happened: out equals in and
 * there are no effects.  What came too late from an earlier attempt and needs
 * no answer (the events ROSTER_ATTESTED to STEP_FAILED) is QR_OK without
 * change.
 *
 * QR_STATE: not possible in this state (a final one, a wrong round) .
 * QR_CONFLICT: the person fills a slot, has refused or was blamed.
 * QR_POLICY: the requester rule.  QR_DENIED: not a member, not the requester.
 * QR_STALE: an envelope for another attempt.  QR_NOTFOUND: no such approval.
 * QR_EXHAUSTED: too many approvals. */
enum qr_rc session_step(const struct session *in, const struct session_event *ev,
                        struct session *out, struct session_effects *effects, struct qr_err *err)
    QR_MUST_CHECK;

/* When a TICK will next change something; INT64_MAX: never. */
int64_t session_due_us(const struct session *s);

bool session_is_final(const struct session *s);
/* Members of the running attempt: 0 when none runs, else engineers + stewards. */
uint32_t session_members(const struct session *s);
/* Member 1..n, NULL when there is no such member; borrows. */
const struct session_approval *session_member(const struct session *s, uint32_t member);
/* Standing approval by its leaf hash or id, NULL when none stands; borrows. */
const struct session_approval *session_by_leaf(const struct session *s, const struct qr_hash *leaf);
const struct session_approval *session_by_id(const struct session *s, uint32_t id);
/* Standing, recorded approvals of a role; more than needed are not counted. */
uint32_t session_have(const struct session *s, enum qr_role role);

/* Names as they stand in entries, orders and views: "OPEN", "dkg1",
 * "presence".  Never NULL. */
const char *session_state_name(enum session_state state);
const char *session_wait_name(enum session_wait wait);
const char *session_order_name(enum session_order_kind order);

/* The state as canonical JSON for the coordinator's store, and back; the same
 * state.  session_read: QR_MALFORMED. */
enum qr_rc session_write(const struct session *s, struct qr_buf *out) QR_MUST_CHECK;
enum qr_rc session_read(struct qr_bytes text, struct session *out, struct qr_err *err)
    QR_MUST_CHECK;

#endif
