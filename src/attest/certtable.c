/* certtable.c - one pass over the entries, then each pair of ranges.
 *
 * Offsets and lengths are 32 bits and the host's: their sum is taken in 64.
 * GUIDs stand in the order in which they are written as text. */
#include "attest/certtable.h"

#define ENTRY_SIZE 24
#define GUID_SIZE 16

static const struct {
    uint8_t guid[GUID_SIZE];
    size_t field;
} known[] = {
    /* 63da758d-e664-4564-adc5-f4b93be8accd */
    {{0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac,
      0xcd},
     offsetof(struct attest_certtable, vcek)},
    /* a8074bc2-a25a-483e-aae6-39c045a0b8a1 */
    {{0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8,
      0xa1},
     offsetof(struct attest_certtable, vlek)},
    /* 4ab7b379-bbac-4fe4-a02f-05aef327c782 */
    {{0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7,
      0x82},
     offsetof(struct attest_certtable, ask)},
    /* c0b406a4-a803-4952-9743-3fb6014cd0ae */
    {{0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0,
      0xae},
     offsetof(struct attest_certtable, ark)},
};

struct entry {
    struct qr_bytes guid;
    uint64_t from, end;
};

static bool is_zero(struct qr_bytes s)
{
    uint8_t any = 0;
    for (size_t i = 0; i < s.n; i++) any |= s.p[i];
    return any == 0;
}

/* The entries up to the terminating one, and where the header ends. */
static enum qr_rc read_entries(struct qr_bytes table, struct entry *e, size_t *count,
                               uint64_t *header, struct qr_err *err)
{
    struct qr_reader r = qr_reader_of(table);
    for (*count = 0;; (*count)++) {
        struct qr_bytes raw = qr_read_bytes(&r, ENTRY_SIZE);
        if (r.failed) return qr_fail(err, QR_MALFORMED, "certificate table: no last entry");
        *header = (uint64_t)(*count + 1) * ENTRY_SIZE;
        if (is_zero(raw)) return QR_OK;
        if (*count == ATTEST_CERTTABLE_ENTRIES)
            return qr_fail(err, QR_MALFORMED, "certificate table: too many entries");
        uint64_t from = qr_get_le32(raw.p + GUID_SIZE);
        e[*count] = (struct entry){.guid = QR_BYTES(raw.p, GUID_SIZE),
                                   .from = from,
                                   .end = from + (uint64_t)qr_get_le32(raw.p + GUID_SIZE + 4)};
    }
}

static enum qr_rc check_entry(const struct entry *e, size_t i, uint64_t header, uint64_t size,
                              struct qr_err *err)
{
    const struct entry *a = &e[i];
    if (a->from == a->end || a->from < header || a->end > size)
        return qr_fail(err, QR_MALFORMED, "certificate table: entry %zu lies outside", i + 1);
    for (size_t k = 0; k < i; k++) {
        if (qr_bytes_equal(a->guid, e[k].guid))
            return qr_fail(err, QR_MALFORMED, "certificate table: entry %zu again", k + 1);
        if (a->from < e[k].end && e[k].from < a->end)
            return qr_fail(err, QR_MALFORMED, "certificate table: entries %zu and %zu overlap",
                           k + 1, i + 1);
    }
    return QR_OK;
}

enum qr_rc attest_certtable_parse(struct qr_bytes table, struct attest_certtable *out,
                                  struct qr_err *err)
{
    struct entry e[ATTEST_CERTTABLE_ENTRIES];
    size_t count = 0;
    uint64_t header = 0;
    *out = (struct attest_certtable){.vcek = QR_BYTES_NONE};
    if (table.n > ATTEST_CERTTABLE_MAX)
        return qr_fail(err, QR_MALFORMED, "certificate table: larger than 16 KiB");
    if (table.n == 0) return QR_OK;
    QR_TRY(read_entries(table, e, &count, &header, err));
    for (size_t i = 0; i < count; i++) QR_TRY(check_entry(e, i, header, table.n, err));
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
            if (qr_bytes_equal(e[i].guid, QR_BYTES_OF(known[k].guid)))
                *(struct qr_bytes *)((char *)out + known[k].field) =
                    QR_BYTES(table.p + e[i].from, (size_t)(e[i].end - e[i].from));
    return QR_OK;
}

static bool skip(struct qr_bytes *s, const char *text)
{
    struct qr_bytes t = qr_str(text);
    if (s->n < t.n || !qr_bytes_equal(QR_BYTES(s->p, t.n), t)) return false;
    *s = QR_BYTES(s->p + t.n, s->n - t.n);
    return true;
}

static bool is_blank(uint8_t c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; }

enum qr_rc attest_cert_to_der(struct qr_bytes cert, struct qr_buf *out)
{
    if (!skip(&cert, "-----BEGIN CERTIFICATE-----")) {
        qr_buf_put_bytes(out, cert);
        return qr_buf_ok(out);
    }
    struct qr_buf text;
    qr_buf_init(&text, cert.n);
    size_t i = 0;
    for (; i < cert.n && cert.p[i] != '-'; i++)
        if (!is_blank(cert.p[i])) qr_buf_put_u8(&text, cert.p[i]);
    cert = QR_BYTES(cert.p + i, cert.n - i);
    bool ended = skip(&cert, "-----END CERTIFICATE-----");
    for (i = 0; i < cert.n; i++) ended = ended && (is_blank(cert.p[i]) || cert.p[i] == 0);
    enum qr_rc rc = ended && text.n ? qr_unbase64(qr_buf_bytes(&text), out) : QR_MALFORMED;
    qr_buf_fini(&text);
    return rc;
}
