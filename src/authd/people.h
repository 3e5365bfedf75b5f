/* people.h - who is enrolled: what entries of the log say about people, and
 * what authd may add to it.
 *
 * The log is the source; the database is a cache that people_apply keeps in
 * step.  Salt and identity exist only here, sealed.  Functions that say "in a
 * transaction" need one of the service's database.
 * Spec: TRUST.md section 4, docs/FORMATS.md section 2. */
#ifndef QUORATE_AUTHD_PEOPLE_H
#define QUORATE_AUTHD_PEOPLE_H

#include "authd/sealed.h"
#include "service/run.h"

struct people {
    struct service *s;
    struct sealed sealed;
};

/* A person to enrol, as a roster line or an Enroll call gives it. */
struct enrolment {
    json_t *body; /* identity.enrolled with admin_sigs; owned */
    struct leaf_identity who;
    uint8_t salt[32];
    struct qr_buf identity; /* canonical */
    uint8_t email_tag[32];
    unsigned line; /* of the roster; 0: a call */
};
void enrolment_fini(struct enrolment *e);

#define PEOPLE_ROSTER_MAX 4096
struct people_roster {
    struct enrolment *list;
    size_t n;
};

/* Loads the keys that identities are sealed under. */
enum qr_rc people_init(struct people *p, struct service *s, struct qr_err *err) QR_MUST_CHECK;
void people_fini(struct people *p);

/* Checks body, admin signatures, commitment and identity, and fills what
 * follows from them.  e->body, salt and identity are given.  QR_MALFORMED,
 * QR_POLICY: not signed by enough admins. */
enum qr_rc people_check(const struct people *p, struct enrolment *e, struct qr_err *err)
    QR_MUST_CHECK;
/* Reads the roster file: one canonical object {"body","identity","salt"} a
 * line.  err says FILE:LINE.  Gives people_roster_fini. */
enum qr_rc people_roster_load(const struct people *p, const char *path, struct people_roster *out,
                              struct qr_err *err) QR_MUST_CHECK;
void people_roster_fini(struct people_roster *r);

/* In a transaction: seals the identity and puts the entry into the outbox.
 * QR_EXISTS: this commitment is known already; QR_CONFLICT: another enrolment
 * has the same e-mail or person key, or this person was erased so lately that
 * sessions may be open in which it had approved. */
enum qr_rc people_enroll(struct people *p, const struct enrolment *e, int64_t *row,
                         struct qr_err *err) QR_MUST_CHECK;
/* In a transaction: keeps the identity of a person whom the log knows already
 * (this database was made anew); does nothing when it is here, or the person
 * was erased. */
enum qr_rc people_keep_identity(struct people *p, const struct enrolment *e, struct qr_err *err)
    QR_MUST_CHECK;
/* In a transaction: role change, revocation or erasure (body with admin_sigs).
 * A person who is leaving counts as gone from the commit on.  QR_NOTFOUND,
 * QR_STALE: the body names another enrolment than the person's; QR_STATE. */
enum qr_rc people_change(struct people *p, enum leaf_kind kind, const json_t *body, int64_t *row,
                         struct qr_err *err) QR_MUST_CHECK;

/* In a transaction: what a logged entry means.  Entries that are not of authd,
 * or whose signatures do not hold, change nothing. */
enum qr_rc people_apply(struct people *p, uint64_t index, struct qr_bytes entry, struct qr_err *err)
    QR_MUST_CHECK;
/* Replays the log from where the last replay ended, in one transaction. */
enum qr_rc people_replay(struct people *p, struct qr_err *err) QR_MUST_CHECK;

/* Looks a person up (transaction of its own).  QR_DENIED unless active. */
enum qr_rc people_by_key(struct people *p, const struct qr_pub *key, struct person *out,
                         struct qr_err *err) QR_MUST_CHECK;
enum qr_rc people_by_email(struct people *p, struct qr_bytes email, struct person *out,
                           struct qr_err *err) QR_MUST_CHECK;

/* Anybody whose identity is here, whatever the state; QR_NOTFOUND. */
enum qr_rc people_find(struct people *p, struct qr_bytes email, struct person *out,
                       struct qr_err *err) QR_MUST_CHECK;
/* Who this is, and salt and identity (32 bytes and the canonical form, appended
 * to out, which the caller wipes); nothing is appended for a person who was
 * erased.  QR_NOTFOUND: nobody of this commitment. */
enum qr_rc people_open(struct people *p, const struct qr_hash *commitment, struct person *who,
                       struct qr_buf *out, struct qr_err *err) QR_MUST_CHECK;

#endif
