/* signing_policy.c - one table of keys drives the file's parser, the canonical
 * form in both directions and the writer. */
#include "trust/signing_policy.h"

#include <stddef.h>
#include <stdio.h>

#define TAG "quorate/signing-policy/v1"
/* A policy says minisign for both of its signatures. */
#define ALL_PAYLOADS (((1u << QR_PAYLOADS) - 1) & ~(1u << QR_MINISIGN_GLOBAL))
#define MAX_ROLE 32u
#define MAX_SESSION_S 604800u
#define MAX_AGE_S 604800u

enum type { NAME, NUMBER, REQUESTER, PAYLOADS, CLASSES, YES_NO };

struct key {
    const char *name;
    enum type type;
    size_t at; /* in struct signing_policy */
    uint32_t min, max;
};

#define AT(field) offsetof(struct signing_policy, field)
static const struct key keys[] = {
    {"classes", CLASSES, AT(classes), 0, 0},
    {"development", YES_NO, AT(development), 0, 0},
    {"distinct_nodes", YES_NO, AT(distinct_nodes), 0, 0},
    {"engineers", NUMBER, AT(engineers), 0, MAX_ROLE},
    {"max_approval_age_s", NUMBER, AT(max_approval_age_s), 1, MAX_AGE_S},
    {"max_checkpoint_age_s", NUMBER, AT(max_checkpoint_age_s), 1, MAX_AGE_S},
    {"max_session_s", NUMBER, AT(max_session_s), 60, MAX_SESSION_S},
    {"name", NAME, AT(name), 0, 0},
    {"payloads", PAYLOADS, AT(payloads), 0, 0},
    {"requester", REQUESTER, AT(requester_may_approve), 0, 0},
    {"stewards", NUMBER, AT(stewards), 0, MAX_ROLE},
    {"witnesses", NUMBER, AT(witnesses), 0, 16},
};
#define KEYS (sizeof keys / sizeof keys[0])

static uint32_t *number_at(struct signing_policy *p, size_t at)
{
    return (uint32_t *)(void *)((char *)p + at);
}

static bool *bool_at(struct signing_policy *p, size_t at)
{
    return (bool *)(void *)((char *)p + at);
}

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }

static struct qr_bytes trim(struct qr_bytes s)
{
    while (s.n > 0 && is_blank(s.p[0])) s = QR_BYTES(s.p + 1, s.n - 1);
    while (s.n > 0 && is_blank(s.p[s.n - 1])) s.n--;
    return s;
}

/* Everything before the next c; rest loses it. */
static struct qr_bytes cut(struct qr_bytes *rest, uint8_t c)
{
    size_t i = 0;
    while (i < rest->n && rest->p[i] != c) i++;
    struct qr_bytes head = QR_BYTES(rest->p, i);
    *rest = i < rest->n ? QR_BYTES(rest->p + i + 1, rest->n - i - 1) : QR_BYTES(rest->p + i, 0);
    return head;
}

static enum qr_rc read_name(struct qr_bytes v, char *out)
{
    if (v.n < 1 || v.n > SIGNING_POLICY_NAME_MAX) return QR_MALFORMED;
    for (size_t i = 0; i < v.n; i++) {
        uint8_t c = v.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
        if (!ok) return QR_MALFORMED;
    }
    qr_copy(out, v.p, v.n);
    out[v.n] = 0;
    return QR_OK;
}

static enum qr_rc read_bit(enum type type, struct qr_bytes word, uint32_t *bit)
{
    if (type == CLASSES) return qr_class_parse(word, bit);
    enum qr_payload p;
    QR_TRY(qr_payload_parse(word, &p));
    if (p == QR_MINISIGN_GLOBAL) return QR_MALFORMED;
    *bit = 1u << p;
    return QR_OK;
}

/* "a, b": each word once; "none" is the empty set of classes. */
static enum qr_rc read_list(enum type type, struct qr_bytes v, uint32_t *out)
{
    *out = 0;
    if (type == CLASSES && qr_bytes_is(v, "none")) return QR_OK;
    bool more = true;
    while (more) {
        size_t before = v.n;
        struct qr_bytes part = cut(&v, ',');
        uint32_t bit = 0;
        more = part.n < before;
        if (read_bit(type, trim(part), &bit) != QR_OK || (*out & bit)) return QR_MALFORMED;
        *out |= bit;
    }
    return QR_OK;
}

static enum qr_rc read_two(struct qr_bytes v, const char *yes, const char *no, bool *out)
{
    *out = qr_bytes_is(v, yes);
    return *out || qr_bytes_is(v, no) ? QR_OK : QR_MALFORMED;
}

static enum qr_rc read_value(const struct key *k, struct qr_bytes v, struct signing_policy *p)
{
    uint64_t n = 0;
    switch (k->type) {
    case NAME: return read_name(v, p->name);
    case NUMBER:
        if (qr_parse_u64(v, k->max, &n) != QR_OK || n < k->min) return QR_MALFORMED;
        *number_at(p, k->at) = (uint32_t)n;
        return QR_OK;
    case REQUESTER:
        return read_two(v, "may-approve", "must-not-approve", &p->requester_may_approve);
    case PAYLOADS:
    case CLASSES: return read_list(k->type, v, number_at(p, k->at));
    case YES_NO: return read_two(v, "yes", "no", bool_at(p, k->at));
    }
    return QR_BUG;
}

static const char *expected(enum type t)
{
    static const char *const texts[] = {
        [NAME] = "a word of letters, digits, '-', '_', '.'",
        [NUMBER] = "a number",
        [REQUESTER] = "may-approve or must-not-approve",
        [PAYLOADS] = "a list of dsse, raw, sshsig",
        [CLASSES] = "none or a list of demo, simulated, softseal, unattended",
        [YES_NO] = "yes or no"};
    return texts[t];
}

static enum qr_rc read_line(struct qr_bytes line, uint32_t *seen, struct signing_policy *p,
                            struct qr_err *err)
{
    struct qr_bytes rest = line;
    struct qr_bytes name = trim(cut(&rest, '='));
    if (name.n == line.n) return qr_fail(err, QR_MALFORMED, "not of the form key = value");
    for (size_t i = 0; i < KEYS; i++) {
        const struct key *k = &keys[i];
        if (!qr_bytes_is(name, k->name)) continue;
        if (*seen & (1u << i))
            return qr_fail(err, QR_MALFORMED, "%s stands here a second time", k->name);
        *seen |= 1u << i;
        if (read_value(k, trim(rest), p) == QR_OK) return QR_OK;
        if (k->type == NUMBER)
            return qr_fail(err, QR_MALFORMED, "%s: expected a number from %u to %u", k->name,
                           k->min, k->max);
        return qr_fail(err, QR_MALFORMED, "%s: expected %s", k->name, expected(k->type));
    }
    int shown = name.n < 40 ? (int)name.n : 40;
    return qr_fail(err, QR_MALFORMED, "unknown key \"%.*s\"", shown, (const char *)name.p);
}

/* What must hold whatever the form it came in. */
static enum qr_rc whole(const struct signing_policy *p, struct qr_err *err)
{
    uint32_t quorum = signing_policy_quorum(p);
    if (quorum < (p->development ? 1u : 2u))
        return qr_fail(err, QR_MALFORMED,
                       "engineers + stewards must be at least 2 (1 with development = yes)");
    if (p->payloads == 0) return qr_fail(err, QR_MALFORMED, "payloads: nothing may be signed");
    return QR_OK;
}

enum qr_rc signing_policy_parse(struct qr_bytes text, const char *path, struct signing_policy *out,
                                struct qr_err *err)
{
    struct signing_policy p = {0};
    struct qr_err why = {{0}};
    uint32_t seen = 0;
    if (!qr_utf8_ok(text)) return qr_fail(err, QR_MALFORMED, "%s: not UTF-8 text", path);
    for (unsigned line = 1; text.n > 0; line++) {
        struct qr_bytes rest = cut(&text, '\n');
        struct qr_bytes content = trim(cut(&rest, '#'));
        if (content.n > 0 && read_line(content, &seen, &p, &why) != QR_OK)
            return qr_fail(err, QR_MALFORMED, "%s:%u: %s", path, line, why.text);
    }
    for (size_t i = 0; i < KEYS; i++)
        if (!(seen & (1u << i)))
            return qr_fail(err, QR_MALFORMED, "%s: %s is missing", path, keys[i].name);
    if (whole(&p, &why) != QR_OK) return qr_fail(err, QR_MALFORMED, "%s: %s", path, why.text);
    *out = p;
    return QR_OK;
}

static const char *bit_name(enum type type, unsigned bit)
{
    return type == CLASSES ? qr_class_name(bit) : qr_payload_name((enum qr_payload)bit);
}

static unsigned bits_of(enum type type) { return type == CLASSES ? 4 : QR_PAYLOADS; }

static json_t *list_json(enum type type, uint32_t set)
{
    json_t *a = qr_json_array();
    for (unsigned i = 0; i < bits_of(type); i++)
        if (set & (1u << i)) qr_json_add(a, qr_json_text(qr_str(bit_name(type, i))));
    return a;
}

static uint32_t list_read(struct qr_obj *o, const char *name, enum type type)
{
    const json_t *a = qr_obj_array(o, name, bits_of(type));
    uint32_t all = 0;
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *v = json_array_get(a, i);
        uint32_t bit = 0;
        /* Sorted, each once: every bit is above all before it. */
        if (!json_is_string(v) ||
            read_bit(type, QR_BYTES(json_string_value(v), json_string_length(v)), &bit) != QR_OK ||
            bit <= all)
            qr_obj_bad(o, name);
        all |= bit;
    }
    return all;
}

enum qr_rc signing_policy_write(const struct signing_policy *p, struct qr_buf *out)
{
    struct signing_policy copy = *p;
    json_t *o = qr_json_object();
    for (size_t i = 0; i < KEYS; i++) {
        const struct key *k = &keys[i];
        switch (k->type) {
        case NAME: qr_json_set_str(o, k->name, p->name); break;
        case NUMBER: qr_json_set_int(o, k->name, *number_at(&copy, k->at)); break;
        case REQUESTER:
            qr_json_set_str(o, k->name,
                            p->requester_may_approve ? "may-approve" : "must-not-approve");
            break;
        case PAYLOADS:
        case CLASSES: qr_json_set(o, k->name, list_json(k->type, *number_at(&copy, k->at))); break;
        case YES_NO: qr_json_set(o, k->name, json_boolean(*bool_at(&copy, k->at))); break;
        }
    }
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}

enum qr_rc signing_policy_parse_canonical(struct qr_bytes json, struct signing_policy *out,
                                          struct qr_err *err)
{
    json_t *v = NULL;
    QR_TRY(qr_json_parse(json, &v, err));
    struct qr_obj o = qr_obj_of(v, "signing policy");
    struct signing_policy p = {0};
    for (size_t i = 0; i < KEYS; i++) {
        const struct key *k = &keys[i];
        switch (k->type) {
        case NAME:
        case REQUESTER:
            if (read_value(k, qr_obj_str(&o, k->name, SIGNING_POLICY_NAME_MAX), &p) != QR_OK)
                qr_obj_bad(&o, k->name);
            break;
        case NUMBER:
            *number_at(&p, k->at) = (uint32_t)qr_obj_int(&o, k->name, k->min, k->max);
            break;
        case PAYLOADS:
        case CLASSES: *number_at(&p, k->at) = list_read(&o, k->name, k->type); break;
        case YES_NO: *bool_at(&p, k->at) = qr_obj_bool(&o, k->name); break;
        }
    }
    enum qr_rc rc = qr_obj_done(&o, err);
    if (rc == QR_OK) rc = whole(&p, err);
    if (rc == QR_OK) *out = p;
    json_decref(v);
    return rc;
}

struct qr_hash signing_policy_hash(const struct signing_policy *p)
{
    struct qr_buf b;
    qr_buf_init(&b, 4096);
    if (signing_policy_write(p, &b) != QR_OK) qr_fatal("signing policy cannot be written");
    struct qr_hash h = qr_sha256_tagged(TAG, qr_buf_bytes(&b));
    qr_buf_fini(&b);
    return h;
}

static void list_text(enum type type, uint32_t set, struct qr_buf *out)
{
    const char *sep = "";
    for (unsigned i = 0; i < bits_of(type); i++) {
        if (!(set & (1u << i))) continue;
        qr_buf_printf(out, "%s%s", sep, bit_name(type, i));
        sep = ", ";
    }
    if (set == 0) qr_buf_put_str(out, "none");
}

void signing_policy_text(const struct signing_policy *p, struct qr_buf *out)
{
    /* In the order in which people think of them, not the sorted one. */
    static const uint8_t order[KEYS] = {7, 3, 10, 9, 8, 0, 2, 11, 6, 5, 4, 1};
    struct signing_policy copy = *p;
    qr_buf_put_str(out, "# Who must approve before anything is signed.\n");
    for (size_t i = 0; i < KEYS; i++) {
        const struct key *k = &keys[order[i]];
        qr_buf_printf(out, "%s = ", k->name);
        switch (k->type) {
        case NAME: qr_buf_put_str(out, p->name); break;
        case NUMBER: qr_buf_printf(out, "%u", *number_at(&copy, k->at)); break;
        case REQUESTER:
            qr_buf_put_str(out, p->requester_may_approve ? "may-approve" : "must-not-approve");
            break;
        case PAYLOADS:
        case CLASSES: list_text(k->type, *number_at(&copy, k->at), out); break;
        case YES_NO: qr_buf_put_str(out, *bool_at(&copy, k->at) ? "yes" : "no"); break;
        }
        qr_buf_put_u8(out, '\n');
    }
}

void signing_policy_development(uint32_t engineers, uint32_t stewards, struct signing_policy *out)
{
    *out = (struct signing_policy){.name = "development",
                                   .engineers = engineers,
                                   .stewards = stewards,
                                   .requester_may_approve = true,
                                   .payloads = ALL_PAYLOADS,
                                   .classes = QR_CLASS_ALL,
                                   .max_session_s = 86400,
                                   .max_checkpoint_age_s = 3600,
                                   .max_approval_age_s = 86400,
                                   .development = true};
}

uint32_t signing_policy_quorum(const struct signing_policy *p)
{
    return p->engineers + p->stewards;
}

uint32_t signing_policy_admins(const struct signing_policy *p) { return p->development ? 1 : 2; }

enum qr_rc signing_policy_at_least(const struct signing_policy *p,
                                   const struct signing_policy *floor, struct qr_err *err)
{
    /* The classes come last: what is refused for them alone ends differently. */
    const struct {
        const char *name;
        bool ok;
    } rules[] = {
        {"engineers", p->engineers >= floor->engineers},
        {"stewards", p->stewards >= floor->stewards},
        {"requester", floor->requester_may_approve || !p->requester_may_approve},
        {"payloads", (p->payloads & ~floor->payloads) == 0},
        {"distinct_nodes", p->distinct_nodes || !floor->distinct_nodes},
        {"witnesses", p->witnesses >= floor->witnesses},
        {"max_session_s", p->max_session_s <= floor->max_session_s},
        {"max_checkpoint_age_s", p->max_checkpoint_age_s <= floor->max_checkpoint_age_s},
        {"max_approval_age_s", p->max_approval_age_s <= floor->max_approval_age_s},
        {"development", floor->development || !p->development},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (!rules[i].ok)
            return qr_fail(err, QR_POLICY, "%s is looser than in the trust directory",
                           rules[i].name);
    unsigned more = p->classes & ~floor->classes;
    if (more == 0) return QR_OK;
    char lesser[64];
    qr_classes_text(more, lesser);
    return qr_fail(err, QR_ATTESTATION,
                   "classes is looser than in the trust directory: class %s is not accepted",
                   lesser);
}
