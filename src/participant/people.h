/* people.h - who was enrolled as of an entry or a time, from the log alone.
 *
 * The whole log is walked and its root recomputed; identity entries count if
 * their author and enough admins signed them, in the order of the log
 * (leaf_standing).  authd is not asked: what it says today is another question.
 * Spec: TRUST.md sections 3, 4 and 9. */
#ifndef QUORATE_PARTICIPANT_PEOPLE_H
#define QUORATE_PARTICIPANT_PEOPLE_H

#include "leaf/people.h"
#include "participant/services.h"
#include "trust/entry_check.h"

enum people_state { PEOPLE_ACTIVE, PEOPLE_REVOKED, PEOPLE_ERASED };
const char *people_state_name(enum people_state s); /* "revoked" */

struct people_row {
    struct leaf_identity is; /* of the newest enrolment or change; no admin_sigs */
    struct qr_hash leaf;     /* of that entry */
    enum people_state state;
    uint64_t enrolled_index, last_index; /* first and newest entry about the person */
    int64_t enrolled_us, last_us;        /* their times */
};
struct people_list {
    struct people_row *row; /* in the order of enrolment */
    size_t n, room;
    uint64_t entries; /* of the log that counted */
    uint64_t ignored; /* identity entries that were not signed as they must be, or fit nothing */
};
void people_list_fini(struct people_list *l);

/* Entries up to this one, and up to this time, count; UINT64_MAX, INT64_MAX: all. */
struct people_until {
    uint64_t index;
    int64_t time_us;
};
/* For who walks the log for more than people: each entry from 0 on, in order.
 * out begins empty; ctx accepts all classes. */
struct people_walk {
    const struct people_until *until;
    struct trust_context *ctx;
    struct people_list *out;
    bool over; /* what follows does not count */
};
enum qr_rc people_walk_take(struct people_walk *w, uint64_t index, struct qr_bytes entry)
    QR_MUST_CHECK;

/* out is made anew; people_list_fini in every case.  QR_FORK, QR_UNAVAILABLE. */
enum qr_rc people_as_of(struct services *s, const struct people_until *until,
                        struct people_list *out, struct qr_err *err) QR_MUST_CHECK;

#endif
