/* payload.c - message builders, and the recognisers for raw.
 *
 * A recogniser may refuse too much (any file that begins with "SSHSIG") but
 * never too little: formats with a magic are known by it alone, checkpoints,
 * notes and DER by their structure. */
#include "frost/payload.h"

#include "base/removal.h"

#include <sodium.h>

bool payload_name_ok(struct qr_bytes s)
{
    if (s.n < 1 || s.n > 255) return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\') return false;
    return true;
}

enum qr_rc payload_sshsig(struct qr_bytes namespace, const uint8_t sha256[PAYLOAD_SHA256_SIZE],
                          struct qr_buf *out)
{
    if (!payload_name_ok(namespace)) return QR_RANGE;
    qr_buf_put_str(out, "SSHSIG");
    qr_buf_put_lp(out, namespace);
    qr_buf_put_lp(out, QR_BYTES_NONE); /* reserved */
    qr_buf_put_lp(out, qr_str("sha256"));
    qr_buf_put_lp(out, QR_BYTES(sha256, PAYLOAD_SHA256_SIZE));
    return qr_buf_ok(out);
}

enum qr_rc payload_dsse(struct qr_bytes type, struct qr_bytes body, struct qr_buf *out)
{
    if (!payload_name_ok(type)) return QR_RANGE;
    qr_buf_printf(out, "DSSEv1 %zu ", type.n);
    qr_buf_put_bytes(out, type);
    qr_buf_printf(out, " %zu ", body.n);
    qr_buf_put_bytes(out, body);
    return qr_buf_ok(out);
}

bool payload_is_note(struct qr_bytes file)
{
    if (file.n == 0 || file.p[file.n - 1] != '\n' || !qr_utf8_ok(file)) return false;
    for (size_t i = 0; i < file.n; i++)
        if (file.p[i] != '\n' && (file.p[i] < ' ' || file.p[i] == 0x7f)) return false;
    return true;
}

static bool begins(struct qr_bytes s, struct qr_bytes prefix)
{
    return s.n >= prefix.n && qr_bytes_equal(QR_BYTES(s.p, prefix.n), prefix);
}

/* Next line without its newline; false when there is no newline left. */
static bool next_line(struct qr_bytes *rest, struct qr_bytes *line)
{
    for (size_t i = 0; i < rest->n; i++)
        if (rest->p[i] == '\n') {
            *line = QR_BYTES(rest->p, i);
            *rest = QR_BYTES(rest->p + i + 1, rest->n - i - 1);
            return true;
        }
    return false;
}

/* C2SP tlog-checkpoint: origin, decimal size, base64 root of 32 bytes. */
static bool is_checkpoint(struct qr_bytes s)
{
    struct qr_bytes origin, size, root;
    uint64_t v;
    uint8_t hash[32];
    if (!next_line(&s, &origin) || !next_line(&s, &size) || !next_line(&s, &root)) return false;
    return origin.n > 0 && qr_parse_u64(size, UINT64_MAX, &v) == QR_OK &&
           qr_unbase64_n(root, hash, sizeof hash) == QR_OK;
}

/* C2SP signed-note: a text, an empty line (the last one), and from there on
 * only lines that begin with an em dash and a space. */
static bool is_signed_note(struct qr_bytes s)
{
    static const uint8_t dash[] = {0xe2, 0x80, 0x94, ' '};
    struct qr_bytes line, rest;
    size_t at = s.n;
    while (at >= 2 && !(s.p[at - 1] == '\n' && s.p[at - 2] == '\n')) at--;
    if (at < 2 || at == s.n) return false;
    rest = QR_BYTES(s.p + at, s.n - at);
    while (rest.n > 0)
        if (!next_line(&rest, &line) || !begins(line, QR_BYTES_OF(dash))) return false;
    return true;
}

#define DER_INTEGER 0x02
#define DER_UTC_TIME 0x17
#define DER_GENERAL_TIME 0x18
#define DER_SEQUENCE 0x30
#define DER_CONTEXT_0 0xa0

/* Reads one element with this tag; its content is borrowed.  BER lengths
 * that are not minimal are taken too: better to recognise too much. */
static bool der_take(struct qr_reader *r, uint8_t tag, struct qr_bytes *content)
{
    if (r->failed || r->rest.n < 2 || r->rest.p[0] != tag) return false;
    (void)qr_read_u8(r);
    size_t n = qr_read_u8(r);
    if (n > 0x84) return false;
    if (n >= 0x80) {
        size_t octets = n - 0x80;
        for (n = 0; octets > 0; octets--) n = n << 8 | qr_read_u8(r);
    }
    *content = qr_read_bytes(r, n);
    return !r->failed;
}

static bool der_take_time(struct qr_reader *r)
{
    struct qr_bytes c;
    return der_take(r, DER_UTC_TIME, &c) || der_take(r, DER_GENERAL_TIME, &c);
}

/* TBSCertificate: [0] version, INTEGER, algorithm, issuer, validity, ... */
static bool der_is_certificate(struct qr_reader r)
{
    struct qr_bytes c;
    (void)der_take(&r, DER_CONTEXT_0, &c);
    if (!der_take(&r, DER_INTEGER, &c) || !der_take(&r, DER_SEQUENCE, &c) ||
        !der_take(&r, DER_SEQUENCE, &c) || !der_take(&r, DER_SEQUENCE, &c))
        return false;
    struct qr_reader validity = qr_reader_of(c);
    return der_take_time(&validity) && der_take_time(&validity);
}

/* TBSCertList: INTEGER version, algorithm, issuer, thisUpdate, ... */
static bool der_is_crl(struct qr_reader r)
{
    struct qr_bytes c;
    (void)der_take(&r, DER_INTEGER, &c);
    return der_take(&r, DER_SEQUENCE, &c) && der_take(&r, DER_SEQUENCE, &c) && der_take_time(&r);
}

/* CertificationRequestInfo: INTEGER 0, subject, key, [0] attributes */
static bool der_is_request(struct qr_reader r)
{
    struct qr_bytes c;
    return der_take(&r, DER_INTEGER, &c) && der_take(&r, DER_SEQUENCE, &c) &&
           der_take(&r, DER_SEQUENCE, &c) && der_take(&r, DER_CONTEXT_0, &c) && r.rest.n == 0;
}

static bool is_der_of_pki(struct qr_bytes s)
{
    struct qr_bytes body;
    struct qr_reader outer = qr_reader_of(s);
    if (!der_take(&outer, DER_SEQUENCE, &body) || outer.rest.n > 0) return false;
    struct qr_reader r = qr_reader_of(body);
    return der_is_certificate(r) || der_is_crl(r) || der_is_request(r);
}

/* An SSH certificate begins with the string "...-cert-v01@openssh.com". */
static bool is_ssh_certificate(struct qr_bytes s)
{
    static const char tail[] = "-cert-v01@openssh.com";
    size_t tail_len = sizeof tail - 1;
    struct qr_reader r = qr_reader_of(s);
    struct qr_bytes name = qr_read_lp(&r, 255);
    return name.n >= tail_len &&
           begins(QR_BYTES(name.p + name.n - tail_len, tail_len), qr_str(tail));
}

/* RFC 8446 section 4.4.3: 64 spaces, then the context string. */
static bool is_tls_signature(struct qr_bytes s)
{
    static const char context[] = "TLS 1.3, ";
    if (s.n < 64 + sizeof context - 1) return false;
    for (size_t i = 0; i < 64; i++)
        if (s.p[i] != ' ') return false;
    return begins(QR_BYTES(s.p + 64, s.n - 64), qr_str(context));
}

static void blake2b(struct qr_bytes file, uint8_t hash[PAYLOAD_BLAKE2B_SIZE])
{
    _Static_assert(PAYLOAD_BLAKE2B_SIZE == crypto_generichash_BYTES_MAX, "BLAKE2b-512");
    if (crypto_generichash(hash, PAYLOAD_BLAKE2B_SIZE, file.p, file.n, NULL, 0) != 0)
        qr_fatal("BLAKE2b refuses a length that it has");
}

enum qr_rc payload_minisign(struct qr_bytes file, struct qr_buf *out)
{
    uint8_t hash[PAYLOAD_BLAKE2B_SIZE];
    blake2b(file, hash);
    qr_buf_put(out, hash, sizeof hash);
    return qr_buf_ok(out);
}

bool payload_minisign_is(struct qr_bytes file, const uint8_t hash[PAYLOAD_BLAKE2B_SIZE])
{
    uint8_t own[PAYLOAD_BLAKE2B_SIZE];
    blake2b(file, own);
    return QR_HOLDS(PAYLOAD_MINISIGN, qr_equal_ct(own, hash, sizeof own));
}

bool payload_comment_ok(struct qr_bytes s)
{
    if (s.n < 1 || s.n > 1024) return false;
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < 0x20 || s.p[i] > 0x7e) && s.p[i] != '\t') return false;
    return true;
}

enum qr_rc payload_minisign_global(const uint8_t first[64], struct qr_bytes comment,
                                   struct qr_buf *out)
{
    if (!payload_comment_ok(comment)) return QR_RANGE;
    qr_buf_put(out, first, 64);
    qr_buf_put_bytes(out, comment);
    return qr_buf_ok(out);
}

enum qr_rc payload_raw_check(struct qr_bytes file, struct qr_err *err)
{
    static const struct {
        const char *prefix;
        const char *name;
    } magics[] = {{"SSHSIG", "an SSHSIG message"},
                  {"DSSEv1 ", "a DSSE message"},
                  {"cosignature/v1\n", "a cosignature message"},
                  {"quorate/", "a message of ours"}};
    static const struct {
        bool (*is)(struct qr_bytes s);
        const char *name;
    } shapes[] = {{is_checkpoint, "a checkpoint"},
                  {is_signed_note, "a signed note"},
                  {is_der_of_pki, "a certificate, CRL or request to be signed"},
                  {is_ssh_certificate, "an SSH certificate"},
                  {is_tls_signature, "a TLS handshake"}};
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
        if (!QR_HOLDS(PAYLOAD_RAW, !begins(file, qr_str(magics[i].prefix))))
            return qr_fail(err, QR_POLICY, "not signed as raw: this is %s", magics[i].name);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        if (!QR_HOLDS(PAYLOAD_RAW, !shapes[i].is(file)))
            return qr_fail(err, QR_POLICY, "not signed as raw: this is %s", shapes[i].name);
    return QR_OK;
}
