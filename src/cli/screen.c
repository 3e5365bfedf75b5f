/* screen.c - one fact a line. */
#include "cli/screen.h"

#include "cli/cli.h"
#include "leaf/message.h"
#include "pki/x509.h"

static void standing(const struct bundle_facts *f, uint32_t have[2])
{
    have[0] = have[1] = 0;
    for (size_t i = 0; i < f->approval_count; i++)
        if (f->approvals[i].is.role <= QR_STEWARD) have[f->approvals[i].is.role]++;
}

static void write_artifact(const struct leaf_artifact *a, bool checked, struct qr_buf *out)
{
    char hex[2 * QR_SHA256_SIZE + 1], name[QR_MAX_NAME + 1];
    qr_hex(a->sha256.b, QR_SHA256_SIZE, hex);
    cli_clean(qr_str(a->name), name, sizeof name);
    const char *claimed = checked ? "" : " (claimed)";
    qr_buf_printf(out, "SHA-256:    %s%s\n", hex, checked ? " (your file)" : "");
    if (name[0]) qr_buf_printf(out, "Name:       %s%s\n", name, claimed);
    if (a->has_size)
        qr_buf_printf(out, "Size:       %llu bytes%s\n", (unsigned long long)a->size, claimed);
}

static void write_payloads(const struct leaf_payloads *p, struct qr_buf *out)
{
    qr_buf_put_str(out, "Signs as:  ");
    for (size_t i = 0; i < p->n; i++) {
        if (p->p[i].type == QR_MINISIGN_GLOBAL) continue; /* of minisign, see below */
        qr_buf_printf(out, " %s", qr_payload_name(p->p[i].type));
        if (p->p[i].ns[0]) qr_buf_printf(out, "(%s)", p->p[i].ns);
    }
    qr_buf_put_u8(out, '\n');
}

static void write_key(const struct leaf_x509 *x, struct qr_buf *out)
{
    const char *name;
    char hex[2 * QR_SHA256_SIZE + 1];
    struct qr_bytes key = QR_BYTES(x->key, x->key_n);
    struct qr_hash h = qr_sha256_one(key);
    qr_hex(h.b, sizeof h.b, hex);
    bool known = pki_x509_key_name(key, &name) == QR_OK;
    qr_buf_printf(out, "            its key: %s, SHA-256 %s\n",
                  known ? name : "of no kind that is signed", hex);
}

/* What the certificates and requests will say, all of it. */
static void write_x509(const struct leaf_request *r, struct qr_buf *out)
{
    static const char *const usages[QR_USAGES] = {"a TLS server of this name", "a TLS client",
                                                  "code signing"};
    const char *ca = "";
    for (size_t i = 0; i < r->payloads.n; i++) {
        const struct leaf_payload *p = &r->payloads.p[i];
        const struct leaf_x509 *x = &p->x509;
        if (p->type == QR_X509_CSR)
            qr_buf_printf(out, "Request:    for a certificate of the new key as \"%s\"\n",
                          x->subject);
        if (p->type == QR_X509_CA) {
            ca = x->subject;
            qr_buf_printf(out, "CA:         the new key as \"%s\" for %u days; no CA below it\n",
                          ca, x->days);
        }
        if (p->type != QR_X509_CERT) continue;
        qr_buf_printf(out, "Certifies:  \"%s\" for %u days as %s, by \"%s\"\n", x->subject, x->days,
                      usages[x->usage], ca);
        write_key(x, out);
    }
}

/* What minisign's second signature vouches for. */
static void write_comment(const struct leaf_request *r, struct qr_buf *out)
{
    struct qr_buf comment;
    char clean[QR_MAX_NAME + 128];
    if (leaf_payloads_shares(&r->payloads, LEAF_ROUND_CHAIN) == 0) return;
    qr_buf_init(&comment, sizeof clean);
    if (leaf_trusted_comment(r, &comment) != QR_OK) qr_fatal("a comment longer than its parts");
    for (size_t i = 0; i < comment.n; i++)
        if (comment.p[i] == '\t') comment.p[i] = ' ';
    cli_clean(qr_buf_bytes(&comment), clean, sizeof clean);
    qr_buf_printf(out, "Comment:    %s\n", clean);
    qr_buf_fini(&comment);
}

void screen_write(const struct bundle_facts *f, enum qr_role role, bool checked_file,
                  struct qr_buf *out)
{
    const struct leaf_request *r = &f->request.is;
    const struct signing_policy *p = &f->context.signing;
    char requester[17], until[QR_TIME_LEN + 1], classes[64];
    uint32_t have[2];
    standing(f, have);
    qr_hex(r->requester.b, 8, requester);
    qr_time_format(r->expires_us, until);
    qr_classes_text(f->classes, classes);
    qr_buf_printf(out, "Session:    %s\n", r->session);
    write_artifact(&r->artifact, checked_file, out);
    write_payloads(&r->payloads, out);
    write_comment(r, out);
    write_x509(r, out);
    qr_buf_printf(out, "Asked by:   person %s (%s)\n", requester,
                  qr_role_name(f->requester.is.role));
    qr_buf_printf(out, "Open until: %s\n", until);
    qr_buf_printf(out, "Policy:     %s, class %s\n", p->name, classes);
    qr_buf_printf(out, "Approvals:  %u of %u engineers, %u of %u stewards\n", have[QR_ENGINEER],
                  p->engineers, have[QR_STEWARD], p->stewards);
    qr_buf_printf(out, "You:        approve as %s\n", qr_role_name(role));
}
