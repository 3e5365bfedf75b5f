/* fuzz_tlogpolicy.c - tlog-policy files, and behind a NUL a checkpoint with
 * cosignatures that such a policy judges.  More witnesses never unmake a quorum;
 * what is judged good holds each cosignature that was counted. */
#include "fuzz.h"

#include "tlog/tlog.h"

#include <assert.h>
#include <string.h>

static void quorums(const struct tlog_policy *p, size_t witnesses)
{
    uint32_t all = witnesses == 32 ? UINT32_MAX : (UINT32_C(1) << witnesses) - 1, some = 0;
    bool before = tlog_policy_quorum(p, 0);
    for (size_t i = 0; i < witnesses; i++) {
        some |= UINT32_C(1) << i;
        bool now = tlog_policy_quorum(p, some);
        assert(now || !before);
        before = now;
    }
    assert(tlog_policy_quorum(p, all) == before);
}

static void judge(const struct tlog_policy *p, struct tlog_bytes note)
{
    struct tlog_judgement j;
    struct tlog_note parsed;
    struct tlog_err err;
    const struct tlog_party *witness;
    size_t n = tlog_policy_witnesses(p, &witness);
    enum tlog_rc form = tlog_note_parse(note, &parsed);
    enum tlog_rc rc = tlog_policy_check(p, note, &j, &err);
    assert(rc != TLOG_OK || (form == TLOG_OK && tlog_policy_quorum(p, j.cosigned)));
    for (size_t i = 0; form == TLOG_OK && i < n; i++) {
        uint64_t time_s = 0;
        enum tlog_rc one = tlog_cosignature_check(&parsed, &witness[i].key, &time_s);
        if (rc == TLOG_OK) assert((one == TLOG_OK) == ((j.cosigned >> i & 1) != 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    size_t n = nul ? (size_t)(nul - data) : size;
    struct tlog_policy *p = NULL;
    struct tlog_vkey key;
    struct tlog_err err;
    const struct tlog_party *party;
    if (tlog_cosigner_parse((struct tlog_bytes){data, n}, &key) == TLOG_OK) {
        char text[TLOG_VKEY_MAX];
        tlog_vkey_format(&key, text);
        assert(strlen(text) == n && memcmp(text, data, n) == 0);
    }
    if (tlog_policy_parse((struct tlog_bytes){data, n}, &p, &err) != TLOG_OK) return 0;
    size_t logs = tlog_policy_logs(p, &party), witnesses = tlog_policy_witnesses(p, &party);
    assert(logs <= TLOG_POLICY_MAX && witnesses <= TLOG_POLICY_MAX);
    quorums(p, witnesses);
    if (nul) judge(p, (struct tlog_bytes){nul + 1, size - n - 1});
    tlog_policy_free(p);
    return 0;
}
