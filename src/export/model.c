/* model.c - what rows of one file say of one another: the session, its request
 * and artifact, the policy, how many approvals stand.
 *
 * Only rows that are in the file count, in their order: a reader of the file
 * comes to the same cells.  A session is forgotten when it has ended. */
#include "export/model.h"

#include "audit/map.h"
#include "base/limits.h"
#include "trust/signing_policy.h"

#include <stdlib.h>

#define ENDED (AUDIT_NONE - 1)

struct session {
    bool live;
    struct qr_hash leaf;
    uint64_t request;
    char id[QR_ULID_LEN + 1], last[QR_ULID_LEN + 1];
    struct qr_buf artifact[3]; /* digest, name, size */
    struct qr_hash policy;
    struct qr_hash standing[QR_MAX_PARTICIPANTS]; /* commitments */
    size_t have;
};

struct policy {
    struct qr_hash hash;
    uint64_t index;
    char name[SIGNING_POLICY_NAME_MAX + 1];
    uint32_t need; /* 0: not a signing policy */
};

struct export_model {
    const struct export_header *h;
    struct session *sessions;
    size_t session_room;
    size_t free_from; /* no free slot before it */
    struct policy *policies;
    size_t policy_count, policy_room;
    struct audit_map by_leaf;   /* request leaf -> slot, or ENDED */
    struct audit_map by_policy; /* hash -> the newest */
    struct audit_map erased;    /* commitment -> index */
};

struct export_model *export_model_new(const struct export_header *h)
{
    struct export_model *m = calloc(1, sizeof *m);
    if (!m) qr_fatal("out of memory");
    m->h = h;
    for (size_t i = 0; i < h->erased_count; i++)
        audit_map_set(&m->erased, &h->erased[i].commitment, h->erased[i].index);
    return m;
}

static void forget(struct export_model *m, struct session *s)
{
    audit_map_set(&m->by_leaf, &s->leaf, ENDED);
    for (size_t i = 0; i < 3; i++) qr_buf_fini(&s->artifact[i]);
    s->live = false;
    size_t slot = (size_t)(s - m->sessions);
    if (slot < m->free_from) m->free_from = slot;
}

void export_model_free(struct export_model *m)
{
    if (!m) return;
    for (size_t i = 0; i < m->session_room; i++)
        if (m->sessions[i].live) forget(m, &m->sessions[i]);
    free(m->sessions);
    free(m->policies);
    audit_map_fini(&m->by_leaf);
    audit_map_fini(&m->by_policy);
    audit_map_fini(&m->erased);
    free(m);
}

static void *grown(void *p, size_t n, size_t size)
{
    p = realloc(p, n * size);
    if (!p) qr_fatal("out of memory");
    return p;
}

static bool hash_of(struct qr_bytes hex, struct qr_hash *out)
{
    return qr_unhex(hex, out->b, sizeof out->b) == QR_OK;
}

/* ---- policies ---- */

static void take_policy(struct export_model *m, const struct export_row *r)
{
    struct signing_policy p;
    struct policy *to;
    if (m->policy_count == m->policy_room) {
        m->policy_room = m->policy_room ? 2 * m->policy_room : 8;
        m->policies = grown(m->policies, m->policy_room, sizeof *m->policies);
    }
    to = &m->policies[m->policy_count];
    *to = (struct policy){.index = r->index};
    if (!hash_of(export_cell(r, EXPORT_POLICY_HASH), &to->hash)) return;
    if (qr_bytes_is(export_string(r->e.body, "name"), "signing") &&
        signing_policy_parse_canonical(export_string(r->e.body, "text"), &p, NULL) == QR_OK) {
        (void)snprintf(to->name, sizeof to->name, "%s", p.name);
        to->need = signing_policy_quorum(&p);
    }
    audit_map_set(&m->by_policy, &to->hash, m->policy_count++);
}

static const struct policy *policy_of(const struct export_model *m, const struct qr_hash *hash)
{
    uint64_t i = audit_map_get(&m->by_policy, hash);
    return i == AUDIT_NONE ? NULL : &m->policies[i];
}

static void put_policy(struct export_row *r, const struct export_model *m)
{
    struct qr_hash hash;
    if (!hash_of(export_cell(r, EXPORT_POLICY_HASH), &hash)) return;
    const struct policy *p = policy_of(m, &hash);
    if (!p) return;
    export_put(r, EXPORT_POLICY_ID, qr_str(p->name));
    export_put_u64(r, EXPORT_POLICY_INDEX, p->index);
}

/* ---- sessions ---- */

static struct session *session_of(struct export_model *m, const struct export_row *r)
{
    struct qr_hash leaf;
    if (!hash_of(export_cell(r, EXPORT_REQUEST_LEAF), &leaf)) return NULL;
    uint64_t i = audit_map_get(&m->by_leaf, &leaf);
    return i >= ENDED ? NULL : &m->sessions[i];
}

static struct session *slot(struct export_model *m)
{
    size_t i = m->free_from;
    while (i < m->session_room && m->sessions[i].live) i++;
    if (i == m->session_room) {
        size_t room = i ? 2 * i : 16;
        m->sessions = grown(m->sessions, room, sizeof *m->sessions);
        for (size_t k = i; k < room; k++) m->sessions[k].live = false;
        m->session_room = room;
    }
    m->free_from = i + 1;
    return &m->sessions[i];
}

static void keep_id(char out[QR_ULID_LEN + 1], struct qr_bytes s)
{
    size_t n = s.n <= QR_ULID_LEN ? s.n : 0;
    qr_copy(out, s.p, n);
    out[n] = 0;
}

static void take_request(struct export_model *m, const struct export_row *r)
{
    static const enum export_column from[3] = {EXPORT_ARTIFACT_DIGEST, EXPORT_ARTIFACT_NAME,
                                               EXPORT_ARTIFACT_SIZE};
    struct session *s = slot(m);
    *s = (struct session){.live = true, .leaf = r->leaf, .request = r->index};
    keep_id(s->id, export_cell(r, EXPORT_SESSION_ID));
    for (size_t i = 0; i < 3; i++) {
        qr_buf_init(&s->artifact[i], QR_MAX_ENTRY);
        qr_buf_put_bytes(&s->artifact[i], export_cell(r, from[i]));
    }
    (void)hash_of(export_cell(r, EXPORT_POLICY_HASH), &s->policy);
    audit_map_set(&m->by_leaf, &s->leaf, (uint64_t)(s - m->sessions));
}

/* One person fills one place, whatever approvals it gave. */
static void count_approval(struct session *s, const struct qr_hash *who, bool stands)
{
    size_t i = 0;
    while (i < s->have && !qr_hash_equal(&s->standing[i], who)) i++;
    if (stands && i == s->have && s->have < QR_MAX_PARTICIPANTS) s->standing[s->have++] = *who;
    if (!stands && i < s->have) s->standing[i] = s->standing[--s->have];
}

static void put_session(struct export_row *r, const struct export_model *m, const struct session *s)
{
    const struct policy *p = policy_of(m, &s->policy);
    export_put(r, EXPORT_SESSION_ID, qr_str(s->id));
    export_put_u64(r, EXPORT_REQUEST_INDEX, s->request);
    export_put(r, EXPORT_ARTIFACT_DIGEST, qr_buf_bytes(&s->artifact[0]));
    export_put(r, EXPORT_ARTIFACT_NAME, qr_buf_bytes(&s->artifact[1]));
    export_put(r, EXPORT_ARTIFACT_SIZE, qr_buf_bytes(&s->artifact[2]));
    export_put(r, EXPORT_PREV_EVENT_ID, qr_str(s->last));
    export_put_u64(r, EXPORT_QUORUM_HAVE, s->have);
    if (p && p->need > 0) export_put_u64(r, EXPORT_QUORUM_NEED, p->need);
}

static void take_session(struct export_row *r, struct export_model *m)
{
    struct qr_hash who;
    if (r->e.kind == LEAF_SESSION_REQUESTED) take_request(m, r);
    struct session *s = session_of(m, r);
    if (!s) return;
    bool given = r->e.kind == LEAF_APPROVAL_GIVEN;
    if ((given || r->e.kind == LEAF_APPROVAL_WITHDRAWN) &&
        hash_of(export_cell(r, EXPORT_ACTOR_ID), &who))
        count_approval(s, &who, given);
    put_session(r, m, s);
    keep_id(s->last, export_cell(r, EXPORT_EVENT_ID));
    if (r->e.kind == LEAF_SIGNATURE_MADE || r->e.kind == LEAF_SESSION_ENDED) forget(m, s);
}

/* ---- the row ---- */

static void put_erased(struct export_row *r, const struct export_model *m)
{
    static const enum export_column who[2] = {EXPORT_ACTOR_ID, EXPORT_SUBJECT_ID};
    struct qr_hash c;
    for (size_t i = 0; i < 2; i++) {
        if (!hash_of(export_cell(r, who[i]), &c)) continue;
        uint64_t at = audit_map_get(&m->erased, &c);
        if (at != AUDIT_NONE) export_put_u64(r, EXPORT_ERASED_UNDER, at);
    }
}

void export_row_take(struct export_row *r, struct export_model *m)
{
    if (r->what != EXPORT_ENTRY) return;
    if (r->e.kind == LEAF_POLICY_CHANGED) take_policy(m, r);
    put_policy(r, m);
    take_session(r, m);
    put_erased(r, m);
    size_t at = r->text.n;
    export_controls_of(&m->h->controls, r->e.kind, &r->text);
    r->cell[EXPORT_CONTROL_REFS].at = at;
    r->cell[EXPORT_CONTROL_REFS].n = r->text.n - at;
}
