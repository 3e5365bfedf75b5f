/* verdict.c - the rules, in the order of SNP.md section 3.
 *
 * Each group of rules is one function from the question to a reason; the first
 * that is not ATTEST_OK ends it.  Nothing of the report but its format and the
 * choice of certificates is looked at before the signature has been verified. */
#include "attest/verdict.h"

/* What the groups work on. */
struct judging {
    const struct attest_question *q;
    const struct attest_policy *p;
    struct attest_report r;
    struct attest_chain *chain;
    struct qr_hash key; /* of its certificates */
    enum attest_product product;
    struct attest_vek vek;
    struct attest_tcb current, reported, committed, launch;
};

static bool listed(const struct attest_list *l, const void *v)
{
    for (size_t i = 0; i < l->n; i++)
        if (qr_bytes_equal(QR_BYTES(l->v[i], l->size), QR_BYTES(v, l->size))) return true;
    return false;
}

/* An empty list means that the rule is off. */
static bool allowed(const struct attest_list *l, const void *v)
{
    return l->n == 0 || listed(l, v);
}

static bool is_filled(const uint8_t *p, size_t n, uint8_t with)
{
    uint8_t differs = 0;
    for (size_t i = 0; i < n; i++) differs |= (uint8_t)(p[i] ^ with);
    return differs == 0;
}

/* Rules 7 and 8.  A report of version 2 does not say its product: the
 * certificate does, and the pinned root of that product confirms it. */
static enum attest_reason judge_product(struct judging *j)
{
    j->product = j->r.version >= 3 ? attest_product_from_cpuid(j->r.cpuid_family, j->r.cpuid_model)
                                   : attest_chain_product(j->chain);
    if (j->product == ATTEST_PRODUCT_UNKNOWN) return ATTEST_UNKNOWN_PRODUCT;
    if (!j->p->products[j->product]) return ATTEST_PRODUCT_NOT_ALLOWED;
    if (!j->p->signers[j->r.signer]) return ATTEST_SIGNER_NOT_ALLOWED;
    struct qr_hash root = attest_chain_root(j->chain);
    return listed(&j->p->arks[j->product], root.b) ? ATTEST_OK : ATTEST_CHAIN_UNTRUSTED_ROOT;
}

/* Rules 9 to 11. */
static enum attest_reason judge_chain(struct judging *j)
{
    enum attest_reason why = attest_chain_links(j->chain, j->product, j->r.signer);
    if (why == ATTEST_OK) attest_links_keep(j->p->links, &j->key, j->chain);
    if (why == ATTEST_OK) why = attest_chain_time(j->chain, j->q->time_us);
    if (why != ATTEST_OK) return why;
    if (j->q->certs.crl.n == 0) return j->p->require_crl ? ATTEST_CRL_MISSING : ATTEST_OK;
    return attest_chain_crl(j->chain, j->q->certs.crl, j->q->time_us);
}

/* Rule 14. */
static enum attest_reason judge_chip(const struct judging *j)
{
    if (j->r.signer == ATTEST_VLEK) {
        uint8_t csp[64] = {0};
        qr_copy(csp, j->vek.csp_id, qr_str(j->vek.csp_id).n);
        return allowed(&j->p->csp_ids, csp) ? ATTEST_OK : ATTEST_CSP_NOT_ALLOWED;
    }
    if (is_filled(j->r.chip_id, sizeof j->r.chip_id, 0))
        return j->p->allow_masked_chip_id ? ATTEST_OK : ATTEST_CHIP_ID_MASKED;
    return qr_bytes_equal(QR_BYTES_OF(j->vek.hwid), QR_BYTES_OF(j->r.chip_id)) ? ATTEST_OK
                                                                               : ATTEST_VEK_HWID;
}

/* Rules 12 to 15.  The levels are compared as the raw eight bytes, so that the
 * unused ones must be zero too. */
static enum attest_reason judge_vek(struct judging *j)
{
    uint8_t raw[8];
    enum attest_reason why = attest_chain_extensions(j->chain, j->product, j->r.signer, &j->vek);
    if (why == ATTEST_OK) why = judge_chip(j);
    if (why != ATTEST_OK) return why;
    attest_tcb_write(&j->vek.tcb, j->product, raw);
    return qr_bytes_equal(QR_BYTES_OF(raw), QR_BYTES_OF(j->r.reported_tcb)) ? ATTEST_OK
                                                                            : ATTEST_VEK_TCB;
}

/* Rules 17 and 18. */
static enum attest_reason judge_guest(const struct judging *j)
{
    const struct attest_policy *p = j->p;
    uint64_t bits = j->r.policy;
    uint8_t abi_major = (uint8_t)(bits >> 8), abi_minor = (uint8_t)bits;
    if ((bits & ATTEST_GUEST_DEBUG) && !p->allow_debug) return ATTEST_POLICY_DEBUG;
    if ((bits & ATTEST_GUEST_MIGRATE_MA) && !p->allow_migrate_ma) return ATTEST_POLICY_MIGRATE;
    if ((bits & ATTEST_GUEST_SMT) && !p->allow_smt) return ATTEST_POLICY_SMT;
    if ((bits & ATTEST_GUEST_CXL) && !p->allow_cxl) return ATTEST_POLICY_CXL;
    if ((bits & p->required_bits) != p->required_bits) return ATTEST_POLICY_REQUIRED_BIT;
    if (abi_major < p->min_abi_major ||
        (abi_major == p->min_abi_major && abi_minor < p->min_abi_minor))
        return ATTEST_POLICY_ABI;
    uint64_t info = j->r.platform_info;
    if ((info & p->platform_info_required) != p->platform_info_required ||
        (info & p->platform_info_forbidden))
        return ATTEST_PLATFORM_INFO;
    return ATTEST_OK;
}

static uint32_t fw_number(struct attest_fw v)
{
    return (uint32_t)v.major << 16 | (uint32_t)v.minor << 8 | v.build;
}

/* Rules 19 to 24. */
static enum attest_reason judge_tcb(const struct judging *j)
{
    const struct attest_policy *p = j->p;
    enum attest_product pr = j->product;
    uint32_t committed = fw_number(j->r.committed_fw);
    if (!attest_tcb_reaches(&j->current, &j->committed) ||
        !attest_tcb_reaches(&j->current, &j->reported) || committed > fw_number(j->r.current_fw))
        return ATTEST_TCB_INCONSISTENT;
    if (!p->allow_provisional && !attest_tcb_equal(&j->current, &j->committed))
        return ATTEST_TCB_PROVISIONAL;
    if (p->has_min_tcb[pr] &&
        (!attest_tcb_reaches(&j->reported, &p->min_tcb[pr]) ||
         (p->min_tcb_committed && !attest_tcb_reaches(&j->committed, &p->min_tcb[pr]))))
        return ATTEST_TCB_TOO_OLD;
    if (p->has_min_launch_tcb[pr] && !attest_tcb_reaches(&j->launch, &p->min_launch_tcb[pr]))
        return ATTEST_LAUNCH_TCB_TOO_OLD;
    if (committed < fw_number(p->min_fw)) return ATTEST_FW_TOO_OLD;
    if ((j->r.launch_mit_vector & p->min_launch_mit_vector) != p->min_launch_mit_vector ||
        (j->r.current_mit_vector & p->min_current_mit_vector) != p->min_current_mit_vector)
        return ATTEST_MIT_VECTOR;
    return ATTEST_OK;
}

/* Rules 25 to 30. */
static enum attest_reason judge_claims(const struct judging *j)
{
    const struct attest_policy *p = j->p;
    const struct attest_report *r = &j->r;
    struct qr_bytes want = j->q->report_data;
    if (!allowed(&p->measurements, r->measurement)) return ATTEST_MEASUREMENT;
    if (want.n && !qr_bytes_equal(want, QR_BYTES_OF(r->report_data))) return ATTEST_REPORT_DATA;
    if (!allowed(&p->host_data, r->host_data)) return ATTEST_HOST_DATA;
    if (r->vmpl > 3 || !p->vmpl[r->vmpl]) return ATTEST_VMPL;
    if (r->guest_svn < p->min_guest_svn) return ATTEST_GUEST_SVN;
    if (!allowed(&p->family_ids, r->family_id)) return ATTEST_FAMILY_ID;
    if (!allowed(&p->image_ids, r->image_id)) return ATTEST_IMAGE_ID;
    return allowed(&p->report_ids, r->report_id) ? ATTEST_OK : ATTEST_REPORT_ID;
}

/* Rules 31 to 33.  Without an ID block its digest is zeros, which a policy in
 * force cannot list. */
static enum attest_reason judge_identity(const struct judging *j)
{
    const struct attest_policy *p = j->p;
    const struct attest_report *r = &j->r;
    if (p->require_id_block && is_filled(r->id_key_digest, sizeof r->id_key_digest, 0) &&
        !listed(&p->id_key_digests, r->id_key_digest))
        return ATTEST_ID_BLOCK;
    if (!allowed(&p->id_key_digests, r->id_key_digest)) return ATTEST_ID_BLOCK;
    if ((p->require_author_key || p->author_key_digests.n) && !r->author_key_enabled)
        return ATTEST_ID_BLOCK;
    if (!allowed(&p->author_key_digests, r->author_key_digest)) return ATTEST_ID_BLOCK;
    const uint8_t *chip = r->signer == ATTEST_VCEK ? j->vek.hwid : r->chip_id;
    if (!allowed(&p->chip_ids, chip)) return ATTEST_CHIP_NOT_ALLOWED;
    if (p->forbid_migration_agent && !is_filled(r->report_id_ma, sizeof r->report_id_ma, 0xff))
        return ATTEST_MIGRATION_AGENT;
    return ATTEST_OK;
}

static void fill_claims(const struct judging *j, struct attest_verdict *out)
{
    out->authentic = true;
    out->claims = (struct attest_claims){
        .trust_class = j->p->trust_class,
        .product = j->product,
        .report = j->r,
        .current = j->current,
        .reported = j->reported,
        .committed = j->committed,
        .launch = j->launch,
        .vek = j->vek,
        .evidence_digest = attest_evidence_digest(j->q->report, j->q->certs.vek),
        .vek_digest = qr_sha256_one(j->q->certs.vek),
    };
}

/* The certificates, read now or before. */
static enum attest_reason open_chain(struct judging *j)
{
    j->key = attest_links_key(&j->q->certs);
    j->chain = attest_links_find(j->p->links, &j->key);
    return j->chain ? ATTEST_OK : attest_chain_open(&j->q->certs, &j->chain);
}

static enum attest_reason judge(struct judging *j, struct attest_verdict *out)
{
    enum attest_reason why = attest_report_parse(j->q->report, &j->r);
    if (why == ATTEST_OK) why = open_chain(j);
    if (why == ATTEST_OK) why = judge_product(j);
    if (why == ATTEST_OK) why = judge_chain(j);
    if (why == ATTEST_OK) why = judge_vek(j);
    if (why == ATTEST_OK) why = attest_chain_signature(j->chain, j->q->report, &j->r);
    if (why != ATTEST_OK) return why;
    j->current = attest_tcb_of(j->r.current_tcb, j->product);
    j->reported = attest_tcb_of(j->r.reported_tcb, j->product);
    j->committed = attest_tcb_of(j->r.committed_tcb, j->product);
    j->launch = attest_tcb_of(j->r.launch_tcb, j->product);
    fill_claims(j, out);
    why = judge_guest(j);
    if (why == ATTEST_OK) why = judge_tcb(j);
    if (why == ATTEST_OK) why = judge_claims(j);
    if (why == ATTEST_OK) why = judge_identity(j);
    return why;
}

void attest_verify(const struct attest_question *q, struct attest_verdict *out)
{
    struct judging j = {.q = q, .p = q->policy};
    *out = (struct attest_verdict){.authentic = false};
    out->reason = judge(&j, out);
    attest_chain_close(j.chain);
}

enum qr_rc attest_verify_evidence(const struct attest_evidence *e,
                                  const struct attest_expectation *want, struct attest_verdict *out,
                                  struct qr_err *err)
{
    struct attest_verdict local;
    struct attest_verdict *v = out ? out : &local;
    if (e->trust_class != want->policy->trust_class) {
        *v = (struct attest_verdict){.reason = ATTEST_CLASS};
    } else {
        struct attest_question q = {
            .report = e->report,
            .certs = {.vek = e->vek, .ask = e->ask, .ark = e->ark, .crl = want->crl},
            .policy = want->policy,
            .time_us = want->time_us,
            .report_data = want->report_data,
        };
        attest_verify(&q, v);
    }
    if (v->reason == ATTEST_OK) return QR_OK;
    return qr_fail(err, QR_ATTESTATION, "%s: %s", attest_reason_name(v->reason),
                   attest_reason_text(v->reason));
}
