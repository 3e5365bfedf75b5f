/* witness.c - see witness.h.
 *
 * The target is the one checkpoint that is being cosigned.  It is replaced by
 * the newest when it has its quorum, or when it has waited long enough.  An
 * answer for a target that is gone is only remembered as what that witness
 * knows. */
#include "tlogd/witness.h"

#include "base/file.h"
#include "base/wait.h"
#include "crypto/crypto.h"
#include "http/fetch.h"
#include "tlog/qr.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define ASK_MS 5000
#define TARGET_US (10 * 1000000LL) /* a target without quorum gives way after this */
#define PAUSE_MIN_US 500000LL
#define PAUSE_MAX_US (60 * 1000000LL)
#define ANSWER_MAX 16384
#define URL_MAX 512

struct one {
    struct witnesses *all;
    size_t number;
    const struct tlog_party *party;
    struct http_client *client;
    pthread_t thread;
    bool runs;
    uint64_t knows; /* size it cosigned last, as far as we know */
    uint64_t asked; /* serial of the target it has answered or refused */
    uint64_t failures, answers;
    int64_t pause_us, not_before_us;
};

struct target {
    uint64_t serial; /* 0: none yet */
    int64_t since_us;
    struct tlog_signed cp;
    uint32_t cosigned;
    char line[TLOG_POLICY_MAX][TLOG_COSIGNATURE_MAX];
    size_t line_n[TLOG_POLICY_MAX];
};

struct witnesses {
    struct witnesses_conf conf;
    struct tlog_policy *policy;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t news;  /* the log grew, or the end */
    pthread_cond_t done;  /* a quorum */
    bool stopping;
    struct target target;
    struct head_note latest;
    size_t n;
    struct one one[TLOG_POLICY_MAX];
};

/* ---- the target ---- */

/* Chooses a newer target when the present one is done with; lock is held. */
static void renew_target(struct witnesses *w)
{
    struct target *t = &w->target;
    struct tlog_signed now;
    int64_t now_us = qr_mono_us(&w->conf.clock);
    tlog_latest(w->conf.log, &now);
    bool newer = t->serial == 0 || now.head.size > t->cp.head.size;
    bool over = t->serial == 0 || tlog_policy_quorum(w->policy, t->cosigned) ||
                now_us - t->since_us > TARGET_US;
    if (!newer || !over) return;
    *t = (struct target){.serial = t->serial + 1, .since_us = now_us, .cp = now};
}

static void put_lines(const struct target *t, size_t count, struct qr_buf *b)
{
    size_t lines = 1; /* the log's own */
    qr_buf_put(b, t->cp.text, t->cp.n);
    for (size_t i = 0; i < count && lines < TLOG_NOTE_SIGS_MAX; i++)
        if (t->cosigned >> i & 1) {
            qr_buf_put(b, t->line[i], t->line_n[i]);
            lines++;
        }
}

/* The target has the quorum: keeps it, durable before it is shown; lock is held. */
static void publish(struct witnesses *w)
{
    const struct tlog_party *ignored;
    struct qr_err err = {{0}};
    struct qr_buf b;
    qr_buf_init(&b, WITNESS_NOTE_MAX);
    put_lines(&w->target, tlog_policy_witnesses(w->policy, &ignored), &b);
    enum qr_rc rc = qr_buf_ok(&b);
    if (rc == QR_OK) rc = qr_file_write(w->conf.file, qr_buf_bytes(&b), 0600, &err);
    if (rc == QR_OK) {
        w->latest.head = w->target.cp.head;
        w->latest.n = b.n;
        qr_copy(w->latest.text, b.p, b.n);
        (void)pthread_cond_broadcast(&w->done);
    } else {
        qr_log_text(w->conf.lines, "witness.lost", "%s", err.text);
    }
    qr_buf_fini(&b);
}

/* ---- one witness ---- */

static bool make_url(const struct one *o, const char *tail, char url[URL_MAX])
{
    size_t n = o->party->url.n;
    while (n > 0 && o->party->url.p[n - 1] == '/') n--;
    int len = snprintf(url, URL_MAX, "%.*s/%s", (int)n, (const char *)o->party->url.p, tail);
    return len > 0 && len < URL_MAX;
}

/* tlog-witness, add-checkpoint: the request body. */
static enum qr_rc put_request(const struct one *o, const struct tlog_signed *cp, struct qr_buf *b,
                              struct qr_err *err)
{
    struct tlog_proof proof = {.n = 0};
    struct tlog_err terr = {{0}};
    uint64_t old = o->knows;
    if (old > 0)
        QR_TRY(tlog_to_qr(tlog_consistency(o->all->conf.log, old, cp->head.size, &proof, &terr),
                          &terr, err));
    qr_buf_printf(b, "old %" PRIu64 "\n", old);
    for (size_t i = 0; i < proof.n; i++) {
        qr_buf_put_base64(b, QR_BYTES_OF(proof.h[i].b));
        qr_buf_put_u8(b, '\n');
    }
    qr_buf_put_u8(b, '\n');
    qr_buf_put(b, cp->text, cp->n);
    return qr_buf_ok(b);
}

/* Its line out of an answer: the one of its key, verified. */
static enum qr_rc take_line(const struct one *o, const struct tlog_signed *cp,
                            struct qr_bytes answer, char line[TLOG_COSIGNATURE_MAX], size_t *n,
                            struct qr_err *err)
{
    struct tlog_note note;
    struct qr_buf b;
    qr_buf_init(&b, TLOG_NOTE_MAX);
    qr_buf_put(&b, cp->text, cp->n);
    qr_buf_put_bytes(&b, answer);
    int len = -1;
    if (qr_buf_ok(&b) == QR_OK &&
        tlog_note_parse((struct tlog_bytes){b.p, b.n}, &note) == TLOG_OK &&
        tlog_cosignature_check(&note, &o->party->key, NULL) == TLOG_OK)
        for (size_t i = 0; i < note.sigs && len < 0; i++) {
            const struct tlog_note_sig *s = &note.sig[i];
            if (s->id != o->party->key.id ||
                !qr_bytes_is(QR_BYTES(s->name.p, s->name.n), o->party->key.name))
                continue;
            len = snprintf(line, TLOG_COSIGNATURE_MAX, "\xe2\x80\x94 %.*s %.*s\n", (int)s->name.n,
                           (const char *)s->name.p, (int)s->base64.n, (const char *)s->base64.p);
        }
    qr_buf_fini(&b);
    if (len <= 0 || len >= TLOG_COSIGNATURE_MAX)
        return qr_fail(err, QR_FALSE, "what it answered is not its cosignature");
    *n = (size_t)len;
    return QR_OK;
}

static enum qr_rc ask(struct one *o, const char *tail, struct qr_bytes body, struct http_got *got,
                      struct qr_err *err)
{
    char url[URL_MAX];
    if (!make_url(o, tail, url)) return qr_fail(err, QR_RANGE, "its URL is too long");
    struct http_ask a = {url, body.n > 0, body, ASK_MS};
    return http_client_ask(o->client, &a, got, err);
}

/* It says that it cosigned more than we have.  That is true when it can show a
 * checkpoint with our own signature. */
static void check_behind(struct one *o)
{
    char tail[2 * QR_SHA256_SIZE + 16], hex[2 * QR_SHA256_SIZE + 1];
    struct witnesses *w = o->all;
    struct qr_hash h = qr_sha256_one(qr_str(w->conf.key->name));
    struct tlog_trust trust = {w->conf.key->name, w->conf.key, 1};
    struct tlog_checkpoint cp;
    struct tlog_signed now;
    struct qr_buf b;
    qr_hex(h.b, sizeof h.b, hex);
    (void)snprintf(tail, sizeof tail, "%s/checkpoint", hex);
    qr_buf_init(&b, ANSWER_MAX);
    struct http_got got = {.out = &b};
    if (ask(o, tail, QR_BYTES_NONE, &got, NULL) == QR_OK && got.status == 200 &&
        tlog_checkpoint_open((struct tlog_bytes){b.p, b.n}, &trust, &cp) == TLOG_OK) {
        tlog_latest(w->conf.log, &now);
        if (cp.head.size > now.head.size) {
            char text[160];
            (void)snprintf(text, sizeof text,
                           "witness %.40s holds our checkpoint of %" PRIu64
                           " entries, the database has %" PRIu64 ": it is an old copy",
                           o->party->key.name, cp.head.size, now.head.size);
            w->conf.behind(w->conf.ctx, text);
        }
    }
    qr_buf_fini(&b);
}

/* Asks once; *again: its size was not what we thought. */
static enum qr_rc ask_once(struct one *o, const struct tlog_signed *cp,
                           char line[TLOG_COSIGNATURE_MAX], size_t *n, bool *again,
                           struct qr_err *err)
{
    struct qr_buf body, answer;
    uint64_t size = 0;
    qr_buf_init(&body, ANSWER_MAX);
    qr_buf_init(&answer, ANSWER_MAX);
    struct http_got got = {.out = &answer};
    *again = false;
    enum qr_rc rc = put_request(o, cp, &body, err);
    if (rc == QR_OK) rc = ask(o, "add-checkpoint", qr_buf_bytes(&body), &got, err);
    struct qr_bytes text = qr_buf_bytes(&answer);
    if (rc == QR_OK && got.status == 200) {
        rc = take_line(o, cp, text, line, n, err);
        if (rc == QR_OK) o->knows = cp->head.size;
    } else if (rc == QR_OK && got.status == 409) {
        if (text.n > 0 && text.p[text.n - 1] == '\n') text.n--;
        rc = qr_fail(err, QR_CONFLICT, "it cosigned another size");
        if (qr_parse_u64(text, INT64_MAX, &size) == QR_OK && size != o->knows) {
            *again = size <= cp->head.size;
            o->knows = *again ? size : o->knows;
            if (!*again) check_behind(o);
        }
    } else if (rc == QR_OK) {
        rc = qr_fail(err, QR_FALSE, "it answered %u", got.status);
    }
    qr_buf_fini(&body);
    qr_buf_fini(&answer);
    return rc;
}

/* The target for this witness, or 0 when there is nothing to do; lock is held. */
static uint64_t next_target(struct one *o, struct tlog_signed *cp)
{
    struct witnesses *w = o->all;
    renew_target(w);
    if (w->target.serial == 0 || o->asked == w->target.serial) return 0;
    if (qr_mono_us(&w->conf.clock) < o->not_before_us) return 0;
    *cp = w->target.cp;
    return w->target.serial;
}

/* What came of it; lock is held. */
static void settle(struct one *o, uint64_t serial, enum qr_rc rc, const char *line, size_t n)
{
    struct witnesses *w = o->all;
    int64_t now_us = qr_mono_us(&w->conf.clock);
    if (rc != QR_OK) {
        o->failures++;
        o->pause_us = o->pause_us == 0                 ? PAUSE_MIN_US
                      : 2 * o->pause_us < PAUSE_MAX_US ? 2 * o->pause_us
                                                       : PAUSE_MAX_US;
        o->not_before_us = now_us + o->pause_us;
        return;
    }
    o->answers++;
    o->pause_us = o->not_before_us = 0;
    o->asked = serial;
    if (w->target.serial != serial) return;
    qr_copy(w->target.line[o->number], line, n);
    w->target.line_n[o->number] = n;
    w->target.cosigned |= UINT32_C(1) << o->number;
    if (!tlog_policy_quorum(w->policy, w->target.cosigned)) return;
    publish(w);
    /* A newer one may wait already. */
    (void)pthread_cond_broadcast(&w->news);
}

static void *run(void *arg)
{
    struct one *o = arg;
    struct witnesses *w = o->all;
    char line[TLOG_COSIGNATURE_MAX];
    (void)pthread_mutex_lock(&w->lock);
    while (!w->stopping) {
        struct tlog_signed cp;
        struct qr_err err = {{0}};
        bool again = false;
        size_t n = 0;
        uint64_t serial = next_target(o, &cp);
        if (serial == 0) {
            qr_cond_wait(&w->news, &w->lock, PAUSE_MIN_US);
            continue;
        }
        (void)pthread_mutex_unlock(&w->lock);
        enum qr_rc rc = ask_once(o, &cp, line, &n, &again, &err);
        if (again) rc = ask_once(o, &cp, line, &n, &again, &err);
        if (rc != QR_OK && o->pause_us == 0)
            qr_log_text(w->conf.lines, "witness.failed", "%s: %s", o->party->key.name, err.text);
        (void)pthread_mutex_lock(&w->lock);
        settle(o, serial, rc, line, n);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- life ---- */

static enum qr_rc read_policy(struct witnesses *w, struct qr_err *err)
{
    struct qr_buf text;
    struct tlog_err terr = {{0}};
    const struct tlog_party *p;
    qr_buf_init(&text, TLOG_POLICY_TEXT_MAX);
    enum qr_rc rc = qr_file_read(w->conf.policy, &text, err);
    if (rc == QR_OK &&
        tlog_policy_parse((struct tlog_bytes){text.p, text.n}, &w->policy, &terr) != TLOG_OK)
        rc = qr_fail(err, QR_MALFORMED, "%s: %s", w->conf.policy, terr.text);
    qr_buf_fini(&text);
    if (rc != QR_OK) return rc;
    bool ours = false, url = false;
    size_t n = tlog_policy_logs(w->policy, &p);
    for (size_t i = 0; i < n; i++)
        ours = ours || qr_bytes_equal(QR_BYTES_OF(p[i].key.pub), QR_BYTES_OF(w->conf.key->pub));
    n = tlog_policy_witnesses(w->policy, &p);
    for (size_t i = 0; i < n; i++) url = url || p[i].url.n > 0;
    if (!ours) return qr_fail(err, QR_POLICY, "%s: names another log", w->conf.policy);
    if (!url) return qr_fail(err, QR_POLICY, "%s: no witness has a URL", w->conf.policy);
    return QR_OK;
}

/* The kept checkpoint must be the beginning of this log; one that the present
 * policy does not accept any more is left out. */
static enum qr_rc read_latest(struct witnesses *w, struct qr_err *err)
{
    struct tlog_judgement j;
    struct tlog_hash root;
    struct tlog_err terr = {{0}};
    struct tlog_trust trust = {w->conf.key->name, w->conf.key, 1};
    struct tlog_checkpoint cp;
    struct qr_buf text;
    if (!qr_file_exists(w->conf.file)) return QR_OK;
    qr_buf_init(&text, WITNESS_NOTE_MAX);
    enum qr_rc rc = qr_file_read(w->conf.file, &text, err);
    struct tlog_bytes note = {text.p, text.n};
    if (rc == QR_OK && tlog_checkpoint_open(note, &trust, &cp) != TLOG_OK)
        rc = qr_fail(err, QR_FORK, "%s: not a checkpoint of this log", w->conf.file);
    if (rc == QR_OK && (tlog_root_at(w->conf.log, cp.head.size, &root, &terr) != TLOG_OK ||
                        !tlog_hash_equal(&root, &cp.head.root)))
        rc = qr_fail(err, QR_FORK,
                     "%s: the witnesses cosigned %" PRIu64
                     " entries that this database does not begin with: it is an old copy",
                     w->conf.file, cp.head.size);
    if (rc == QR_OK && tlog_policy_check(w->policy, note, &j, NULL) == TLOG_OK) {
        w->latest.head = cp.head;
        w->latest.n = text.n;
        qr_copy(w->latest.text, text.p, text.n);
    }
    qr_buf_fini(&text);
    return rc;
}

static enum qr_rc start(struct witnesses *w, struct qr_err *err)
{
    const struct tlog_party *p;
    size_t n = tlog_policy_witnesses(w->policy, &p);
    for (size_t i = 0; i < n; i++) {
        if (p[i].url.n == 0) continue;
        struct one *o = &w->one[w->n++];
        *o = (struct one){.all = w, .number = i, .party = &p[i]};
        QR_TRY(http_client_new(&o->client, err));
        if (pthread_create(&o->thread, NULL, run, o) != 0)
            return qr_fail(err, QR_NOMEM, "no thread");
        o->runs = true;
    }
    return QR_OK;
}

enum qr_rc witnesses_new(struct witnesses **out, const struct witnesses_conf *conf,
                         struct qr_err *err)
{
    QR_TRY(http_client_start(err));
    struct witnesses *w = calloc(1, sizeof *w);
    if (!w || pthread_mutex_init(&w->lock, NULL) != 0) qr_fatal("out of memory");
    qr_cond_init(&w->news);
    qr_cond_init(&w->done);
    w->conf = *conf;
    enum qr_rc rc = read_policy(w, err);
    if (rc == QR_OK) rc = read_latest(w, err);
    if (rc == QR_OK) rc = start(w, err);
    if (rc != QR_OK) {
        witnesses_free(w);
        return rc;
    }
    *out = w;
    return QR_OK;
}

void witnesses_free(struct witnesses *w)
{
    if (!w) return;
    (void)pthread_mutex_lock(&w->lock);
    w->stopping = true;
    (void)pthread_cond_broadcast(&w->news);
    (void)pthread_cond_broadcast(&w->done);
    (void)pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < w->n; i++) {
        if (w->one[i].runs) (void)pthread_join(w->one[i].thread, NULL);
        http_client_free(w->one[i].client);
    }
    tlog_policy_free(w->policy);
    (void)pthread_cond_destroy(&w->news);
    (void)pthread_cond_destroy(&w->done);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}

void witnesses_wake(struct witnesses *w)
{
    (void)pthread_mutex_lock(&w->lock);
    (void)pthread_cond_broadcast(&w->news);
    (void)pthread_mutex_unlock(&w->lock);
}

void witnesses_latest(struct witnesses *w, struct head_note *out)
{
    (void)pthread_mutex_lock(&w->lock);
    *out = w->latest;
    (void)pthread_mutex_unlock(&w->lock);
}

enum qr_rc witnesses_wait(struct witnesses *w, uint64_t size, int64_t timeout_us,
                          struct head_note *out, struct qr_err *err)
{
    int64_t end = qr_mono_us(&w->conf.clock) + timeout_us;
    (void)pthread_mutex_lock(&w->lock);
    (void)pthread_cond_broadcast(&w->news);
    for (;;) {
        int64_t left = end - qr_mono_us(&w->conf.clock);
        if ((w->latest.n > 0 && w->latest.head.size >= size) || w->stopping || left <= 0) break;
        qr_cond_wait(&w->done, &w->lock, left);
    }
    *out = w->latest;
    (void)pthread_mutex_unlock(&w->lock);
    if (out->n > 0 && out->head.size >= size) return QR_OK;
    return qr_fail(err, QR_DEADLINE, "the entry is in the log, but not yet witnessed; ask again");
}

void witnesses_metrics(struct witnesses *w, struct qr_buf *out)
{
    (void)pthread_mutex_lock(&w->lock);
    qr_buf_printf(out,
                  "# TYPE quorate_log_witnessed_size gauge\nquorate_log_witnessed_size %" PRIu64
                  "\n# TYPE quorate_witness_answers_total counter\n",
                  w->latest.n > 0 ? w->latest.head.size : 0);
    for (size_t i = 0; i < w->n; i++)
        qr_buf_printf(out,
                      "quorate_witness_answers_total{witness=\"%zu\",result=\"cosigned\"} %" PRIu64
                      "\nquorate_witness_answers_total{witness=\"%zu\",result=\"failed\"} %" PRIu64
                      "\n",
                      w->one[i].number, w->one[i].answers, w->one[i].number, w->one[i].failures);
    (void)pthread_mutex_unlock(&w->lock);
}
