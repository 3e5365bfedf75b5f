/* verify.h - is what this bundle says true?  The offline verifier.
 *
 * One function for everybody: a participant asks it at stage `frozen` before
 * it deals and at `started` before it releases a share, cad at `frozen` before
 * it certifies a group key, an auditor at `signed`.  It takes no clock and
 * opens nothing: certificates and grants are judged as of the entries that
 * used them, trust comes from the directory alone.
 *
 * Spec: TRUST.md section 10, (a) to (o), in this order. */
#ifndef QUORATE_BUNDLE_VERIFY_H
#define QUORATE_BUNDLE_VERIFY_H

#include "bundle/bundle.h"
#include "bundle/known.h"
#include "trust/quorum_check.h"

struct bundle_options {
    enum bundle_stage need;  /* a bundle of an earlier stage is refused */
    bool allow_simulated;    /* accept class simulated beyond the policy */
    bool has_artifact;       /* compare the next two with the request */
    struct qr_hash artifact; /* SHA-256 */
    bool has_size;
    uint64_t size;
    bool has_file;              /* for raw: the file itself, borrowed */
    struct qr_bytes file;       /* without it the digest must do, and the raw
                           * signature is reported as skipped */
    struct bundle_known *known; /* NULL: judge everything */
    const int64_t *now_us;      /* not NULL: the session must not have expired */
};

/* What a verified bundle says; filled up to its stage.  Borrows from the
 * bundle, which must outlive it; bundle_facts_fini. */
struct bundle_facts {
    enum bundle_stage stage;
    unsigned classes; /* of everything in it */
    struct tlog_head head;
    unsigned witnesses; /* of the trust directory that cosigned it */
    int64_t time_us;    /* of the newest entry */
    struct trust_context context;
    struct attest_policy *attestation; /* owned; NULL: it is one of the directory's files */
    struct trust_request request;
    struct trust_identity requester;
    struct trust_approval *approvals; /* descriptor order, ascending index */
    size_t approval_count;
    /* from `frozen` */
    struct trust_roster roster;
    struct trust_descriptor descriptor;
    /* from `started` */
    struct leaf_dkg dkg;
    struct pki_cert group;
    struct trust_place started_at;
    struct leaf_started *started;
    struct qr_pub group_key; /* computed from the transcript */
    struct qr_bytes ssh;     /* OpenSSH certificate of a pinned CA; else empty */
    /* from `signed` */
    struct leaf_made made;
    struct leaf_entry *parsed; /* of every entry, in the bundle's order */
    size_t parsed_count;
};

/* QR_OK only if every check passed; the report names all that were made, its
 * first failure gives the result: QR_FALSE, QR_MALFORMED, QR_POLICY,
 * QR_ATTESTATION, QR_FORK, QR_STALE.  facts are valid after QR_OK only, but
 * bundle_facts_fini is called in every case. */
enum qr_rc bundle_verify(const struct bundle *b, const struct trust_dir *dir,
                         const struct bundle_options *opt, struct trust_report *r,
                         struct bundle_facts *facts) QR_MUST_CHECK;
void bundle_facts_fini(struct bundle_facts *f);

/* Evidence and DKG of a bundle alone: what is recomputed from the transcript,
 * for cad, whose `frozen` material does not hold it yet.  Checks context, ext,
 * members, signatures; gives Y. */
struct bundle_dkg {
    struct qr_bytes certificate;
    const uint8_t *frames;            /* 64 */
    const struct bundle_known *known; /* may be NULL */
};
enum qr_rc bundle_dkg_check(const struct trust_dir *dir, const struct trust_descriptor *d,
                            const struct bundle_dkg *dkg, struct trust_report *r,
                            struct qr_pub *group_key) QR_MUST_CHECK;

#endif
