/* cmd_request.c - `quorate request`: hash, sign, have it recorded. */
#include <config.h>

#include "base/file.h"
#include "base/limits.h"
#include "bundle/verify_cmd.h"
#include "cli/open.h"
#include "frost/payload.h"
#include "leaf/group.h"
#include "participant/pb.h"
#include "pki/x509.h"

#include "quorate/v1/coordinator.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct qr_setting own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    OPEN_PERSON_SETTINGS,
    {"DIGEST", "artifact-digest", QR_SET_HASH, NULL, 0, 0, "SHA-256 of the file, instead of FILE"},
    {"PAYLOADS", "payload", QR_SET_TEXT, "dsse,sshsig", 0, 0,
     "what to sign: dsse, sshsig, raw, minisign, x509-csr, x509-ca, x509-cert, by commas"},
    {"NAMESPACE", "namespace", QR_SET_TEXT, "file", 0, 0, "SSHSIG namespace"},
    {"SUBJECT", "subject", QR_SET_TEXT, NULL, 0, 0, "common name of x509-csr and x509-ca"},
    {"USAGE", "usage", QR_SET_TEXT, "server", 0, 0, "x509-cert: server, client or code"},
    {"DAYS", "days", QR_SET_INT, "90", 1, LEAF_MAX_DAYS, "validity of x509-ca and x509-cert"},
    {"EXPIRES", "expires-in", QR_SET_INT, "86400", 10, 604800, "seconds that people have to join"},
};
static const struct qr_config_spec spec = {
    .program = "quorate request",
    .summary = "asks for a signature on a file; prints the session's id",
    .examples = "  quorate request release.tar.gz\n"
                "  quorate request --artifact-digest $(sha256sum < f | cut -d' ' -f1)\n"
                "  quorate request --payload dsse,sshsig,raw --expires-in 3600 release.tar.gz\n"
                "  quorate request --payload x509-ca,x509-cert --subject 'Ex CA' host.csr\n",
    .names = open_names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .operands = "[FILE]",
};

#define CALL_MS 30000
/* The file of a raw request travels in one message. */
#define RAW_MAX (QR_MAX_MESSAGE_DKG - 65536)

/* A plan for a standing group counts only where it was called so. */
static void name_plan(const char *path, struct leaf_artifact *out)
{
    struct leaf_group_plan *p = malloc(sizeof *p);
    struct qr_buf text;
    if (!p) qr_fatal("out of memory");
    qr_buf_init(&text, QR_MAX_ENTRY);
    if (qr_file_read(path, &text, NULL) == QR_OK &&
        leaf_group_plan_read(qr_buf_bytes(&text), p, NULL) == QR_OK)
        leaf_group_plan_title(p, out->name);
    qr_buf_fini(&text);
    free(p);
}

/* The name, size and SHA-256 of FILE, or the digest alone. */
static enum qr_rc read_artifact(struct cli *c, struct leaf_artifact *out, struct qr_err *err)
{
    char **operands;
    int n = qr_config_operands(c->config, &operands);
    const char *digest = qr_config_str(c->config, "DIGEST");
    if (n > 1 || (n == 1) == (digest != NULL))
        return qr_fail(err, QR_USAGE, "give one FILE or --artifact-digest");
    if (digest) return qr_unhex(qr_str(digest), out->sha256.b, sizeof out->sha256.b);
    const char *slash = strrchr(operands[0], '/');
    const char *base = slash ? slash + 1 : operands[0];
    if (strcmp(base, "-") == 0) base = "stdin";
    if (strlen(base) > QR_MAX_NAME || !qr_utf8_ok(qr_str(base)))
        return qr_fail(err, QR_USAGE, "the file's name is too long or not UTF-8");
    (void)snprintf(out->name, sizeof out->name, "%s", base);
    out->has_size = true;
    QR_TRY(verify_hash_file(operands[0], &out->sha256, &out->size, err));
    if (strcmp(operands[0], "-") != 0 && out->size <= QR_MAX_ENTRY) name_plan(operands[0], out);
    return QR_OK;
}

/* Types of the list, in the order of enum qr_payload. */
static enum qr_rc read_payloads(struct cli *c, struct leaf_payloads *out, struct qr_err *err)
{
    unsigned set = 0;
    const char *p = qr_config_str(c->config, "PAYLOADS");
    const char *ns = qr_config_str(c->config, "NAMESPACE");
    if (!leaf_namespace_ok(qr_str(ns)))
        return qr_fail(err, QR_USAGE, "--namespace takes 1 to 64 of a-z, 0-9, '.', '@' and '-'");
    while (*p) {
        size_t n = strcspn(p, ",");
        enum qr_payload type;
        if (qr_payload_parse(QR_BYTES(p, n), &type) != QR_OK || type == QR_MINISIGN_GLOBAL ||
            (set & (1u << type)))
            return qr_fail(err, QR_USAGE,
                           "--payload takes dsse, sshsig, raw, minisign, x509-csr, x509-ca and "
                           "x509-cert, each once");
        set |= 1u << type;
        if (type == QR_MINISIGN) set |= 1u << QR_MINISIGN_GLOBAL;
        p += n + (p[n] == ',');
    }
    for (unsigned t = 0; t < QR_PAYLOADS; t++) {
        if (!(set & (1u << t))) continue;
        struct leaf_payload *l = &out->p[out->n++];
        l->type = (enum qr_payload)t;
        if (l->type == QR_SSHSIG) (void)snprintf(l->ns, sizeof l->ns, "%s", ns);
    }
    if ((set & (1u << QR_X509_CERT)) && !(set & (1u << QR_X509_CA)))
        return qr_fail(err, QR_USAGE, "x509-cert goes with x509-ca, which issues it");
    return out->n ? QR_OK : qr_fail(err, QR_USAGE, "--payload names nothing");
}

/* Name and key of the certificate are those of FILE, a request. */
static enum qr_rc read_csr(struct cli *c, struct leaf_x509 *x, struct qr_err *err)
{
    char **operands;
    struct pki_x509_request q;
    struct qr_buf file;
    if (qr_config_operands(c->config, &operands) != 1 || strcmp(operands[0], "-") == 0)
        return qr_fail(err, QR_USAGE, "x509-cert needs FILE, a certificate request");
    qr_buf_init(&file, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = qr_file_read(operands[0], &file, err);
    if (rc == QR_OK) rc = pki_x509_request_read(qr_buf_bytes(&file), &q, err);
    qr_buf_fini(&file);
    if (rc != QR_OK) return rc;
    (void)snprintf(x->subject, sizeof x->subject, "%s", q.subject);
    x->key_n = q.spki_n;
    qr_copy(x->key, q.spki, q.spki_n);
    if (x->usage == QR_SERVER && !leaf_host_ok(qr_str(x->subject)))
        return qr_fail(err, QR_USAGE, "the request's common name is not a host's name");
    return leaf_subject_ok(qr_str(x->subject))
               ? QR_OK
               : qr_fail(err, QR_USAGE, "the request names no subject");
}

static enum qr_rc read_x509(struct cli *c, struct leaf_payload *p, struct qr_err *err)
{
    struct leaf_x509 *x = &p->x509;
    const char *subject = qr_config_str(c->config, "SUBJECT");
    if (!qr_payload_is_x509(p->type)) return QR_OK;
    if (p->type != QR_X509_CSR) x->days = (uint32_t)qr_config_int(c->config, "DAYS", 90);
    if (p->type == QR_X509_CERT) {
        if (qr_usage_parse(qr_str(qr_config_str(c->config, "USAGE")), &x->usage) != QR_OK)
            return qr_fail(err, QR_USAGE, "--usage takes server, client or code");
        return read_csr(c, x, err);
    }
    if (!subject || !leaf_subject_ok(qr_str(subject)))
        return qr_fail(err, QR_USAGE, "%s needs --subject, 1 to 64 printable ASCII characters",
                       qr_payload_name(p->type));
    (void)snprintf(x->subject, sizeof x->subject, "%s", subject);
    return QR_OK;
}

/* minisign signs another hash than the artifact's, of the same bytes. */
static enum qr_rc hash_for_minisign(struct cli *c, struct leaf_request *r, struct qr_err *err)
{
    char **operands;
    struct leaf_payload *p = r->payloads.p;
    size_t at = 0;
    while (at < r->payloads.n && p[at].type != QR_MINISIGN) at++;
    if (at == r->payloads.n) return QR_OK;
    if (qr_config_operands(c->config, &operands) != 1 || strcmp(operands[0], "-") == 0)
        return qr_fail(err, QR_USAGE, "minisign needs FILE, not a digest or stdin");
    struct qr_buf file, hash;
    qr_buf_init(&file, QR_MAX_RAW_FILE);
    qr_buf_init(&hash, LEAF_BLAKE2B_SIZE);
    enum qr_rc rc = qr_file_read(operands[0], &file, err);
    struct qr_hash h = qr_sha256_one(qr_buf_bytes(&file));
    if (rc == QR_OK && !qr_hash_equal(&h, &r->artifact.sha256))
        rc = qr_fail(err, QR_CONFLICT, "the file changed while it was read");
    if (rc == QR_OK) rc = payload_minisign(qr_buf_bytes(&file), &hash);
    if (rc == QR_OK) qr_copy(p[at].blake2b, hash.p, sizeof p[at].blake2b);
    qr_buf_fini(&file);
    qr_buf_fini(&hash);
    return rc;
}

static enum qr_rc build(struct cli *c, const struct open_all *o, struct leaf_request *r,
                        struct qr_err *err)
{
    const struct attest_policy *in_force;
    QR_TRY(services_policy(o->services, &in_force, err));
    *r = (struct leaf_request){
        .requester = o->person.commitment,
        .enrolment = o->person.enrolment,
        .policies = {.attestation = in_force->hash, .signing = o->trust->signing_hash}};
    QR_TRY(read_artifact(c, &r->artifact, err));
    QR_TRY(read_payloads(c, &r->payloads, err));
    QR_TRY(hash_for_minisign(c, r, err));
    for (size_t i = 0; i < r->payloads.n; i++) QR_TRY(read_x509(c, &r->payloads.p[i], err));
    r->created_us = qr_now_us(&c->clock);
    int64_t life = qr_config_int(c->config, "EXPIRES", 86400);
    if (life > (int64_t)o->trust->signing.max_session_s) life = o->trust->signing.max_session_s;
    r->expires_us = r->created_us + life * 1000000;
    qr_rand_fill(&c->rand, r->nonce, sizeof r->nonce);
    qr_ulid(&c->rand, r->created_us, r->session);
    return QR_OK;
}

/* A raw payload's signature is verified over the file itself, so the
 * coordinator gets it; read again and compared with what was hashed. */
static enum qr_rc read_raw(struct cli *c, const struct leaf_request *r, struct qr_buf *file,
                           struct qr_err *err)
{
    char **operands;
    bool raw = false;
    for (size_t i = 0; i < r->payloads.n; i++) raw = raw || r->payloads.p[i].type == QR_RAW;
    if (!raw) return QR_OK;
    if (qr_config_operands(c->config, &operands) != 1 || strcmp(operands[0], "-") == 0)
        return qr_fail(err, QR_USAGE, "a raw payload needs FILE, not a digest or stdin");
    QR_TRY(qr_file_read(operands[0], file, err));
    struct qr_hash h = qr_sha256_one(qr_buf_bytes(file));
    return qr_hash_equal(&h, &r->artifact.sha256)
               ? QR_OK
               : qr_fail(err, QR_CONFLICT, "the file changed while it was read");
}

static enum qr_rc send(struct open_all *o, struct qr_bytes body, struct qr_bytes file,
                       struct receipt_facts *where, struct qr_err *err)
{
    Quorate__V1__RequestRequest in = QUORATE__V1__REQUEST_REQUEST__INIT;
    in.body = pb_of(body);
    in.file = pb_of(file);
    struct services_ask ask = {SERVICE_COORDINATOR, "Request", &in.base, CALL_MS};
    struct rpc_answer a;
    struct qr_bytes entry;
    struct leaf_entry e;
    enum qr_rc rc = services_call(o->services, &ask, &a, err);
    if (rc == QR_OK) rc = services_receipt(o->services, a.msg, where, &entry, err);
    if (rc == QR_OK) rc = leaf_parse(entry, &e, err);
    if (rc == QR_OK) {
        struct qr_buf logged;
        qr_buf_init(&logged, QR_MAX_ENTRY);
        rc = qr_json_write(e.body, &logged);
        if (rc == QR_OK && !qr_bytes_equal(qr_buf_bytes(&logged), body))
            rc = qr_fail(err, QR_FALSE, "the coordinator recorded another request than ours");
        qr_buf_fini(&logged);
        leaf_fini(&e);
    }
    rpc_answer_fini(&a);
    return rc;
}

static enum qr_rc submit(struct cli *c, struct open_all *o, const struct leaf_request *r,
                         struct receipt_facts *where, struct qr_err *err)
{
    json_t *body = leaf_request_write(r);
    struct qr_buf b, file;
    qr_buf_init(&b, QR_MAX_ENTRY);
    qr_buf_init(&file, RAW_MAX);
    enum qr_rc rc = read_raw(c, r, &file, err);
    if (rc == QR_OK)
        rc = leaf_object_sign(body, leaf_without_request_sig, LEAF_TAG_REQUEST, &o->person.key,
                              "request_sig");
    if (rc == QR_OK) rc = qr_json_write(body, &b);
    if (rc == QR_OK) rc = send(o, qr_buf_bytes(&b), qr_buf_bytes(&file), where, err);
    qr_buf_fini(&b);
    qr_buf_fini(&file);
    json_decref(body);
    return rc;
}

static void print(struct cli *c, const struct leaf_request *r, const struct receipt_facts *where)
{
    char hex[2 * QR_SHA256_SIZE + 1], until[QR_TIME_LEN + 1];
    qr_hex(r->artifact.sha256.b, QR_SHA256_SIZE, hex);
    qr_time_format(r->expires_us, until);
    if (c->json) {
        c->result = qr_json_object();
        qr_json_set_str(c->result, "session", r->session);
        qr_json_set_str(c->result, "artifact_sha256", hex);
        qr_json_set_u64str(c->result, "log_index", where->index);
        qr_json_set_hex(c->result, "session_leaf", where->leaf.b, QR_SHA256_SIZE);
        qr_json_set_str(c->result, "expires", until);
        return;
    }
    cli_say(c, "Recorded as log entry %llu: SHA-256 %s, open until %s.",
            (unsigned long long)where->index, hex, until);
    cli_say(c, "Each participant now runs: quorate join --session %s --email ...", r->session);
    cli_out(c, "%s", r->session);
}

enum qr_rc cli_request(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    struct open_all *o = calloc(1, sizeof *o);
    if (!o) return QR_NOMEM;
    struct leaf_request r;
    struct receipt_facts where = {.index = 0};
    enum qr_rc rc = open_services(c, o, err);
    o->may_default = true;
    if (rc == QR_OK) rc = open_person(c, o, err);
    if (rc == QR_OK) rc = build(c, o, &r, err);
    if (rc == QR_OK) rc = submit(c, o, &r, &where, err);
    if (rc == QR_OK) print(c, &r, &where);
    open_close(o);
    free(o);
    return rc;
}
