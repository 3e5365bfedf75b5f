/* entry.c - the envelope of entries and the table of kinds and authors. */
#include "leaf/entry.h"

#include "base/limits.h"

#include <string.h>

#define BY(author) (1u << (author))
#define BY_ANY (BY(LEAF_TLOGD) | BY(LEAF_AUTHD) | BY(LEAF_CAD) | BY(LEAF_COORDINATOR))

struct kind_row {
    const char *name;
    unsigned authors;
};

static const struct kind_row kinds[LEAF_KIND_COUNT] = {
    [LEAF_SERVICE_STARTED] = {"service.started", BY_ANY},
    [LEAF_POLICY_CHANGED] = {"policy.changed", BY(LEAF_AUTHD)},
    [LEAF_IDENTITY_ENROLLED] = {"identity.enrolled", BY(LEAF_AUTHD)},
    [LEAF_IDENTITY_ROLE_CHANGED] = {"identity.role_changed", BY(LEAF_AUTHD)},
    [LEAF_IDENTITY_REVOKED] = {"identity.revoked", BY(LEAF_AUTHD)},
    [LEAF_IDENTITY_ERASED] = {"identity.erased", BY(LEAF_AUTHD)},
    [LEAF_CERTIFICATE_ISSUED] = {"certificate.issued", BY(LEAF_CAD)},
    [LEAF_ATTESTATION_ACCEPTED] = {"attestation.accepted", BY_ANY},
    [LEAF_ATTESTATION_REFUSED] = {"attestation.refused", BY_ANY},
    [LEAF_SESSION_REQUESTED] = {"session.requested", BY(LEAF_COORDINATOR)},
    [LEAF_APPROVAL_GIVEN] = {"approval.given", BY(LEAF_COORDINATOR)},
    [LEAF_APPROVAL_REFUSED] = {"approval.refused", BY(LEAF_COORDINATOR)},
    [LEAF_APPROVAL_WITHDRAWN] = {"approval.withdrawn", BY(LEAF_COORDINATOR)},
    [LEAF_ROSTER_ATTESTED] = {"roster.attested", BY(LEAF_AUTHD)},
    [LEAF_ROSTER_FROZEN] = {"roster.frozen", BY(LEAF_COORDINATOR)},
    [LEAF_DKG_COMPLETED] = {"dkg.completed", BY(LEAF_COORDINATOR)},
    [LEAF_SIGNING_STARTED] = {"signing.started", BY(LEAF_COORDINATOR)},
    [LEAF_SIGNATURE_MADE] = {"signature.made", BY(LEAF_COORDINATOR)},
    [LEAF_ATTEMPT_FAILED] = {"attempt.failed", BY(LEAF_COORDINATOR)},
    [LEAF_SESSION_ENDED] = {"session.ended", BY(LEAF_COORDINATOR)},
    [LEAF_KEY_ROTATED] = {"key.rotated", BY_ANY},
    [LEAF_GROUP_CREATED] = {"group.created", BY(LEAF_COORDINATOR)},
    [LEAF_GROUP_REFRESHED] = {"group.refreshed", BY(LEAF_COORDINATOR)},
    [LEAF_GROUP_REPAIRED] = {"group.repaired", BY(LEAF_COORDINATOR)},
    [LEAF_GROUP_RESHARED] = {"group.reshared", BY(LEAF_COORDINATOR)},
    [LEAF_GROUP_RETIRED] = {"group.retired", BY(LEAF_COORDINATOR)},
    [LEAF_GROUP_SIGNING_STARTED] = {"group.signing_started", BY(LEAF_COORDINATOR)},
    [LEAF_GROUP_SIGNATURE_MADE] = {"group.signature_made", BY(LEAF_COORDINATOR)},
};

static const char *const authors[LEAF_AUTHOR_COUNT] = {
    [LEAF_TLOGD] = "tlogd",
    [LEAF_AUTHD] = "authd",
    [LEAF_CAD] = "cad",
    [LEAF_COORDINATOR] = "coordinator",
};

const char *leaf_kind_name(enum leaf_kind k)
{
    return (unsigned)k < LEAF_KIND_COUNT ? kinds[k].name : "?";
}

const char *leaf_author_name(enum leaf_author a)
{
    return (unsigned)a < LEAF_AUTHOR_COUNT ? authors[a] : "?";
}

enum qr_rc leaf_kind_from_name(struct qr_bytes s, enum leaf_kind *out)
{
    for (unsigned i = 0; i < LEAF_KIND_COUNT; i++)
        if (qr_bytes_is(s, kinds[i].name)) return *out = (enum leaf_kind)i, QR_OK;
    return QR_MALFORMED;
}

enum qr_rc leaf_author_from_name(struct qr_bytes s, enum leaf_author *out)
{
    for (unsigned i = 0; i < LEAF_AUTHOR_COUNT; i++)
        if (qr_bytes_is(s, authors[i])) return *out = (enum leaf_author)i, QR_OK;
    return QR_MALFORMED;
}

bool leaf_author_may(enum leaf_author a, enum leaf_kind k)
{
    return (unsigned)k < LEAF_KIND_COUNT && (kinds[k].authors & BY(a)) != 0;
}

static const char *const without_sig[] = {"sig", NULL};
#define ENTRY_TAG "quorate/entry/v1"

static void read_author(struct qr_obj *o, struct leaf_entry *e)
{
    struct qr_obj a = qr_obj_obj(o, "author");
    struct qr_bytes id = qr_obj_str(&a, "key", QR_KEY_ID_LEN);
    uint8_t raw[QR_KEY_ID_LEN / 2];
    if (qr_unhex(id, raw, sizeof raw) != QR_OK) qr_obj_bad(o, "author.key");
    qr_hex(raw, sizeof raw, e->key_id);
    if (leaf_author_from_name(qr_obj_str(&a, "name", 16), &e->author) != QR_OK ||
        qr_obj_done(&a, NULL) != QR_OK)
        qr_obj_bad(o, "author");
}

enum qr_rc leaf_parse(struct qr_bytes bytes, struct leaf_entry *out, struct qr_err *err)
{
    *out = (struct leaf_entry){0};
    if (bytes.n > QR_MAX_ENTRY) return qr_fail(err, QR_MALFORMED, "entry: too long");
    QR_TRY(qr_json_parse(bytes, &out->json, err));
    struct qr_obj o = qr_obj_of(out->json, "entry");
    read_author(&o, out);
    (void)qr_obj_obj(&o, "body");
    out->body = json_object_get(out->json, "body");
    out->classes = qr_obj_classes(&o, "class");
    struct qr_bytes id = qr_obj_str(&o, "event_id", QR_ULID_LEN);
    if (qr_ulid_ok(id))
        qr_copy(out->event_id, id.p, id.n);
    else
        qr_obj_bad(&o, "event_id");
    if (leaf_kind_from_name(qr_obj_str(&o, "kind", 32), &out->kind) != QR_OK)
        qr_obj_bad(&o, "kind");
    qr_obj_base64(&o, "sig", out->sig.b, sizeof out->sig.b);
    out->time_us = qr_obj_time(&o, "time");
    (void)qr_obj_int(&o, "v", 1, 1);
    enum qr_rc rc = qr_obj_done(&o, err);
    if (rc != QR_OK) leaf_fini(out);
    return rc;
}

void leaf_fini(struct leaf_entry *e)
{
    json_decref(e->json);
    *e = (struct leaf_entry){0};
}

enum qr_rc leaf_verify(const struct leaf_entry *e, const struct qr_pub *pub)
{
    char id[QR_KEY_ID_LEN + 1];
    qr_key_id(pub, id);
    if (strcmp(id, e->key_id) != 0) return QR_FALSE;
    return leaf_object_verify_pinned(e->json, without_sig, ENTRY_TAG, pub, &e->sig);
}

enum qr_rc leaf_signed_parts(struct qr_bytes bytes, struct qr_bytes parts[LEAF_SIGNED_PARTS])
{
    static const char tag[] = ENTRY_TAG, before[] = "\"sig\":\"", after[] = "\",\"time\":\"";
    const size_t text = (sizeof(struct qr_sig) + 2) / 3 * 4;
    const size_t member = sizeof before - 1 + text + sizeof "\"," - 1;
    const size_t rest = sizeof "\"time\":\"" - 1 + QR_TIME_LEN + sizeof "\",\"v\":1}" - 1;
    if (bytes.n < member + rest) return QR_MALFORMED;
    const uint8_t *sig = bytes.p + bytes.n - rest - member, *end = sig + member;
    if (!qr_bytes_is(QR_BYTES(sig, sizeof before - 1), before) ||
        !qr_bytes_is(QR_BYTES(end - 2, sizeof after - 1), after))
        return QR_MALFORMED;
    parts[0] = QR_BYTES(tag, sizeof tag);
    parts[1] = QR_BYTES(bytes.p, bytes.n - rest - member);
    parts[2] = QR_BYTES(end, rest);
    return QR_OK;
}

enum qr_rc leaf_sign(const struct leaf_draft *d, const struct qr_signer *key, struct qr_buf *out)
{
    char id[QR_KEY_ID_LEN + 1];
    qr_key_id(&key->pub, id);
    json_t *author = qr_json_object();
    qr_json_set_str(author, "key", id);
    qr_json_set_str(author, "name", leaf_author_name(d->author));
    json_t *e = qr_json_object();
    qr_json_set(e, "author", author);
    qr_json_set(e, "body", json_incref((json_t *)d->body));
    qr_json_set(e, "class", qr_classes_json(d->classes));
    qr_json_set_str(e, "event_id", d->event_id);
    qr_json_set_str(e, "kind", leaf_kind_name(d->kind));
    qr_json_set_time(e, "time", d->time_us);
    qr_json_set_int(e, "v", 1);
    size_t start = out->n;
    enum qr_rc rc = leaf_object_sign(e, without_sig, ENTRY_TAG, key, "sig");
    if (rc == QR_OK) rc = qr_json_write(e, out);
    if (rc == QR_OK && out->n - start > QR_MAX_ENTRY) rc = QR_RANGE;
    json_decref(e);
    return rc;
}

struct qr_hash leaf_hash(struct qr_bytes bytes)
{
    static const uint8_t prefix[1] = {0};
    struct qr_bytes parts[2] = {QR_BYTES_OF(prefix), bytes};
    return qr_sha256(parts, 2);
}

enum qr_rc leaf_signed_part(const json_t *obj, const char *const *without, struct qr_buf *out)
{
    json_t *copy = json_copy((json_t *)obj);
    if (!copy) return QR_NOMEM;
    for (; *without; without++) (void)json_object_del(copy, *without);
    enum qr_rc rc = qr_json_write(copy, out);
    json_decref(copy);
    return rc;
}

#define MAX_SIGNED_PART (1024 * 1024)

enum qr_rc leaf_object_sign(json_t *obj, const char *const *without, const char *tag,
                            const struct qr_signer *key, const char *field)
{
    struct qr_buf part;
    qr_buf_init(&part, MAX_SIGNED_PART);
    enum qr_rc rc = leaf_signed_part(obj, without, &part);
    if (rc == QR_OK) {
        struct qr_sig sig;
        qr_sign_tagged(key, tag, qr_buf_bytes(&part), &sig);
        qr_json_set_base64(obj, field, QR_BYTES_OF(sig.b));
    }
    qr_buf_fini(&part);
    return rc;
}

enum qr_rc leaf_object_verify(const json_t *obj, const char *const *without, const char *tag,
                              const struct qr_pub *pub, const struct qr_sig *sig)
{
    return qr_pub_valid(pub) ? leaf_object_verify_pinned(obj, without, tag, pub, sig) : QR_FALSE;
}

enum qr_rc leaf_object_verify_pinned(const json_t *obj, const char *const *without, const char *tag,
                                     const struct qr_pub *pub, const struct qr_sig *sig)
{
    struct qr_buf part;
    qr_buf_init(&part, MAX_SIGNED_PART);
    enum qr_rc rc = leaf_signed_part(obj, without, &part);
    if (rc == QR_OK) rc = qr_verify_pinned(pub, tag, qr_buf_bytes(&part), sig);
    qr_buf_fini(&part);
    return rc;
}
