/* parts.h - pieces that several bodies share: roles, policies, payloads,
 * checkpoint references, admin signatures.  docs/FORMATS.md sections 2 and 3. */
#ifndef QUORATE_LEAF_PARTS_H
#define QUORATE_LEAF_PARTS_H

#include "base/limits.h"
#include "leaf/entry.h"

struct leaf_policies {
    struct qr_hash attestation;
    struct qr_hash signing;
};
/* write gives the object; read marks o when a field is bad. */
json_t *leaf_policies_write(const struct leaf_policies *p);
void leaf_policies_read(struct qr_obj *o, const char *key, struct leaf_policies *out);
bool leaf_policies_equal(const struct leaf_policies *a, const struct leaf_policies *b);

#define LEAF_MAX_NAMESPACE 64
/* 1..64 of a-z, 0-9, '.', '@', '-'. */
bool leaf_namespace_ok(struct qr_bytes s);
#define LEAF_BLAKE2B_SIZE 64

/* What a certificate or a request for one will say; docs/FORMATS.md section 8. */
#define LEAF_MAX_SUBJECT 64
#define LEAF_MAX_SUBJECT_KEY 120
#define LEAF_MAX_DAYS 3650
struct leaf_x509 {
    char subject[LEAF_MAX_SUBJECT + 1]; /* common name */
    uint32_t days;                      /* x509-ca, x509-cert: of validity */
    enum qr_usage usage;                /* x509-cert */
    size_t key_n;                       /* x509-cert: SubjectPublicKeyInfo of the subject */
    uint8_t key[LEAF_MAX_SUBJECT_KEY];
};
/* 1..64 printable ASCII characters, none of them a space at an end. */
bool leaf_subject_ok(struct qr_bytes s);
/* ... that are a host's name: labels of a-z, 0-9 and inner '-', two or more. */
bool leaf_host_ok(struct qr_bytes s);

/* A payload as requested; in a descriptor with the digest of its bytes. */
struct leaf_payload {
    enum qr_payload type;
    uint8_t blake2b[LEAF_BLAKE2B_SIZE]; /* minisign: of the file */
    char ns[LEAF_MAX_NAMESPACE + 1];    /* sshsig: namespace, 1..64 of [a-z0-9.@-]; else "" */
    struct qr_hash digest;              /* section 8; requested: zeros */
    struct leaf_x509 x509;              /* x509-csr, x509-ca, x509-cert; else zeros */
};
/* Types are distinct and in the order of enum qr_payload; minisign has
 * minisign-global behind it, which is nowhere else; x509-cert has x509-ca, which
 * is valid as long, before it. */
struct leaf_payloads {
    size_t n;
    struct leaf_payload p[QR_MAX_PAYLOADS];
};
json_t *leaf_payloads_write(const struct leaf_payloads *p, bool with_digest);
void leaf_payloads_read(struct qr_obj *o, const char *key, bool with_digest,
                        struct leaf_payloads *out);
/* The same request; digests are not compared. */
bool leaf_payloads_same(const struct leaf_payloads *a, const struct leaf_payloads *b);

/* Size and root of a checkpoint. */
struct leaf_checkpoint {
    uint64_t size;
    struct qr_hash root;
};
json_t *leaf_checkpoint_write(const struct leaf_checkpoint *c);
void leaf_checkpoint_read(struct qr_obj *o, const char *key, struct leaf_checkpoint *out);

#define LEAF_MAX_ADMINS 8
struct leaf_admin_sig {
    struct qr_pub key;
    struct qr_sig sig;
};
struct leaf_admin_sigs {
    size_t n;
    struct leaf_admin_sig s[LEAF_MAX_ADMINS]; /* distinct keys, ascending */
};
json_t *leaf_admin_sigs_write(const struct leaf_admin_sigs *a);
void leaf_admin_sigs_read(struct qr_obj *o, const char *key, struct leaf_admin_sigs *out);
/* Counts the signatures that verify under tag over body without admin_sigs and
 * whose key is among admins. */
size_t leaf_admin_sigs_good(const struct leaf_admin_sigs *a, const json_t *body, const char *tag,
                            const struct qr_pub *admins, size_t admin_count);
/* Those that body has.  QR_MALFORMED: none, or not such an array. */
enum qr_rc leaf_admin_sigs_of(const json_t *body, struct leaf_admin_sigs *out, struct qr_err *err)
    QR_MUST_CHECK;
/* Signs body without admin_sigs and puts the signature in its place among those
 * that body has (an array may be missing: none).  QR_MALFORMED: admin_sigs is
 * not such an array; QR_EXISTS: this admin has signed; QR_RANGE: it is full. */
enum qr_rc leaf_admin_sign(json_t *body, const char *tag, const struct qr_signer *admin,
                           struct qr_err *err) QR_MUST_CHECK;

/* The fields session and session_leaf. */
struct leaf_session_ref {
    char id[QR_ULID_LEN + 1];
    struct qr_hash leaf;
};
void leaf_session_ref_write(json_t *o, const struct leaf_session_ref *s);
void leaf_session_ref_read(struct qr_obj *o, struct leaf_session_ref *out);
/* A ULID field into out. */
void leaf_ulid_read(struct qr_obj *o, const char *key, char out[QR_ULID_LEN + 1]);
/* A short text field into a fixed buffer of room bytes (NUL included); empty
 * allowed. */
void leaf_text_read(struct qr_obj *o, const char *key, char *out, size_t room);
/* An array of commitments (blame). */
struct leaf_people {
    size_t n;
    struct qr_hash p[QR_MAX_PARTICIPANTS];
};
json_t *leaf_people_write(const struct leaf_people *p);
void leaf_people_read(struct qr_obj *o, const char *key, struct leaf_people *out);

#endif
