/* policy.c - C2SP tlog-policy.
 *
 * Witnesses and groups share one table of names.  A group refers only to names
 * of lines before it, and a name is a member at most once, so that the quorum
 * is found by one walk over the groups in their order. */
#include "tlog/note.h"

#include <stdlib.h>

#define NO_QUORUM SIZE_MAX /* the line is yet to come */
#define QUORUM_NONE (SIZE_MAX - 1)
#define NAMES_MAX (2 * TLOG_POLICY_MAX)
#define ITEMS_MAX (3 + NAMES_MAX) /* of a line */

struct group {
    unsigned k;
    uint64_t members; /* bit: number of the name */
};

/* Names are numbered in the order of their lines. */
struct name {
    struct qr_bytes text;
    bool is_group;
    size_t at; /* in witness or group */
    bool taken;
};

struct tlog_policy {
    struct qr_buf text; /* everything below borrows from it */
    size_t logs, witnesses, groups, names;
    struct tlog_party log[TLOG_POLICY_MAX];
    struct tlog_party witness[TLOG_POLICY_MAX];
    struct group group[TLOG_POLICY_MAX];
    struct name name[NAMES_MAX];
    size_t quorum; /* number of a name, QUORUM_NONE or NO_QUORUM */
};

/* A line cut into its items. */
struct items {
    unsigned long line;
    size_t n;
    struct qr_bytes item[ITEMS_MAX];
    struct tlog_err *err;
};

static enum tlog_rc bad(const struct items *l, const char *what)
{
    return fail_with(l->err, TLOG_MALFORMED, "policy line %lu: %s", l->line, what);
}

static enum tlog_rc too_many(const struct items *l, const char *what)
{
    return fail_with(l->err, TLOG_RANGE, "policy line %lu: more than %d %s", l->line,
                     TLOG_POLICY_MAX, what);
}

/* tlog-policy, Character set. */
static bool octet_ok(uint8_t c) { return c == 0x09 || (c >= 0x20 && c != 0x7f); }
static bool is_blank(uint8_t c) { return c == ' ' || c == '\t'; }

static enum tlog_rc cut(struct qr_bytes line, struct items *l)
{
    l->n = 0;
    for (size_t i = 0; i < line.n; i++)
        if (!octet_ok(line.p[i])) return bad(l, "a control character");
    for (size_t i = 0; i < line.n;) {
        size_t from = i;
        while (i < line.n && !is_blank(line.p[i])) i++;
        if (i == from) {
            i++;
            continue;
        }
        if (l->n == 0 && line.p[from] == '#') return TLOG_OK;
        if (l->n == ITEMS_MAX)
            return fail_with(l->err, TLOG_RANGE, "policy line %lu: too many items", l->line);
        l->item[l->n++] = QR_BYTES(line.p + from, i - from);
    }
    return TLOG_OK;
}

/* Number of a name, or NAMES_MAX. */
static size_t find(const struct tlog_policy *p, struct qr_bytes name)
{
    for (size_t i = 0; i < p->names; i++)
        if (qr_bytes_equal(p->name[i].text, name)) return i;
    return NAMES_MAX;
}

static enum tlog_rc add_name(struct tlog_policy *p, const struct items *l, bool is_group, size_t at)
{
    if (qr_bytes_is(l->item[1], "none")) return bad(l, "the name none is predefined");
    if (find(p, l->item[1]) != NAMES_MAX) return bad(l, "the name is defined already");
    p->name[p->names++] = (struct name){l->item[1], is_group, at, false};
    return TLOG_OK;
}

/* tlog-policy, Public key representation: duplicates are the same public key,
 * whatever the names. */
static bool has_key(const struct tlog_party *list, size_t n, const struct tlog_vkey *key)
{
    for (size_t i = 0; i < n; i++)
        if (qr_bytes_equal(QR_BYTES_OF(list[i].key.pub), QR_BYTES_OF(key->pub))) return true;
    return false;
}

static enum tlog_rc take_log(struct tlog_policy *p, const struct items *l)
{
    struct tlog_party log = {.url = {NULL, 0}};
    if (l->n < 2 || l->n > 3) return bad(l, "log <vkey> [<url>]");
    if (p->logs == TLOG_POLICY_MAX) return too_many(l, "logs");
    if (tlog_vkey_parse(as_tlog(l->item[1]), &log.key) != TLOG_OK)
        return bad(l, "not an Ed25519 verifier key of a log");
    if (has_key(p->log, p->logs, &log.key)) return bad(l, "two logs have this key");
    if (l->n == 3) log.url = as_tlog(l->item[2]);
    p->log[p->logs++] = log;
    return TLOG_OK;
}

static enum tlog_rc take_witness(struct tlog_policy *p, const struct items *l)
{
    struct tlog_party w = {.url = {NULL, 0}};
    if (l->n < 3 || l->n > 4) return bad(l, "witness <name> <vkey> [<url>]");
    if (p->witnesses == TLOG_POLICY_MAX) return too_many(l, "witnesses");
    if (tlog_cosigner_parse(as_tlog(l->item[2]), &w.key) != TLOG_OK)
        return bad(l, "not an Ed25519 cosigner's verifier key");
    if (has_key(p->witness, p->witnesses, &w.key)) return bad(l, "two witnesses have this key");
    w.name = as_tlog(l->item[1]);
    if (l->n == 4) w.url = as_tlog(l->item[3]);
    TLOG_TRY(add_name(p, l, false, p->witnesses));
    p->witness[p->witnesses++] = w;
    return TLOG_OK;
}

/* tlog-policy, Defining a witness group: 1 <= k <= n; each defined name can be
 * listed as a group member at most once. */
static enum tlog_rc take_group(struct tlog_policy *p, const struct items *l)
{
    struct group g = {0, 0};
    uint64_t k = 0;
    if (l->n < 4) return bad(l, "group <name> all|any|<k> <name>...");
    if (p->groups == TLOG_POLICY_MAX) return too_many(l, "groups");
    size_t n = l->n - 3;
    if (qr_bytes_is(l->item[2], "all"))
        k = n;
    else if (qr_bytes_is(l->item[2], "any"))
        k = 1;
    else if (qr_parse_u64(l->item[2], n, &k) != QR_OK || k == 0)
        return bad(l, "the threshold is all, any or 1 to the number of members");
    g.k = (unsigned)k;
    for (size_t i = 3; i < l->n; i++) {
        size_t at = find(p, l->item[i]);
        if (at == NAMES_MAX) return bad(l, "a member is not defined on a line before");
        if (p->name[at].taken) return bad(l, "a name is a member twice");
        p->name[at].taken = true;
        g.members |= UINT64_C(1) << at;
    }
    TLOG_TRY(add_name(p, l, true, p->groups));
    p->group[p->groups++] = g;
    return TLOG_OK;
}

static enum tlog_rc take_quorum(struct tlog_policy *p, const struct items *l)
{
    if (l->n != 2) return bad(l, "quorum <name>");
    if (p->quorum != NO_QUORUM) return bad(l, "a second quorum line");
    p->quorum = qr_bytes_is(l->item[1], "none") ? QUORUM_NONE : find(p, l->item[1]);
    if (p->quorum == NAMES_MAX) return bad(l, "the quorum is not defined on a line before");
    return TLOG_OK;
}

static enum tlog_rc take_line(struct tlog_policy *p, const struct items *l)
{
    if (l->n == 0) return TLOG_OK;
    if (qr_bytes_is(l->item[0], "log")) return take_log(p, l);
    if (qr_bytes_is(l->item[0], "witness")) return take_witness(p, l);
    if (qr_bytes_is(l->item[0], "group")) return take_group(p, l);
    if (qr_bytes_is(l->item[0], "quorum")) return take_quorum(p, l);
    return bad(l, "neither log, witness, group nor quorum");
}

static enum tlog_rc parse(struct tlog_policy *p, struct tlog_err *err)
{
    struct qr_bytes line, rest = qr_buf_bytes(&p->text);
    struct items l = {.line = 0, .err = err};
    while (rest.n > 0) {
        l.line++;
        if (!note_next_line(&rest, &line)) return bad(&l, "a line ends with a newline");
        TLOG_TRY(cut(line, &l));
        TLOG_TRY(take_line(p, &l));
    }
    if (p->quorum == NO_QUORUM)
        return fail_with(err, TLOG_MALFORMED, "policy: the quorum line is missing");
    return TLOG_OK;
}

enum tlog_rc tlog_policy_parse(struct tlog_bytes text, struct tlog_policy **out,
                               struct tlog_err *err)
{
    if (text.n > TLOG_POLICY_TEXT_MAX)
        return fail_with(err, TLOG_RANGE, "policy: more than %d bytes", TLOG_POLICY_TEXT_MAX);
    struct tlog_policy *p = calloc(1, sizeof *p);
    if (!p) return fail_with(err, TLOG_NOMEM, "out of memory");
    p->quorum = NO_QUORUM;
    qr_buf_init(&p->text, TLOG_POLICY_TEXT_MAX);
    qr_buf_put_bytes(&p->text, as_qr(text));
    enum tlog_rc rc = qr_buf_ok(&p->text) == QR_OK ? parse(p, err) : TLOG_NOMEM;
    if (rc == TLOG_OK)
        *out = p;
    else
        tlog_policy_free(p);
    return rc;
}

void tlog_policy_free(struct tlog_policy *policy)
{
    if (policy) qr_buf_fini(&policy->text);
    free(policy);
}

size_t tlog_policy_logs(const struct tlog_policy *policy, const struct tlog_party **out)
{
    *out = policy->log;
    return policy->logs;
}

size_t tlog_policy_witnesses(const struct tlog_policy *policy, const struct tlog_party **out)
{
    *out = policy->witness;
    return policy->witnesses;
}

bool tlog_policy_quorum(const struct tlog_policy *policy, uint32_t cosigned)
{
    uint64_t met = 0; /* bit: number of the name */
    if (policy->quorum == QUORUM_NONE) return true;
    for (size_t i = 0; i < policy->names; i++) {
        const struct name *n = &policy->name[i];
        bool ok = !n->is_group && (cosigned >> n->at & 1);
        if (n->is_group) {
            const struct group *g = &policy->group[n->at];
            ok = (unsigned)__builtin_popcountll(g->members & met) >= g->k;
        }
        if (ok) met |= UINT64_C(1) << i;
    }
    return met >> policy->quorum & 1;
}

/* Number of the log that signed; policy->logs when it is none. */
static enum tlog_rc find_log(const struct tlog_policy *policy, const struct tlog_note *note,
                             struct qr_bytes origin, size_t *out)
{
    *out = policy->logs;
    for (size_t i = 0; i < policy->logs; i++) {
        bool signs = false;
        if (!qr_bytes_is(origin, policy->log[i].key.name)) continue;
        for (size_t s = 0; s < note->sigs; s++)
            signs = signs || note_sig_is_of(&note->sig[s], &policy->log[i].key);
        if (!signs) continue;
        TLOG_TRY(tlog_note_verify(note, &policy->log[i].key, 1, NULL));
        *out = i;
    }
    return TLOG_OK;
}

enum tlog_rc tlog_policy_check(const struct tlog_policy *policy, struct tlog_bytes note,
                               struct tlog_judgement *out, struct tlog_err *err)
{
    struct tlog_note n;
    struct tlog_judgement j = {.cosigned = 0};
    enum tlog_rc rc = tlog_note_parse(note, &n);
    if (rc != TLOG_OK) return fail_with(err, rc, "the checkpoint is not a signed note");
    rc = tlog_checkpoint_parse(n.text, &j.checkpoint);
    if (rc != TLOG_OK) return fail_with(err, rc, "the signed note is not a checkpoint");
    rc = find_log(policy, &n, as_qr(j.checkpoint.origin), &j.log);
    if (rc != TLOG_OK) return fail_with(err, rc, "the log's signature is wrong");
    if (j.log == policy->logs)
        return fail_with(err, TLOG_FALSE, "no log of the policy signed the checkpoint");
    for (size_t i = 0; i < policy->witnesses; i++) {
        rc = tlog_cosignature_check(&n, &policy->witness[i].key, NULL);
        if (rc == TLOG_OK)
            j.cosigned |= UINT32_C(1) << i;
        else if (rc != TLOG_NOTFOUND)
            return fail_with(err, rc, "the cosignature of witness %.*s is wrong",
                             (int)policy->witness[i].name.n, policy->witness[i].name.p);
    }
    *out = j;
    if (tlog_policy_quorum(policy, j.cosigned)) return TLOG_OK;
    return fail_with(err, TLOG_REFUSED, "%d of %zu witnesses cosigned: no quorum",
                     __builtin_popcount(j.cosigned), policy->witnesses);
}
