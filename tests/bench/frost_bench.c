/* frost_bench.c - times the steps of signing and key generation, or prints a
 * digest of everything that a deterministic run of them sends.
 *
 * Built twice, with the arithmetic for public points that was configured and
 * with libsodium's alone: the first use compares their times (./dev bench
 * frost), the second their bytes (tests/unit/frost_same.test).
 *
 *   frost_bench time T N     lines "STEP MICROSECONDS", CPU time, medians
 *   frost_bench digest T N   one line */
#include "crypto/crypto.h"
#include "frost/aggregate.h"
#include "frost/cocktail.h"
#include "frost/hash.h"
#include "frost/recover.h"
#include "frost/test_hooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct qr_bytes message = {(const uint8_t *)"benchmark", 9};

static void must(const char *what, enum qr_rc rc)
{
    if (rc == QR_OK) return;
    fprintf(stderr, "frost_bench: %s: %s\n", what, qr_rc_name(rc));
    exit(1);
}

/* A repeatable stream of randomness. */
struct stream {
    uint64_t at;
};

static void stream_fill(void *ctx, uint8_t *out, size_t n)
{
    struct stream *s = ctx;
    uint8_t block[64], seed[16] = {0};
    for (size_t have = 0; have < n;) {
        size_t take = n - have < sizeof block ? n - have : sizeof block;
        qr_set_le64(seed, s->at++);
        struct qr_bytes part = QR_BYTES_OF(seed);
        qr_sha512(&part, 1, block);
        qr_copy(out + have, block, take);
        have += take;
    }
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

#define RUNS_MAX 50

struct timing {
    double v[RUNS_MAX];
    size_t n;
};

static void timing_add(struct timing *t, double from) { t->v[t->n++] = now_us() - from; }

static void timing_print(const char *step, struct timing *t)
{
    qsort(t->v, t->n, sizeof t->v[0], by_value);
    printf("%s %.1f\n", step, t->v[t->n / 2]);
    fflush(stdout);
}

/* ---- signing ---- */

struct signing {
    struct frost_group group;
    struct frost_share shares[QR_MAX_MEMBERS]; /* the first t */
    struct frost_nonces *nonces[QR_MAX_MEMBERS];
    struct frost_commitment list[QR_MAX_MEMBERS];
    struct frost_checked checked[QR_MAX_MEMBERS];
    struct frost_sig_share z[QR_MAX_MEMBERS];
    struct frost_package package;
    struct qr_rand rand;
};

static void deal_group(struct signing *s, uint32_t t, uint32_t n)
{
    struct scalar f[QR_MAX_MEMBERS], x;
    struct point y, ys[QR_MAX_MEMBERS];
    for (uint32_t k = 0; k < t; k++) scalar_random(&f[k], &s->rand);
    for (uint32_t i = 1; i <= n; i++) {
        scalar_poly(&x, f, t, i);
        point_mul_base(&ys[i - 1], &x);
    }
    point_mul_base(&y, &f[0]);
    must("group",
         frost_group_init(&s->group, n, t, QR_BYTES_OF(y.b), QR_BYTES(ys, (size_t)n * POINT_SIZE)));
    for (uint32_t i = 1; i <= t; i++) {
        scalar_poly(&x, f, t, i);
        must("share", frost_share_init(&s->shares[i - 1], &s->group, i, x.b, NULL));
    }
}

static void commit_all(struct signing *s)
{
    for (uint32_t i = 0; i < s->group.t; i++) {
        frost_nonces_free(s->nonces[i]);
        must("commit", frost_test_commit(&s->shares[i], &s->rand, &s->nonces[i], &s->list[i]));
        must("checked", frost_commitment_decode(&s->checked[i], &s->list[i]));
    }
    s->package = (struct frost_package){message, s->list, s->group.t, s->checked};
}

static void sign_all(struct signing *s)
{
    for (uint32_t i = 0; i < s->group.t; i++) {
        s->z[i].id = i + 1;
        must("sign", frost_sign(s->nonces[i], &s->shares[i], &s->package, s->z[i].z, NULL));
    }
}

static void signing_fini(struct signing *s)
{
    for (uint32_t i = 0; i < s->group.t; i++) {
        frost_nonces_free(s->nonces[i]);
        frost_share_fini(&s->shares[i]);
    }
    free(s);
}

static struct signing *signing_new(struct stream *stream, uint32_t t, uint32_t n)
{
    struct signing *s = calloc(1, sizeof *s);
    if (!s) must("memory", QR_NOMEM);
    s->rand = (struct qr_rand){stream_fill, stream};
    deal_group(s, t, n);
    commit_all(s);
    return s;
}

static void time_round1(struct signing *s)
{
    struct timing t = {.n = 0};
    struct frost_nonces *nonces;
    struct frost_commitment c;
    while (t.n < RUNS_MAX) {
        double from = now_us();
        must("commit", frost_commit(&s->shares[0], &nonces, &c, NULL));
        timing_add(&t, from);
        frost_nonces_free(nonces);
    }
    timing_print("round1", &t);
}

static void time_sign(struct signing *s, const char *step, bool checked)
{
    struct timing t = {.n = 0};
    uint8_t z[SCALAR_SIZE];
    while (t.n < 15) {
        frost_nonces_free(s->nonces[0]);
        must("commit", frost_test_commit(&s->shares[0], &s->rand, &s->nonces[0], &s->list[0]));
        must("checked", frost_commitment_decode(&s->checked[0], &s->list[0]));
        s->package.checked = checked ? s->checked : NULL;
        double from = now_us();
        must(step, frost_sign(s->nonces[0], &s->shares[0], &s->package, z, NULL));
        timing_add(&t, from);
    }
    timing_print(step, &t);
}

static void time_aggregate(struct signing *s)
{
    struct timing good = {.n = 0}, bad = {.n = 0};
    struct frost_result out;
    commit_all(s);
    sign_all(s);
    while (good.n < 15) {
        double from = now_us();
        must("aggregate", frost_aggregate(&s->group, &s->package, s->z, &out, NULL));
        timing_add(&good, from);
    }
    timing_print("aggregate", &good);
    s->z[s->group.t - 1].z[0] ^= 1;
    while (bad.n < 15) {
        double from = now_us();
        enum qr_rc rc = frost_aggregate(&s->group, &s->package, s->z, &out, NULL);
        timing_add(&bad, from);
        if (rc != QR_FALSE || out.culprits.count != 1) must("culprits", QR_BUG);
    }
    timing_print("culprits", &bad);
}

/* ---- key generation ---- */

struct generation {
    struct cocktail_params params;
    struct cocktail_static keys[QR_MAX_MEMBERS];
    struct dkg *dkgs[QR_MAX_MEMBERS];
    struct qr_buf msgs[QR_MAX_MEMBERS];
    struct qr_bytes in[QR_MAX_MEMBERS];
    uint8_t sigs[QR_MAX_MEMBERS * SCHNORR_SIZE];
    struct qr_buf certificate;
    struct frost_share share;
};

static struct generation *generation_new(struct stream *stream, uint32_t t, uint32_t n)
{
    struct generation *g = calloc(1, sizeof *g);
    struct qr_rand rand = {stream_fill, stream};
    uint8_t keys[QR_MAX_MEMBERS * POINT_SIZE];
    if (!g) must("memory", QR_NOMEM);
    for (uint32_t i = 0; i < n; i++) {
        must("static key", cocktail_static_new(&g->keys[i], &rand, NULL));
        qr_copy(keys + (size_t)i * POINT_SIZE, g->keys[i].pub.b, POINT_SIZE);
    }
    must("params",
         cocktail_params_init(&g->params, n, t, QR_BYTES(keys, (size_t)n * POINT_SIZE), NULL));
    cocktail_context(&g->params, qr_str("benchmark"));
    for (uint32_t i = 0; i < n; i++) {
        struct dkg_setup setup = {&g->params, &g->keys[i], rand, i + 1};
        must("dkg", dkg_new(&g->dkgs[i], &setup, NULL));
        dkg_test_plain_signatures(g->dkgs[i]);
        qr_buf_init(&g->msgs[i], QR_MAX_MESSAGE_DKG);
    }
    qr_buf_init(&g->certificate, COCKTAIL_MAX_CERTIFICATE);
    return g;
}

/* Participant 1's rounds; the others' signatures are made from their keys.
 * Gives its time. */
static double generation_run(struct generation *g)
{
    uint32_t n = g->params.n;
    struct dkg_result result;
    double from = now_us(), own;
    must("round 1", dkg_round1(g->dkgs[0], QR_BYTES_NONE, &g->msgs[0], NULL));
    own = now_us() - from;
    for (uint32_t i = 1; i < n; i++)
        must("round 1", dkg_round1(g->dkgs[i], QR_BYTES_NONE, &g->msgs[i], NULL));
    for (uint32_t i = 0; i < n; i++) g->in[i] = qr_buf_bytes(&g->msgs[i]);
    from = now_us();
    must("round 2", dkg_round2(g->dkgs[0], g->in, qr_str("prefix"), g->sigs, NULL));
    own += now_us() - from;
    must("result", dkg_result_get(g->dkgs[0], &result));
    for (uint32_t i = 1; i < n; i++)
        must("signature", schnorr_sign(scalar_of_secret(&g->keys[i].d, 0), &result.transcript, 1,
                                       NULL, g->sigs + (size_t)i * SCHNORR_SIZE));
    from = now_us();
    must("round 3", dkg_finish(g->dkgs[0], QR_BYTES(g->sigs, (size_t)n * SCHNORR_SIZE),
                               &g->certificate, &g->share, NULL));
    return own + now_us() - from;
}

static void generation_fini(struct generation *g)
{
    for (uint32_t i = 0; i < g->params.n; i++) {
        dkg_free(g->dkgs[i]);
        qr_buf_fini(&g->msgs[i]);
        cocktail_static_fini(&g->keys[i]);
    }
    qr_buf_fini(&g->certificate);
    frost_share_fini(&g->share);
    free(g);
}

static void time_dkg(struct stream *stream, uint32_t t, uint32_t n)
{
    struct timing timing = {.n = 0};
    size_t runs = n > 50 ? 3 : 9;
    while (timing.n < runs) {
        struct generation *g = generation_new(stream, t, n);
        timing.v[timing.n++] = generation_run(g);
        generation_fini(g);
    }
    timing_print("dkg", &timing);
}

/* ---- the digest ---- */

static void print_digest(struct stream *stream, uint32_t t, uint32_t n)
{
    struct hasher h;
    uint8_t out[HASH_SIZE];
    char hex[2 * HASH_SIZE + 1];
    struct frost_result result;
    struct frost_share recovered;
    struct dkg_result r;
    hasher_init(&h, "");
    struct generation *g = generation_new(stream, t, n);
    (void)generation_run(g);
    for (uint32_t i = 0; i < n; i++) hasher_add(&h, g->in[i]);
    hasher_add(&h, qr_buf_bytes(&g->certificate));
    hasher_add(&h, qr_secret_bytes(&g->share.x));
    hasher_add(&h, QR_BYTES(&g->share.group.shares, n * sizeof g->share.group.shares[0]));
    must("result", dkg_result_get(g->dkgs[0], &r));
    must("recovery", cocktail_recover(&g->keys[0], qr_buf_bytes(&g->certificate), r.recovery,
                                      &recovered, NULL));
    hasher_add(&h, qr_secret_bytes(&recovered.x));
    frost_share_fini(&recovered);
    generation_fini(g);

    struct signing *s = signing_new(stream, t, n);
    sign_all(s);
    must("aggregate", frost_aggregate(&s->group, &s->package, s->z, &result, NULL));
    hasher_add(&h, QR_BYTES_OF(result.sig));
    for (uint32_t i = 0; i < t; i++) hasher_add(&h, QR_BYTES_OF(s->z[i].z));
    for (uint32_t i = 0; i < t; i += 2) s->z[i].z[i % 31] ^= 1;
    if (frost_aggregate(&s->group, &s->package, s->z, &result, NULL) != QR_FALSE)
        must("culprits", QR_BUG);
    hasher_add(&h, QR_BYTES(result.culprits.ids, result.culprits.count * sizeof(uint32_t)));
    signing_fini(s);
    hasher_done(&h, out);
    qr_hex(out, sizeof out, hex);
    puts(hex);
}

int main(int argc, char **argv)
{
    struct stream stream = {0};
    uint32_t t = argc == 4 ? (uint32_t)atoi(argv[2]) : 0, n = t ? (uint32_t)atoi(argv[3]) : 0;
    if (t < 1 || n < t || n > QR_MAX_MEMBERS) {
        fprintf(stderr, "usage: frost_bench time|digest T N\n");
        return 2;
    }
    must("start", qr_crypto_init(NULL));
    if (!strcmp(argv[1], "digest")) {
        print_digest(&stream, t, n);
        return 0;
    }
    struct signing *s = signing_new(&stream, t, n);
    time_round1(s);
    time_sign(s, "sign", true);
    time_sign(s, "sign-validating", false);
    time_aggregate(s);
    signing_fini(s);
    time_dkg(&stream, t, n);
    return 0;
}
