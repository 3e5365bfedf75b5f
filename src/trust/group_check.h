/* group_check.h - standing groups as the log shows them: every entry of the log
 * in order goes in, what each group is at the end comes out.
 *
 * An entry counts only if a quorum approved its plan, it follows from the state
 * that the plan names, everybody who takes part was enrolled in the group's role
 * and joined by his person key, and all of them consented to the entry's body.
 * An entry that does not count changes nothing.  Whoever keeps a share, relays a
 * change or reads the log asks here; nobody's word about a group is needed.
 *
 * Pure; records named checks.  Spec: docs/FORMATS.md section 25, TRUST.md
 * section 6. */
#ifndef QUORATE_TRUST_GROUP_CHECK_H
#define QUORATE_TRUST_GROUP_CHECK_H

#include "frost/standing.h"
#include "leaf/group.h"
#include "trust/entry_check.h"

/* A group in its newest epoch. */
struct trust_group {
    struct leaf_group_ref ref;
    char name[LEAF_GROUP_NAME + 1];
    enum qr_role role;
    bool retired;
    unsigned classes;      /* of those who took part in its newest change */
    struct frost_group is; /* n, t, Y, Y_i */
    struct leaf_group_person member[QR_MAX_PARTICIPANTS];
    struct trust_place at; /* of its newest entry */
    struct qr_hash plan;   /* that the newest change, or its end, carried out */
    uint64_t created;      /* index of its first */
    uint64_t signatures;   /* group.signature_made */
};

/* Whether an enrolment is that person's and in force now; the caller's to know. */
struct trust_people {
    bool (*in_force)(void *ctx, const struct leaf_group_person *p, enum qr_role *role,
                     struct qr_pub *person_key);
    void *ctx;
    /* Notes a commitment of a signing; false: another signing had it.  NULL: all
     * are remembered, which suits who reads a log once. */
    bool (*fresh)(void *ctx, const struct qr_pub *commitment);
};

struct trust_groups;
/* Gives; keeps ctx and people. */
struct trust_groups *trust_groups_new(const struct trust_context *ctx,
                                      const struct trust_people *people);
void trust_groups_free(struct trust_groups *g); /* NULL allowed */

/* The next entry, whose author was checked; QR_OK and no effect for kinds that
 * are not about groups.  QR_FALSE, QR_POLICY, QR_STALE, QR_ATTESTATION: it does
 * not count; QR_MALFORMED: it cannot be read. */
enum qr_rc trust_groups_take(struct trust_groups *g, const struct leaf_entry *e,
                             const struct trust_place *at, struct trust_report *r) QR_MUST_CHECK;

/* What is known, for this build to go on from (with fresh): appends; and back into
 * a new object.  QR_MALFORMED.  What was saved is believed. */
void trust_groups_save(const struct trust_groups *g, struct qr_buf *out);
enum qr_rc trust_groups_load(struct trust_groups *g, struct qr_reader *in) QR_MUST_CHECK;

size_t trust_groups_count(const struct trust_groups *g);
const struct trust_group *trust_groups_at(const struct trust_groups *g, size_t i); /* borrows */
/* NULL: there is none. */
const struct trust_group *trust_groups_find(const struct trust_groups *g, const struct qr_hash *id);
/* The number of a person among its members, 0: none. */
uint32_t trust_group_number(const struct trust_group *g, const struct qr_hash *commitment);

/* A group.signing_started that counts, by its leaf hash.  NULL: there is none, or
 * with fresh its signing is over. */
const struct leaf_group_started *trust_groups_started(const struct trust_groups *g,
                                                      const struct qr_hash *leaf);

/* Whether a plan can be carried out as things stand. */
enum qr_rc trust_groups_plan_check(const struct trust_groups *g, const struct leaf_group_plan *p,
                                   const struct qr_hash *plan, struct trust_report *r)
    QR_MUST_CHECK;
/* Whether groups sign this type: not those whose bytes are of the session's key
 * (x509-*, minisign-global), and not minisign, which is worth nothing without. */
bool trust_groups_sign(enum qr_payload type);
/* Whether the group can sign now what a quorum signed, and these are the payloads
 * (type and digest) of that signature.made.  QR_NOTIMPL: trust_groups_sign. */
enum qr_rc trust_groups_signing_check(const struct trust_groups *g,
                                      const struct leaf_group_signing *s,
                                      const struct leaf_payloads *payloads, struct trust_report *r)
    QR_MUST_CHECK;

/* Somebody's join: enrolled in this role, signed by the person, in possession of
 * the static key, of accepted classes.  is: of the plan or the group. */
struct trust_joined {
    const struct leaf_group_person *is;
    enum qr_role role;
    const struct leaf_group_letter *letter; /* its body need not be set */
    const struct leaf_group_join *join;
    const struct qr_sig *person_sig;
};
enum qr_rc trust_groups_joined(const struct trust_groups *g, const struct trust_joined *j,
                               struct trust_report *r) QR_MUST_CHECK;
/* The same with the key of the enrolment in force, for who has looked it up. */
enum qr_rc trust_group_join_check(const struct trust_context *ctx, const struct trust_joined *j,
                                  const struct qr_pub *person_key, struct trust_report *r)
    QR_MUST_CHECK;

/* The group that a change gives.  QR_MALFORMED: its keys are no points. */
enum qr_rc trust_group_of_change(const struct leaf_group_change *c, uint32_t t,
                                 struct frost_group *out) QR_MUST_CHECK;

#endif
