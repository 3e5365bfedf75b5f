/* group_own.h - what the parts of group_run.h share; private to them. */
#ifndef QUORATE_PARTICIPANT_GROUP_OWN_H
#define QUORATE_PARTICIPANT_GROUP_OWN_H

#include "frost/cocktail.h"
#include "participant/group_run.h"

/* One party, and the verified letters that it sent in this attempt. */
struct run_party {
    struct leaf_group_person is;
    struct leaf_group_join join;
    bool has[LEAF_GROUP_ROUNDS];
    struct qr_buf text[LEAF_GROUP_ROUNDS]; /* as signed */
    struct qr_buf body[LEAF_GROUP_ROUNDS];
    struct qr_sig sig[LEAF_GROUP_ROUNDS];
};

struct run {
    const struct group_run_conf *conf;
    struct qr_buf text; /* plan or signing */
    struct qr_hash hash;
    bool signs;
    struct leaf_group_plan plan;
    enum qr_role role;
    struct groups_view view;
    struct qr_buf bytes; /* of the bundle */
    struct bundle bundle;
    struct bundle_facts facts;
    bool over;               /* the log shows that the plan was carried out */
    struct qr_hash approved; /* leaf hash of the quorum's signature.made */
    struct run_party *party;
    size_t parties;
    size_t own;
    bool signer[QR_MAX_PARTICIPANTS]; /* whose shares are awaited: the start lists them */
    int64_t deadline_us;
    /* of the attempt */
    uint32_t attempt;
    uint64_t after;
    char state[16];
    char reason[64];
    uint64_t started_index, done_index;
    struct qr_signer envelope;
    struct cocktail_static cocktail;
};

/* Gives; run_free.  Verifies the quorum's bundle and reads the log. */
enum qr_rc run_new(const struct group_run_conf *conf, struct run **out, struct qr_err *err)
    QR_MUST_CHECK;
void run_free(struct run *r); /* NULL allowed */
/* Who takes part, found once; own is set.  QR_DENIED: we do not. */
enum qr_rc run_parties(struct run *r, const struct leaf_group_person *list, size_t n,
                       struct qr_err *err) QR_MUST_CHECK;
/* Asks for the newest attempt and forgets what was of another. */
enum qr_rc run_begin(struct run *r, struct qr_err *err) QR_MUST_CHECK;
bool run_is(const struct run *r, const char *state);
/* Fresh keys of ours for this attempt. */
enum qr_rc run_keys(struct run *r, struct qr_err *err) QR_MUST_CHECK;
/* Sends our letter of a round.  QR_STALE: the attempt is over. */
enum qr_rc run_send(struct run *r, enum leaf_group_round round, struct qr_bytes body,
                    struct qr_err *err) QR_MUST_CHECK;
/* Waits until ready says so, taking letters.  QR_STALE: the attempt failed. */
enum qr_rc run_wait(struct run *r, bool (*ready)(const struct run *r), struct qr_err *err)
    QR_MUST_CHECK;
bool run_done(const struct run *r);
void run_tell(const struct run *r, const char *text);
/* Reads the log again. */
enum qr_rc run_reload(struct run *r, struct qr_err *err) QR_MUST_CHECK;

#endif
