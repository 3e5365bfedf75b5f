/* row.c - a row's own cells, which the entry alone gives. */
#include "export/row.h"

#include "export/model.h"

#include <inttypes.h>

static const struct {
    const char *name, *text;
    enum export_from from;
} columns[EXPORT_COLUMNS] = {
#define EXPORT_COLUMN(id, name, from, text) {name, text, EXPORT_##from},
#include "export/columns.def"
#undef EXPORT_COLUMN
};

const char *export_column_name(enum export_column c) { return columns[c].name; }
const char *export_column_text(enum export_column c) { return columns[c].text; }
enum export_from export_column_from(enum export_column c) { return columns[c].from; }

const char *export_what_name(enum export_what w)
{
    static const char *const names[] = {"entry", "excluded", "foreign"};
    return names[w];
}

/* How a kind stands in the columns that name no value of its body. */
static const struct {
    const char *outcome, *meaning, *decision;
} kinds[LEAF_KIND_COUNT] = {
    [LEAF_SERVICE_STARTED] = {"success", "", ""},
    [LEAF_POLICY_CHANGED] = {"success", "policy change", ""},
    [LEAF_IDENTITY_ENROLLED] = {"success", "enrolment", ""},
    [LEAF_IDENTITY_ROLE_CHANGED] = {"success", "role change", ""},
    [LEAF_IDENTITY_REVOKED] = {"success", "revocation", ""},
    [LEAF_IDENTITY_ERASED] = {"success", "erasure", ""},
    [LEAF_CERTIFICATE_ISSUED] = {"success", "", ""},
    [LEAF_ATTESTATION_ACCEPTED] = {"success", "", ""},
    [LEAF_ATTESTATION_REFUSED] = {"denied", "", ""},
    [LEAF_SESSION_REQUESTED] = {"success", "request", "request"},
    [LEAF_APPROVAL_GIVEN] = {"success", "approval", "approve"},
    [LEAF_APPROVAL_REFUSED] = {"denied", "refusal", "reject"},
    [LEAF_APPROVAL_WITHDRAWN] = {"success", "withdrawal", "withdraw"},
    [LEAF_ROSTER_ATTESTED] = {"success", "", ""},
    [LEAF_ROSTER_FROZEN] = {"success", "", ""},
    [LEAF_DKG_COMPLETED] = {"success", "", ""},
    [LEAF_SIGNING_STARTED] = {"success", "", ""},
    [LEAF_SIGNATURE_MADE] = {"success", "release", ""},
    [LEAF_ATTEMPT_FAILED] = {"error", "", ""},
    [LEAF_SESSION_ENDED] = {"error", "", ""},
    [LEAF_KEY_ROTATED] = {"success", "key change", ""},
    [LEAF_GROUP_CREATED] = {"success", "", ""},
    [LEAF_GROUP_REFRESHED] = {"success", "", ""},
    [LEAF_GROUP_REPAIRED] = {"success", "", ""},
    [LEAF_GROUP_RESHARED] = {"success", "", ""},
    [LEAF_GROUP_RETIRED] = {"success", "", ""},
    [LEAF_GROUP_SIGNING_STARTED] = {"success", "", ""},
    [LEAF_GROUP_SIGNATURE_MADE] = {"success", "release", ""},
};

#define TEXT_MAX (4 * 1024 * 1024)

void export_row_init(struct export_row *r)
{
    *r = (struct export_row){.what = EXPORT_EXCLUDED};
    qr_buf_init(&r->text, TEXT_MAX);
}

static void clear(struct export_row *r)
{
    struct qr_buf text = r->text;
    leaf_fini(&r->e);
    qr_buf_reset(&text);
    *r = (struct export_row){.what = EXPORT_EXCLUDED, .text = text};
}

void export_row_fini(struct export_row *r)
{
    clear(r);
    qr_buf_fini(&r->text);
}

struct qr_bytes export_cell(const struct export_row *r, enum export_column c)
{
    return QR_BYTES(r->text.p ? r->text.p + r->cell[c].at : NULL, r->cell[c].n);
}

void export_put(struct export_row *r, enum export_column c, struct qr_bytes s)
{
    size_t at = r->text.n;
    qr_buf_put_bytes(&r->text, s);
    r->cell[c].at = at;
    r->cell[c].n = r->text.n - at;
}

void export_put_u64(struct export_row *r, enum export_column c, uint64_t v)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, v);
    export_put(r, c, qr_str(text));
}

void export_put_hex(struct export_row *r, enum export_column c, const void *p, size_t n)
{
    size_t at = r->text.n;
    qr_buf_put_hex(&r->text, QR_BYTES(p, n));
    r->cell[c].at = at;
    r->cell[c].n = r->text.n - at;
}

struct qr_bytes export_string(const json_t *o, const char *key)
{
    const json_t *s = json_object_get(o, key);
    return json_is_string(s) ? QR_BYTES(json_string_value(s), json_string_length(s))
                             : QR_BYTES_NONE;
}

/* The value of the first key that the body has. */
static void from_body(struct export_row *r, enum export_column c, const char *key)
{
    struct qr_bytes s = export_string(r->e.body, key);
    if (s.n > 0) export_put(r, c, s);
}

/* ---- who ---- */

/* Whose decision the entry is: the commitment of the person who signed it. */
static struct qr_bytes person_of(const struct leaf_entry *e)
{
    switch (e->kind) {
    case LEAF_SESSION_REQUESTED: return export_string(e->body, "requester");
    case LEAF_APPROVAL_GIVEN:
    case LEAF_APPROVAL_REFUSED:
    case LEAF_APPROVAL_WITHDRAWN: return export_string(e->body, "commitment");
    case LEAF_SESSION_ENDED: return export_string(e->body, "by");
    default: return QR_BYTES_NONE;
    }
}

/* The key ids of the admins who signed, separated by blanks. */
static void put_admins(struct export_row *r, const json_t *sigs)
{
    size_t at = r->text.n;
    for (size_t i = 0; i < json_array_size(sigs); i++) {
        char id[QR_KEY_ID_LEN + 1];
        struct qr_pub key;
        struct qr_bytes hex = export_string(json_array_get(sigs, i), "key");
        if (qr_unhex(hex, key.b, sizeof key.b) != QR_OK) continue;
        qr_key_id(&key, id);
        qr_buf_printf(&r->text, "%s%s", r->text.n > at ? " " : "", id);
    }
    r->cell[EXPORT_ACTOR_ID].at = at;
    r->cell[EXPORT_ACTOR_ID].n = r->text.n - at;
}

static void put_actor(struct export_row *r)
{
    const struct leaf_entry *e = &r->e;
    const json_t *admins = json_object_get(e->body, "admin_sigs");
    struct qr_bytes person = person_of(e);
    if (person.n > 0) {
        export_put(r, EXPORT_ACTOR_ID, person);
        from_body(r, EXPORT_ACTOR_ROLE, "role");
        export_put(
            r, EXPORT_ACTOR_AUTH,
            qr_str(e->kind == LEAF_APPROVAL_GIVEN ? "person-key approval-key" : "person-key"));
        export_put(r, EXPORT_SIGNATURE_ALG, qr_str("Ed25519"));
    } else if (json_array_size(admins) > 0) {
        put_admins(r, admins);
        export_put(r, EXPORT_ACTOR_ROLE, qr_str("admin"));
        export_put(r, EXPORT_ACTOR_AUTH, qr_str("admin-keys"));
        export_put(r, EXPORT_SIGNATURE_ALG, qr_str("Ed25519"));
    } else {
        export_put(r, EXPORT_ACTOR_ID, qr_str(e->key_id));
        export_put(r, EXPORT_ACTOR_ROLE, qr_str("service"));
        export_put(r, EXPORT_ACTOR_AUTH, qr_str("entry-key"));
    }
}

static void put_subject(struct export_row *r)
{
    switch (r->e.kind) {
    case LEAF_IDENTITY_ENROLLED:
    case LEAF_IDENTITY_ROLE_CHANGED:
    case LEAF_IDENTITY_REVOKED:
    case LEAF_IDENTITY_ERASED:
    case LEAF_CERTIFICATE_ISSUED: from_body(r, EXPORT_SUBJECT_ID, "commitment"); break;
    default: break;
    }
}

/* ---- what ---- */

static void put_artifact(struct export_row *r)
{
    const json_t *a = json_object_get(r->e.body, "artifact");
    struct qr_bytes sha = export_string(a, "sha256");
    size_t at = r->text.n;
    qr_buf_put_str(&r->text, "sha256:");
    qr_buf_put_bytes(&r->text, sha);
    r->cell[EXPORT_ARTIFACT_DIGEST].at = at;
    r->cell[EXPORT_ARTIFACT_DIGEST].n = r->text.n - at;
    export_put(r, EXPORT_ARTIFACT_NAME, export_string(a, "name"));
    export_put(r, EXPORT_ARTIFACT_SIZE, export_string(a, "size"));
}

static void put_session(struct export_row *r)
{
    from_body(r, EXPORT_SESSION_ID, "session");
    from_body(r, EXPORT_REQUEST_LEAF, "session_leaf");
    if (r->e.kind != LEAF_SESSION_REQUESTED) return;
    export_put_hex(r, EXPORT_REQUEST_LEAF, r->leaf.b, QR_SHA256_SIZE);
    export_put_u64(r, EXPORT_REQUEST_INDEX, r->index);
    put_artifact(r);
}

static void put_policy(struct export_row *r)
{
    const json_t *policies = json_object_get(r->e.body, "policies");
    struct qr_bytes hash = export_string(policies, "signing");
    if (r->e.kind == LEAF_POLICY_CHANGED) hash = export_string(r->e.body, "hash");
    if (r->e.kind == LEAF_ATTESTATION_ACCEPTED || r->e.kind == LEAF_ATTESTATION_REFUSED)
        hash = export_string(r->e.body, "policy");
    export_put(r, EXPORT_POLICY_HASH, hash);
}

static void put_end(struct export_row *r)
{
    if (!qr_bytes_is(export_string(r->e.body, "state"), "CANCELLED")) return;
    export_put(r, EXPORT_OUTCOME, qr_str("denied"));
    export_put(r, EXPORT_MEANING, qr_str("cancellation"));
    export_put(r, EXPORT_DECISION, qr_str("cancel"));
}

static void put_values(struct export_row *r)
{
    enum leaf_kind k = r->e.kind;
    export_put(r, EXPORT_OUTCOME, qr_str(kinds[k].outcome));
    export_put(r, EXPORT_MEANING, qr_str(kinds[k].meaning));
    export_put(r, EXPORT_DECISION, qr_str(kinds[k].decision));
    if (k == LEAF_SESSION_ENDED) put_end(r);
    /* a refusal's reason is a commitment, not a word */
    if (k != LEAF_APPROVAL_REFUSED) from_body(r, EXPORT_REASON_CODE, "reason");
    from_body(r, EXPORT_ACTOR_ATTESTATION, "evidence");
    from_body(r, EXPORT_SOURCE, "node");
    from_body(r, EXPORT_SOURCE, "peer_node");
    from_body(r, EXPORT_DECISION_HASH_SHOWN, "screen");
    from_body(r, EXPORT_CERT_SERIAL, "serial");
    from_body(r, EXPORT_CERT_SHA256, k == LEAF_CERTIFICATE_ISSUED ? "sha256" : "certificate");
    from_body(r, EXPORT_GROUP_KEY_ID, "group_key");
    if (k == LEAF_SIGNATURE_MADE || k == LEAF_GROUP_SIGNATURE_MADE)
        export_put(r, EXPORT_SIGNATURE_ALG, qr_str("FROST(Ed25519, SHA-512)"));
}

/* ---- rows ---- */

static void put_entry(struct export_row *r)
{
    const struct leaf_entry *e = &r->e;
    char time[QR_TIME_LEN + 1], service[64], classes[64] = "";
    qr_time_format(e->time_us, time);
    (void)snprintf(service, sizeof service, "%s:%s", leaf_author_name(e->author), e->key_id);
    export_put(r, EXPORT_EVENT_ID, qr_str(e->event_id));
    export_put(r, EXPORT_EVENT_TYPE, qr_str(leaf_kind_name(e->kind)));
    export_put(r, EXPORT_EVENT_TIME, qr_str(time));
    export_put(r, EXPORT_SERVICE_ID, qr_str(service));
    if (e->classes) qr_classes_text(e->classes, classes);
    export_put(r, EXPORT_TRUST_CLASSES, qr_str(classes));
    put_actor(r);
    put_subject(r);
    put_values(r);
    put_session(r);
    put_policy(r);
}

static void put_place(struct export_row *r, const struct export_header *h)
{
    export_put(r, EXPORT_LOG_ORIGIN, qr_str(h->origin));
    export_put_u64(r, EXPORT_LEAF_INDEX, r->index);
    export_put_hex(r, EXPORT_LEAF_HASH, r->leaf.b, QR_SHA256_SIZE);
}

void export_row_read(struct export_row *r, const struct export_header *h, uint64_t index,
                     struct qr_bytes bytes)
{
    clear(r);
    r->index = index;
    r->bytes = bytes;
    r->leaf = leaf_hash(bytes);
    r->what = leaf_parse(bytes, &r->e, NULL) == QR_OK ? EXPORT_ENTRY : EXPORT_FOREIGN;
    put_place(r, h);
    if (r->what == EXPORT_ENTRY) put_entry(r);
}

void export_row_excluded(struct export_row *r, const struct export_header *h, uint64_t index,
                         const struct qr_hash *leaf)
{
    struct qr_hash kept = *leaf;
    clear(r);
    r->index = index;
    r->leaf = kept;
    put_place(r, h);
}

/* Values of one column are alternatives; different columns must all agree. */
bool export_row_passes(const struct export_row *r, const struct export_header *h)
{
    for (size_t i = 0; i < h->filters; i++) {
        unsigned c = h->filter[i].column;
        bool any = false;
        for (size_t k = 0; k < h->filters && !any; k++)
            any = h->filter[k].column == c &&
                  qr_bytes_equal(h->filter[k].value, export_cell(r, (enum export_column)c));
        if (!any) return false;
    }
    return true;
}
