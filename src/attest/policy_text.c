/* policy_text.c - the texts of the keys, and what a lax policy risks. */
#include "attest/policy_text.h"

#include <assert.h>

static const struct {
    const char *key, *text;
} texts[] = {
#define POLICY_TEXT(key, text) {key, text},
#include "attest/policy_text.def"
#undef POLICY_TEXT
};

const char *attest_policy_key_text(struct qr_bytes key)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (qr_bytes_is(key, texts[i].key)) return texts[i].text;
    return NULL;
}

/* PLATFORM_INFO bit 5 (SNP.md 1.5). */
#define ALIAS_CHECK_COMPLETE 0x20u

size_t attest_policy_warnings(const struct attest_policy *p, const char *out[ATTEST_WARNINGS_MAX])
{
    const struct {
        bool holds;
        const char *text;
    } all[] = {
        {p->trust_class == ATTEST_SIMULATED,
         "classes: the simulator is accepted, which protects nothing"},
        {p->products[ATTEST_MILAN],
         "products: software alone can take the root key out of a Milan chip and forge any report; "
         "list chip_ids that you own"},
        {p->allow_debug, "allow_debug: the host may read and change the guest"},
        {p->allow_migrate_ma, "allow_migrate_ma: a migration agent receives the guest"},
        {!p->forbid_migration_agent, "forbid_migration_agent: a guest with an agent is accepted"},
        {!(p->platform_info_required & ALIAS_CHECK_COMPLETE),
         "platform_info_required lacks 0x20: memory may be aliased (AMD-SB-3015)"},
        {!p->require_crl, "require_crl: a revoked intermediate certificate is accepted"},
        {!p->min_tcb_committed, "min_tcb_committed: the host may roll firmware back below min_tcb"},
        {p->allow_masked_chip_id, "allow_masked_chip_id: the chip is not compared"},
        {p->allow_cxl, "allow_cxl: memory may be outside of the processor's socket"},
        {p->vmpl[1] || p->vmpl[2] || p->vmpl[3],
         "vmpl: less privileged software of the guest can ask for reports"},
    };
    size_t n = 0;
    _Static_assert(sizeof all / sizeof all[0] <= ATTEST_WARNINGS_MAX, "room for all");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].holds) out[n++] = all[i].text;
    return n;
}
