/* view.h - everything that work on a session needs, read from the store in one
 * bracket: the request, the approvals with what stands behind them, what the
 * attempt has produced and what its members sent.
 *
 * For the ceremony's workers, for material and for the checks of a join. */
#ifndef QUORATE_COORDINATORD_VIEW_H
#define QUORATE_COORDINATORD_VIEW_H

#include "coordinatord/coord.h"

struct view_approval {
    struct store_approval row;
    json_t *body;
    struct leaf_entry identity;
    struct trust_approval is; /* issued_at and issued are not filled */
    /* Envelopes of the rounds asked for; bytes empty where there is none. */
    struct leaf_envelope sent[LEAF_ROUND_COUNT];
    bool has[LEAF_ROUND_COUNT];
};

struct view {
    struct qr_arena arena;
    struct store_session row;
    struct session state;
    json_t *body; /* of session.requested */
    struct trust_request request;
    size_t n;
    struct view_approval *approvals; /* ascending index */
    struct store_attempt attempt;    /* of the running or finished attempt */
    json_t *descriptor_body;         /* NULL before the freeze */
    struct leaf_descriptor descriptor;
    struct qr_hash descriptor_hash;
    struct qr_bytes file; /* raw file, p NULL: none */
};

#define VIEW_ROUND(round) (1u << (round))
#define VIEW_FILE (1u << 30)
#define VIEW_STANDING (1u << 29) /* all standing approvals, also beside an attempt */
#define VIEW_PENDING (1u << 28)  /* behind them those that are not in the log yet */

struct view_want {
    int64_t n;
    unsigned what; /* VIEW_ROUND bits, VIEW_FILE, VIEW_STANDING */
};
/* Members of the attempt when one runs or the session is signed, else all
 * standing approvals.  view_fini in every case. */
enum qr_rc view_read(struct coord *c, const struct view_want *want, struct view *out,
                     struct qr_err *err) QR_MUST_CHECK;
void view_fini(struct view *v);

/* The same inside a bracket that the caller has opened. */
enum qr_rc view_load(struct coord *c, const struct view_want *want, struct view *out,
                     struct qr_err *err) QR_MUST_CHECK;

/* The approvals as the checks of src/trust want them, in v's arena. */
enum qr_rc view_trust(struct view *v, struct trust_approval **out) QR_MUST_CHECK;

#endif
