/* sessions.c - a JSON object for each session. */
#include "export/sessions.h"

#include "audit/map.h"
#include "export/model.h"

#include <stdlib.h>

struct export_sessions {
    struct audit_map by_leaf; /* request leaf -> place in the list */
    json_t *list;
};

struct export_sessions *export_sessions_new(void)
{
    struct export_sessions *s = calloc(1, sizeof *s);
    if (!s) qr_fatal("out of memory");
    s->list = qr_json_array();
    return s;
}

void export_sessions_free(struct export_sessions *s)
{
    if (!s) return;
    audit_map_fini(&s->by_leaf);
    json_decref(s->list);
    free(s);
}

const json_t *export_sessions_list(const struct export_sessions *s) { return s->list; }

static void set_cell(json_t *o, const char *key, const struct export_row *r, enum export_column c)
{
    qr_json_set_bytes(o, key, export_cell(r, c));
}

static void begin(struct export_sessions *s, const struct export_row *r)
{
    static const enum export_column same[] = {
        EXPORT_SESSION_ID,    EXPORT_REQUEST_INDEX, EXPORT_REQUEST_LEAF, EXPORT_ARTIFACT_DIGEST,
        EXPORT_ARTIFACT_NAME, EXPORT_ARTIFACT_SIZE, EXPORT_POLICY_ID};
    json_t *o = qr_json_object();
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        set_cell(o, export_column_name(same[i]), r, same[i]);
    set_cell(o, "requester", r, EXPORT_ACTOR_ID);
    set_cell(o, "requested", r, EXPORT_EVENT_TIME);
    qr_json_set_str(o, "state", "open");
    qr_json_set_str(o, "ended", "");
    qr_json_set_str(o, "group_key_id", "");
    qr_json_set(o, "decisions", qr_json_array());
    audit_map_set(&s->by_leaf, &r->leaf, json_array_size(s->list));
    if (json_array_append_new(s->list, o) != 0) qr_fatal("out of memory");
}

static void put_decision(json_t *o, const struct export_row *r)
{
    static const enum export_column of[] = {EXPORT_LEAF_INDEX, EXPORT_ACTOR_ID, EXPORT_ACTOR_ROLE,
                                            EXPORT_MEANING, EXPORT_EVENT_TIME};
    json_t *d = qr_json_object();
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
        set_cell(d, export_column_name(of[i]), r, of[i]);
    qr_json_add(json_object_get(o, "decisions"), d);
}

static void put_end(json_t *o, const struct export_row *r)
{
    struct qr_bytes state = export_string(r->e.body, "state");
    const char *word = r->e.kind == LEAF_SIGNATURE_MADE  ? "signed"
                       : qr_bytes_is(state, "EXPIRED")   ? "expired"
                       : qr_bytes_is(state, "CANCELLED") ? "cancelled"
                                                         : "failed";
    qr_json_set_str(o, "state", word);
    set_cell(o, "ended", r, EXPORT_EVENT_TIME);
}

void export_sessions_take(struct export_sessions *s, const struct export_row *r)
{
    struct qr_hash leaf;
    if (r->what != EXPORT_ENTRY) return;
    if (r->e.kind == LEAF_SESSION_REQUESTED) begin(s, r);
    if (qr_unhex(export_cell(r, EXPORT_REQUEST_LEAF), leaf.b, sizeof leaf.b) != QR_OK) return;
    uint64_t at = audit_map_get(&s->by_leaf, &leaf);
    if (at == AUDIT_NONE) return;
    json_t *o = json_array_get(s->list, (size_t)at);
    set_cell(o, "last_index", r, EXPORT_LEAF_INDEX);
    set_cell(o, "trust_classes", r, EXPORT_TRUST_CLASSES);
    if (export_cell(r, EXPORT_QUORUM_HAVE).n > 0) {
        set_cell(o, "quorum_have", r, EXPORT_QUORUM_HAVE);
        set_cell(o, "quorum_need", r, EXPORT_QUORUM_NEED);
    }
    if (export_cell(r, EXPORT_GROUP_KEY_ID).n > 0)
        set_cell(o, "group_key_id", r, EXPORT_GROUP_KEY_ID);
    if (export_cell(r, EXPORT_DECISION).n > 0 && r->e.kind != LEAF_SESSION_REQUESTED)
        put_decision(o, r);
    if (r->e.kind == LEAF_SIGNATURE_MADE || r->e.kind == LEAF_SESSION_ENDED) put_end(o, r);
}
