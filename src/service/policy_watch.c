/* policy_watch.c - see policy_watch.h. */
#include "service/policy_watch.h"

#include "base/removal.h"
#include "rpc/attested.h"
#include "trust/entry_check.h"

#include "quorate/v1/log.pb-c.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define CALL_MS 15000

struct policy_watch {
    struct policy_watch_conf conf;
    char anchor[1024];
    pthread_mutex_t mutex;
};

/* ---- one entry ---- */

struct search {
    const struct trust_dir *trust;
    const struct qr_hash *hash;
    uint64_t after; /* not at or before it; ATTEST_PIN_UNKNOWN: anywhere */
    uint64_t found; /* the first that holds; ATTEST_PIN_UNKNOWN: none */
};

static enum qr_rc holds(const struct search *s, const struct leaf_entry *e)
{
    struct leaf_policy p;
    struct trust_context ctx;
    struct trust_report r;
    if (e->kind != LEAF_POLICY_CHANGED || leaf_policy_read(e->body, &p, NULL) != QR_OK ||
        p.name != LEAF_POLICY_ATTESTATION || !qr_hash_equal(&p.hash, s->hash))
        return QR_FALSE;
    trust_report_init(&r);
    trust_context_of(s->trust, QR_CLASS_ALL, &ctx);
    enum qr_rc rc = trust_entry_check(&ctx, e, &r);
    if (rc == QR_OK) rc = trust_policy_check(&ctx, &p, e->body, NULL, &r);
    trust_report_fini(&r);
    return rc;
}

static enum qr_rc consider(void *ctx, uint64_t index, struct qr_bytes entry)
{
    struct search *s = ctx;
    struct leaf_entry e;
    if (s->found != ATTEST_PIN_UNKNOWN) return QR_OK;
    if (s->after != ATTEST_PIN_UNKNOWN && !QR_HOLDS(POLICY_AFTER, index > s->after)) return QR_OK;
    if (leaf_parse(entry, &e, NULL) != QR_OK) return QR_OK;
    if (holds(s, &e) == QR_OK) s->found = index;
    leaf_fini(&e);
    return QR_OK;
}

/* From where on the current policy is in force: what has been in force before it
 * does not come back by its old entry. */
static enum qr_rc current_from(const struct trust_dir *t, policy_find *find, void *ctx,
                               uint64_t *out, struct qr_err *err)
{
    struct search s = {t, &t->attestation_hash, ATTEST_PIN_UNKNOWN, ATTEST_PIN_UNKNOWN};
    for (size_t i = t->past_count; i > 0; i--) {
        if (!qr_hash_equal(&t->past[i - 1].hash, &t->attestation_hash)) continue;
        *out = t->past[i - 1].index;
        return QR_OK;
    }
    QR_TRY(find(ctx, s.hash, consider, &s, err));
    *out = s.found;
    return QR_OK;
}

enum qr_rc policy_look(const struct trust_dir *trust, policy_find *find, void *ctx,
                       struct qr_err *err)
{
    struct attest_pin *pin = trust->attestation;
    if (!attest_pin_waits(pin)) return QR_OK;
    struct search s = {trust, &attest_pin_next(pin)->hash, 0, ATTEST_PIN_UNKNOWN};
    QR_TRY(current_from(trust, find, ctx, &s.after, err));
    /* The current one is in no entry yet: neither is anything after it. */
    if (s.after == ATTEST_PIN_UNKNOWN) return QR_OK;
    QR_TRY(find(ctx, s.hash, consider, &s, err));
    if (s.found != ATTEST_PIN_UNKNOWN) attest_pin_switch(pin, s.found);
    return QR_OK;
}

/* ---- over the network ---- */

static enum qr_rc find_in(void *ctx, const struct qr_hash *hash, log_each *each, void *each_ctx,
                          struct qr_err *err)
{
    struct log_answer a;
    struct log_query q = {.by = LOG_FIND_POLICY, .hash = hash};
    enum qr_rc rc = log_client_find(ctx, &q, &a, err);
    for (size_t i = 0; rc == QR_OK && i < a.n; i++)
        rc = each(each_ctx, a.entries[i].index, a.entries[i].bytes);
    log_answer_fini(&a);
    return rc;
}

enum qr_rc policy_since(const struct trust_dir *trust, struct log_client *log, uint64_t *out,
                        struct qr_err *err)
{
    QR_TRY(current_from(trust, find_in, log, out, err));
    if (*out != ATTEST_PIN_UNKNOWN) return QR_OK;
    return qr_fail(err, QR_NOTFOUND, "the attestation policy is not in the log");
}

static enum qr_rc call_log(void *ctx, const char *method, const ProtobufCMessage *in,
                           struct rpc_answer *out, struct qr_err *err)
{
    struct rpc_ask ask = {.service = &quorate__v1__log__descriptor,
                          .method = method,
                          .in = in,
                          .timeout_ms = CALL_MS};
    return attested_client_call(ctx, &ask, NULL, out, err);
}

/* The log is judged by the next policy, for this one question. */
static enum qr_rc look_ahead(struct policy_watch *w, struct qr_err *err)
{
    const struct trust_dir *t = w->conf.trust;
    struct attest_self self = *w->conf.self;
    struct attested_client *client = NULL;
    struct log_client *log = NULL;
    self.pin = NULL;
    self.policy = attest_pin_next(t->attestation);
    struct attested_client_conf cc = {
        .channel = w->conf.channel, .self = &self, .audience = "tlogd"};
    QR_TRY(attested_client_new(&client, &cc, err));
    struct log_client_conf lc = {.anchor_path = w->anchor,
                                 .origin = t->origin,
                                 .keys = t->log_keys,
                                 .key_count = t->log_key_count,
                                 .clock = w->conf.channel.clock,
                                 .call = call_log,
                                 .ctx = client};
    enum qr_rc rc = log_client_new(&log, &lc, err);
    if (rc == QR_OK) rc = policy_look(t, find_in, log, err);
    log_client_free(log);
    attested_client_free(client);
    return rc;
}

enum qr_rc policy_watch_new(struct policy_watch **out, const struct policy_watch_conf *conf,
                            struct qr_err *err)
{
    struct policy_watch *w = calloc(1, sizeof *w);
    *out = NULL;
    if (!w) return qr_fail(err, QR_NOMEM, "out of memory");
    w->conf = *conf;
    int n = snprintf(w->anchor, sizeof w->anchor, "%s", conf->anchor_path);
    if (n < 0 || (size_t)n >= sizeof w->anchor) {
        free(w);
        return qr_fail(err, QR_RANGE, "path too long");
    }
    if (pthread_mutex_init(&w->mutex, NULL) != 0) qr_fatal("mutex");
    *out = w;
    return QR_OK;
}

void policy_watch_free(struct policy_watch *w)
{
    if (!w) return;
    (void)pthread_mutex_destroy(&w->mutex);
    free(w);
}

enum qr_rc policy_watch_look(struct policy_watch *w, struct qr_err *err)
{
    const struct trust_dir *t = w->conf.trust;
    (void)pthread_mutex_lock(&w->mutex);
    enum qr_rc rc = policy_look(t, find_in, w->conf.log, err);
    if (rc == QR_UNAVAILABLE || rc == QR_ATTESTATION) rc = look_ahead(w, err);
    (void)pthread_mutex_unlock(&w->mutex);
    return rc;
}
