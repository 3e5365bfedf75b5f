/* genesis.c - what authd owes the log at start: both policies in force, and
 * the people of the roster file.  Each is put into the outbox once, with a row
 * that says so, and the start waits until all are logged. */
#include "authd/state.h"

#include "base/file.h"
#include "base/limits.h"
#include "trust/trust_dir.h"

#include <stdlib.h>

#define WAIT_US (30 * 1000000LL)

static const struct {
    const char *file;
    enum leaf_policy_name name;
} policies[] = {{LAYOUT_GENESIS_SIGNING, LEAF_POLICY_SIGNING},
                {LAYOUT_GENESIS_ATTESTATION, LEAF_POLICY_ATTESTATION}};
#define POLICY_COUNT (sizeof policies / sizeof policies[0])

static const struct qr_hash *pinned(const struct authd *d, enum leaf_policy_name name)
{
    return name == LEAF_POLICY_SIGNING ? &d->s->policies.signing : &d->s->policies.attestation;
}

static enum qr_rc check_body(struct authd *d, size_t i, const char *path, const json_t *body,
                             struct qr_err *err)
{
    struct leaf_policy p;
    const struct trust_dir *t = d->s->trust;
    QR_TRY(leaf_policy_read(body, &p, err));
    if (p.name != policies[i].name || !qr_hash_equal(&p.hash, pinned(d, p.name)))
        return qr_fail(err, QR_POLICY, "%s: not the policy that is in force here", path);
    size_t good =
        leaf_admin_sigs_good(&p.admin_sigs, body, LEAF_TAG_POLICY, t->admins.k, t->admins.n);
    if (good >= signing_policy_admins(&t->signing)) return QR_OK;
    return qr_fail(err, QR_POLICY, "%s: %zu admin signatures hold, the policy needs %u", path, good,
                   (unsigned)signing_policy_admins(&t->signing));
}

static enum qr_rc load(struct authd *d, size_t i, json_t **out, struct qr_err *err)
{
    struct service_path path = path_in(d->s->state, policies[i].file);
    struct qr_buf text;
    struct qr_err why = {{0}};
    *out = NULL;
    qr_buf_init(&text, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = qr_file_read(path.s, &text, err);
    if (rc == QR_OK) {
        rc = qr_json_parse(qr_buf_bytes(&text), out, &why);
        if (rc != QR_OK) rc = qr_fail(err, rc, "%s: %s", path.s, why.text);
    }
    qr_buf_fini(&text);
    if (rc == QR_OK) rc = check_body(d, i, path.s, *out, err);
    if (rc != QR_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return rc;
}

/* An attestation policy that came later than genesis came by a command
 * (people.c): its entry is in the log, which the directory's history says. */
static bool came_later(const struct authd *d, size_t i)
{
    return policies[i].name == LEAF_POLICY_ATTESTATION && d->s->trust->past_count > 0;
}

enum qr_rc genesis_check(struct authd *d, struct qr_err *err)
{
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        json_t *body = NULL;
        if (came_later(d, i)) continue;
        QR_TRY(load(d, i, &body, err));
        json_decref(body);
    }
    return QR_OK;
}

/* In a transaction. */
static enum qr_rc put_policy(struct authd *d, size_t i, struct qr_err *err)
{
    bool has = false;
    int64_t row = 0;
    json_t *body = NULL;
    const struct qr_hash *hash = pinned(d, policies[i].name);
    QR_TRY(store_policy_has(d->s->db, policies[i].name, hash, &has, err));
    if (has) return QR_OK;
    QR_TRY(load(d, i, &body, err));
    enum qr_rc rc = store_policy_set(d->s->db, policies[i].name, hash, NULL, err);
    if (rc == QR_OK) rc = outbox_put(d->s->outbox, LEAF_POLICY_CHANGED, body, NULL, &row, err);
    json_decref(body);
    return rc;
}

static enum qr_rc put_person(struct authd *d, const struct enrolment *e, struct qr_err *err)
{
    int64_t row = 0;
    struct qr_err why = {{0}};
    enum qr_rc rc = people_enroll(&d->people, e, &row, &why);
    /* Known: enrolled before, and perhaps revoked since. */
    if (rc == QR_EXISTS) rc = people_keep_identity(&d->people, e, &why);
    if (rc == QR_OK) return QR_OK;
    return qr_fail(err, rc, "roster line %u: %s", e->line, why.text);
}

static enum qr_rc put_all(struct authd *d, struct qr_err *err)
{
    for (size_t i = 0; i < POLICY_COUNT; i++) QR_TRY(put_policy(d, i, err));
    for (size_t i = 0; i < d->roster.n; i++) QR_TRY(put_person(d, &d->roster.list[i], err));
    return QR_OK;
}

enum qr_rc genesis_log(struct authd *d, struct qr_err *err)
{
    QR_TRY(qr_db_begin(d->s->db, err));
    /* COMMIT POINT: everything owed is in the outbox, once. */
    QR_TRY(qr_db_end(d->s->db, put_all(d, err), err));
    return outbox_flush(d->s->outbox, qr_mono_us(&d->s->clock) + WAIT_US, err);
}
