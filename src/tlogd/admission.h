/* admission.h - which entries the log takes, and what they are found by.
 *
 * admission_judge looks at an entry alone and may run on any thread;
 * admission_time looks at its time and runs where the log's order is made.
 * The log itself never interprets an entry: this is the one place of tlogd
 * that does.  Spec: docs/FORMATS.md section 2. */
#ifndef QUORATE_TLOGD_ADMISSION_H
#define QUORATE_TLOGD_ADMISSION_H

#include "frost/known.h"
#include "tlog/tlog.h"
#include "trust/trust_dir.h"

/* Kinds of lookup tags: the first byte; binary ids or text follow. */
#define ADMISSION_TAG_SESSION 's'      /* session id */
#define ADMISSION_TAG_SESSION_LEAF 'S' /* leaf hash of session.requested */
#define ADMISSION_TAG_MADE 'm'         /* signature.made: session leaf hash */
#define ADMISSION_TAG_ARTIFACT 'a'
#define ADMISSION_TAG_COMMITMENT 'i'
#define ADMISSION_TAG_POLICY 'p'
#define ADMISSION_TAG_CERTIFICATE 'c'

/* Writes a tag: its kind and the bytes that follow. */
struct admission_tag {
    uint8_t b[TLOG_KEY_MAX];
    size_t n;
};
struct admission_tag admission_tag(char kind, struct qr_bytes what);

/* What the log is given beside an entry. */
struct admission_entry {
    char key[TLOG_KEY_MAX + 1]; /* "<key id>/<event id>" */
    struct admission_tag tag[TLOG_TAGS_MAX];
    struct tlog_bytes tags[TLOG_TAGS_MAX]; /* points into tag */
    size_t tag_count;
};

/* Whose entries are taken. */
struct admission_clock;
struct admission {
    const struct trust_dir *trust;
    struct known_keys *keys;       /* of all authors; NULL: each is prepared anew */
    struct admission_clock *clock; /* one thread uses it */
};
/* Prepares the keys of trust, which is borrowed; admission_fini takes all back.  QR_FALSE: a key is no key; QR_NOMEM. */
enum qr_rc admission_init(struct admission *a, const struct trust_dir *trust, struct qr_err *err)
    QR_MUST_CHECK;
void admission_fini(struct admission *a);

/* Strict form, a known author's signature, a kind that is this author's.
 * QR_MALFORMED, QR_RANGE (too large), QR_DENIED (unknown author, or another's
 * kind), QR_FALSE becomes QR_UNAUTHENTICATED (signature).  out must not be
 * copied afterwards: tags points into it. */
enum qr_rc admission_judge(const struct admission *a, struct qr_bytes entry,
                           struct admission_entry *out, struct qr_err *err) QR_MUST_CHECK;

/* Times of the authors' newest entries. */
struct admission_clock *admission_clock_new(const struct trust_dir *trust);
void admission_clock_free(struct admission_clock *c);
/* An entry that is in the log already (at start). */
void admission_clock_note(struct admission_clock *c, const struct leaf_entry *e);
/* The time of an entry that would get this index, against the log's: at most
 * 5 s off, and not before its author's newest.  QR_STALE.  Provisional until
 * admission_clock_settle. */
enum qr_rc admission_time(struct admission_clock *c, uint64_t index, struct qr_bytes entry,
                          int64_t now_us, struct qr_err *err) QR_MUST_CHECK;
/* Entries admitted for indexes from `from` on are in the log, or are not. */
void admission_clock_settle(struct admission_clock *c, uint64_t from, bool kept);

#endif
