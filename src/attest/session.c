/* session.c - calls under an attested session.
 *
 * What two threads may change at once (counters, the replay window, the end)
 * stands under one lock, held only for those few lines; keys and peer never
 * change.  The window is a ring of bits: bit counter % ATTEST_WINDOW says that
 * this counter was seen, for the ATTEST_WINDOW counters up to the highest. */
#include "attest/session.h"

#include "attest/session_make.h"
#include "base/limits.h"
#include "base/removal.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define WIRE_VERSION 1
#define TO_SERVER 1
#define TO_CLIENT 2
/* Long before a counter can wrap, a new session is made. */
#define COUNTER_END (1ULL << 63)

struct attest_session {
    struct attest_session_seed seed;
    int64_t start_us;     /* monotonic */
    pthread_mutex_t lock; /* of all below */
    unsigned refs;
    bool ended;
    uint64_t calls, secrets; /* counters last used by us */
    uint64_t highest;        /* counter last seen from the peer */
    uint64_t seen[ATTEST_WINDOW / 64];
};

enum qr_rc attest_session_make(struct attest_session_seed *seed, struct attest_session **out)
{
    assert(seed->keys.n == KEY_COUNT * 32);
    struct attest_session *s = calloc(1, sizeof *s);
    *out = s;
    if (!s) {
        qr_secret_fini(&seed->keys);
        return QR_NOMEM;
    }
    s->seed = *seed;
    seed->keys = (struct qr_secret){.p = NULL};
    s->start_us = qr_mono_us(&s->seed.clock);
    s->refs = 1;
    if (pthread_mutex_init(&s->lock, NULL) != 0) qr_fatal("cannot make a lock");
    return QR_OK;
}

static void lock(struct attest_session *s)
{
    if (pthread_mutex_lock(&s->lock) != 0) qr_fatal("lock");
}

static void unlock(struct attest_session *s)
{
    if (pthread_mutex_unlock(&s->lock) != 0) qr_fatal("unlock");
}

struct attest_session *attest_session_hold(struct attest_session *s)
{
    lock(s);
    s->refs++;
    unlock(s);
    return s;
}

void attest_session_free(struct attest_session *s)
{
    if (!s) return;
    lock(s);
    unsigned left = --s->refs;
    unlock(s);
    if (left > 0) return;
    qr_secret_fini(&s->seed.keys);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

struct qr_bytes attest_session_id(const struct attest_session *s)
{
    return QR_BYTES_OF(s->seed.id);
}

const struct attest_peer *attest_session_peer(const struct attest_session *s)
{
    return &s->seed.peer;
}

const struct qr_hash *attest_session_own_digest(const struct attest_session *s)
{
    return &s->seed.own_digest;
}

const struct qr_hash *attest_session_transcript(const struct attest_session *s)
{
    return &s->seed.transcript;
}

enum attest_session_age attest_session_age(struct attest_session *s)
{
    lock(s);
    bool ended = s->ended;
    unlock(s);
    int64_t age_us = qr_mono_us(&s->seed.clock) - s->start_us;
    if (ended || age_us >= (int64_t)s->seed.hard_stop_s * 1000000) return ATTEST_EXPIRED;
    return age_us >= (int64_t)s->seed.reattest_s * 1000000 ? ATTEST_RENEW : ATTEST_FRESH;
}

void attest_session_end(struct attest_session *s)
{
    lock(s);
    s->ended = true;
    unlock(s);
}

static struct qr_bytes key(const struct attest_session *s, int which)
{
    return QR_BYTES(s->seed.keys.p + which * 32, 32);
}

static enum qr_rc alive(struct attest_session *s, struct qr_err *err)
{
    if (QR_HOLDS(CALLS_ALIVE, attest_session_age(s) != ATTEST_EXPIRED)) return QR_OK;
    return qr_fail(err, QR_ATTESTATION, "the attested session has expired");
}

/* What every MAC begins with.  tag includes its NUL. */
static void put_head(struct qr_buf *b, const char *tag, uint8_t direction,
                     const struct attest_session *s, uint64_t counter)
{
    qr_buf_put_bytes(b, qr_str(tag));
    qr_buf_put_u8(b, 0);
    qr_buf_put_u8(b, direction);
    qr_buf_put_bytes(b, attest_session_id(s));
    qr_buf_put_be64(b, counter);
}

static void put_method(struct qr_buf *b, const struct attested_call *call)
{
    qr_buf_put_lp(b, qr_str(call->method));
    qr_buf_put(b, call->request.b, sizeof call->request.b);
}

/* HMAC of what was put together; frees b. */
static enum qr_rc mac_of(const struct attest_session *s, int which, struct qr_buf *b,
                         uint8_t mac[QR_SHA256_SIZE])
{
    struct qr_bytes all = qr_buf_bytes(b);
    enum qr_rc rc = qr_buf_ok(b);
    if (rc == QR_OK) qr_hmac_sha256(key(s, which), &all, 1, mac);
    qr_buf_fini(b);
    return rc;
}

#define MAC_INPUT_MAX (QR_MAX_METADATA + 1024)

/* The header without version and MAC: what travels is what is authenticated. */
struct header {
    uint64_t counter;
    struct qr_bytes evidence, policy;
    int64_t deadline_us;
};

static enum qr_rc call_mac(const struct attest_session *s, const struct header *h,
                           const struct attested_call *call, uint8_t mac[QR_SHA256_SIZE])
{
    struct qr_buf b;
    qr_buf_init(&b, MAC_INPUT_MAX);
    put_head(&b, "quorate/call/v1", TO_SERVER, s, h->counter);
    qr_buf_put_bytes(&b, h->evidence);
    qr_buf_put_bytes(&b, h->policy);
    qr_buf_put_be64(&b, (uint64_t)h->deadline_us);
    put_method(&b, call);
    return mac_of(s, KEY_CALL, &b, mac);
}

static enum qr_rc set_call(struct attested_call *call, const char *method, struct qr_bytes request)
{
    struct qr_bytes m = qr_str(method);
    *call = (struct attested_call){.request = qr_sha256_one(request)};
    if (m.n == 0 || m.n > ATTEST_METHOD_MAX) return QR_RANGE;
    qr_copy(call->method, m.p, m.n);
    return QR_OK;
}

enum qr_rc attested_call_seal(struct attest_session *s, const char *method, struct qr_bytes request,
                              int64_t deadline_us, struct attested_call *call,
                              uint8_t header[ATTESTED_CALL_SIZE])
{
    if (s->seed.server) return QR_STATE;
    QR_TRY(alive(s, NULL));
    QR_TRY(set_call(call, method, request));
    lock(s);
    bool used_up = s->calls + 1 >= COUNTER_END;
    if (!used_up) s->calls++;
    call->counter = s->calls;
    unlock(s);
    if (used_up) return QR_ATTESTATION;
    call->deadline_us = deadline_us;
    struct header h = {.counter = call->counter,
                       .evidence = QR_BYTES_OF(s->seed.own_digest.b),
                       .policy = QR_BYTES_OF(s->seed.peer.policy_hash.b),
                       .deadline_us = deadline_us};
    header[0] = WIRE_VERSION;
    qr_copy(header + 1, s->seed.id, 16);
    qr_set_be64(header + 17, h.counter);
    qr_copy(header + 25, h.evidence.p, 32);
    qr_copy(header + 57, h.policy.p, 32);
    qr_set_be64(header + 89, (uint64_t)deadline_us);
    return call_mac(s, &h, call, header + 97);
}

enum qr_rc attested_call_session_id(struct qr_bytes header, uint8_t out[ATTEST_SESSION_ID_SIZE])
{
    if (header.n < ATTESTED_CALL_SIZE ||
        !QR_HOLDS(CALLS_HEADER_FORM, header.n == ATTESTED_CALL_SIZE && header.p[0] == WIRE_VERSION))
        return QR_MALFORMED;
    qr_copy(out, header.p + 1, ATTEST_SESSION_ID_SIZE);
    return QR_OK;
}

static bool bit_test(const struct attest_session *s, uint64_t counter)
{
    uint64_t i = counter % ATTEST_WINDOW;
    return s->seen[i / 64] >> (i % 64) & 1;
}

static void bit_set(struct attest_session *s, uint64_t counter, bool on)
{
    uint64_t i = counter % ATTEST_WINDOW, mask = 1ULL << (i % 64);
    s->seen[i / 64] = on ? s->seen[i / 64] | mask : s->seen[i / 64] & ~mask;
}

/* Accepts a counter at most once.  Call with the lock held. */
static bool window_take(struct attest_session *s, uint64_t counter)
{
    if (counter == 0 || counter >= COUNTER_END) return false;
    if (counter <= s->highest) {
        if (s->highest - counter >= ATTEST_WINDOW || bit_test(s, counter)) return false;
    } else {
        uint64_t steps = counter - s->highest;
        if (steps > ATTEST_WINDOW) steps = ATTEST_WINDOW;
        for (uint64_t i = 0; i < steps; i++) bit_set(s, counter - i, false);
        s->highest = counter;
    }
    bit_set(s, counter, true);
    return true;
}

static enum qr_rc check_content(const struct attest_session *s, const struct header *h,
                                const struct qr_hash *pinned, struct qr_err *err)
{
    if (!QR_HOLDS(CALLS_POLICY,
                  qr_bytes_equal(h->policy, QR_BYTES_OF(pinned->b)) &&
                      qr_bytes_equal(h->policy, QR_BYTES_OF(s->seed.peer.policy_hash.b))))
        return qr_fail(err, QR_ATTESTATION, "the attestation policy pinned here is another one");
    if (!QR_HOLDS(CALLS_EVIDENCE,
                  qr_bytes_equal(h->evidence, QR_BYTES_OF(s->seed.peer.claims.evidence_digest.b))))
        return qr_fail(err, QR_ATTESTATION, "the call names other evidence than the session's");
    if (!QR_HOLDS(CALLS_DEADLINE,
                  h->deadline_us >= qr_now_us(&s->seed.clock) - QR_MAX_TIME_SKEW_US))
        return qr_fail(err, QR_DEADLINE, "the deadline of the call is past");
    return QR_OK;
}

static enum qr_rc open_header(struct attest_session *s, const struct attested_in *in,
                              struct attested_call *call, struct qr_err *err)
{
    uint8_t id[ATTEST_SESSION_ID_SIZE], mac[QR_SHA256_SIZE];
    if (attested_call_session_id(in->header, id) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "quorate-attest-bin has a wrong length or version");
    QR_TRY(alive(s, err));
    const uint8_t *p = in->header.p;
    struct header h = {.counter = qr_get_be64(p + 17),
                       .evidence = QR_BYTES(p + 25, 32),
                       .policy = QR_BYTES(p + 57, 32),
                       .deadline_us = (int64_t)qr_get_be64(p + 89)};
    if (set_call(call, in->method, in->request) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "the method's name is too long");
    call->counter = h.counter;
    call->deadline_us = h.deadline_us;
    QR_TRY(call_mac(s, &h, call, mac));
    if (!QR_HOLDS(CALLS_MAC,
                  qr_equal_ct(id, s->seed.id, sizeof id) && qr_equal_ct(mac, p + 97, sizeof mac)))
        return qr_fail(err, QR_UNAUTHENTICATED, "the call is not authentic");
    QR_TRY(check_content(s, &h, in->pinned, err));
    lock(s);
    bool fresh = QR_HOLDS(CALLS_COUNTER, window_take(s, h.counter));
    unlock(s);
    return fresh ? QR_OK : qr_fail(err, QR_UNAUTHENTICATED, "the call is replayed or too old");
}

enum qr_rc attested_call_open(struct attest_session *s, const struct attested_in *in,
                              struct attested_call *call, struct qr_err *err)
{
    if (!s->seed.server) return qr_fail(err, QR_STATE, "only the server opens calls");
    enum qr_rc rc = open_header(s, in, call, err);
    if (rc != QR_OK) *call = (struct attested_call){.counter = 0};
    return rc;
}

static enum qr_rc reply_mac(const struct attest_session *s, const struct attested_call *call,
                            const struct attested_result *result, uint8_t mac[QR_SHA256_SIZE])
{
    struct qr_hash reply = qr_sha256_one(result->reply);
    struct qr_buf b;
    qr_buf_init(&b, MAC_INPUT_MAX);
    put_head(&b, "quorate/reply/v1", TO_CLIENT, s, call->counter);
    put_method(&b, call);
    qr_buf_put_be32(&b, result->status);
    qr_buf_put_lp(&b, result->message);
    qr_buf_put(&b, reply.b, sizeof reply.b);
    return mac_of(s, KEY_REPLY, &b, mac);
}

enum qr_rc attested_reply_seal(struct attest_session *s, const struct attested_call *call,
                               const struct attested_result *result,
                               uint8_t trailer[ATTESTED_REPLY_SIZE])
{
    if (!s->seed.server) return QR_STATE;
    QR_TRY(alive(s, NULL));
    trailer[0] = WIRE_VERSION;
    return reply_mac(s, call, result, trailer + 1);
}

enum qr_rc attested_reply_open(struct attest_session *s, const struct attested_call *call,
                               const struct attested_result *result, struct qr_bytes trailer,
                               struct qr_err *err)
{
    uint8_t mac[QR_SHA256_SIZE];
    if (s->seed.server) return qr_fail(err, QR_STATE, "only the client opens replies");
    QR_TRY(alive(s, err));
    if (trailer.n < ATTESTED_REPLY_SIZE ||
        !QR_HOLDS(CALLS_TRAILER_FORM,
                  trailer.n == ATTESTED_REPLY_SIZE && trailer.p[0] == WIRE_VERSION))
        return qr_fail(err, QR_MALFORMED, "the reply's trailer has a wrong length or version");
    QR_TRY(reply_mac(s, call, result, mac));
    if (!QR_HOLDS(CALLS_REPLY_MAC, qr_equal_ct(mac, trailer.p + 1, sizeof mac)))
        return qr_fail(err, QR_UNAUTHENTICATED, "the reply is not authentic");
    return QR_OK;
}

static enum qr_rc frame_mac(const struct attest_session *s, const struct attested_call *call,
                            const struct attested_frame *frame, uint8_t mac[QR_SHA256_SIZE])
{
    struct qr_hash body = qr_sha256_one(frame->body);
    struct qr_buf b;
    qr_buf_init(&b, MAC_INPUT_MAX);
    put_head(&b, "quorate/stream/v1", TO_CLIENT, s, call->counter);
    put_method(&b, call);
    qr_buf_put_be64(&b, frame->sequence);
    qr_buf_put_u8(&b, frame->final);
    qr_buf_put(&b, body.b, sizeof body.b);
    return mac_of(s, KEY_REPLY, &b, mac);
}

enum qr_rc attested_stream_seal(struct attest_session *s, const struct attested_call *call,
                                const struct attested_frame *frame,
                                uint8_t mac[ATTESTED_FRAME_SIZE])
{
    if (!s->seed.server) return QR_STATE;
    QR_TRY(alive(s, NULL));
    return frame_mac(s, call, frame, mac);
}

enum qr_rc attested_stream_open(struct attest_session *s, const struct attested_call *call,
                                const struct attested_frame *frame, struct qr_bytes mac,
                                uint64_t *next)
{
    uint8_t own[QR_SHA256_SIZE];
    if (s->seed.server || *next == UINT64_MAX) return QR_STATE;
    QR_TRY(alive(s, NULL));
    QR_TRY(frame_mac(s, call, frame, own));
    if (!QR_HOLDS(STREAM_MAC, mac.n == sizeof own && qr_equal_ct(own, mac.p, sizeof own)))
        return QR_UNAUTHENTICATED;
    if (!QR_HOLDS(STREAM_SEQUENCE, frame->sequence == *next)) return QR_STATE;
    *next = frame->final ? UINT64_MAX : *next + 1;
    return QR_OK;
}

/* Nonce and additional data of one secret. */
static enum qr_rc secret_frame(const struct attest_session *s, uint8_t direction, uint64_t counter,
                               const char *label, uint8_t nonce[QR_AEAD_NONCE], struct qr_buf *aad)
{
    qr_zero(nonce, QR_AEAD_NONCE);
    qr_set_be64(nonce, counter);
    put_head(aad, "quorate/secret/v1", direction, s, counter);
    qr_buf_put_lp(aad, qr_str(label));
    return qr_buf_ok(aad);
}

enum qr_rc attested_secret_seal(struct attest_session *s, const char *label, struct qr_bytes plain,
                                struct qr_buf *out)
{
    uint8_t nonce[QR_AEAD_NONCE];
    struct qr_buf aad;
    QR_TRY(alive(s, NULL));
    lock(s);
    bool used_up = s->secrets + 1 >= COUNTER_END;
    if (!used_up) s->secrets++;
    uint64_t counter = s->secrets;
    unlock(s);
    if (used_up) return QR_ATTESTATION;
    qr_buf_init(&aad, MAC_INPUT_MAX);
    uint8_t direction = s->seed.server ? TO_CLIENT : TO_SERVER;
    enum qr_rc rc = secret_frame(s, direction, counter, label, nonce, &aad);
    if (rc == QR_OK) {
        qr_buf_put_u8(out, WIRE_VERSION);
        qr_buf_put_be64(out, counter);
        rc = qr_seal(key(s, s->seed.server ? KEY_AEAD_SERVER : KEY_AEAD_CLIENT).p, nonce,
                     qr_buf_bytes(&aad), plain, out);
    }
    qr_buf_fini(&aad);
    return rc;
}

enum qr_rc attested_secret_open(struct attest_session *s, const char *label, struct qr_bytes sealed,
                                struct qr_buf *out)
{
    uint8_t nonce[QR_AEAD_NONCE];
    struct qr_buf aad;
    QR_TRY(alive(s, NULL));
    if (sealed.n < ATTESTED_SECRET_OVERHEAD || sealed.p[0] != WIRE_VERSION) return QR_MALFORMED;
    qr_buf_init(&aad, MAC_INPUT_MAX);
    uint8_t direction = s->seed.server ? TO_SERVER : TO_CLIENT;
    enum qr_rc rc = secret_frame(s, direction, qr_get_be64(sealed.p + 1), label, nonce, &aad);
    if (rc == QR_OK)
        rc = qr_unseal(key(s, s->seed.server ? KEY_AEAD_CLIENT : KEY_AEAD_SERVER).p, nonce,
                       qr_buf_bytes(&aad), QR_BYTES(sealed.p + 9, sealed.n - 9), out);
    qr_buf_fini(&aad);
    return rc == QR_FALSE ? QR_UNAUTHENTICATED : rc;
}
