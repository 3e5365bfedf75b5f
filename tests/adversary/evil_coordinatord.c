/* evil_coordinatord.c - quorate-coordinatord that lies, with all its own keys.
 *
 * It makes no check of its own any more once it has moves.  Each move is at the
 * place where the honest daemon writes the thing that it changes: an entry
 * (outbox_put), the descriptor, the state machine, material, messages, orders.
 * Moves, by what they lie about:
 *   descriptor:  t, expiry, attempt, digest, cocktail-key, envelope-key
 *   people:      quorum (a smaller one), hide-withdrawal, hide-cancel,
 *                drop-approval, approval
 *   material:    old-material, old-started, early-material, unlogged
 *   messages:    old-messages, forged-message, missing-message
 *   entries:     dkg-key, started-key, started-digest, started-descriptor,
 *                started-commitments, started-twice, started-elsewhere,
 *                started-two (two of them, and not all get the same); dkg-key
 *                and started-key may have a key as value;
 *                own-roster (roster.attested, by itself)
 *   the log:     anylog (whatever it says is one history)
 *   orders:      order-unsigned, order-elsewhere, orders-twice, sign-twice, flood,
 *                say=TYPE
 *   attempts:    fail-first, fail-late, hasty, pause=freeze|verify */
#include <config.h>

#include "adversary/moves.h"
#include "base/limits.h"
#include "coordinatord/act.h"
#include "coordinatord/ceremony.h"
#include "coordinatord/material.h"
#include "coordinatord/order.h"
#include "coordinatord/step.h"
#include "frost/certificate.h"
#include "tlog/tlog.h"
#include "trust/approval_check.h"
#include "trust/grant_check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* NAME is wrapped: its real definition and ours. */
#define WRAPPED(type, name, args) \
    type __real_##name args;      \
    type __wrap_##name args

static bool lies(void) { return move_played("lies"); }

/* ---- its own checks ---- */

WRAPPED(enum qr_rc, trust_quorum_check,
        (const struct trust_context *ctx, const struct trust_request *req,
         const struct trust_approval *list, size_t n, struct trust_report *r));
WRAPPED(enum qr_rc, trust_roster_check,
        (const struct trust_context *ctx, const struct trust_freeze *f, struct trust_report *r));
WRAPPED(enum qr_rc, trust_descriptor_check,
        (const struct trust_context *ctx, const struct trust_freeze *f, struct trust_report *r));
WRAPPED(enum qr_rc, qr_verify_tagged,
        (const struct qr_pub *pub, const char *tag, struct qr_bytes data,
         const struct qr_sig *sig));

enum qr_rc __wrap_trust_quorum_check(const struct trust_context *ctx,
                                     const struct trust_request *req,
                                     const struct trust_approval *list, size_t n,
                                     struct trust_report *r)
{
    return lies() ? QR_OK : __real_trust_quorum_check(ctx, req, list, n, r);
}

enum qr_rc __wrap_trust_roster_check(const struct trust_context *ctx, const struct trust_freeze *f,
                                     struct trust_report *r)
{
    return lies() ? QR_OK : __real_trust_roster_check(ctx, f, r);
}

enum qr_rc __wrap_trust_descriptor_check(const struct trust_context *ctx,
                                         const struct trust_freeze *f, struct trust_report *r)
{
    return lies() ? QR_OK : __real_trust_descriptor_check(ctx, f, r);
}

enum qr_rc __wrap_qr_verify_tagged(const struct qr_pub *pub, const char *tag, struct qr_bytes data,
                                   const struct qr_sig *sig)
{
    bool envelope = strcmp(tag, LEAF_TAG_ENVELOPE) == 0;
    return envelope && lies() ? QR_OK : __real_qr_verify_tagged(pub, tag, data, sig);
}

/* Approvals, and what belongs to them. */
WRAPPED(enum qr_rc, trust_approval_check,
        (const struct trust_context *ctx, const struct trust_request *req,
         const struct trust_approval *a, struct trust_report *r));
WRAPPED(enum qr_rc, trust_people_check,
        (const struct trust_context *ctx, const struct trust_request *req,
         const struct trust_approval *list, size_t n, struct trust_report *r));
WRAPPED(enum qr_rc, act_join,
        (struct coord * c, const struct act_join *in, int64_t *row, struct qr_err *err));
WRAPPED(enum qr_rc, trust_grant_check,
        (const struct trust_context *ctx, struct qr_bytes bytes, const struct trust_grant_use *use,
         struct trust_grant *out, struct trust_report *r));
WRAPPED(enum qr_rc, trust_grant_use_check,
        (const struct trust_grant *g, const struct trust_call *call, struct trust_report *r));
WRAPPED(enum qr_rc, log_client_find,
        (struct log_client * c, const struct log_query *q, struct log_answer *out,
         struct qr_err *err));
WRAPPED(enum tlog_rc, tlog_consistency_check,
        (const struct tlog_head *earlier, const struct tlog_head *later,
         const struct tlog_proof *proof));

enum qr_rc __wrap_trust_approval_check(const struct trust_context *ctx,
                                       const struct trust_request *req,
                                       const struct trust_approval *a, struct trust_report *r)
{
    return lies() ? QR_OK : __real_trust_approval_check(ctx, req, a, r);
}

enum qr_rc __wrap_trust_people_check(const struct trust_context *ctx,
                                     const struct trust_request *req,
                                     const struct trust_approval *list, size_t n,
                                     struct trust_report *r)
{
    return lies() ? QR_OK : __real_trust_people_check(ctx, req, list, n, r);
}

static _Thread_local struct leaf_approval joining;

enum qr_rc __wrap_act_join(struct coord *c, const struct act_join *in, int64_t *row,
                           struct qr_err *err)
{
    json_t *body = NULL;
    if (qr_json_parse(in->approval, &body, NULL) == QR_OK &&
        leaf_approval_read(body, &joining, NULL) != QR_OK)
        qr_zero(&joining, sizeof joining);
    json_decref(body);
    return __real_act_join(c, in, row, err);
}

/* Any grant is for the keys of the approval that came with it. */
enum qr_rc __wrap_trust_grant_check(const struct trust_context *ctx, struct qr_bytes bytes,
                                    const struct trust_grant_use *use, struct trust_grant *out,
                                    struct trust_report *r)
{
    struct qr_err err = {{0}};
    if (!lies()) return __real_trust_grant_check(ctx, bytes, use, out, r);
    *out = (struct trust_grant){.json = NULL};
    enum qr_rc rc = leaf_grant_parse(bytes, &out->is, &out->json, &err);
    out->is.keys.approval_key = joining.approval_key;
    out->is.keys.envelope_key = joining.envelope_key;
    out->is.keys.cocktail_key = joining.cocktail_key;
    return rc;
}

enum qr_rc __wrap_trust_grant_use_check(const struct trust_grant *g, const struct trust_call *call,
                                        struct trust_report *r)
{
    return lies() ? QR_OK : __real_trust_grant_use_check(g, call, r);
}

/* Whoever was enrolled once is so by his last enrolment. */
enum qr_rc __wrap_log_client_find(struct log_client *c, const struct log_query *q,
                                  struct log_answer *out, struct qr_err *err)
{
    static const char kind[] = "\"identity.enrolled\"";
    enum qr_rc rc = __real_log_client_find(c, q, out, err);
    if (rc != QR_OK || q->by != LOG_FIND_COMMITMENT || !lies() || out->n == 0) return rc;
    size_t n = out->n;
    while (n > 1 &&
           !memmem(out->entries[n - 1].bytes.p, out->entries[n - 1].bytes.n, kind, sizeof kind - 1))
        n--;
    out->entries[0] = out->entries[n - 1];
    out->n = 1;
    return rc;
}

enum tlog_rc __wrap_tlog_consistency_check(const struct tlog_head *earlier,
                                           const struct tlog_head *later,
                                           const struct tlog_proof *proof)
{
    if (move_played("anylog")) return TLOG_OK;
    return __real_tlog_consistency_check(earlier, later, proof);
}

/* ---- the descriptor ---- */

WRAPPED(json_t *, leaf_descriptor_write, (const struct leaf_descriptor *d));

json_t *__wrap_leaf_descriptor_write(const struct leaf_descriptor *d)
{
    struct leaf_descriptor *lie = malloc(sizeof *lie);
    if (!lie) abort();
    *lie = *d;
    if (move_played("t")) lie->t--;
    if (move_played("expiry")) lie->expires_us += 3600000000LL;
    if (move_played("attempt")) lie->attempt++;
    if (move_played("digest")) lie->payloads.p[0].digest.b[0] ^= 1;
    /* Another member's key is a valid one that its owner did not put there. */
    if (move_played("cocktail-key")) lie->members[1].cocktail_key = d->members[0].envelope_key;
    if (move_played("envelope-key")) lie->members[1].envelope_key = d->members[0].envelope_key;
    json_t *out = __real_leaf_descriptor_write(lie);
    free(lie);
    return out;
}

/* ---- the state machine ---- */

WRAPPED(enum qr_rc, session_init,
        (struct session * s, const struct session_rules *rules, struct qr_err *err));
WRAPPED(enum qr_rc, session_step,
        (const struct session *in, const struct session_event *ev, struct session *out,
         struct session_effects *effects, struct qr_err *err));
WRAPPED(enum qr_rc, freeze_roster, (struct ceremony_part * p, struct qr_err *err));
WRAPPED(enum qr_rc, combine_shares, (struct ceremony_part * p, struct qr_err *err));
WRAPPED(enum qr_rc, keygen_verify, (struct ceremony_part * p, struct qr_err *err));

enum qr_rc __wrap_session_init(struct session *s, const struct session_rules *rules,
                               struct qr_err *err)
{
    struct session_rules lie = *rules;
    if (move_played("quorum")) lie.stewards--;
    if (move_played("hasty")) lie.round_us = 4000000;
    return __real_session_init(s, &lie, err);
}

static _Thread_local enum session_state hidden;

/* Records what it then takes no notice of. */
static enum qr_rc hide(const struct session *in, enum session_log_kind log, struct session *out,
                       struct session_effects *effects)
{
    *out = *in;
    memset(effects, 0, sizeof *effects);
    effects->n = 1;
    effects->list[0] =
        (struct session_effect){.kind = SESSION_DO_LOG, .log = log, .attempt = in->attempt};
    /* With that state do_log takes the body that the person signed. */
    hidden = in->state;
    if (log == SESSION_LOG_SESSION_ENDED) out->state = SESSION_CANCELLED;
    return QR_OK;
}

enum qr_rc __wrap_session_step(const struct session *in, const struct session_event *ev,
                               struct session *out, struct session_effects *effects,
                               struct qr_err *err)
{
    if (ev->kind == SESSION_EV_WITHDRAWN && move_played("hide-withdrawal"))
        return hide(in, SESSION_LOG_APPROVAL_WITHDRAWN, out, effects);
    if (ev->kind == SESSION_EV_CANCELLED && move_played("hide-cancel"))
        return hide(in, SESSION_LOG_SESSION_ENDED, out, effects);
    return __real_session_step(in, ev, out, effects, err);
}

/* pause=STEP: nothing goes on there until MOVES_FILE.go exists. */
static void pause_at(const char *step)
{
    char path[4096];
    const char *at = move_value("pause"), *moves = getenv("MOVES_FILE");
    struct timespec nap = {0, 20000000L};
    if (!at || !moves || strcmp(at, step) != 0) return;
    (void)snprintf(path, sizeof path, "%s.go", moves);
    for (int i = 0; i < 1500 && access(path, F_OK) != 0; i++) (void)nanosleep(&nap, NULL);
}

enum qr_rc __wrap_freeze_roster(struct ceremony_part *p, struct qr_err *err)
{
    pause_at("freeze");
    return __real_freeze_roster(p, err);
}

enum qr_rc __wrap_keygen_verify(struct ceremony_part *p, struct qr_err *err)
{
    pause_at("verify");
    if (p->job->attempt == 1 && move_played("fail-first"))
        return qr_fail(err, QR_FALSE, "the first attempt is to fail");
    return __real_keygen_verify(p, err);
}

enum qr_rc __wrap_combine_shares(struct ceremony_part *p, struct qr_err *err)
{
    if (p->job->attempt == 1 && move_played("fail-late"))
        return qr_fail(err, QR_FALSE, "the first attempt is to fail");
    return __real_combine_shares(p, err);
}

/* ---- entries ---- */

WRAPPED(enum qr_rc, outbox_put,
        (struct outbox * ob, enum leaf_kind kind, const json_t *body, const char *event_id,
         int64_t *row, struct qr_err *err));
WRAPPED(enum qr_rc, store_session_save,
        (struct qr_db * db, int64_t n, const struct session *state, struct qr_err *err));

static json_t *deeper(json_t *o, const char *array, size_t i)
{
    return json_array_get(json_object_get(o, array), i);
}

/* Another value of the same form: its first hex digit changed. */
static void change_hex(json_t *o, const char *key)
{
    char text[256];
    const char *s = json_string_value(json_object_get(o, key));
    (void)snprintf(text, sizeof text, "%s", s ? s : "");
    text[0] = text[0] == 'a' ? 'b' : 'a';
    if (json_object_set_new(o, key, json_string(text)) != 0) abort();
}

/* The value of the move, or another one than the true. */
static void lie_hex(json_t *o, const char *key, const char *move)
{
    const char *value = move_value(move);
    if (value && value[0] && json_object_set_new(o, key, json_string(value)) != 0) abort();
    if (value && !value[0]) change_hex(o, key);
}

static void spoil_started(json_t *body)
{
    json_t *payload = deeper(body, "payloads", 0);
    lie_hex(body, "group_key", "started-key");
    if (move_played("started-digest")) change_hex(payload, "digest");
    if (move_played("started-descriptor")) change_hex(body, "descriptor");
    if (move_played("started-commitments")) {
        json_t *a = deeper(payload, "commitments", 0), *b = deeper(payload, "commitments", 1);
        json_t *hiding = json_incref(json_object_get(a, "hiding"));
        (void)json_object_set(a, "hiding", json_object_get(b, "hiding"));
        (void)json_object_set_new(b, "hiding", hiding);
    }
}

/* The same commitments in an entry beside the true one. */
static enum qr_rc put_twin(struct outbox *ob, const json_t *body, struct qr_err *err)
{
    int64_t row = 0;
    json_t *twin = json_deep_copy(body);
    if (move_played("started-two")) {
        /* The last member's points the other way round. */
        json_t *last = deeper(deeper(twin, "payloads", 0), "commitments", 2);
        json_t *hiding = json_incref(json_object_get(last, "hiding"));
        (void)json_object_set(last, "hiding", json_object_get(last, "binding"));
        (void)json_object_set_new(last, "binding", hiding);
    } else if (move_played("started-elsewhere")) {
        change_hex(twin, "session_leaf");
        (void)json_object_set_new(twin, "session", json_string("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    } else {
        change_hex(deeper(twin, "payloads", 0), "digest");
    }
    enum qr_rc rc = __real_outbox_put(ob, LEAF_SIGNING_STARTED, twin, NULL, &row, err);
    json_decref(twin);
    return rc;
}

enum qr_rc __wrap_outbox_put(struct outbox *ob, enum leaf_kind kind, const json_t *body,
                             const char *event_id, int64_t *row, struct qr_err *err)
{
    json_t *lie = json_deep_copy(body);
    if (!lie) abort();
    enum qr_rc rc = QR_OK;
    if (kind == LEAF_DKG_COMPLETED) lie_hex(lie, "group_key", "dkg-key");
    if (kind == LEAF_APPROVAL_GIVEN && move_played("approval")) change_hex(lie, "screen");
    if (kind == LEAF_SIGNING_STARTED) spoil_started(lie);
    if (kind == LEAF_SIGNING_STARTED &&
        (move_played("started-twice") || move_played("started-elsewhere") ||
         move_played("started-two")))
        rc = put_twin(ob, lie, err);
    if (rc == QR_OK) rc = __real_outbox_put(ob, kind, lie, event_id, row, err);
    json_decref(lie);
    return rc;
}

/* The end that hide() wrote must not become the state. */
enum qr_rc __wrap_store_session_save(struct qr_db *db, int64_t n, const struct session *state,
                                     struct qr_err *err)
{
    struct session kept = *state;
    if (state->state == SESSION_CANCELLED && move_played("hide-cancel")) kept.state = hidden;
    return __real_store_session_save(db, n, &kept, err);
}

/* ---- material ---- */

WRAPPED(enum qr_rc, material_get,
        (struct coord * c, const struct material_want *want, struct qr_buf *out,
         struct qr_err *err));

static bool is_kind(const struct bundle_entry *from, enum leaf_kind kind)
{
    struct leaf_entry e;
    if (leaf_parse(from->leaf, &e, NULL) != QR_OK) abort();
    bool is = e.kind == kind;
    leaf_fini(&e);
    return is;
}

/* signing.started with another time: signed by us, never logged. */
static struct qr_bytes sign_again(struct coord *c, struct qr_bytes leaf, struct qr_buf *out)
{
    struct leaf_entry e;
    if (leaf_parse(leaf, &e, NULL) != QR_OK) abort();
    struct leaf_draft d = {.kind = e.kind,
                           .author = e.author,
                           .event_id = e.event_id,
                           .time_us = e.time_us + 1,
                           .classes = e.classes,
                           .body = e.body};
    if (leaf_sign(&d, &c->s->entry_key, out) != QR_OK) abort();
    leaf_fini(&e);
    return qr_buf_bytes(out);
}

/* Rewrites material in place. */
static void edit(struct coord *c, struct qr_buf *material)
{
    struct bundle b;
    struct bundle_entry entries[BUNDLE_MAX_ENTRIES];
    struct qr_buf leaf;
    size_t n = 0;
    bool dropped = false;
    if (bundle_read(qr_buf_bytes(material), &b, NULL) != QR_OK) abort();
    qr_buf_init(&leaf, QR_MAX_ENTRY);
    for (size_t i = 0; i < b.entry_count; i++) {
        bool approval = is_kind(&b.entries[i], LEAF_APPROVAL_GIVEN);
        if (approval && !dropped && move_played("drop-approval")) {
            dropped = true;
            continue;
        }
        entries[n] = b.entries[i];
        if (is_kind(&b.entries[i], LEAF_SIGNING_STARTED) && move_played("unlogged"))
            entries[n].leaf = sign_again(c, b.entries[i].leaf, &leaf);
        n++;
    }
    b.entries = entries;
    b.entry_count = n;
    qr_buf_reset(material);
    if (bundle_write(&b, material) != QR_OK) abort();
    bundle_fini(&b);
    qr_buf_fini(&leaf);
}

/* ---- the roster ---- */

WRAPPED(enum qr_rc, ceremony_take,
        (struct coord * c, const ProtobufCMessage *receipt, enum leaf_kind kind,
         struct ceremony_entry *out, struct qr_err *err));

/* authd's roster once more, signed by us and logged as ours. */
enum qr_rc __wrap_ceremony_take(struct coord *c, const ProtobufCMessage *receipt,
                                enum leaf_kind kind, struct ceremony_entry *out, struct qr_err *err)
{
    enum qr_rc rc = __real_ceremony_take(c, receipt, kind, out, err);
    if (rc != QR_OK || kind != LEAF_ROSTER_ATTESTED || !move_played("own-roster")) return rc;
    char id[QR_ULID_LEN + 1];
    static struct log_answer a; /* what out borrows from */
    struct qr_buf b;
    int64_t us = coord_now(c);
    qr_ulid(&c->s->rand, us, id);
    struct leaf_draft d = {LEAF_ROSTER_ATTESTED, LEAF_COORDINATOR, id, us,
                           c->s->classes,        out->entry.body};
    qr_buf_init(&b, QR_MAX_ENTRY);
    if (leaf_sign(&d, &c->s->entry_key, &b) != QR_OK) abort();
    struct qr_bytes bytes = qr_buf_bytes(&b);
    log_answer_fini(&a);
    rc = log_client_append(c->s->log_client, &bytes, 1, &a, err);
    qr_buf_fini(&b);
    if (rc != QR_OK) return rc;
    leaf_fini(&out->entry);
    out->log = a.entries[0];
    if (leaf_parse(out->log.bytes, &out->entry, NULL) != QR_OK) abort();
    out->at = (struct trust_place){
        .index = out->log.index, .leaf = out->log.leaf, .time_us = us, .classes = c->s->classes};
    return QR_OK;
}

/* cad's certificate is for the key of the transcript, if we say so. */
WRAPPED(enum qr_rc, cocktail_certificate_read,
        (struct qr_bytes bytes, struct cocktail_certificate *out, struct qr_err *err));

enum qr_rc __wrap_cocktail_certificate_read(struct qr_bytes bytes, struct cocktail_certificate *out,
                                            struct qr_err *err)
{
    enum qr_rc rc = __real_cocktail_certificate_read(bytes, out, err);
    const char *key = move_value("started-key");
    if (rc == QR_OK && key && key[0]) move_bytes("started-key", out->group.key.b, QR_KEY_SIZE);
    return rc;
}

/* What it asks for itself, for cad, is as it should be. */
WRAPPED(void, keygen_review, (struct coord * c, int64_t n));
WRAPPED(enum qr_rc, keygen_certify, (struct ceremony_part * p, struct qr_err *err));

static _Thread_local bool for_cad;

void __wrap_keygen_review(struct coord *c, int64_t n)
{
    for_cad = true;
    __real_keygen_review(c, n);
    for_cad = false;
}

enum qr_rc __wrap_keygen_certify(struct ceremony_part *p, struct qr_err *err)
{
    for_cad = true;
    enum qr_rc rc = __real_keygen_certify(p, err);
    for_cad = false;
    return rc;
}

/* Material of an earlier attempt, kept. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
    int64_t n;
    unsigned given;
    struct qr_buf bytes;
} old;

static void remember(int64_t n, struct qr_buf *out)
{
    (void)pthread_mutex_lock(&mutex);
    if (old.n != n) {
        qr_buf_fini(&old.bytes);
        qr_buf_init(&old.bytes, QR_MAX_BUNDLE);
        qr_buf_put_bytes(&old.bytes, qr_buf_bytes(out));
        old.n = n;
        old.given = 0;
    } else if (!qr_bytes_equal(qr_buf_bytes(&old.bytes), qr_buf_bytes(out)) && old.given == 0) {
        /* Another attempt: whoever asks first is given the former one. */
        old.given++;
        qr_buf_reset(out);
        qr_buf_put_bytes(out, qr_buf_bytes(&old.bytes));
    }
    (void)pthread_mutex_unlock(&mutex);
}

/* Whoever was given the former one answers it: taken as an answer to this one. */
WRAPPED(struct qr_hash, leaf_descriptor_hash, (const json_t *body));
WRAPPED(enum qr_rc, leaf_envelope_read,
        (struct qr_bytes bytes, struct leaf_envelope *out, struct qr_err *err));
WRAPPED(enum qr_rc, cocktail_msg1_check,
        (const struct cocktail_params *p, uint32_t sender, struct qr_bytes msg,
         struct dkg_blame *blame, struct qr_err *err));

static struct qr_hash newest_descriptor;

struct qr_hash __wrap_leaf_descriptor_hash(const json_t *body)
{
    struct qr_hash h = __real_leaf_descriptor_hash(body);
    (void)pthread_mutex_lock(&mutex);
    newest_descriptor = h;
    (void)pthread_mutex_unlock(&mutex);
    return h;
}

enum qr_rc __wrap_leaf_envelope_read(struct qr_bytes bytes, struct leaf_envelope *out,
                                     struct qr_err *err)
{
    enum qr_rc rc = __real_leaf_envelope_read(bytes, out, err);
    (void)pthread_mutex_lock(&mutex);
    if (rc == QR_OK && out->round == LEAF_ROUND_DKG1 && old.given && move_played("old-material")) {
        out->attempt = 2;
        out->descriptor = newest_descriptor;
    }
    (void)pthread_mutex_unlock(&mutex);
    return rc;
}

enum qr_rc __wrap_cocktail_msg1_check(const struct cocktail_params *p, uint32_t sender,
                                      struct qr_bytes msg, struct dkg_blame *blame,
                                      struct qr_err *err)
{
    return lies() ? QR_OK : __real_cocktail_msg1_check(p, sender, msg, blame, err);
}

/* The twin of signing.started stands right before it in the log. */
WRAPPED(enum qr_rc, store_logged_get,
        (struct qr_db * db, int64_t n, enum leaf_kind kind, uint32_t attempt,
         struct qr_arena *arena, struct store_logged *out, struct qr_err *err));
WRAPPED(enum qr_rc, session_read, (struct qr_bytes bytes, struct session *out, struct qr_err *err));

static _Thread_local bool give_twin, not_kept;

enum qr_rc __wrap_store_logged_get(struct qr_db *db, int64_t n, enum leaf_kind kind,
                                   uint32_t attempt, struct qr_arena *arena,
                                   struct store_logged *out, struct qr_err *err)
{
    enum qr_rc rc = __real_store_logged_get(db, n, kind, attempt, arena, out, err);
    if (rc == QR_OK && give_twin && kind == LEAF_SIGNING_STARTED) out->index--;
    return rc;
}

/* The first reading says where material is kept: nowhere. */
enum qr_rc __wrap_session_read(struct qr_bytes bytes, struct session *out, struct qr_err *err)
{
    enum qr_rc rc = __real_session_read(bytes, out, err);
    if (rc == QR_OK && not_kept) out->attempt += 1000;
    not_kept = false;
    return rc;
}

/* Only the first of all who ask gets the twin. */
static enum qr_rc give_other(struct coord *c, const struct material_want *want, struct qr_buf *out,
                             struct qr_err *err)
{
    static bool given;
    (void)pthread_mutex_lock(&mutex);
    give_twin = not_kept = !given;
    given = true;
    (void)pthread_mutex_unlock(&mutex);
    enum qr_rc rc = __real_material_get(c, want, out, err);
    give_twin = not_kept = false;
    return rc;
}

enum qr_rc __wrap_material_get(struct coord *c, const struct material_want *want,
                               struct qr_buf *out, struct qr_err *err)
{
    struct material_want lie = *want;
    if (for_cad) return __real_material_get(c, want, out, err);
    if (want->stage == BUNDLE_STARTED && !want->highest && move_played("started-two"))
        return give_other(c, want, out, err);
    if (want->stage == BUNDLE_STARTED && move_played("early-material")) lie.stage = BUNDLE_FROZEN;
    enum qr_rc rc = __real_material_get(c, &lie, out, err);
    bool edited = (want->stage == BUNDLE_FROZEN && move_played("drop-approval")) ||
                  (want->stage == BUNDLE_STARTED && move_played("unlogged"));
    if (rc == QR_OK && !want->highest && edited) edit(c, out);
    if (rc == QR_OK && !want->highest && want->stage == BUNDLE_FROZEN &&
        move_played("old-material"))
        remember(want->n, out);
    if (rc == QR_OK && !want->highest && want->stage == BUNDLE_STARTED &&
        move_played("old-started"))
        remember(want->n, out);
    return rc;
}

/* ---- messages ---- */

WRAPPED(json_t *, leaf_signed_list_write, (const struct leaf_signed *list, size_t n));

/* The first message of a first attempt, kept. */
static void swap_old(struct leaf_signed *list)
{
    static struct qr_buf bytes;
    static struct qr_sig sig;
    struct leaf_envelope e;
    if (leaf_envelope_read(list[0].bytes, &e, NULL) != QR_OK) abort();
    if (e.round == LEAF_ROUND_DKG1 && e.attempt == 1) {
        qr_buf_fini(&bytes);
        qr_buf_init(&bytes, QR_MAX_MESSAGE_DKG);
        qr_buf_put_bytes(&bytes, list[0].bytes);
        sig = list[0].sig;
    } else if (e.round == LEAF_ROUND_DKG1) {
        list[0] = (struct leaf_signed){.bytes = qr_buf_bytes(&bytes), .sig = sig};
    }
    leaf_envelope_fini(&e);
}

json_t *__wrap_leaf_signed_list_write(const struct leaf_signed *list, size_t n)
{
    struct leaf_signed lie[QR_MAX_PARTICIPANTS];
    for (size_t i = 0; i < n; i++) lie[i] = list[i];
    if (move_played("old-messages")) swap_old(lie);
    if (move_played("forged-message")) lie[0].sig.b[0] ^= 1;
    if (move_played("missing-message")) n--;
    return __real_leaf_signed_list_write(lie, n);
}

/* ---- orders ---- */

WRAPPED(enum qr_rc, store_order_add,
        (struct qr_db * db, int64_t n, const struct store_order *o, struct qr_err *err));
WRAPPED(enum qr_rc, leaf_order_write, (const struct leaf_order *o, struct qr_buf *out));
WRAPPED(enum qr_rc, order_put,
        (struct step * st, const struct session *before, const struct session_effect *e,
         struct qr_err *err));

enum qr_rc __wrap_store_order_add(struct qr_db *db, int64_t n, const struct store_order *o,
                                  struct qr_err *err)
{
    struct store_order lie = *o;
    if (move_played("order-unsigned")) lie.sig.b[0] ^= 1;
    return __real_store_order_add(db, n, &lie, err);
}

/* say=TYPE: that order instead of the presence check. */
static enum leaf_order_type said(const char *type)
{
    for (int t = 0; t < LEAF_ORDER_COUNT; t++)
        if (strcmp(type, leaf_order_name((enum leaf_order_type)t)) == 0)
            return (enum leaf_order_type)t;
    abort();
}

enum qr_rc __wrap_leaf_order_write(const struct leaf_order *o, struct qr_buf *out)
{
    struct leaf_order lie = *o;
    const char *say = o->type == LEAF_ORDER_PRESENCE ? move_value("say") : NULL;
    json_t *body = say ? qr_json_object() : NULL;
    if (say) {
        lie.type = said(say);
        lie.body = body;
        qr_json_set_str(body, "reason", "a lie");
        qr_json_set_str(body, "state", "CANCELLED");
        qr_json_set_str(body, "step", "join");
    }
    if (move_played("order-elsewhere")) lie.session_leaf.b[0] ^= 1;
    enum qr_rc rc = __real_leaf_order_write(&lie, out);
    json_decref(body);
    return rc;
}

enum qr_rc __wrap_order_put(struct step *st, const struct session *before,
                            const struct session_effect *e, struct qr_err *err)
{
    int more = move_played("orders-twice") ? 1 : 0;
    if (move_played("sign-twice") && e->order == SESSION_ORDER_SIGN) more = 1;
    if (move_played("flood") && e->order == SESSION_ORDER_PROGRESS) more = 200;
    for (int i = 0; i < more; i++) {
        enum qr_rc rc = __real_order_put(st, before, e, err);
        if (rc != QR_OK) return rc;
    }
    return __real_order_put(st, before, e, err);
}

/* ---- what came in ---- */

WRAPPED(enum qr_rc, act_submit,
        (struct coord * c, struct qr_bytes envelope, const struct qr_sig *sig, struct qr_err *err));

/* One line for each new envelope in MOVES_FILE.got: attempt and round. */
enum qr_rc __wrap_act_submit(struct coord *c, struct qr_bytes envelope, const struct qr_sig *sig,
                             struct qr_err *err)
{
    char path[4096], session[2 * QR_SHA256_SIZE + 1];
    const char *moves = getenv("MOVES_FILE");
    struct leaf_envelope e;
    if (moves && leaf_envelope_read(envelope, &e, NULL) == QR_OK) {
        (void)snprintf(path, sizeof path, "%s.got", moves);
        (void)pthread_mutex_lock(&mutex);
        FILE *f = fopen(path, "a");
        qr_hex(e.session_leaf.b, QR_SHA256_SIZE, session);
        if (f) {
            (void)fprintf(f, "%s %u %s\n", session, e.attempt, leaf_round_name(e.round));
            (void)fclose(f);
        }
        (void)pthread_mutex_unlock(&mutex);
        leaf_envelope_fini(&e);
    }
    return __real_act_submit(c, envelope, sig, err);
}
