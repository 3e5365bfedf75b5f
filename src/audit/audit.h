/* audit.h - reads a whole log, entry by entry, and says what in it breaks the
 * rules: who wrote what, in which order, and whether each signature was made
 * after the quorum approved that the policy of that time asked for.
 *
 * That the group key is the quorum's own, a bundle's transcript shows, not the
 * log.  It knows what only the whole log shows and a bundle must take on trust: which
 * policy was in force, who was revoked when, whether an approval was withdrawn,
 * whether a commitment was used before.  It does not see certificates, grants
 * and evidence, which are not in the log: bundles carry them.
 *
 * Not thread-safe.  Memory: what is open or enrolled, up to 64 bytes for each
 * session ever requested, 12 MiB for what may be used once; the rest of that is in a
 * file.  Spec: TRUST.md sections 3, 4, 6, 7 and 9. */
#ifndef QUORATE_AUDIT_AUDIT_H
#define QUORATE_AUDIT_AUDIT_H

#include "trust/signing_check.h"

/* A rule that an entry breaks.  text is for people; both are borrowed. */
struct audit_breach {
    uint64_t index;
    const char *rule; /* of rules.def or trust/checks.def */
    enum qr_rc rc;
    const char *text;
};

/* A signature that was made: who asked, who approved, what it is over.
 * Borrowed for the call. */
struct audit_signing {
    uint64_t index; /* of signature.made */
    int64_t time_us;
    const struct trust_request *request;
    const struct trust_approval *approvals; /* in the descriptor's order */
    size_t n;
    const struct signing_policy *policy; /* in force at the request */
    const struct trust_descriptor *descriptor;
    const struct leaf_made *made;
    bool clean;         /* nothing of its session broke a rule so far; what was
                         * used twice is told by audit_finish */
    unsigned unchecked; /* raw payloads: their signatures need the file */
};

struct audit_conf {
    const struct trust_dir *dir; /* borrows */
    unsigned extra_classes;      /* accepted beyond the directory's policy */
    void (*breach)(void *ctx, const struct audit_breach *b);
    void (*signing)(void *ctx, const struct audit_signing *s); /* NULL: none */
    /* Root of the first size entries of this log.  NULL: the checkpoints that
     * entries state are not compared with it. */
    enum qr_rc (*root_at)(void *ctx, uint64_t size, struct qr_hash *root);
    void *ctx; /* of all three; kept */
    /* File for what may be used once, when it does not fit into memory; kept.
     * NULL: an unnamed one, and audit_save is not called. */
    const char *used_path;
};

struct audit_counts {
    uint64_t entries;
    uint64_t kinds[LEAF_KIND_COUNT];
    uint64_t breaches;
    uint64_t signatures; /* verified */
    uint64_t unchecked;  /* raw payloads */
    uint64_t open;       /* sessions without an end */
    enum qr_rc first;    /* of the first breach; QR_OK */
};

struct audit;

/* Keeps conf's pointers.  Gives audit_free. */
struct audit *audit_new(const struct audit_conf *conf);
void audit_free(struct audit *a); /* NULL is allowed */
/* The next entry: index 0, then 1, and so on.  Breaches are told, not returned.
 * QR_IO: no room for what must be remembered, or root_at's result. */
enum qr_rc audit_entry(struct audit *a, struct qr_bytes entry) QR_MUST_CHECK;
/* After the last one: what was used twice. */
enum qr_rc audit_finish(struct audit *a) QR_MUST_CHECK;
const struct audit_counts *audit_counts(const struct audit *a);

/* ---- what is in force, after the entries so far ---- */

/* A person by the newest entry that enrolled them or changed their role. */
struct audit_person {
    const struct leaf_identity *is; /* borrows */
    struct trust_place at;
    bool ended; /* revoked or erased, first by this entry */
    uint64_t ended_by;
    bool erased; /* by this one */
    uint64_t erased_by;
};
/* Each person once, in the order of those entries. */
void audit_each_person(const struct audit *a, void (*each)(void *ctx, const struct audit_person *p),
                       void *ctx);

struct audit_open_session {
    const struct leaf_request *is; /* borrows */
    struct trust_place at;
    size_t approvals;  /* that stand */
    uint32_t attempts; /* at signing */
};
/* Each session without an end; one that merely expired has none yet. */
void audit_each_session(const struct audit *a,
                        void (*each)(void *ctx, const struct audit_open_session *s), void *ctx);

/* By enum leaf_policy_name; signing is of the first. */
struct audit_policies {
    struct audit_policy {
        bool set;
        struct qr_hash hash;
        struct trust_place at; /* the policy.changed */
    } of[2];
    struct signing_policy signing;
};
const struct audit_policies *audit_policies_now(const struct audit *a);

/* ---- going on later ---- */

/* Appends what audit_load needs beside the file of used_path, which is durable then:
 * counts, the ends of sessions, what was used, and which entries made everything
 * else that is known (policies, people, open sessions).  Between two entries.
 * QR_IO, QR_NOMEM. */
enum qr_rc audit_save(struct audit *a, struct qr_buf *out) QR_MUST_CHECK;
/* Gives the entry of an index of this log, borrowed until the next call. */
typedef enum qr_rc audit_reader(void *ctx, uint64_t index, struct qr_bytes *entry);
/* Into a new audit with the conf of the one that was saved: reads those entries and
 * judges them again, without telling; then the next entry is the one after the last
 * before audit_save.  What was saved is believed, but an entry that is another
 * now is QR_FORK.  QR_MALFORMED: damaged, or of another version; QR_IO; or read's
 * result. */
enum qr_rc audit_load(struct audit *a, struct qr_bytes saved, audit_reader *read, void *ctx,
                      struct qr_err *err) QR_MUST_CHECK;

#endif
