/* ocsf.c - JSON Lines of OCSF events: Entity Management (3004) for what people
 * decide, API Activity (6003) for what services do, Base Event (0) for the head
 * and for rows that the filter left out.
 *
 * raw_data is the entry as it was hashed, unmapped has every cell by its
 * column's name.  The event's own fingerprint (profile record_integrity) is over
 * its canonical form without it; that the entry is in the log, the export's proof
 * shows. */
#include "base/clock.h"
#include "base/limits.h"
#include "crypto/crypto.h"
#include "export/format.h"

#define OCSF_VERSION "1.9.0-dev"
enum { BASE_EVENT = 0, ENTITY_MANAGEMENT = 3004, API_ACTIVITY = 6003, OTHER = 99 };
enum { TYPE_USER = 2, TYPE_POLICY = 5 };

static const struct {
    int uid, activity, type;
    const char *name, *entity;
} map[LEAF_KIND_COUNT] = {
    [LEAF_SERVICE_STARTED] = {API_ACTIVITY, OTHER, 0, "Start", NULL},
    [LEAF_POLICY_CHANGED] = {ENTITY_MANAGEMENT, 3, TYPE_POLICY, "Update", "Policy"},
    [LEAF_IDENTITY_ENROLLED] = {ENTITY_MANAGEMENT, 6, TYPE_USER, "Enroll", "User"},
    [LEAF_IDENTITY_ROLE_CHANGED] = {ENTITY_MANAGEMENT, 3, TYPE_USER, "Update", "User"},
    [LEAF_IDENTITY_REVOKED] = {ENTITY_MANAGEMENT, 7, TYPE_USER, "Unenroll", "User"},
    [LEAF_IDENTITY_ERASED] = {ENTITY_MANAGEMENT, 4, TYPE_USER, "Delete", "User"},
    [LEAF_CERTIFICATE_ISSUED] = {API_ACTIVITY, 1, 0, "Create", NULL},
    [LEAF_ATTESTATION_ACCEPTED] = {API_ACTIVITY, OTHER, 0, "Attest", NULL},
    [LEAF_ATTESTATION_REFUSED] = {API_ACTIVITY, OTHER, 0, "Attest", NULL},
    [LEAF_SESSION_REQUESTED] = {ENTITY_MANAGEMENT, 1, OTHER, "Create", "Signing Session"},
    [LEAF_APPROVAL_GIVEN] = {ENTITY_MANAGEMENT, OTHER, OTHER, "Approve", "Signing Session"},
    [LEAF_APPROVAL_REFUSED] = {ENTITY_MANAGEMENT, OTHER, OTHER, "Reject", "Signing Session"},
    [LEAF_APPROVAL_WITHDRAWN] = {ENTITY_MANAGEMENT, OTHER, OTHER, "Withdraw", "Signing Session"},
    [LEAF_ROSTER_ATTESTED] = {API_ACTIVITY, OTHER, 0, "Attest", NULL},
    [LEAF_ROSTER_FROZEN] = {API_ACTIVITY, OTHER, 0, "Freeze", NULL},
    [LEAF_DKG_COMPLETED] = {API_ACTIVITY, 1, 0, "Create", NULL},
    [LEAF_SIGNING_STARTED] = {API_ACTIVITY, OTHER, 0, "Start", NULL},
    [LEAF_SIGNATURE_MADE] = {API_ACTIVITY, 1, 0, "Create", NULL},
    [LEAF_ATTEMPT_FAILED] = {API_ACTIVITY, OTHER, 0, "Fail", NULL},
    [LEAF_SESSION_ENDED] = {ENTITY_MANAGEMENT, OTHER, OTHER, "End", "Signing Session"},
    [LEAF_KEY_ROTATED] = {ENTITY_MANAGEMENT, 3, OTHER, "Update", "Key"},
    [LEAF_GROUP_CREATED] = {API_ACTIVITY, 1, 0, "Create", NULL},
    [LEAF_GROUP_REFRESHED] = {API_ACTIVITY, 3, 0, "Update", NULL},
    [LEAF_GROUP_REPAIRED] = {API_ACTIVITY, 3, 0, "Update", NULL},
    [LEAF_GROUP_RESHARED] = {API_ACTIVITY, 3, 0, "Update", NULL},
    [LEAF_GROUP_RETIRED] = {API_ACTIVITY, 4, 0, "Delete", NULL},
    [LEAF_GROUP_SIGNING_STARTED] = {API_ACTIVITY, OTHER, 0, "Start", NULL},
    [LEAF_GROUP_SIGNATURE_MADE] = {API_ACTIVITY, 1, 0, "Create", NULL},
};

static json_t *event_new(int uid, int activity, const char *name, int64_t time_us)
{
    json_t *o = qr_json_object();
    qr_json_set_int(o, "activity_id", activity);
    qr_json_set_str(o, "activity_name", name);
    qr_json_set_int(o, "category_uid", uid / 1000);
    qr_json_set_int(o, "class_uid", uid);
    qr_json_set_int(o, "severity_id", 1);
    qr_json_set_int(o, "time", time_us / 1000);
    qr_json_set_int(o, "type_uid", (int64_t)uid * 100 + activity);
    return o;
}

static json_t *metadata_new(void)
{
    json_t *m = qr_json_object(), *p = qr_json_object(), *profiles = qr_json_array();
    qr_json_set_str(p, "name", "quorate");
    qr_json_set(m, "product", p);
    qr_json_add(profiles, qr_json_text(qr_str("record_integrity")));
    qr_json_set(m, "profiles", profiles);
    qr_json_set_str(m, "version", OCSF_VERSION);
    return m;
}

/* The fingerprint of all that is in the event so far. */
static void put_fingerprint(json_t *event, struct qr_bytes origin)
{
    struct qr_buf b;
    char hex[2 * QR_SHA256_SIZE + 1];
    json_t *list = qr_json_array(), *a = qr_json_object(), *f = qr_json_object();
    qr_json_set_bytes(a, "chain_uid", origin);
    qr_json_add(list, a);
    qr_json_set(event, "attestation_list", list);
    qr_buf_init(&b, EXPORT_UNIT_MAX);
    if (qr_json_write(event, &b) != QR_OK) qr_fatal("an event that is no JSON");
    struct qr_hash h = qr_sha256_one(qr_buf_bytes(&b));
    qr_buf_fini(&b);
    qr_hex(h.b, sizeof h.b, hex);
    qr_json_set_str(f, "algorithm", "SHA-256");
    qr_json_set_int(f, "algorithm_id", 3);
    qr_json_set_str(f, "value", hex);
    qr_json_set(a, "fingerprint", f);
}

static void put_event(json_t *event, struct qr_buf *out)
{
    if (qr_json_write(event, out) != QR_OK) qr_fatal("an event that is no JSON");
    qr_buf_put_u8(out, '\n');
    json_decref(event);
}

/* ---- head ---- */

static void ocsf_head(struct qr_bytes header, struct qr_buf *out)
{
    json_t *h = NULL, *unmapped = qr_json_object(), *m = metadata_new();
    int64_t at = 0;
    if (qr_json_parse(header, &h, NULL) != QR_OK) qr_fatal("a header that is no JSON");
    const json_t *when = json_object_get(h, "exported_at"),
                 *origin = json_object_get(h, "log_origin");
    if (json_is_string(when) && qr_time_parse(qr_str(json_string_value(when)), &at) != QR_OK)
        at = 0;
    json_t *o = event_new(BASE_EVENT, OTHER, "Export", at);
    if (json_is_string(origin)) qr_json_set_str(m, "log_name", json_string_value(origin));
    qr_json_set(o, "metadata", m);
    qr_json_set_bytes(o, "raw_data", header);
    qr_json_set_str(unmapped, "row", "export");
    qr_json_set(o, "unmapped", unmapped);
    json_decref(h);
    put_event(o, out);
}

/* ---- rows ---- */

static void set_cell(json_t *o, const char *key, const struct export_row *r, enum export_column c)
{
    struct qr_bytes s = export_cell(r, c);
    if (s.n > 0) qr_json_set_bytes(o, key, s);
}

/* Every cell that is not empty, by its column's name. */
static json_t *cells(const struct export_row *r)
{
    json_t *o = qr_json_object();
    qr_json_set_str(o, "row", export_what_name(r->what));
    for (unsigned c = 0; c < EXPORT_COLUMNS; c++)
        set_cell(o, export_column_name((enum export_column)c), r, (enum export_column)c);
    return o;
}

static json_t *metadata_of(const struct export_row *r)
{
    json_t *m = metadata_new();
    set_cell(m, "event_code", r, EXPORT_EVENT_TYPE);
    set_cell(m, "log_name", r, EXPORT_LOG_ORIGIN);
    set_cell(m, "original_time", r, EXPORT_EVENT_TIME);
    set_cell(m, "uid", r, EXPORT_EVENT_ID);
    if (r->index < UINT64_C(1) << 31) qr_json_set_int(m, "sequence", (int64_t)r->index);
    return m;
}

static json_t *named(const char *key, const struct export_row *r, enum export_column c)
{
    json_t *o = qr_json_object();
    set_cell(o, key, r, c);
    return o;
}

static json_t *actor_of(const struct export_row *r)
{
    json_t *a = named("app_uid", r, EXPORT_SERVICE_ID);
    if (!qr_bytes_is(export_cell(r, EXPORT_ACTOR_ROLE), "service"))
        qr_json_set(a, "user", named("uid", r, EXPORT_ACTOR_ID));
    return a;
}

static json_t *entity_of(const struct export_row *r)
{
    json_t *e = qr_json_object();
    int type = map[r->e.kind].type;
    enum export_column uid = type == TYPE_USER               ? EXPORT_SUBJECT_ID
                             : type == TYPE_POLICY           ? EXPORT_POLICY_HASH
                             : r->e.kind == LEAF_KEY_ROTATED ? EXPORT_LEAF_HASH
                                                             : EXPORT_REQUEST_LEAF;
    qr_json_set_str(e, "type", map[r->e.kind].entity);
    qr_json_set_int(e, "type_id", type);
    set_cell(e, "uid", r, uid);
    if (type == TYPE_USER) qr_json_set(e, "user", named("uid", r, uid));
    if (type == TYPE_POLICY) qr_json_set(e, "policy", named("uid", r, uid));
    return e;
}

static json_t *entry_event(const struct export_row *r)
{
    enum leaf_kind k = r->e.kind;
    bool good = qr_bytes_is(export_cell(r, EXPORT_OUTCOME), "success");
    json_t *o = event_new(map[k].uid, map[k].activity, map[k].name, r->e.time_us);
    qr_json_set_str(o, "status", good ? "Success" : "Failure");
    qr_json_set_int(o, "status_id", good ? 1 : 2);
    if (!good) qr_json_set_int(o, "severity_id", 3);
    set_cell(o, "status_code", r, EXPORT_REASON_CODE);
    qr_json_set(o, "actor", actor_of(r));
    if (map[k].uid == ENTITY_MANAGEMENT) {
        qr_json_set(o, "entity", entity_of(r));
    } else {
        json_t *api = named("operation", r, EXPORT_EVENT_TYPE);
        qr_json_set(o, "api", api);
        bool node = export_cell(r, EXPORT_SOURCE).n > 0;
        qr_json_set(o, "src_endpoint", named("name", r, node ? EXPORT_SOURCE : EXPORT_SERVICE_ID));
    }
    return o;
}

static json_t *raw_data(const struct export_row *r)
{
    struct qr_buf b;
    if (r->what == EXPORT_ENTRY) return qr_json_text(r->bytes);
    qr_buf_init(&b, 2 * QR_MAX_ENTRY);
    qr_buf_put_base64(&b, r->bytes);
    json_t *s = qr_json_text(qr_buf_bytes(&b));
    qr_buf_fini(&b);
    return s;
}

static void ocsf_row(const struct export_row *r, struct qr_buf *out)
{
    json_t *o =
        r->what == EXPORT_ENTRY
            ? entry_event(r)
            : event_new(BASE_EVENT, OTHER, r->what == EXPORT_EXCLUDED ? "Excluded" : "Foreign", 0);
    qr_json_set(o, "metadata", metadata_of(r));
    if (r->what != EXPORT_EXCLUDED) qr_json_set(o, "raw_data", raw_data(r));
    qr_json_set(o, "unmapped", cells(r));
    put_fingerprint(o, export_cell(r, EXPORT_LOG_ORIGIN));
    put_event(o, out);
}

/* ---- reading ---- */

static struct qr_bytes string_of(const json_t *o, const char *key)
{
    const json_t *s = json_object_get(o, key);
    return json_is_string(s) ? QR_BYTES(json_string_value(s), json_string_length(s))
                             : QR_BYTES_NONE;
}

static enum qr_rc ocsf_read_head(struct qr_bytes unit, struct qr_buf *header)
{
    json_t *o = NULL;
    QR_TRY(qr_json_parse(unit, &o, NULL));
    qr_buf_put_bytes(header, string_of(o, "raw_data"));
    json_decref(o);
    return QR_OK;
}

static enum qr_rc read_claim(const json_t *o, struct export_claim *c)
{
    const json_t *u = json_object_get(o, "unmapped");
    struct qr_bytes raw = string_of(o, "raw_data"), what = string_of(u, "row");
    unsigned w = 0;
    while (w <= EXPORT_FOREIGN && !qr_bytes_is(what, export_what_name((enum export_what)w))) w++;
    if (w > EXPORT_FOREIGN) return QR_MALFORMED;
    c->what = (enum export_what)w;
    QR_TRY(qr_parse_u64(string_of(u, "leaf_index"), UINT64_MAX, &c->index));
    QR_TRY(qr_unhex(string_of(u, "leaf_hash"), c->leaf.b, QR_SHA256_SIZE));
    c->placed = c->hashed = true;
    if (c->what == EXPORT_FOREIGN) return qr_unbase64(raw, &c->bytes);
    if (c->what == EXPORT_ENTRY) qr_buf_put_bytes(&c->bytes, raw);
    return QR_OK;
}

static enum qr_rc ocsf_read_row(struct qr_bytes unit, struct export_claim *c)
{
    json_t *o = NULL;
    if (qr_json_parse(unit, &o, NULL) != QR_OK) return QR_MALFORMED;
    enum qr_rc rc = read_claim(o, c);
    json_decref(o);
    return rc == QR_OK ? QR_OK : QR_MALFORMED;
}

const struct export_format export_ocsf = {.name = "ocsf",
                                          .head_units = 1,
                                          .head = ocsf_head,
                                          .row = ocsf_row,
                                          .read_head = ocsf_read_head,
                                          .read_row = ocsf_read_row};
