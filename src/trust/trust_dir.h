/* trust_dir.h - what its holder decided to believe, before any bundle came.
 *
 * Log origin and keys, entry authors, admins, grant keys, CA certificates and keys, and
 * the two policies, perhaps with the attestation policy to come and those of
 * before; read from a directory that the participant, auditor or
 * verifier holds.  Never filled from a bundle, a service or a first meeting.
 * Read-only after loading, but for where the next attestation policy is in force
 * from (attest/pin.h); may be shared between threads.
 *
 * Spec: docs/FORMATS.md section 11, TRUST.md section 1. */
#ifndef QUORATE_TRUST_TRUST_DIR_H
#define QUORATE_TRUST_TRUST_DIR_H

#include "attest/pin.h"
#include "leaf/entry.h"
#include "pki/cert.h"
#include "tlog/tlog.h"
#include "trust/signing_policy.h"

/* Files of the directory, the last two where there is something to say. */
#define TRUST_ATTESTATION "attestation.policy"
#define TRUST_ATTESTATION_NEXT "attestation.next.policy"
#define TRUST_ATTESTATION_HISTORY "attestation.history"

#define TRUST_MAX_KEYS 16
/* A checkpoint carries at most 16 signatures, one of them the log's. */
#define TRUST_MAX_WITNESSES 15
#define TRUST_OPEN_END UINT64_MAX

struct trust_keys {
    struct qr_pub k[TRUST_MAX_KEYS];
    size_t n;
};

/* A key of the log and the tree sizes whose checkpoints it may sign. */
struct trust_log_key {
    struct tlog_vkey vkey;
    uint64_t from;
    uint64_t to; /* inclusive; TRUST_OPEN_END */
};

/* A line of attestation.history: the policy of this hash is in force from its
 * policy.changed at index on. */
struct trust_past {
    uint64_t index;
    struct qr_hash hash;
};
#define TRUST_MAX_PAST 64

struct trust_dir {
    char origin[TLOG_NAME_MAX + 1];
    struct trust_log_key log_keys[TRUST_MAX_KEYS];
    size_t log_key_count;
    struct tlog_vkey witnesses[TRUST_MAX_WITNESSES]; /* whose cosignatures count */
    size_t witness_count;
    struct trust_keys admins;
    struct trust_keys authors[LEAF_AUTHOR_COUNT];
    struct trust_keys coordinator_envelope;
    struct trust_keys grant;
    struct trust_keys ssh_ca; /* none: OpenSSH certificates are not judged */
    struct pki_cert root;
    struct pki_cert participant_ca;
    struct pki_cert group_ca;
    struct signing_policy signing;
    struct qr_hash signing_hash;
    struct attest_pin *attestation;  /* owned */
    struct qr_hash attestation_hash; /* of the current one, as the file has it */
    struct trust_past past[TRUST_MAX_PAST];
    size_t past_count;
};

/* The files, as bytes; borrowed.  PEM for the certificates. */
struct trust_files {
    struct qr_bytes trust_json;
    struct qr_bytes ca_root;
    struct qr_bytes participant_ca;
    struct qr_bytes group_ca;
    struct qr_bytes signing_policy;
    struct qr_bytes attestation_policy;
    struct qr_bytes attestation_next;    /* empty: there is none */
    struct qr_bytes attestation_history; /* likewise */
};

/* Reads everything or nothing; trust_dir_fini afterwards.  err names file and,
 * where there is one, line of the first mistake.  QR_NOTFOUND, QR_IO,
 * QR_MALFORMED; QR_POLICY: a key stands for two purposes, or lesser classes are
 * accepted in a log whose origin does not say so. */
enum qr_rc trust_dir_load(const char *path, struct trust_dir *out, struct qr_err *err)
    QR_MUST_CHECK;
enum qr_rc trust_dir_parse(const struct trust_files *files, struct trust_dir *out,
                           struct qr_err *err) QR_MUST_CHECK;
/* Whether a log of this name may hold what is of a lesser trust class. */
#define TRUST_LESSER_ORIGIN "dev."
bool trust_origin_lesser(const char *origin);
/* For who serves or takes part, before the start: QR_ATTESTATION when the
 * attestation policy's class is one that the signing policy does not accept,
 * so that nothing could ever be signed. */
enum qr_rc trust_dir_serviceable(const struct trust_dir *t, struct qr_err *err) QR_MUST_CHECK;
void trust_dir_fini(struct trust_dir *t); /* idempotent */

/* Writes trust.json for the keys and log of t (the other members are not
 * looked at): what `quorate init` puts into a new directory. */
enum qr_rc trust_json_write(const struct trust_dir *t, struct qr_buf *out) QR_MUST_CHECK;

/* Whether the key is of a service, a CA, the log or an admin: of whatever this
 * directory gives a use. */
bool trust_dir_has_key(const struct trust_dir *t, const struct qr_pub *key);
/* The log's keys that may sign a tree of this size; gives how many. */
size_t trust_log_keys(const struct trust_dir *t, uint64_t size,
                      struct tlog_vkey out[TRUST_MAX_KEYS]);
/* How many of the witnesses cosigned this note; names (may be NULL) gets their
 * key names, separated by spaces.  QR_FALSE: the line of one is wrong. */
enum qr_rc trust_witnesses_count(const struct trust_dir *t, const struct tlog_note *note,
                                 unsigned *count, struct qr_buf *names) QR_MUST_CHECK;

/* The attestation policy in force for an entry at this index, by its hash.
 * QR_NOTFOUND: this directory does not know. */
enum qr_rc trust_attestation_at(const struct trust_dir *t, uint64_t index, struct qr_hash *out)
    QR_MUST_CHECK;
/* Whether this directory's holder ever believed in it: current, next or past. */
bool trust_attestation_known(const struct trust_dir *t, const struct qr_hash *hash);

/* Whether TEE_POLICY_HASH is of the current policy or of the next: whoever pins it
 * may pin the new one before and after it is in force. */
bool trust_attestation_pinned(const struct trust_dir *t, const char *hex);

bool trust_keys_have(const struct trust_keys *keys, const struct qr_pub *key);
/* Key of an author by its key id (16 hex digits); NULL if unknown. */
const struct qr_pub *trust_author_key(const struct trust_dir *t, enum leaf_author a,
                                      struct qr_bytes key_id);

#endif
