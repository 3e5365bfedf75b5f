/* groups.h - the standing groups, from the log alone: the whole log is walked and
 * its root recomputed, and every entry about people and groups judged in order
 * (participant/people.h, trust/group_check.h).  No service is believed.
 * Spec: TRUST.md sections 3 and 6, docs/FORMATS.md section 25. */
#ifndef QUORATE_PARTICIPANT_GROUPS_H
#define QUORATE_PARTICIPANT_GROUPS_H

#include "participant/people.h"
#include "trust/group_check.h"

struct groups_view {
    struct people_list people;
    struct trust_groups *groups;
    struct trust_context *ctx; /* of people: all classes */
    struct trust_context *group_ctx;
    uint64_t ignored;  /* entries about groups that do not count */
    struct qr_err why; /* of the last of these */
};
/* groups_view_free in every case.  extra_classes: accepted beyond the policy.
 * QR_FORK, QR_UNAVAILABLE. */
enum qr_rc groups_view_load(struct services *s, unsigned extra_classes, struct groups_view *out,
                            struct qr_err *err) QR_MUST_CHECK;
void groups_view_free(struct groups_view *v);

/* A group by id, by the beginning of one (8 digits or more), or by its name.
 * QR_NOTFOUND; QR_CONFLICT: several. */
enum qr_rc groups_view_named(const struct groups_view *v, const char *name,
                             const struct trust_group **out, struct qr_err *err) QR_MUST_CHECK;
/* A person in force by commitment or the beginning of one. */
enum qr_rc groups_view_person(const struct groups_view *v, const char *name,
                              const struct people_row **out, struct qr_err *err) QR_MUST_CHECK;

#endif
