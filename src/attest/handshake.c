/* handshake.c - both sides of the attested handshake.
 *
 * One struct channel holds what both sides must agree on; the binding of
 * either report is computed from it alone, once by the attester and once, from
 * its own view, by the verifier.  A server nonce lives in one pending
 * handshake, which attest_server_finish removes before it looks at anything. */
#include "attest/handshake.h"

#include "attest/session_make.h"
#include "base/removal.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define ID_SIZE 16
#define NONCE_SIZE 32
static const char tag_init[] = "quorate/attest-init/v1";
static const char tag_challenge[] = "quorate/attest-challenge/v1";
static const char tag_finish[] = "quorate/attest-finish/v1";
static const char tag_done[] = "quorate/attest-done/v1";
static const char tag_keys[] = "quorate/attest-keys/v1";

enum { CLIENT, SERVER }; /* index of sides, and direction - 1 */

struct side {
    char node_id[ATTEST_NAME_MAX + 1];
    char role[ATTEST_NAME_MAX + 1];
    struct qr_hash spki;
    struct qr_pub ephemeral;
    uint8_t nonce[NONCE_SIZE];
};

struct channel {
    struct side side[2];
    char audience[ATTEST_NAME_MAX + 1];
    struct qr_hash policy_hash;
    uint8_t handshake_id[ID_SIZE];
    struct qr_signer ephemeral; /* own X25519 key */
    struct qr_hash own_digest;
};

static bool name_ok(struct qr_bytes s)
{
    return s.n >= 1 && s.n <= ATTEST_NAME_MAX && qr_utf8_ok(s);
}

static void set_name(char dst[ATTEST_NAME_MAX + 1], struct qr_bytes s)
{
    qr_zero(dst, ATTEST_NAME_MAX + 1);
    qr_copy(dst, s.p, s.n);
}

static bool self_ok(const struct attest_self *self, struct qr_bytes audience)
{
    return name_ok(self->node_id) && name_ok(self->role) && name_ok(audience);
}

const struct attest_policy *attest_self_policy(const struct attest_self *self)
{
    return self->pin ? attest_pin_now(self->pin) : self->policy;
}

/* Fills our own side and makes its key and nonce; policy_hash is the caller's. */
static enum qr_rc start_side(struct channel *c, int own, const struct attest_self *self,
                             struct qr_bytes audience, struct qr_err *err)
{
    struct side *s = &c->side[own];
    set_name(c->audience, audience);
    set_name(s->node_id, self->node_id);
    set_name(s->role, self->role);
    s->spki = self->tls_spki;
    qr_rand_fill(&self->rand, s->nonce, sizeof s->nonce);
    QR_TRY(qr_dh_new(&c->ephemeral, &self->rand, err));
    s->ephemeral = c->ephemeral.pub;
    return QR_OK;
}

/* T(a, b): the header comment of handshake.h. */
static struct qr_hash transcript_of(struct qr_bytes a, struct qr_bytes b)
{
    static const char tag[] = "quorate/attest-transcript/v1";
    uint8_t na[4], nb[4];
    qr_set_be32(na, (uint32_t)a.n);
    qr_set_be32(nb, (uint32_t)b.n);
    struct qr_bytes parts[5] = {QR_BYTES_OF(tag), QR_BYTES_OF(na), a, QR_BYTES_OF(nb), b};
    return qr_sha256(parts, 5);
}

/* REPORT_DATA of the report that `attester` shows to the other side. */
static enum qr_rc report_data_of(const struct channel *c, int attester,
                                 const struct qr_hash *transcript,
                                 uint8_t out[ATTEST_REPORT_DATA_SIZE])
{
    const struct side *a = &c->side[attester], *v = &c->side[!attester];
    struct qr_bytes audience = qr_str(c->audience);
    struct qr_buf b;
    qr_buf_init(&b, 128);
    qr_buf_put_u8(&b, (uint8_t)(attester + 1));
    qr_buf_put_lp(&b, audience);
    if (qr_buf_ok(&b) != QR_OK) return QR_NOMEM;
    struct qr_hash context = qr_sha256_tagged("quorate/attest-channel/v1", qr_buf_bytes(&b));
    qr_buf_fini(&b);
    struct attest_binding binding = {
        .nonce = QR_BYTES_OF(v->nonce),
        .verifier = attester == SERVER ? qr_str(v->node_id) : audience,
        .node_id = qr_str(a->node_id),
        .role = qr_str(a->role),
        .purpose = qr_str(ATTEST_PURPOSE_CHANNEL),
        .context = QR_BYTES_OF(context.b),
        .policy_hash = QR_BYTES_OF(c->policy_hash.b),
        .ephemeral = QR_BYTES_OF(a->ephemeral.b),
        .peer_ephemeral = QR_BYTES_OF(v->ephemeral.b),
        .tls_spki = QR_BYTES_OF(a->spki.b),
        .peer_tls_spki = QR_BYTES_OF(v->spki.b),
        .transcript = QR_BYTES_OF(transcript->b),
    };
    return attest_binding_report_data(&binding, out, NULL);
}

/* Our evidence for the channel, encoded. */
static enum qr_rc show(struct channel *c, int own, const struct attest_self *self,
                       const struct qr_hash *transcript, struct qr_buf *out, struct qr_err *err)
{
    uint8_t report_data[ATTEST_REPORT_DATA_SIZE];
    struct attest_evidence e;
    QR_TRY(report_data_of(c, own, transcript, report_data));
    QR_TRY(attest_device_report(self->device, report_data, &e, err));
    c->own_digest = attest_evidence_digest(e.report, e.vek);
    enum qr_rc rc = attest_evidence_encode(&e, out);
    attest_evidence_fini(&e);
    return rc;
}

/* The peer's evidence for the channel. */
struct judged {
    struct attest_verdict verdict;
    const struct qr_hash *transcript;
    struct qr_bytes evidence;
};

static enum qr_rc judge(const struct channel *c, int peer, const struct attest_self *self,
                        struct judged *j, struct qr_err *err)
{
    uint8_t report_data[ATTEST_REPORT_DATA_SIZE];
    struct attest_evidence e;
    const struct attest_policy *policy = attest_self_policy(self);
    if (!qr_hash_equal(&policy->hash, &c->policy_hash))
        return qr_fail(err, QR_UNAVAILABLE, ATTEST_CHANGING);
    QR_TRY(attest_evidence_parse(j->evidence, &e, err));
    enum qr_rc rc = report_data_of(c, peer, j->transcript, report_data);
    if (rc == QR_OK && e.binding.n)
        rc = qr_fail(err, QR_MALFORMED, "a binding travels with channel evidence");
    struct attest_expectation want = {.policy = policy,
                                      .report_data = QR_BYTES_OF(report_data),
                                      .crl = self->crl,
                                      .time_us = qr_now_us(&self->clock)};
    if (rc == QR_OK) rc = attest_verify_evidence(&e, &want, &j->verdict, err);
    attest_evidence_fini(&e);
    return QR_HOLDS(HANDSHAKE_EVIDENCE, rc == QR_OK) ? QR_OK : rc;
}

static enum qr_rc check_policy(struct qr_bytes theirs, const struct qr_hash *ours,
                               struct qr_err *err)
{
    char hex[2 * QR_SHA256_SIZE + 1];
    if (QR_HOLDS(HANDSHAKE_POLICY, qr_bytes_equal(theirs, QR_BYTES_OF(ours->b)))) return QR_OK;
    qr_hex(theirs.p, theirs.n, hex);
    return qr_fail(err, QR_ATTESTATION, "the peer's attestation policy is another one: %s", hex);
}

static enum qr_rc check_peer_names(const struct side *s, const struct attest_tls_peer *tls,
                                   struct qr_err *err)
{
    if (!QR_HOLDS(HANDSHAKE_NAMES, !tls->node_id.n || qr_bytes_is(tls->node_id, s->node_id)))
        return qr_fail(err, QR_DENIED, "the peer's node id is not its certificate's");
    if (!QR_HOLDS(HANDSHAKE_NAMES, !tls->role.n || qr_bytes_is(tls->role, s->role)))
        return qr_fail(err, QR_DENIED, "the peer's role is not its certificate's");
    return QR_OK;
}

/* Refuses a peer key of low order before any report is made or judged. */
static enum qr_rc check_key(const struct channel *c, int peer, struct qr_err *err)
{
    uint8_t shared[QR_KEY_SIZE];
    enum qr_rc rc = qr_dh(&c->ephemeral, &c->side[peer].ephemeral, shared);
    qr_wipe(shared, sizeof shared);
    return rc == QR_OK ? rc : qr_fail(err, rc, "the peer's X25519 key is of low order");
}

static bool read_tag(struct qr_reader *r, struct qr_bytes tag)
{
    return qr_bytes_equal(qr_read_bytes(r, tag.n), tag);
}

static void read_name(struct qr_reader *r, char dst[ATTEST_NAME_MAX + 1])
{
    struct qr_bytes s = qr_read_lp(r, ATTEST_NAME_MAX);
    if (name_ok(s))
        set_name(dst, s);
    else
        r->failed = true;
}

/* Keys and session from what both now know.  Fills confirm. */
struct keys {
    struct qr_bytes tail; /* session id and lifetimes as in m4 */
    struct qr_hash final;
    uint8_t confirm[QR_SHA256_SIZE];
};

static enum qr_rc derive(const struct channel *c, int own, struct keys *k, struct qr_secret *keys,
                         struct qr_err *err)
{
    uint8_t shared[QR_KEY_SIZE];
    static const char tag[] = "quorate/attest-confirm/v1";
    if (qr_dh(&c->ephemeral, &c->side[!own].ephemeral, shared) != QR_OK)
        qr_fatal("a key of low order came past check_key");
    enum qr_rc rc = qr_secret_init(keys, KEY_COUNT * 32, err);
    if (rc == QR_OK) {
        qr_hkdf_sha256(QR_BYTES_OF(shared), QR_BYTES_OF(k->final.b), QR_BYTES_OF(tag_keys), keys->p,
                       keys->n);
        struct qr_bytes parts[3] = {QR_BYTES_OF(tag), QR_BYTES_OF(k->final.b), k->tail};
        qr_hmac_sha256(QR_BYTES(keys->p + KEY_CONFIRM * 32, 32), parts, 3, k->confirm);
    }
    qr_wipe(shared, sizeof shared);
    return rc;
}

static void fill_peer(const struct channel *c, int peer, const struct attest_verdict *v,
                      struct attest_peer *out)
{
    const struct side *s = &c->side[peer];
    *out = (struct attest_peer){.tls_spki = s->spki, .policy_hash = c->policy_hash};
    qr_copy(out->node_id, s->node_id, sizeof out->node_id);
    qr_copy(out->role, s->role, sizeof out->role);
    if (v->authentic) out->claims = v->claims;
}

/* ---- client ---- */

enum stage { STARTED, CHALLENGED, DONE };

struct attest_client {
    const struct attest_self *self;
    struct channel c;
    char want_node[ATTEST_NAME_MAX + 1], want_role[ATTEST_NAME_MAX + 1];
    struct qr_buf m1;
    struct qr_hash final;
    struct judged judged;
    enum stage stage;
};

static enum qr_rc write_init(struct attest_client *c)
{
    const struct side *s = &c->c.side[CLIENT];
    struct qr_buf *b = &c->m1;
    qr_buf_init(b, ATTEST_INIT_MAX);
    qr_buf_put(b, tag_init, sizeof tag_init);
    qr_buf_put(b, s->nonce, sizeof s->nonce);
    qr_buf_put(b, s->ephemeral.b, sizeof s->ephemeral.b);
    qr_buf_put(b, c->c.policy_hash.b, sizeof c->c.policy_hash.b);
    qr_buf_put_lp(b, qr_str(s->node_id));
    qr_buf_put_lp(b, qr_str(s->role));
    qr_buf_put_lp(b, qr_str(c->c.audience));
    qr_buf_put_lp(b, qr_str(ATTEST_PURPOSE_CHANNEL));
    return qr_buf_ok(b);
}

enum qr_rc attest_client_new(const struct attest_self *self, const struct attest_tls_peer *peer,
                             struct qr_bytes audience, struct attest_client **out,
                             struct qr_buf *m1)
{
    *out = NULL;
    if (!self_ok(self, audience) || peer->node_id.n > ATTEST_NAME_MAX ||
        peer->role.n > ATTEST_NAME_MAX)
        return QR_RANGE;
    struct attest_client *c = calloc(1, sizeof *c);
    if (!c) return QR_NOMEM;
    c->self = self;
    set_name(c->want_node, peer->node_id);
    set_name(c->want_role, peer->role);
    c->c.side[SERVER].spki = peer->spki;
    c->c.policy_hash = attest_self_policy(self)->hash;
    enum qr_rc rc = start_side(&c->c, CLIENT, self, audience, NULL);
    if (rc == QR_OK) rc = write_init(c);
    if (rc == QR_OK) {
        qr_buf_put_bytes(m1, qr_buf_bytes(&c->m1));
        rc = qr_buf_ok(m1);
    }
    if (rc == QR_OK)
        *out = c;
    else
        attest_client_free(c);
    return rc;
}

void attest_client_free(struct attest_client *c)
{
    if (!c) return;
    qr_signer_fini(&c->c.ephemeral);
    qr_buf_fini(&c->m1);
    free(c);
}

enum attest_reason attest_client_reason(const struct attest_client *c)
{
    return c->judged.verdict.reason;
}

static enum qr_rc read_challenge(struct attest_client *c, struct qr_bytes m2, struct qr_bytes *head,
                                 struct qr_err *err)
{
    struct side *s = &c->c.side[SERVER];
    if (m2.n > ATTEST_HANDSHAKE_MAX) return qr_fail(err, QR_MALFORMED, "challenge too large");
    struct qr_reader outer = qr_reader_of(m2);
    *head = qr_read_lp(&outer, ATTEST_INIT_MAX);
    c->judged.evidence = qr_read_lp(&outer, ATTEST_EVIDENCE_MAX);
    struct qr_reader r = qr_reader_of(*head);
    bool tagged = read_tag(&r, QR_BYTES_OF(tag_challenge));
    qr_read_into(&r, c->c.handshake_id, ID_SIZE);
    qr_read_into(&r, s->nonce, NONCE_SIZE);
    qr_read_into(&r, s->ephemeral.b, QR_KEY_SIZE);
    struct qr_bytes policy = qr_read_bytes(&r, QR_SHA256_SIZE);
    read_name(&r, s->node_id);
    read_name(&r, s->role);
    if (!tagged || qr_reader_done(&r) != QR_OK || qr_reader_done(&outer) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "the challenge is malformed");
    QR_TRY(check_policy(policy, &c->c.policy_hash, err));
    QR_TRY(check_key(&c->c, SERVER, err));
    struct attest_tls_peer want = {.node_id = qr_str(c->want_node), .role = qr_str(c->want_role)};
    return check_peer_names(s, &want, err);
}

enum qr_rc attest_client_challenge(struct attest_client *c, struct qr_bytes m2, struct qr_buf *m3,
                                   struct qr_err *err)
{
    struct qr_bytes head, m1 = qr_buf_bytes(&c->m1);
    if (c->stage != STARTED) return qr_fail(err, QR_STATE, "the handshake was used already");
    c->stage = DONE;
    QR_TRY(read_challenge(c, m2, &head, err));
    struct qr_hash t1 = transcript_of(m1, head), t2 = transcript_of(m1, m2);
    c->judged.transcript = &t1;
    QR_TRY(judge(&c->c, SERVER, c->self, &c->judged, err));
    struct qr_buf evidence, own;
    qr_buf_init(&evidence, ATTEST_EVIDENCE_MAX);
    qr_buf_init(&own, ATTEST_HANDSHAKE_MAX);
    enum qr_rc rc = show(&c->c, CLIENT, c->self, &t2, &evidence, err);
    if (rc == QR_OK) {
        qr_buf_put(&own, tag_finish, sizeof tag_finish);
        qr_buf_put(&own, c->c.handshake_id, ID_SIZE);
        qr_buf_put_lp(&own, qr_buf_bytes(&evidence));
        rc = qr_buf_ok(&own);
    }
    if (rc == QR_OK) {
        c->final = transcript_of(QR_BYTES_OF(t2.b), qr_buf_bytes(&own));
        qr_buf_put_bytes(m3, qr_buf_bytes(&own));
        rc = qr_buf_ok(m3);
    }
    if (rc == QR_OK) c->stage = CHALLENGED;
    c->judged.transcript = NULL;
    qr_buf_fini(&evidence);
    qr_buf_fini(&own);
    return rc;
}

enum qr_rc attest_client_finish(struct attest_client *c, struct qr_bytes m4,
                                struct attest_session **out, struct qr_err *err)
{
    *out = NULL;
    if (c->stage != CHALLENGED) return qr_fail(err, QR_STATE, "no challenge was answered");
    c->stage = DONE;
    struct qr_reader r = qr_reader_of(m4);
    bool tagged = read_tag(&r, QR_BYTES_OF(tag_done));
    struct keys k = {.final = c->final, .tail = qr_read_bytes(&r, ATTEST_SESSION_ID_SIZE + 8)};
    struct qr_bytes confirm = qr_read_bytes(&r, QR_SHA256_SIZE);
    if (!tagged || qr_reader_done(&r) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "the last message is malformed");
    struct attest_session_seed seed = {
        .own_digest = c->c.own_digest,
        .transcript = c->final,
        .clock = c->self->clock,
        .reattest_s = qr_get_be32(k.tail.p + ATTEST_SESSION_ID_SIZE),
        .hard_stop_s = qr_get_be32(k.tail.p + ATTEST_SESSION_ID_SIZE + 4),
    };
    qr_copy(seed.id, k.tail.p, sizeof seed.id);
    QR_TRY(derive(&c->c, CLIENT, &k, &seed.keys, err));
    bool confirmed =
        QR_HOLDS(HANDSHAKE_CONFIRM, qr_equal_ct(k.confirm, confirm.p, sizeof k.confirm));
    if (!confirmed || seed.hard_stop_s > ATTEST_HARD_STOP_S || seed.reattest_s > seed.hard_stop_s) {
        qr_secret_fini(&seed.keys);
        return qr_fail(err, QR_ATTESTATION, "the server's confirmation is wrong");
    }
    fill_peer(&c->c, SERVER, &c->judged.verdict, &seed.peer);
    return attest_session_make(&seed, out);
}

/* ---- server ---- */

struct pending {
    struct channel c;
    struct qr_hash transcript; /* T(m1, m2) */
    int64_t expires_us;        /* monotonic */
};

struct attest_server {
    const struct attest_self *self;
    char audience[ATTEST_NAME_MAX + 1];
    pthread_mutex_t lock;
    struct pending *pending[ATTEST_PENDING_MAX];
};

static void pending_free(struct pending *p)
{
    if (!p) return;
    qr_signer_fini(&p->c.ephemeral);
    free(p);
}

enum qr_rc attest_server_new(const struct attest_self *self, struct qr_bytes audience,
                             struct attest_server **out)
{
    *out = NULL;
    if (!self_ok(self, audience)) return QR_RANGE;
    struct attest_server *s = calloc(1, sizeof *s);
    if (!s) return QR_NOMEM;
    s->self = self;
    set_name(s->audience, audience);
    if (pthread_mutex_init(&s->lock, NULL) != 0) qr_fatal("cannot make a lock");
    *out = s;
    return QR_OK;
}

void attest_server_free(struct attest_server *s)
{
    if (!s) return;
    for (size_t i = 0; i < ATTEST_PENDING_MAX; i++) pending_free(s->pending[i]);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static void lock(struct attest_server *s)
{
    if (pthread_mutex_lock(&s->lock) != 0) qr_fatal("lock");
}

static void unlock(struct attest_server *s)
{
    if (pthread_mutex_unlock(&s->lock) != 0) qr_fatal("unlock");
}

/* Drops what is too old, then puts p (which may be NULL: only ask) into a free
 * place.  False: no place, or too many of this peer's. */
static bool pending_put(struct attest_server *s, const struct qr_hash *spki, struct pending *p)
{
    int64_t now = qr_mono_us(&s->self->clock);
    size_t of_peer = 0, place = ATTEST_PENDING_MAX;
    lock(s);
    for (size_t i = 0; i < ATTEST_PENDING_MAX; i++) {
        struct pending *q = s->pending[i];
        if (q && q->expires_us <= now) {
            pending_free(q);
            q = s->pending[i] = NULL;
        }
        if (!q)
            place = i;
        else if (qr_hash_equal(&q->c.side[CLIENT].spki, spki))
            of_peer++;
    }
    bool ok = place < ATTEST_PENDING_MAX && of_peer < ATTEST_PENDING_PER_PEER;
    if (ok && p) s->pending[place] = p;
    unlock(s);
    return ok;
}

/* Takes the handshake out, so that its nonce is used once; NULL: none. */
static struct pending *pending_take(struct attest_server *s, struct qr_bytes id)
{
    struct pending *found = NULL;
    lock(s);
    for (size_t i = 0; i < ATTEST_PENDING_MAX && !found; i++) {
        if (!s->pending[i] || !qr_bytes_equal(QR_BYTES_OF(s->pending[i]->c.handshake_id), id))
            continue;
        found = s->pending[i];
        s->pending[i] = NULL;
    }
    unlock(s);
    if (found && !QR_HOLDS(HANDSHAKE_AGE, found->expires_us > qr_mono_us(&s->self->clock))) {
        pending_free(found);
        found = NULL;
    }
    return found;
}

static enum qr_rc read_init(const struct attest_server *s, const struct attest_tls_peer *peer,
                            struct qr_bytes m1, struct channel *c, struct qr_err *err)
{
    struct side *cl = &c->side[CLIENT];
    char audience[ATTEST_NAME_MAX + 1] = "";
    struct qr_reader r = qr_reader_of(m1);
    bool tagged = m1.n <= ATTEST_INIT_MAX && read_tag(&r, QR_BYTES_OF(tag_init));
    qr_read_into(&r, cl->nonce, NONCE_SIZE);
    qr_read_into(&r, cl->ephemeral.b, QR_KEY_SIZE);
    struct qr_bytes policy = qr_read_bytes(&r, QR_SHA256_SIZE);
    read_name(&r, cl->node_id);
    read_name(&r, cl->role);
    read_name(&r, audience);
    struct qr_bytes purpose = qr_read_lp(&r, ATTEST_NAME_MAX);
    if (!tagged || qr_reader_done(&r) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "the first message is malformed");
    if (!qr_bytes_is(purpose, ATTEST_PURPOSE_CHANNEL))
        return qr_fail(err, QR_DENIED, "a handshake is for the purpose channel only");
    if (!QR_HOLDS(HANDSHAKE_AUDIENCE, qr_bytes_is(qr_str(audience), s->audience)))
        return qr_fail(err, QR_DENIED, "the handshake is meant for another service");
    QR_TRY(check_policy(policy, &c->policy_hash, err));
    cl->spki = peer->spki;
    return check_peer_names(cl, peer, err);
}

static enum qr_rc write_challenge(const struct attest_server *s, struct qr_bytes m1,
                                  struct pending *p, struct qr_buf *m2, struct qr_err *err)
{
    const struct side *own = &p->c.side[SERVER];
    struct qr_buf head, evidence, all;
    qr_buf_init(&head, ATTEST_INIT_MAX);
    qr_buf_init(&evidence, ATTEST_EVIDENCE_MAX);
    qr_buf_init(&all, ATTEST_HANDSHAKE_MAX);
    qr_buf_put(&head, tag_challenge, sizeof tag_challenge);
    qr_buf_put(&head, p->c.handshake_id, ID_SIZE);
    qr_buf_put(&head, own->nonce, NONCE_SIZE);
    qr_buf_put(&head, own->ephemeral.b, QR_KEY_SIZE);
    qr_buf_put(&head, p->c.policy_hash.b, QR_SHA256_SIZE);
    qr_buf_put_lp(&head, qr_str(own->node_id));
    qr_buf_put_lp(&head, qr_str(own->role));
    enum qr_rc rc = qr_buf_ok(&head);
    struct qr_hash t1 = transcript_of(m1, qr_buf_bytes(&head));
    if (rc == QR_OK) rc = show(&p->c, SERVER, s->self, &t1, &evidence, err);
    if (rc == QR_OK) {
        qr_buf_put_lp(&all, qr_buf_bytes(&head));
        qr_buf_put_lp(&all, qr_buf_bytes(&evidence));
        rc = qr_buf_ok(&all);
    }
    if (rc == QR_OK) {
        p->transcript = transcript_of(m1, qr_buf_bytes(&all));
        qr_buf_put_bytes(m2, qr_buf_bytes(&all));
        rc = qr_buf_ok(m2);
    }
    qr_buf_fini(&head);
    qr_buf_fini(&evidence);
    qr_buf_fini(&all);
    return rc;
}

enum qr_rc attest_server_init(struct attest_server *s, const struct attest_tls_peer *peer,
                              struct qr_bytes m1, struct qr_buf *m2, struct qr_err *err)
{
    struct pending *p = calloc(1, sizeof *p);
    if (!p) return QR_NOMEM;
    p->c.policy_hash = attest_self_policy(s->self)->hash;
    enum qr_rc rc = read_init(s, peer, m1, &p->c, err);
    /* Asked before a report is made: reports are what an attacker could use up. */
    if (rc == QR_OK && !pending_put(s, &peer->spki, NULL))
        rc = qr_fail(err, QR_EXHAUSTED, "too many handshakes are open");
    if (rc == QR_OK) rc = start_side(&p->c, SERVER, s->self, qr_str(s->audience), err);
    if (rc == QR_OK) rc = check_key(&p->c, CLIENT, err);
    if (rc == QR_OK) {
        qr_rand_fill(&s->self->rand, p->c.handshake_id, ID_SIZE);
        rc = write_challenge(s, m1, p, m2, err);
    }
    if (rc == QR_OK) {
        p->expires_us = qr_mono_us(&s->self->clock) + ATTEST_CHALLENGE_S * 1000000LL;
        if (!pending_put(s, &peer->spki, p))
            rc = qr_fail(err, QR_EXHAUSTED, "too many handshakes are open");
    }
    if (rc != QR_OK) pending_free(p);
    return rc;
}

/* Verified: makes the session and writes m4. */
static enum qr_rc accept_client(struct attest_server *s, const struct pending *p,
                                struct qr_bytes m3, struct attest_outcome *out, struct qr_buf *m4,
                                struct qr_err *err)
{
    uint8_t tail[ATTEST_SESSION_ID_SIZE + 8];
    struct attest_session_seed seed = {
        .server = true,
        .peer = out->peer,
        .own_digest = p->c.own_digest,
        .transcript = transcript_of(QR_BYTES_OF(p->transcript.b), m3),
        .clock = s->self->clock,
        .reattest_s = ATTEST_REATTEST_S,
        .hard_stop_s = ATTEST_HARD_STOP_S,
    };
    qr_rand_fill(&s->self->rand, seed.id, sizeof seed.id);
    qr_copy(tail, seed.id, sizeof seed.id);
    qr_set_be32(tail + ATTEST_SESSION_ID_SIZE, seed.reattest_s);
    qr_set_be32(tail + ATTEST_SESSION_ID_SIZE + 4, seed.hard_stop_s);
    struct keys k = {.final = seed.transcript, .tail = QR_BYTES_OF(tail)};
    QR_TRY(derive(&p->c, SERVER, &k, &seed.keys, err));
    qr_buf_put(m4, tag_done, sizeof tag_done);
    qr_buf_put(m4, tail, sizeof tail);
    qr_buf_put(m4, k.confirm, sizeof k.confirm);
    enum qr_rc rc = qr_buf_ok(m4);
    if (rc != QR_OK) {
        qr_secret_fini(&seed.keys);
        return rc;
    }
    return attest_session_make(&seed, &out->session);
}

enum qr_rc attest_server_finish(struct attest_server *s, const struct attest_tls_peer *peer,
                                struct qr_bytes m3, struct qr_buf *m4, struct attest_outcome *out,
                                struct qr_err *err)
{
    *out = (struct attest_outcome){.session = NULL};
    struct qr_reader r = qr_reader_of(m3);
    bool tagged = m3.n <= ATTEST_HANDSHAKE_MAX && read_tag(&r, QR_BYTES_OF(tag_finish));
    struct qr_bytes id = qr_read_bytes(&r, ID_SIZE);
    struct pending *p = id.n == ID_SIZE ? pending_take(s, id) : NULL;
    struct judged j = {.evidence = qr_read_lp(&r, ATTEST_EVIDENCE_MAX)};
    if (!tagged || qr_reader_done(&r) != QR_OK) {
        pending_free(p);
        return qr_fail(err, QR_MALFORMED, "the finishing message is malformed");
    }
    if (!p) return qr_fail(err, QR_NOTFOUND, "no such handshake: unknown, used, or too old");
    enum qr_rc rc = QR_OK;
    if (!QR_HOLDS(HANDSHAKE_PEER, qr_hash_equal(&peer->spki, &p->c.side[CLIENT].spki)))
        rc = qr_fail(err, QR_DENIED, "another TLS peer began this handshake");
    if (rc == QR_OK) {
        j.transcript = &p->transcript;
        rc = judge(&p->c, CLIENT, s->self, &j, err);
        out->reason = j.verdict.reason;
        fill_peer(&p->c, CLIENT, &j.verdict, &out->peer);
    }
    if (rc == QR_OK) rc = accept_client(s, p, m3, out, m4, err);
    /* Used, whatever came of it. */
    bool again = QR_HOLDS(HANDSHAKE_ONCE, false) && pending_put(s, &peer->spki, p);
    if (!again) pending_free(p);
    return rc;
}
