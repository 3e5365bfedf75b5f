/* ssh_check.c - see ssh_check.h. */
#include "trust/ssh_check.h"

#include "trust/trust_dir.h"

static const struct leaf_payload *sshsig_of(const struct leaf_request *q)
{
    for (size_t i = 0; i < q->payloads.n; i++)
        if (q->payloads.p[i].type == QR_SSHSIG) return &q->payloads.p[i];
    return NULL;
}

bool trust_ssh_terms(const struct trust_ssh *s, struct pki_ssh_terms *out)
{
    const struct leaf_payload *p = sshsig_of(&s->req->is);
    *out = (struct pki_ssh_terms){.group = s->group,
                                  .session = s->req->is.session,
                                  .policy = s->policy->name,
                                  .after_us = s->group->not_before_us};
    if (p && qr_bytes_is(qr_str(p->ns), "git"))
        out->after_us = s->req->is.created_us - TRUST_SSH_GIT_US;
    return p != NULL;
}

static bool digest_logged(struct qr_bytes cert, const struct leaf_certificate *logged)
{
    if (cert.n == 0 || !logged->has_ssh) return cert.n == 0 && !logged->has_ssh;
    struct qr_hash digest = qr_sha256_one(cert);
    return qr_hash_equal(&digest, &logged->ssh);
}

enum qr_rc trust_ssh_check(const struct trust_dir *dir, const struct trust_ssh *s,
                           struct qr_bytes cert, const struct leaf_certificate *logged,
                           struct trust_report *r)
{
    struct pki_ssh_terms terms;
    struct qr_pub ca = {{0}};
    bool may = trust_ssh_terms(s, &terms);
    QR_TRY(trust_check(r, TRUST_SSH_LOGGED, digest_logged(cert, logged), QR_FALSE,
                       "it is not the one that certificate.issued states"));
    if (cert.n == 0) return QR_OK;
    if (dir->ssh_ca.n == 0) {
        trust_skip(r, TRUST_SSH_ISSUER, "not checked: the trust directory names no SSH CA");
        return QR_OK;
    }
    bool read = pki_ssh_ca(cert, &ca) == QR_OK;
    QR_TRY(trust_check(r, TRUST_SSH_ISSUER, read && trust_keys_have(&dir->ssh_ca, &ca), QR_FALSE,
                       "another CA's"));
    QR_TRY(trust_check(r, TRUST_SSH_BINDING, may && pki_ssh_fits(cert, &terms, &ca), QR_FALSE,
                       "it is of another session, key, policy or time"));
    return trust_check(r, TRUST_SSH_SIGNATURE, pki_ssh_signed(cert, &ca), QR_FALSE, NULL);
}
