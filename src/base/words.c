/* words.c - tables of names, read in both directions. */
#include "base/words.h"

#include <assert.h>
#include <stdio.h>

static const char *const class_names[] = {"demo", "simulated", "softseal", "unattended"};
static const char *const role_names[] = {"engineer", "steward", "auditor", "admin"};
static const char *const payload_names[] = {
    "dsse", "raw", "sshsig", "minisign", "minisign-global", "x509-csr", "x509-ca", "x509-cert"};
static const char *const usage_names[] = {"server", "client", "code"};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
_Static_assert(COUNT(class_names) == 4 && QR_CLASS_ALL == 15u, "a name for each class");
_Static_assert(COUNT(role_names) == QR_ROLES, "a name for each role");
_Static_assert(COUNT(payload_names) == QR_PAYLOADS, "a name for each payload type");
_Static_assert(COUNT(usage_names) == QR_USAGES, "a name for each usage");

const char *qr_class_name(unsigned bit)
{
    return bit < COUNT(class_names) ? class_names[bit] : "?";
}

const char *qr_role_name(enum qr_role role)
{
    return (unsigned)role < QR_ROLES ? role_names[role] : "?";
}

const char *qr_payload_name(enum qr_payload type)
{
    return (unsigned)type < QR_PAYLOADS ? payload_names[type] : "?";
}

const char *qr_usage_name(enum qr_usage usage)
{
    return (unsigned)usage < QR_USAGES ? usage_names[usage] : "?";
}

bool qr_payload_needs_file(enum qr_payload type)
{
    return type == QR_RAW || type == QR_MINISIGN || type == QR_X509_CERT;
}

bool qr_payload_is_x509(enum qr_payload type)
{
    return type == QR_X509_CSR || type == QR_X509_CA || type == QR_X509_CERT;
}

static size_t find(const char *const *names, size_t count, struct qr_bytes s)
{
    for (size_t i = 0; i < count; i++)
        if (qr_bytes_is(s, names[i])) return i;
    return count;
}

enum qr_rc qr_class_parse(struct qr_bytes s, uint32_t *mask)
{
    size_t i = find(class_names, COUNT(class_names), s);
    *mask = i < COUNT(class_names) ? 1u << i : 0;
    return *mask ? QR_OK : QR_MALFORMED;
}

enum qr_rc qr_role_parse(struct qr_bytes s, enum qr_role *out)
{
    size_t i = find(role_names, QR_ROLES, s);
    *out = i < QR_ROLES ? (enum qr_role)i : QR_ENGINEER;
    return i < QR_ROLES ? QR_OK : QR_MALFORMED;
}

enum qr_rc qr_payload_parse(struct qr_bytes s, enum qr_payload *out)
{
    size_t i = find(payload_names, QR_PAYLOADS, s);
    *out = i < QR_PAYLOADS ? (enum qr_payload)i : QR_DSSE;
    return i < QR_PAYLOADS ? QR_OK : QR_MALFORMED;
}

enum qr_rc qr_usage_parse(struct qr_bytes s, enum qr_usage *out)
{
    size_t i = find(usage_names, QR_USAGES, s);
    *out = i < QR_USAGES ? (enum qr_usage)i : QR_SERVER;
    return i < QR_USAGES ? QR_OK : QR_MALFORMED;
}

json_t *qr_classes_json(uint32_t classes)
{
    assert((classes & ~QR_CLASS_ALL) == 0);
    json_t *a = qr_json_array();
    for (unsigned i = 0; i < COUNT(class_names); i++)
        if (classes & (1u << i)) qr_json_add(a, qr_json_text(qr_str(class_names[i])));
    return a;
}

uint32_t qr_obj_classes(struct qr_obj *o, const char *key)
{
    const json_t *a = qr_obj_array(o, key, COUNT(class_names));
    uint32_t all = 0;
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *v = json_array_get(a, i);
        uint32_t bit = 0;
        struct qr_bytes s = json_is_string(v)
                                ? QR_BYTES(json_string_value(v), json_string_length(v))
                                : QR_BYTES_NONE;
        /* Sorted and each once: every bit is above all before it. */
        if (qr_class_parse(s, &bit) != QR_OK || bit <= all) {
            qr_obj_bad(o, key);
            return 0;
        }
        all |= bit;
    }
    return all;
}

enum qr_role qr_obj_role(struct qr_obj *o, const char *key)
{
    enum qr_role role;
    if (qr_role_parse(qr_obj_str(o, key, 16), &role) != QR_OK) qr_obj_bad(o, key);
    return role;
}

enum qr_payload qr_obj_payload(struct qr_obj *o, const char *key)
{
    enum qr_payload type;
    if (qr_payload_parse(qr_obj_str(o, key, 16), &type) != QR_OK) qr_obj_bad(o, key);
    return type;
}

enum qr_usage qr_obj_usage(struct qr_obj *o, const char *key)
{
    enum qr_usage usage;
    if (qr_usage_parse(qr_obj_str(o, key, 16), &usage) != QR_OK) qr_obj_bad(o, key);
    return usage;
}

void qr_classes_text(uint32_t classes, char out[64])
{
    int n = 0;
    for (unsigned i = 0; i < COUNT(class_names); i++)
        if (classes & (1u << i))
            n += snprintf(out + n, 64 - (size_t)n, "%s%s", n ? ", " : "", class_names[i]);
    if (n == 0) (void)snprintf(out, 64, "production");
}
