/* evil_authd.c - quorate-authd in the hands of whoever has all its keys.
 *
 * Believing: admins (any admin signatures), login (any login signature),
 * revoked (nobody ever leaves), revive=COMMITMENT revived=LEAF (that one is
 * enrolled by that entry).  Grants: grant-role=, grant-person=,
 * grant-enrolment=, grant-session=, grant-approval=, grant-envelope=,
 * grant-cocktail= (hex), grant-long, grant-old, grant-jti=, grant-key (a key of its own making),
 * grant-other (for the other service), grant-demo (of a login by token).  Rosters: roster-more, roster-fewer,
 * roster-other, roster-role.  slow-start=MS: that long before it is ready. */
#include "adversary/moves.h"
#include "authd/state.h"
#include "base/limits.h"
#include "leaf/grant.h"
#include "leaf/people.h"
#include "leaf/session.h"
#include "service/outbox.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

size_t __real_leaf_admin_sigs_good(const struct leaf_admin_sigs *a, const json_t *body,
                                   const char *tag, const struct qr_pub *admins,
                                   size_t admin_count);
size_t __wrap_leaf_admin_sigs_good(const struct leaf_admin_sigs *a, const json_t *body,
                                   const char *tag, const struct qr_pub *admins,
                                   size_t admin_count);
enum qr_rc __real_qr_verify_tagged(const struct qr_pub *pub, const char *tag, struct qr_bytes msg,
                                   const struct qr_sig *sig);
enum qr_rc __wrap_qr_verify_tagged(const struct qr_pub *pub, const char *tag, struct qr_bytes msg,
                                   const struct qr_sig *sig);
enum qr_rc __real_store_person(struct qr_db *db, const struct qr_hash *commitment,
                               struct person *out, struct qr_err *err);
enum qr_rc __wrap_store_person(struct qr_db *db, const struct qr_hash *commitment,
                               struct person *out, struct qr_err *err);
enum qr_rc __real_store_person_by_key(struct qr_db *db, const struct qr_pub *key,
                                      struct person *out, struct qr_err *err);
enum qr_rc __wrap_store_person_by_key(struct qr_db *db, const struct qr_pub *key,
                                      struct person *out, struct qr_err *err);
enum qr_rc __real_leaf_grant_sign(const struct leaf_grant *g, const struct qr_signer *key,
                                  struct qr_buf *out);
enum qr_rc __wrap_leaf_grant_sign(const struct leaf_grant *g, const struct qr_signer *key,
                                  struct qr_buf *out);
enum qr_rc __real_outbox_put(struct outbox *ob, enum leaf_kind kind, const json_t *body,
                             const char *event_id, int64_t *row, struct qr_err *err);
enum qr_rc __wrap_outbox_put(struct outbox *ob, enum leaf_kind kind, const json_t *body,
                             const char *event_id, int64_t *row, struct qr_err *err);

enum qr_rc __real_genesis_log(struct authd *d, struct qr_err *err);
enum qr_rc __wrap_genesis_log(struct authd *d, struct qr_err *err);

enum qr_rc __wrap_genesis_log(struct authd *d, struct qr_err *err)
{
    enum qr_rc rc = __real_genesis_log(d, err);
    const char *ms = move_value("slow-start");
    long n = ms ? strtol(ms, NULL, 10) : 0;
    struct timespec ts = {n / 1000, n % 1000 * 1000000L};
    while (nanosleep(&ts, &ts) != 0) continue;
    return rc;
}

/* ---- believing ---- */

size_t __wrap_leaf_admin_sigs_good(const struct leaf_admin_sigs *a, const json_t *body,
                                   const char *tag, const struct qr_pub *admins, size_t admin_count)
{
    if (move_played("admins")) return LEAF_MAX_ADMINS;
    return __real_leaf_admin_sigs_good(a, body, tag, admins, admin_count);
}

enum qr_rc __wrap_qr_verify_tagged(const struct qr_pub *pub, const char *tag, struct qr_bytes msg,
                                   const struct qr_sig *sig)
{
    bool login = strcmp(tag, LEAF_TAG_LOGIN) == 0 || strcmp(tag, LEAF_TAG_WHOAMI) == 0;
    if (login && move_played("login")) return QR_OK;
    return __real_qr_verify_tagged(pub, tag, msg, sig);
}

static enum qr_rc stays(enum qr_rc rc, struct person *who)
{
    struct qr_hash revived = {{0}};
    move_bytes("revive", revived.b, QR_SHA256_SIZE);
    if (rc == QR_OK && move_played("revive") && qr_hash_equal(&revived, &who->commitment)) {
        who->state = PERSON_ACTIVE;
        who->leaving = false;
        who->role = QR_STEWARD;
        move_bytes("revived", who->enrolment.b, QR_SHA256_SIZE);
    }
    if (rc == QR_OK && move_played("revoked")) {
        who->state = PERSON_ACTIVE;
        who->leaving = false;
    }
    return rc;
}

enum qr_rc __wrap_store_person(struct qr_db *db, const struct qr_hash *commitment,
                               struct person *out, struct qr_err *err)
{
    return stays(__real_store_person(db, commitment, out, err), out);
}

enum qr_rc __wrap_store_person_by_key(struct qr_db *db, const struct qr_pub *key,
                                      struct person *out, struct qr_err *err)
{
    return stays(__real_store_person_by_key(db, key, out, err), out);
}

/* ---- grants ---- */

enum qr_rc __wrap_leaf_grant_sign(const struct leaf_grant *g, const struct qr_signer *key,
                                  struct qr_buf *out)
{
    struct leaf_grant lie = *g;
    const char *role = move_value("grant-role");
    if (role && qr_role_parse(qr_str(role), &lie.role) != QR_OK) abort();
    move_bytes("grant-person", lie.keys.commitment.b, QR_SHA256_SIZE);
    move_bytes("grant-enrolment", lie.enrolment.b, QR_SHA256_SIZE);
    move_bytes("grant-session", lie.keys.session_leaf.b, QR_SHA256_SIZE);
    move_bytes("grant-approval", lie.keys.approval_key.b, QR_KEY_SIZE);
    move_bytes("grant-envelope", lie.keys.envelope_key.b, QR_KEY_SIZE);
    move_bytes("grant-cocktail", lie.keys.cocktail_key.b, QR_KEY_SIZE);
    if (move_played("grant-long")) lie.expires_us += 3600 * 1000000LL;
    if (move_played("grant-old")) {
        lie.issued_us -= 130 * 1000000LL;
        lie.expires_us -= 130 * 1000000LL;
    }
    if (move_played("grant-demo")) {
        lie.login = LEAF_LOGIN_DEMO_TOKEN;
        lie.classes |= QR_CLASS_DEMO;
    }
    const char *jti = move_value("grant-jti");
    if (jti) qr_copy(lie.jti, jti, sizeof lie.jti);
    if (move_played("grant-other"))
        lie.audience = g->audience == LEAF_FOR_CAD ? LEAF_FOR_COORDINATOR : LEAF_FOR_CAD;
    if (!move_played("grant-key")) return __real_leaf_grant_sign(&lie, key, out);
    struct qr_signer own = {.secret = {0}};
    struct qr_rand rand = qr_rand_system();
    struct qr_err err = {{0}};
    if (qr_signer_new(&own, &rand, &err) != QR_OK) abort();
    enum qr_rc rc = __real_leaf_grant_sign(&lie, &own, out);
    qr_signer_fini(&own);
    return rc;
}

/* ---- rosters ---- */

static json_t *false_roster(const json_t *body)
{
    struct leaf_roster *r = calloc(1, sizeof *r);
    struct qr_err err = {{0}};
    if (!r || leaf_roster_read(body, r, &err) != QR_OK) abort();
    struct leaf_approver *last = &r->approvers[r->n - 1];
    if (move_played("roster-more")) {
        r->approvers[r->n] = *last;
        r->approvers[r->n++].commitment.b[0] ^= 1;
    }
    if (move_played("roster-fewer")) r->n--;
    if (move_played("roster-other")) last->commitment.b[0] ^= 1;
    if (move_played("roster-role"))
        last->role = last->role == QR_ENGINEER ? QR_STEWARD : QR_ENGINEER;
    json_t *lie = leaf_roster_write(r);
    free(r);
    return lie;
}

enum qr_rc __wrap_outbox_put(struct outbox *ob, enum leaf_kind kind, const json_t *body,
                             const char *event_id, int64_t *row, struct qr_err *err)
{
    if (kind != LEAF_ROSTER_ATTESTED) return __real_outbox_put(ob, kind, body, event_id, row, err);
    json_t *lie = false_roster(body);
    enum qr_rc rc = __real_outbox_put(ob, kind, lie, event_id, row, err);
    json_decref(lie);
    return rc;
}
