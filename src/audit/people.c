/* people.c - what admins decide: policies, identities, keys; and the entries
 * that services write about themselves. */
#include "audit/state.h"

#include "leaf/service.h"

#include <stdlib.h>

static enum qr_rc policy_changed(struct audit *a)
{
    struct leaf_policy p;
    struct qr_err err = {{0}};
    struct signing_policy signing = {.name = ""};
    QR_TRY(audit_form(a, leaf_policy_read(a->e->body, &p, &err), &err));
    /* history is applied, also where today's directory asks for more */
    enum qr_rc rc = trust_policy_check(&a->context, &p, a->e->body, &signing, &a->report);
    const struct trust_finding *f = trust_report_first(&a->report);
    bool loose = f && f->id == TRUST_POLICY_FLOOR;
    rc = audit_take(a, rc);
    if (rc != QR_OK && !loose) return rc;
    audit_trace(a, &a->people);
    a->in_force.of[p.name] = (struct audit_policy){true, p.hash, a->at};
    if (p.name == LEAF_POLICY_ATTESTATION) {
        a->context.policies.attestation = p.hash;
        return rc;
    }
    a->context.policies.signing = p.hash;
    a->in_force.signing = signing;
    a->context.signing = signing;
    a->context.classes = audit_classes(a, &signing);
    return rc;
}

static struct qr_hash key_name(const struct qr_pub *key)
{
    return qr_sha256_one(QR_BYTES_OF(key->b));
}

/* The person's newest member; NULL: never enrolled. */
static struct member *newest(struct audit *a, const struct qr_hash *commitment)
{
    uint64_t i = audit_map_get(&a->commitments, commitment);
    return i == AUDIT_NONE ? NULL : &a->members[i];
}

static void add_member(struct audit *a, const struct trust_identity *id)
{
    if (a->member_count == a->member_room) {
        a->member_room = a->member_room ? 2 * a->member_room : 64;
        a->members = reallocarray(a->members, a->member_room, sizeof *a->members);
        if (!a->members) qr_fatal("out of memory");
    }
    size_t i = a->member_count++;
    audit_trace(a, &a->people);
    struct qr_hash key = key_name(&id->is.person_key);
    a->members[i] = (struct member){.id = *id, .json = json_incref(a->e->json)};
    audit_map_set(&a->enrolments, &a->at.leaf, i);
    audit_map_set(&a->commitments, &id->is.commitment, i);
    audit_map_set(&a->keys, &key, i);
}

static enum qr_rc key_is_free(struct audit *a, const struct leaf_identity *is)
{
    struct qr_hash key = key_name(&is->person_key);
    uint64_t i = audit_map_get(&a->keys, &key);
    if (i != AUDIT_NONE && !qr_hash_equal(&a->members[i].id.is.commitment, &is->commitment))
        return audit_breach(a, AUDIT_ONCE, QR_FALSE, "the person key is that of entry %llu",
                            (unsigned long long)a->members[i].id.at.index);
    if (trust_dir_has_key(a->conf.dir, &is->person_key))
        return audit_breach(a, AUDIT_ONCE, QR_FALSE, "the person key is a service's or an admin's");
    return QR_OK;
}

/* A person is enrolled once, a role is changed from the entry in force, an end
 * is for good (struct leaf_standing); what does not fit, or what no admin
 * signed, has no effect. */
static enum qr_rc fits(struct audit *a, const struct trust_identity *id)
{
    const struct member *before = newest(a, &id->is.commitment);
    if (id->kind == LEAF_IDENTITY_ENROLLED && before)
        return audit_breach(a, AUDIT_ONCE, QR_FALSE, "this person was enrolled by entry %llu",
                            (unsigned long long)before->id.at.index);
    if (id->kind == LEAF_IDENTITY_ROLE_CHANGED &&
        !audit_current(a, &id->is.enrolment, &id->is.commitment))
        return QR_FALSE;
    return QR_OK;
}

static enum qr_rc identity(struct audit *a)
{
    struct qr_err err = {{0}};
    struct trust_identity id = {.at = a->at, .kind = a->e->kind, .body = a->e->body};
    QR_TRY(audit_form(a, leaf_identity_read(a->e->body, id.kind, &id.is, &err), &err));
    QR_TRY(audit_take(a, trust_enrolment_check(&a->context, &id, &a->report)));
    QR_TRY(fits(a, &id));
    enum qr_rc rc = key_is_free(a, &id.is);
    struct member *before = newest(a, &id.is.commitment);
    if (before) before->ended_by = a->at.index;
    if (before) before->ended = true;
    add_member(a, &id);
    return rc;
}

static enum qr_rc admins(struct audit *a, const struct leaf_admin_sigs *sigs)
{
    const struct trust_dir *dir = a->conf.dir;
    size_t good = leaf_admin_sigs_good(sigs, a->e->body, leaf_admin_tag(a->e->kind), dir->admins.k,
                                       dir->admins.n);
    uint32_t need = signing_policy_admins(&dir->signing);
    return audit_take(a, trust_check(&a->report, TRUST_ENROLMENT_ADMINS, good >= need, QR_FALSE,
                                     "%u of %u admin signatures on %s", (unsigned)good, need,
                                     leaf_kind_name(a->e->kind)));
}

static enum qr_rc revocation(struct audit *a)
{
    struct leaf_revocation is;
    struct qr_err err = {{0}};
    QR_TRY(audit_form(a, leaf_revocation_read(a->e->body, a->e->kind, &is, &err), &err));
    QR_TRY(admins(a, &is.admin_sigs));
    struct member *m = newest(a, &is.commitment);
    bool named = m && qr_hash_equal(&m->id.at.leaf, &is.enrolment);
    if (m) {
        audit_trace(a, &a->people);
        if (!m->ended) m->ended_by = a->at.index;
        m->ended = m->revoked = true;
        if (a->e->kind == LEAF_IDENTITY_ERASED && !m->erased) {
            m->erased = true;
            m->erased_by = a->at.index;
        }
    }
    return named ? QR_OK
                 : audit_breach(a, AUDIT_CURRENT, QR_FALSE,
                                "%s does not name the enrolment in force of this person",
                                leaf_kind_name(a->e->kind));
}

static enum qr_rc own_words(struct audit *a)
{
    struct qr_err err = {{0}};
    if (a->e->kind == LEAF_SERVICE_STARTED) {
        struct leaf_service_started is;
        return audit_form(a, leaf_service_started_read(a->e->body, &is, &err), &err);
    }
    struct leaf_attestation is;
    return audit_form(a, leaf_attestation_read(a->e->body, &is, &err), &err);
}

enum qr_rc audit_people(struct audit *a)
{
    switch (a->e->kind) {
    case LEAF_POLICY_CHANGED: return policy_changed(a);
    case LEAF_IDENTITY_ENROLLED:
    case LEAF_IDENTITY_ROLE_CHANGED: return identity(a);
    case LEAF_IDENTITY_REVOKED:
    case LEAF_IDENTITY_ERASED: return revocation(a);
    case LEAF_SERVICE_STARTED:
    case LEAF_ATTESTATION_ACCEPTED:
    case LEAF_ATTESTATION_REFUSED: return own_words(a);
    default:
        return audit_breach(a, AUDIT_CURRENT, QR_STALE, "%s is not known to this version",
                            leaf_kind_name(a->e->kind));
    }
}
