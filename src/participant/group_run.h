/* group_run.h - a party's side of a step of a standing group: creating it,
 * refreshing, repairing, resharing and retiring it, and signing with it.
 *
 * Every party verifies by its own code: the bundle in which a quorum signed the
 * plan (or what is to be signed), the group's state in the whole log, every other
 * party's enrolment and letter.  A new share is sealed and durable before the
 * signature that could make it the group's leaves; the old one goes only after the
 * log shows the change.  A signature share leaves only after the log shows the
 * start with our commitments.  Who relays is not believed.
 *
 * Blocking; one thread.  Spec: TRUST.md sections 6 and 7, docs/FORMATS.md sections
 * 23 and 25. */
#ifndef QUORATE_PARTICIPANT_GROUP_RUN_H
#define QUORATE_PARTICIPANT_GROUP_RUN_H

#include "participant/groups.h"
#include "participant/person.h"
#include "participant/store.h"

struct group_run_conf {
    struct services *services;
    const struct person *person;
    struct share_store *store;
    const char *session;  /* in which the quorum signed */
    struct qr_bytes text; /* the plan; signing: none */
    const char *group;    /* signing: with which, as groups_view_named takes it */
    unsigned classes;     /* of this process: unattended, softseal */
    bool allow_simulated; /* beyond the policy */
    bool has_file;        /* signing: the artifact, for raw */
    struct qr_bytes file;
    int64_t wait_us; /* how long others are waited for */
    void (*tell)(void *ctx, const char *text);
    bool (*stop)(void *ctx);
    void *ctx;
};

/* Takes part in the step that a plan describes until the log shows it.  out: the
 * group as it stands then.  QR_DEADLINE: others did not come; QR_STALE: the plan is
 * of an older epoch; QR_FALSE: a party cheated (err names it); QR_POLICY: no quorum
 * signed the plan. */
enum qr_rc group_change_run(const struct group_run_conf *conf, struct leaf_group_ref *out,
                            struct qr_err *err) QR_MUST_CHECK;

/* What a group signed: the quorum's bundle, with the group's key and signatures
 * in the place of the session's, as verify_emit wants it. */
struct group_signed {
    struct qr_buf bytes;
    struct bundle bundle;
    struct bundle_facts facts;
    struct leaf_group_made made;
    uint64_t index; /* of group.signature_made */
};
/* Signs with the group what the session's quorum signed.  group_signed_free in
 * every case.  QR_STATE: enough other members sign; QR_NOTIMPL: minisign. */
enum qr_rc group_sign_run(const struct group_run_conf *conf, struct group_signed *out,
                          struct qr_err *err) QR_MUST_CHECK;
void group_signed_free(struct group_signed *s);

/* Brings this person's shares in line with the log: those of newer epochs count,
 * older ones and those of retired groups are erased. */
enum qr_rc group_settle(const struct groups_view *view, struct share_store *store,
                        struct qr_err *err) QR_MUST_CHECK;

#endif
