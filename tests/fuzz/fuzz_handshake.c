/* fuzz_handshake.c - the messages of an attested handshake.  The first byte
 * says which: 1 to a server, 2 to a client, 3 to a server that has answered a
 * good first message.  Nobody here has an endorsement key, so no session ever
 * comes of it; a first message is answered or refused. */
#include "fuzz.h"

#include "attest/handshake.h"

#include <assert.h>

static const char policy_text[] =
    "classes = simulated\nproducts = Genoa\n"
    "ark.Genoa = 1111111111111111111111111111111111111111111111111111111111111111\n"
    "min_tcb.Genoa = bl=1 tee=0 snp=1 ucode=1\n"
    "measurements = 2222222222222222222222222222222222222222222222222222222222222222"
    "22222222222222222222222222222222\n";

/* A device whose report nobody accepts. */
static enum qr_rc get_report(void *ctx, const struct attest_ask *ask, struct attest_evidence *out,
                             struct qr_err *err)
{
    uint8_t report[ATTEST_REPORT_SIZE] = {[0] = 2, [0x0a] = 2, [0x34] = 1};
    (void)ctx;
    qr_copy(report + 0x50, ask->report_data, ATTEST_REPORT_DATA_SIZE);
    struct attest_evidence e = {.report = QR_BYTES_OF(report),
                                .vek = QR_BYTES("v", 1),
                                .ask = QR_BYTES("i", 1),
                                .ark = QR_BYTES("a", 1),
                                .trust_class = ATTEST_SIMULATED};
    return attest_evidence_copy(&e, out, err);
}

/* The same bytes each time, so that seeds keep their meaning. */
static void fill(void *ctx, uint8_t *p, size_t n)
{
    uint8_t *next = ctx;
    for (size_t i = 0; i < n; i++) p[i] = (*next)++;
}

struct two {
    struct attest_device device;
    struct attest_policy *policy;
    uint8_t random[2];
    int64_t now_us;
    struct attest_self self[2]; /* client, server */
    struct attest_tls_peer peer[2];
    struct attest_server *server;
    struct attest_client *client;
    struct qr_buf m1;
};

static void start(struct two *t)
{
    static const char *const names[] = {"client", "server"};
    t->device = (struct attest_device){.get_report = get_report, .trust_class = ATTEST_SIMULATED};
    t->now_us = 1795000000000000;
    enum qr_rc rc = attest_policy_parse(qr_str(policy_text), &t->policy, NULL);
    assert(rc == QR_OK);
    for (int i = 0; i < 2; i++) {
        t->random[i] = (uint8_t)(7 + 50 * i);
        t->self[i] = (struct attest_self){.node_id = qr_str(names[i]),
                                          .role = qr_str(names[i]),
                                          .tls_spki = {{(uint8_t)i}},
                                          .device = &t->device,
                                          .policy = t->policy,
                                          .clock = qr_clock_fixed(&t->now_us),
                                          .rand = {.fill = fill, .ctx = &t->random[i]}};
        t->peer[!i] = (struct attest_tls_peer){.spki = t->self[i].tls_spki};
    }
    qr_buf_init(&t->m1, ATTEST_INIT_MAX);
    rc = attest_server_new(&t->self[1], qr_str("server"), &t->server);
    assert(rc == QR_OK);
    rc = attest_client_new(&t->self[0], &t->peer[0], qr_str("server"), &t->client, &t->m1);
    assert(rc == QR_OK);
}

static void first(struct two *t, struct qr_bytes in)
{
    struct qr_buf m2;
    qr_buf_init(&m2, ATTEST_HANDSHAKE_MAX);
    enum qr_rc rc = attest_server_init(t->server, &t->peer[1], in, &m2, NULL);
    assert((rc == QR_OK) == (m2.n > 0));
    qr_buf_fini(&m2);
}

static void second(struct two *t, struct qr_bytes in)
{
    struct qr_buf m3;
    qr_buf_init(&m3, ATTEST_HANDSHAKE_MAX);
    enum qr_rc rc = attest_client_challenge(t->client, in, &m3, NULL);
    assert(rc != QR_OK && m3.n == 0);
    qr_buf_fini(&m3);
}

static void third(struct two *t, struct qr_bytes in)
{
    struct attest_outcome out;
    struct qr_buf m4;
    first(t, qr_buf_bytes(&t->m1));
    qr_buf_init(&m4, ATTEST_INIT_MAX);
    enum qr_rc rc = attest_server_finish(t->server, &t->peer[1], in, &m4, &out, NULL);
    assert(rc != QR_OK && !out.session && m4.n == 0);
    qr_buf_fini(&m4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct two t = {.client = NULL};
    if (size == 0) return 0;
    struct qr_bytes in = {data + 1, size - 1};
    start(&t);
    if (data[0] == 1) first(&t, in);
    if (data[0] == 2) second(&t, in);
    if (data[0] == 3) third(&t, in);
    attest_client_free(t.client);
    attest_server_free(t.server);
    attest_policy_free(t.policy);
    qr_buf_fini(&t.m1);
    return 0;
}
