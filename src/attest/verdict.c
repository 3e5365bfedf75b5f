/* verdict.c - the rules, in the order of SNP.md section 3.
 *
 * Up to the signature each group of rules is one function from the question to
 * a reason; the first that is not ATTEST_OK ends it.  Nothing of the report but
 * its format and the choice of certificates is looked at before the signature
 * has been verified; after it every rule is asked. */
#include <config.h> /* QUORATE_SIMULATOR */

#include "attest/verdict.h"

#include "base/removal.h"

/* A group's reason, unless a test build leaves its check out. */
#define JUDGED(id, why) (QR_HOLDS(id, (why) == ATTEST_OK) ? ATTEST_OK : (why))

_Static_assert(ATTEST_REASON_COUNT <= 64, "a bit of attest_verdict.failed for each");

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
    if (!QR_HOLDS(VERDICT_PRODUCT, j->p->products[j->product])) return ATTEST_PRODUCT_NOT_ALLOWED;
    if (!QR_HOLDS(VERDICT_SIGNER, j->p->signers[j->r.signer])) return ATTEST_SIGNER_NOT_ALLOWED;
    struct qr_hash root = attest_chain_root(j->chain);
    return QR_HOLDS(VERDICT_ROOT, listed(&j->p->arks[j->product], root.b))
               ? ATTEST_OK
               : ATTEST_CHAIN_UNTRUSTED_ROOT;
}

/* Rules 9 to 11. */
static enum attest_reason judge_chain(struct judging *j)
{
    enum attest_reason why = attest_chain_links(j->chain, j->product, j->r.signer);
    if (why == ATTEST_OK) attest_links_keep(j->p->links, &j->key, j->chain);
    why = JUDGED(VERDICT_CHAIN, why);
    if (why == ATTEST_OK) why = attest_chain_time(j->chain, j->q->time_us);
    why = JUDGED(VERDICT_TIME, why);
    if (why != ATTEST_OK) return why;
    if (j->q->certs.crl.n == 0)
        return QR_HOLDS(VERDICT_CRL_MISSING, !j->p->require_crl) ? ATTEST_OK : ATTEST_CRL_MISSING;
    why = attest_chain_crl(j->chain, j->q->certs.crl, j->q->time_us);
    return JUDGED(VERDICT_CRL, why);
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
        return QR_HOLDS(VERDICT_MASKED, j->p->allow_masked_chip_id) ? ATTEST_OK
                                                                    : ATTEST_CHIP_ID_MASKED;
    bool same = qr_bytes_equal(QR_BYTES_OF(j->vek.hwid), QR_BYTES_OF(j->r.chip_id));
    return QR_HOLDS(VERDICT_HWID, same) ? ATTEST_OK : ATTEST_VEK_HWID;
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
    bool same = qr_bytes_equal(QR_BYTES_OF(raw), QR_BYTES_OF(j->r.reported_tcb));
    return QR_HOLDS(VERDICT_VEK_TCB, same) ? ATTEST_OK : ATTEST_VEK_TCB;
}

/* ---- rules 17 to 33: one function each, asked in the order of claim_rules ---- */

static bool no_debug(const struct judging *j)
{
    return !(j->r.policy & ATTEST_GUEST_DEBUG) || j->p->allow_debug;
}

static bool no_migration(const struct judging *j)
{
    return !(j->r.policy & ATTEST_GUEST_MIGRATE_MA) || j->p->allow_migrate_ma;
}

static bool smt_allowed(const struct judging *j)
{
    return !(j->r.policy & ATTEST_GUEST_SMT) || j->p->allow_smt;
}

static bool cxl_allowed(const struct judging *j)
{
    return !(j->r.policy & ATTEST_GUEST_CXL) || j->p->allow_cxl;
}

static bool has_all(uint64_t bits, uint64_t required) { return (bits & required) == required; }

static bool bits_set(const struct judging *j) { return has_all(j->r.policy, j->p->required_bits); }

static bool abi_reached(const struct judging *j)
{
    uint32_t abi = (uint32_t)(j->r.policy & 0xffff);
    return abi >= ((uint32_t)j->p->min_abi_major << 8 | j->p->min_abi_minor);
}

static bool platform_fits(const struct judging *j)
{
    uint64_t info = j->r.platform_info;
    return has_all(info, j->p->platform_info_required) && !(info & j->p->platform_info_forbidden);
}

static uint32_t fw_number(struct attest_fw v)
{
    return (uint32_t)v.major << 16 | (uint32_t)v.minor << 8 | v.build;
}

static bool tcb_consistent(const struct judging *j)
{
    return attest_tcb_reaches(&j->current, &j->committed) &&
           attest_tcb_reaches(&j->current, &j->reported) &&
           fw_number(j->r.committed_fw) <= fw_number(j->r.current_fw);
}

static bool tcb_committed(const struct judging *j)
{
    return j->p->allow_provisional || attest_tcb_equal(&j->current, &j->committed);
}

static bool tcb_reached(const struct judging *j)
{
    const struct attest_tcb *floor = &j->p->min_tcb[j->product];
    if (!j->p->has_min_tcb[j->product]) return true;
    return attest_tcb_reaches(&j->reported, floor) &&
           (!j->p->min_tcb_committed || attest_tcb_reaches(&j->committed, floor));
}

static bool launch_tcb_reached(const struct judging *j)
{
    return !j->p->has_min_launch_tcb[j->product] ||
           attest_tcb_reaches(&j->launch, &j->p->min_launch_tcb[j->product]);
}

static bool fw_reached(const struct judging *j)
{
    return fw_number(j->r.committed_fw) >= fw_number(j->p->min_fw);
}

static bool mitigated(const struct judging *j)
{
    return has_all(j->r.launch_mit_vector, j->p->min_launch_mit_vector) &&
           has_all(j->r.current_mit_vector, j->p->min_current_mit_vector);
}

static bool measurement_listed(const struct judging *j)
{
    return allowed(&j->p->measurements, j->r.measurement);
}

static bool data_bound(const struct judging *j)
{
    struct qr_bytes want = j->q->report_data;
    return want.n == 0 || qr_bytes_equal(want, QR_BYTES_OF(j->r.report_data));
}

static bool host_data_listed(const struct judging *j)
{
    return allowed(&j->p->host_data, j->r.host_data);
}

static bool vmpl_listed(const struct judging *j) { return j->r.vmpl <= 3 && j->p->vmpl[j->r.vmpl]; }

static bool svn_reached(const struct judging *j) { return j->r.guest_svn >= j->p->min_guest_svn; }

static bool family_listed(const struct judging *j)
{
    return allowed(&j->p->family_ids, j->r.family_id);
}

static bool image_listed(const struct judging *j)
{
    return allowed(&j->p->image_ids, j->r.image_id);
}

static bool report_id_listed(const struct judging *j)
{
    return allowed(&j->p->report_ids, j->r.report_id);
}

/* Without an ID block its digest is zeros, which a policy in force cannot list. */
static bool id_block_fits(const struct judging *j)
{
    const struct attest_policy *p = j->p;
    const struct attest_report *r = &j->r;
    if (p->require_id_block && is_filled(r->id_key_digest, sizeof r->id_key_digest, 0) &&
        !listed(&p->id_key_digests, r->id_key_digest))
        return false;
    if (!allowed(&p->id_key_digests, r->id_key_digest)) return false;
    if ((p->require_author_key || p->author_key_digests.n) && !r->author_key_enabled) return false;
    return allowed(&p->author_key_digests, r->author_key_digest);
}

static bool chip_listed(const struct judging *j)
{
    const uint8_t *chip = j->r.signer == ATTEST_VCEK ? j->vek.hwid : j->r.chip_id;
    return allowed(&j->p->chip_ids, chip);
}

static bool no_migration_agent(const struct judging *j)
{
    return !j->p->forbid_migration_agent ||
           is_filled(j->r.report_id_ma, sizeof j->r.report_id_ma, 0xff);
}

static const struct {
    enum attest_reason reason; /* when it does not hold */
    enum qr_guard guard;
    bool (*holds)(const struct judging *j);
} claim_rules[] = {
#define RULE(reason, holds)                               \
    {                                                     \
        ATTEST_##reason, QR_GUARD_VERDICT_##reason, holds \
    }
    RULE(POLICY_DEBUG, no_debug),
    RULE(POLICY_MIGRATE, no_migration),
    RULE(POLICY_SMT, smt_allowed),
    RULE(POLICY_CXL, cxl_allowed),
    RULE(POLICY_REQUIRED_BIT, bits_set),
    RULE(POLICY_ABI, abi_reached),
    RULE(PLATFORM_INFO, platform_fits),
    RULE(TCB_INCONSISTENT, tcb_consistent),
    RULE(TCB_PROVISIONAL, tcb_committed),
    RULE(TCB_TOO_OLD, tcb_reached),
    RULE(LAUNCH_TCB_TOO_OLD, launch_tcb_reached),
    RULE(FW_TOO_OLD, fw_reached),
    RULE(MIT_VECTOR, mitigated),
    RULE(MEASUREMENT, measurement_listed),
    RULE(REPORT_DATA, data_bound),
    RULE(HOST_DATA, host_data_listed),
    RULE(VMPL, vmpl_listed),
    RULE(GUEST_SVN, svn_reached),
    RULE(FAMILY_ID, family_listed),
    RULE(IMAGE_ID, image_listed),
    RULE(REPORT_ID, report_id_listed),
    RULE(ID_BLOCK, id_block_fits),
    RULE(CHIP_NOT_ALLOWED, chip_listed),
    RULE(MIGRATION_AGENT, no_migration_agent),
#undef RULE
};

/* All of them, so that whoever looks at a refusal sees every cause; the first
 * is the reason. */
static enum attest_reason judge_claims(const struct judging *j, uint64_t *failed)
{
    enum attest_reason first = ATTEST_OK;
    for (size_t i = 0; i < sizeof claim_rules / sizeof claim_rules[0]; i++) {
        if (QR_HOLDS_OF(claim_rules[i].guard, claim_rules[i].holds(j))) continue;
        if (first == ATTEST_OK) first = claim_rules[i].reason;
        *failed |= 1ULL << claim_rules[i].reason;
    }
    return first;
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
    if (why == ATTEST_OK) {
        why = attest_chain_signature(j->chain, j->q->report, &j->r);
        why = JUDGED(VERDICT_SIGNATURE, why);
    }
    if (why != ATTEST_OK) return why;
    j->current = attest_tcb_of(j->r.current_tcb, j->product);
    j->reported = attest_tcb_of(j->r.reported_tcb, j->product);
    j->committed = attest_tcb_of(j->r.committed_tcb, j->product);
    j->launch = attest_tcb_of(j->r.launch_tcb, j->product);
    fill_claims(j, out);
    return judge_claims(j, &out->failed);
}

void attest_verify(const struct attest_question *q, struct attest_verdict *out)
{
    struct judging j = {.q = q, .p = q->policy};
    *out = (struct attest_verdict){.authentic = false};
    out->reason = judge(&j, out);
    if (out->reason != ATTEST_OK) out->failed |= 1ULL << out->reason;
    attest_chain_close(j.chain);
}

enum qr_rc attest_verify_evidence(const struct attest_evidence *e,
                                  const struct attest_expectation *want, struct attest_verdict *out,
                                  struct qr_err *err)
{
    struct attest_verdict local;
    struct attest_verdict *v = out ? out : &local;
#ifndef QUORATE_SIMULATOR
    if (e->trust_class == ATTEST_SIMULATED) {
        *v = (struct attest_verdict){.reason = ATTEST_CLASS};
        return qr_fail(err, QR_ATTESTATION,
                       "this build has no simulator and takes no simulated evidence");
    }
#endif
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
