/* issue.c - what both kinds of certificate have in common: stored with the
 * entry that logs them, handed out only when that entry is durable. */
#include "cad/state.h"

#include "base/file.h"
#include "base/limits.h"
#include "pki/transport.h"
#include "service/receipt.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FLUSH_US (30 * 1000000LL)

enum qr_rc issue_record(struct cad *d, struct issued *c, const struct leaf_certificate *entry,
                        struct qr_err *err)
{
    json_t *body = leaf_certificate_write(entry);
    enum qr_rc rc = outbox_put(d->s->outbox, LEAF_CERTIFICATE_ISSUED, body, NULL, &c->outbox, err);
    json_decref(body);
    return rc == QR_OK ? store_certificate_add(d->s->db, c, err) : rc;
}

void issue_answer(struct cad *d, struct rpc_call *call, const struct issued *c)
{
    struct log_answer a;
    struct receipt receipt;
    struct qr_err err = {{0}};
    Quorate__V1__IssueReply out = QUORATE__V1__ISSUE_REPLY__INIT;
    enum qr_rc rc = service_receipt(d->s, call, c->outbox, &a, &err);
    if (rc == QR_OK) {
        receipt_fill(&receipt, &a, 0);
        out.certificate = receipt_bytes(qr_buf_bytes(&c->der));
        out.issued = &receipt.msg;
        out.ssh_certificate = receipt_bytes(qr_buf_bytes(&c->ssh));
        rc = rpc_send(call, &out.base);
    }
    if (rc != QR_OK) rpc_fail(call, rc, err.text);
    log_answer_fini(&a);
}

struct pki_issuance issue_terms(const struct cad *d, const struct pki_ca *ca)
{
    int64_t now = qr_now_us(&d->s->clock);
    return (struct pki_issuance){.ca = ca, .validity = {now, now + d->ttl_us}, .rand = &d->s->rand};
}

void issue_describe(const struct pki_cert *cert, struct leaf_certificate *out)
{
    out->sha256 = cert->sha256;
    out->spki = pki_spki_sha256(&cert->key);
    qr_copy(out->serial, cert->serial, sizeof out->serial);
    out->not_before_us = cert->not_before_us;
    out->not_after_us = cert->not_after_us;
}

/* ---- node certificates ---- */

static enum qr_rc read_node(const char *path, struct pki_node_info *info, struct issued *c,
                            struct qr_err *err)
{
    struct qr_buf pem;
    struct qr_err why = {{0}};
    qr_buf_init(&pem, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = qr_file_read(path, &pem, err);
    if (rc == QR_OK) {
        rc = pki_node_read(qr_buf_bytes(&pem), info, &why);
        if (rc != QR_OK) rc = qr_fail(err, rc, "%s: %s", path, why.text);
    }
    if (rc == QR_OK) {
        c->sha256 = info->sha256;
        qr_buf_put_bytes(&c->der, qr_buf_bytes(&pem));
        rc = qr_buf_ok(&c->der);
    }
    qr_buf_fini(&pem);
    return rc;
}

/* A database made anew must not log what is logged. */
static enum qr_rc is_logged(struct cad *d, const struct qr_hash *sha256, bool *yes,
                            struct qr_err *err)
{
    struct log_answer found;
    struct log_query q = {.by = LOG_FIND_CERTIFICATE, .hash = sha256};
    QR_TRY(log_client_find(d->s->log_client, &q, &found, err));
    *yes = found.n > 0;
    log_answer_fini(&found);
    return QR_OK;
}

static enum qr_rc record_node(struct cad *d, struct issued *c, const struct pki_node_info *info,
                              struct qr_err *err)
{
    struct leaf_certificate entry = {.purpose = LEAF_PURPOSE_TRANSPORT,
                                     .sha256 = info->sha256,
                                     .spki = info->spki,
                                     .not_before_us = info->not_before_us,
                                     .not_after_us = info->not_after_us};
    struct issued known = *c;
    qr_copy(entry.serial, info->serial, sizeof entry.serial);
    (void)snprintf(entry.node, sizeof entry.node, "%s", info->node);
    qr_buf_init(&known.der, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = store_certificate(d->s->db, &c->sha256, &known, err);
    qr_buf_fini(&known.der);
    return rc == QR_NOTFOUND ? issue_record(d, c, &entry, err) : rc;
}

static enum qr_rc log_node(struct cad *d, const char *path, struct qr_err *err)
{
    struct issued c = {.purpose = LEAF_PURPOSE_TRANSPORT};
    struct pki_node_info info;
    bool logged = false;
    qr_buf_init(&c.der, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = read_node(path, &info, &c, err);
    if (rc == QR_OK) rc = is_logged(d, &c.sha256, &logged, err);
    if (rc == QR_OK && !logged) {
        rc = qr_db_begin(d->s->db, err);
        if (rc == QR_OK) rc = qr_db_end(d->s->db, record_node(d, &c, &info, err), err);
    }
    qr_buf_fini(&c.der);
    return rc;
}

enum qr_rc issue_nodes(struct cad *d, struct qr_err *err)
{
    struct service_path dir = path_in2(d->s->state, LAYOUT_CAD, LAYOUT_NODES);
    DIR *h = opendir(dir.s);
    if (!h && errno == ENOENT) return QR_OK;
    if (!h) return qr_fail(err, QR_IO, "%s: %s", dir.s, strerror(errno));
    enum qr_rc rc = QR_OK;
    for (struct dirent *e; rc == QR_OK && (e = readdir(h));) {
        size_t n = strlen(e->d_name);
        if (n < 5 || strcmp(e->d_name + n - 4, ".crt") != 0) continue;
        struct service_path path = path_in(dir.s, e->d_name);
        rc = log_node(d, path.s, err);
    }
    (void)closedir(h);
    if (rc != QR_OK) return rc;
    return outbox_flush(d->s->outbox, qr_mono_us(&d->s->clock) + FLUSH_US, err);
}
