/* ssh_check.h - the OpenSSH certificate that cad gives a session's key beside
 * the group certificate: what must stand in it, and whether it does.
 *
 * cad asks the first, every reader of a bundle the second.
 * Spec: docs/FORMATS.md section 5. */
#ifndef QUORATE_TRUST_SSH_CHECK_H
#define QUORATE_TRUST_SSH_CHECK_H

#include "leaf/certificate.h"
#include "pki/ssh.h"
#include "trust/request_check.h"

/* A commit states when it was made, which is before anybody asks for its
 * signature: so much earlier a certificate for namespace git is valid. */
#define TRUST_SSH_GIT_US (3600 * 1000000LL)

/* Of which session, under which policy (borrowed). */
struct trust_ssh {
    const struct trust_request *req;
    const struct signing_policy *policy;
    const struct pki_cert *group; /* the group certificate */
};

/* False: the session signs nothing of type sshsig, and has no certificate.  out
 * borrows from s. */
bool trust_ssh_terms(const struct trust_ssh *s, struct pki_ssh_terms *out);

/* `ssh.logged`: cert is of the digest that certificate.issued states, or neither
 * is there; `ssh.issuer`, `ssh.binding`, `ssh.signature`.  Skipped where the
 * directory names no SSH CA.  QR_FALSE recorded in r. */
enum qr_rc trust_ssh_check(const struct trust_dir *dir, const struct trust_ssh *s,
                           struct qr_bytes cert, const struct leaf_certificate *logged,
                           struct trust_report *r) QR_MUST_CHECK;

#endif
