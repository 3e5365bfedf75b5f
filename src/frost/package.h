/* package.h - one signing attempt as all its parties see it: the message and
 * the list of commitments, checked, and everything public that follows.
 *
 * The wire carries struct frost_package; struct frost_attempt exists only
 * after every check of the list.  Signers (frost/sign.h) and whoever
 * aggregates (frost/aggregate.h) derive it by the same code.  Nothing here is
 * secret.
 *
 * Spec: RFC 9591 sections 4.3 to 4.6 and 5.2. */
#ifndef QUORATE_FROST_PACKAGE_H
#define QUORATE_FROST_PACKAGE_H

#include "frost/keys.h"
#include "frost/public.h"

/* Round 1 output of signer id.  id is the one of the authenticated channel. */
struct frost_commitment {
    uint32_t id;
    uint8_t hiding[POINT_SIZE];  /* D */
    uint8_t binding[POINT_SIZE]; /* E */
};

/* The same, decoded when it arrived. */
struct frost_checked {
    struct frost_commitment is;
    struct public_point hiding;
    struct public_point binding;
};

/* Round 2 input; borrows all.  checked is NULL, or count entries in the order
 * of the list; one that is not of the list's commitment is decoded again. */
struct frost_package {
    struct qr_bytes msg;
    const struct frost_commitment *list;
    size_t count;
    const struct frost_checked *checked;
};

/* Members found at fault, ascending. */
struct frost_culprits {
    uint32_t ids[QR_MAX_MEMBERS];
    size_t count;
};

struct frost_attempt {
    size_t count;
    uint32_t ids[QR_MAX_MEMBERS];
    struct {
        struct public_point hiding;
        struct public_point binding;
    } points[QR_MAX_MEMBERS];
    struct scalar rho[QR_MAX_MEMBERS]; /* binding factors */
    struct point r;                    /* group commitment R */
    struct scalar challenge;
};

/* One commitment on arrival.  QR_MALFORMED: D or E is not a valid point: its
 * sender is at fault. */
enum qr_rc frost_commitment_check(const struct frost_commitment *c) QR_MUST_CHECK;
enum qr_rc frost_commitment_decode(struct frost_checked *out, const struct frost_commitment *c)
    QR_MUST_CHECK;

/* Checks the list (t <= count <= n, ids strictly ascending in 1..n, every D
 * and E decodes) and derives the attempt.  QR_RANGE: count or an id;
 * QR_MALFORMED: order, or an undecodable point, whose sender is then in bad
 * (may be NULL); QR_FALSE: R is the identity. */
enum qr_rc frost_attempt_init(struct frost_attempt *a, const struct frost_group *g,
                              const struct frost_package *p, struct frost_culprits *bad,
                              struct qr_err *err) QR_MUST_CHECK;

#endif
