/* policy.c - the policy text, its checks and its canonical form.
 *
 * One table, sorted by key, says for every key what its value looks like and
 * where it lives.  Parsing fills defaults first, then goes line by line, then
 * checks what no single line can show.  Writing walks the same table, so the
 * canonical form has every key, sorted, and parses to the same policy. */
#include "attest/policy.h"

#include "base/file.h"
#include "base/limits.h"

#include <assert.h>
#include <stdlib.h>

enum value_kind {
    V_BOOL, /* yes, no */
    V_BIT,  /* yes, no: arg is a bit of required_bits */
    V_CLASS,
    V_PRODUCTS,
    V_SIGNERS,
    V_VMPL,
    V_LIST,  /* hex strings of arg bytes */
    V_TEXTS, /* words */
    V_TCB,   /* arg is the product; the has_ flag stands at offset2 */
    V_MASK,  /* 0x… */
    V_U32,
    V_ABI,
    V_FW,
};

struct key {
    const char *name;
    enum value_kind kind;
    size_t offset, offset2;
    uint64_t arg;
};

#define AT(field) offsetof(struct attest_policy, field)
#define BOOL(name)                    \
    {                                 \
#name, V_BOOL, AT(name), 0, 0 \
    }
#define BIT(name, bit)                          \
    {                                           \
#name, V_BIT, AT(required_bits), 0, bit \
    }
#define LIST(name, field, size)          \
    {                                    \
        name, V_LIST, AT(field), 0, size \
    }
#define TCB(name, field, p)                              \
    {                                                    \
        name, V_TCB, AT(field[p]), AT(has_##field[p]), p \
    }
#define MASK(name)                    \
    {                                 \
#name, V_MASK, AT(name), 0, 0 \
    }

static const struct key keys[] = {
    BOOL(allow_cxl),
    BOOL(allow_debug),
    BOOL(allow_masked_chip_id),
    BOOL(allow_migrate_ma),
    BOOL(allow_provisional),
    BOOL(allow_smt),
    LIST("ark.Genoa", arks[ATTEST_GENOA], 32),
    LIST("ark.Milan", arks[ATTEST_MILAN], 32),
    LIST("ark.Turin", arks[ATTEST_TURIN], 32),
    LIST("author_key_digests", author_key_digests, 48),
    LIST("chip_ids", chip_ids, 64),
    {"classes", V_CLASS, AT(trust_class), 0, 0},
    {"csp_ids", V_TEXTS, AT(csp_ids), 0, 64},
    LIST("family_id", family_ids, 16),
    BOOL(forbid_migration_agent),
    LIST("host_data", host_data, 32),
    LIST("id_key_digests", id_key_digests, 48),
    LIST("image_id", image_ids, 16),
    LIST("measurements", measurements, 48),
    {"min_abi", V_ABI, AT(min_abi_major), AT(min_abi_minor), 0},
    MASK(min_current_mit_vector),
    {"min_fw", V_FW, AT(min_fw), 0, 0},
    {"min_guest_svn", V_U32, AT(min_guest_svn), 0, 0},
    MASK(min_launch_mit_vector),
    TCB("min_launch_tcb.Genoa", min_launch_tcb, ATTEST_GENOA),
    TCB("min_launch_tcb.Milan", min_launch_tcb, ATTEST_MILAN),
    TCB("min_launch_tcb.Turin", min_launch_tcb, ATTEST_TURIN),
    TCB("min_tcb.Genoa", min_tcb, ATTEST_GENOA),
    TCB("min_tcb.Milan", min_tcb, ATTEST_MILAN),
    TCB("min_tcb.Turin", min_tcb, ATTEST_TURIN),
    BOOL(min_tcb_committed),
    MASK(platform_info_forbidden),
    MASK(platform_info_required),
    {"products", V_PRODUCTS, AT(products), 0, 0},
    LIST("report_id", report_ids, 32),
    BOOL(require_author_key),
    BIT(require_ciphertext_hiding_dram, ATTEST_GUEST_CIPHERTEXT_HIDING_DRAM),
    BOOL(require_crl),
    BOOL(require_id_block),
    BIT(require_mem_aes_256_xts, ATTEST_GUEST_MEM_AES_256_XTS),
    BIT(require_page_swap_disable, ATTEST_GUEST_PAGE_SWAP_DISABLE),
    BIT(require_rapl_dis, ATTEST_GUEST_RAPL_DIS),
    BIT(require_single_socket, ATTEST_GUEST_SINGLE_SOCKET),
    {"signers", V_SIGNERS, AT(signers), 0, 0},
    {"vmpl", V_VMPL, AT(vmpl), 0, 0},
};
#define KEYS (sizeof keys / sizeof keys[0])

/* SNP.md 2.2: SHA-256 of AMD's root certificates in DER. */
static const struct qr_hash amd_arks[ATTEST_PRODUCTS] = {
    [ATTEST_MILAN] = {{0x69, 0xd0, 0x63, 0xb4, 0x53, 0x44, 0xd2, 0x6a, 0x2e, 0x94, 0xe1,
                       0xf4, 0x21, 0x0d, 0xe4, 0x9e, 0xf5, 0x55, 0x30, 0x82, 0x87, 0xd4,
                       0xc1, 0x74, 0x44, 0x5c, 0x95, 0x63, 0x9a, 0x54, 0x0b, 0xcd}},
    [ATTEST_GENOA] = {{0x4c, 0x65, 0x98, 0xd1, 0x9c, 0x18, 0x71, 0x9c, 0x5d, 0xfd, 0x4a,
                       0x7d, 0x33, 0x5f, 0x67, 0x4e, 0x5b, 0xfe, 0x1d, 0x8f, 0x80, 0x0c,
                       0xea, 0x2c, 0xf2, 0x70, 0xc1, 0x0d, 0x10, 0x3d, 0xb2, 0xf1}},
    [ATTEST_TURIN] = {{0x1f, 0x08, 0x41, 0x61, 0xa4, 0x4b, 0xb6, 0xd9, 0x37, 0x78, 0xa9,
                       0x04, 0x87, 0x7d, 0x48, 0x19, 0xca, 0xfa, 0x5d, 0x05, 0xef, 0x41,
                       0x93, 0xb2, 0xde, 0xd9, 0xdd, 0x9c, 0x73, 0xdd, 0x3f, 0x6a}},
};

const struct qr_hash *attest_amd_ark(enum attest_product p)
{
    assert(p < ATTEST_PRODUCTS);
    return &amd_arks[p];
}

static void *at(const struct attest_policy *p, size_t offset) { return (char *)p + offset; }

static bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }

static struct qr_bytes trim(struct qr_bytes s)
{
    while (s.n && is_space(s.p[0])) s = QR_BYTES(s.p + 1, s.n - 1);
    while (s.n && is_space(s.p[s.n - 1])) s.n--;
    return s;
}

/* Cuts s at the first c: gives what stands before it, leaves what is behind.
 * Without a c gives all and sets *found to false. */
static struct qr_bytes cut(struct qr_bytes *s, uint8_t c, bool *found)
{
    size_t i = 0;
    while (i < s->n && s->p[i] != c) i++;
    struct qr_bytes head = QR_BYTES(s->p, i);
    *found = i < s->n;
    *s = *found ? QR_BYTES(s->p + i + 1, s->n - i - 1) : QR_BYTES_NONE;
    return head;
}

static int compare(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* Inserts at its sorted place; a repetition changes nothing. */
static bool list_insert(struct attest_list *l, const uint8_t *v)
{
    size_t i = 0;
    while (i < l->n && compare(l->v[i], v, l->size) < 0) i++;
    if (i < l->n && compare(l->v[i], v, l->size) == 0) return true;
    if (l->n == ATTEST_LIST_MAX) return false;
    for (size_t j = l->n; j > i; j--) qr_copy(l->v[j], l->v[j - 1], sizeof l->v[0]);
    qr_zero(l->v[i], sizeof l->v[i]);
    qr_copy(l->v[i], v, l->size);
    l->n++;
    return true;
}

/* Calls add for each item between commas; `none` alone is the empty list. */
static bool each_item(struct qr_bytes value, bool (*add)(void *, struct qr_bytes), void *ctx)
{
    if (qr_bytes_is(value, "none")) return true;
    bool more = true;
    while (more) {
        struct qr_bytes item = trim(cut(&value, ',', &more));
        if (item.n == 0 || !add(ctx, item)) return false;
    }
    return true;
}

static bool add_hex(void *ctx, struct qr_bytes item)
{
    struct attest_list *l = ctx;
    uint8_t v[64];
    return qr_unhex(item, v, l->size) == QR_OK && list_insert(l, v);
}

static bool add_text(void *ctx, struct qr_bytes item)
{
    uint8_t v[64] = {0};
    if (item.n > sizeof v) return false;
    qr_copy(v, item.p, item.n);
    return list_insert(ctx, v);
}

static bool add_product(void *ctx, struct qr_bytes item)
{
    enum attest_product p = attest_product_from_name(item);
    if (p == ATTEST_PRODUCT_UNKNOWN) return false;
    ((bool *)ctx)[p] = true;
    return true;
}

static bool add_signer(void *ctx, struct qr_bytes item)
{
    bool vcek = qr_bytes_is(item, "VCEK");
    if (!vcek && !qr_bytes_is(item, "VLEK")) return false;
    ((bool *)ctx)[vcek ? ATTEST_VCEK : ATTEST_VLEK] = true;
    return true;
}

static bool add_vmpl(void *ctx, struct qr_bytes item)
{
    uint64_t v = 0;
    if (qr_parse_u64(item, 3, &v) != QR_OK) return false;
    ((bool *)ctx)[v] = true;
    return true;
}

static bool read_bool(struct qr_bytes value, bool *out)
{
    *out = qr_bytes_is(value, "yes");
    return *out || qr_bytes_is(value, "no");
}

static bool read_mask(struct qr_bytes value, uint64_t *out)
{
    if (value.n < 3 || value.n > 18 || value.p[0] != '0' || value.p[1] != 'x') return false;
    uint64_t v = 0;
    for (size_t i = 2; i < value.n; i++) {
        uint8_t c = value.p[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && (c < 'a' || c > 'f')) return false;
        v = v << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    *out = v;
    return true;
}

/* N numbers up to 255 with dots between them. */
static bool read_dotted(struct qr_bytes value, uint8_t *out, size_t n)
{
    bool more = true;
    for (size_t i = 0; i < n; i++) {
        uint64_t v = 0;
        if (!more || qr_parse_u64(cut(&value, '.', &more), 255, &v) != QR_OK) return false;
        out[i] = (uint8_t)v;
    }
    return !more;
}

static uint8_t *tcb_part(struct attest_tcb *t, struct qr_bytes name)
{
    if (qr_bytes_is(name, "fmc")) return &t->fmc;
    if (qr_bytes_is(name, "bl")) return &t->bl;
    if (qr_bytes_is(name, "tee")) return &t->tee;
    if (qr_bytes_is(name, "snp")) return &t->snp;
    return qr_bytes_is(name, "ucode") ? &t->ucode : NULL;
}

/* "bl=1 tee=0 …": every component once, fmc for Turin and only there. */
static bool read_tcb(struct qr_bytes value, enum attest_product product, struct attest_tcb *out)
{
    struct attest_tcb seen = {0};
    int count = 0;
    *out = (struct attest_tcb){0};
    for (value = trim(value); value.n; value = trim(value)) {
        bool more = false;
        struct qr_bytes word = cut(&value, ' ', &more);
        struct qr_bytes name = cut(&word, '=', &more);
        uint8_t *part = more ? tcb_part(out, name) : NULL;
        uint64_t v = 0;
        if (!part || (*tcb_part(&seen, name))++ || qr_parse_u64(word, 255, &v) != QR_OK)
            return false;
        *part = (uint8_t)v;
        count++;
    }
    return product == ATTEST_TURIN ? count == 5 : count == 4 && seen.fmc == 0;
}

static bool read_list(const struct key *k, struct attest_policy *p, struct qr_bytes value)
{
    return each_item(value, k->kind == V_LIST ? add_hex : add_text, at(p, k->offset));
}

/* A set of flags that the value replaces as a whole; it may not be empty. */
static bool read_flags(struct qr_bytes value, bool *flags, size_t n,
                       bool (*add)(void *, struct qr_bytes))
{
    qr_zero(flags, n * sizeof *flags);
    return !qr_bytes_is(value, "none") && each_item(value, add, flags);
}

static bool read_number(const struct key *k, struct attest_policy *p, struct qr_bytes value)
{
    uint64_t v = 0;
    uint8_t part[3];
    switch (k->kind) {
    case V_MASK: return read_mask(value, at(p, k->offset));
    case V_U32:
        if (qr_parse_u64(value, UINT32_MAX, &v) != QR_OK) return false;
        *(uint32_t *)at(p, k->offset) = (uint32_t)v;
        return true;
    case V_ABI:
        return read_dotted(value, part, 2) &&
               (p->min_abi_major = part[0], p->min_abi_minor = part[1], true);
    case V_FW:
        if (!read_dotted(value, part, 3)) return false;
        p->min_fw = (struct attest_fw){.major = part[0], .minor = part[1], .build = part[2]};
        return true;
    default: return false;
    }
}

static bool read_value(const struct key *k, struct attest_policy *p, struct qr_bytes value)
{
    bool yes = false;
    bool *has = at(p, k->offset2);
    switch (k->kind) {
    case V_BOOL: return read_bool(value, at(p, k->offset));
    case V_BIT:
        if (!read_bool(value, &yes)) return false;
        p->required_bits = yes ? p->required_bits | k->arg : p->required_bits & ~k->arg;
        return true;
    case V_CLASS: return attest_class_from_name(value, &p->trust_class) == QR_OK;
    case V_PRODUCTS: return read_flags(value, p->products, ATTEST_PRODUCTS, add_product);
    case V_SIGNERS: return read_flags(value, p->signers, 2, add_signer);
    case V_VMPL: return read_flags(value, p->vmpl, 4, add_vmpl);
    case V_LIST:
    case V_TEXTS: return read_list(k, p, value);
    case V_TCB:
        *has = !qr_bytes_is(value, "none");
        return !*has || read_tcb(value, (enum attest_product)k->arg, at(p, k->offset));
    default: return read_number(k, p, value);
    }
}

static const struct key *find_key(struct qr_bytes name)
{
    for (size_t i = 0; i < KEYS; i++)
        if (qr_bytes_is(name, keys[i].name)) return &keys[i];
    return NULL;
}

static void set_defaults(struct attest_policy *p, bool partial)
{
    for (size_t i = 0; i < KEYS; i++)
        if (keys[i].kind == V_LIST || keys[i].kind == V_TEXTS)
            ((struct attest_list *)at(p, keys[i].offset))->size = keys[i].arg;
    p->allow_smt = p->allow_provisional = true;
    p->signers[ATTEST_VCEK] = true;
    for (int i = 0; i < 4; i++) p->vmpl[i] = true;
    if (!partial) return;
    p->signers[ATTEST_VLEK] = true;
    for (int i = 0; i < ATTEST_PRODUCTS; i++) p->products[i] = true;
}

/* The text with the number of the line each key stands on; 0: absent. */
struct parse {
    struct attest_policy *p;
    bool partial;
    unsigned line[KEYS];
};

static enum qr_rc read_line(struct parse *ps, struct qr_bytes line, unsigned number,
                            struct qr_err *err)
{
    bool found = false;
    line = trim(cut(&line, '#', &found));
    if (line.n == 0) return QR_OK;
    struct qr_bytes value = line;
    struct qr_bytes name = trim(cut(&value, '=', &found));
    value = trim(value);
    if (!found) return qr_fail(err, QR_MALFORMED, "line %u: not key = value", number);
    const struct key *k = find_key(name);
    if (!k)
        return qr_fail(err, QR_MALFORMED, "line %u: unknown key %.*s", number,
                       (int)(name.n < 40 ? name.n : 40), (const char *)name.p);
    if (ps->line[k - keys]) return qr_fail(err, QR_MALFORMED, "line %u: %s again", number, k->name);
    ps->line[k - keys] = number;
    if (value.n == 0)
        return qr_fail(err, QR_MALFORMED, "line %u: %s has no value", number, k->name);
    if (!read_value(k, ps->p, value))
        return qr_fail(err, QR_MALFORMED, "line %u: bad value of %s", number, k->name);
    return QR_OK;
}

static enum qr_rc read_text(struct parse *ps, struct qr_bytes text, struct qr_err *err)
{
    bool more = true;
    for (unsigned number = 1; more; number++) {
        struct qr_bytes line = cut(&text, '\n', &more);
        if (line.n && !qr_utf8_ok(line))
            return qr_fail(err, QR_MALFORMED, "line %u: not UTF-8", number);
        QR_TRY(read_line(ps, line, number, err));
    }
    return QR_OK;
}

static unsigned line_of(const struct parse *ps, const void *field)
{
    for (size_t i = 0; i < KEYS; i++)
        if (at(ps->p, keys[i].offset) == field) return ps->line[i];
    return 0;
}

static bool has_zero_digest(const struct attest_list *l)
{
    /* The list is sorted: zeros come first. */
    static const uint8_t zeros[64];
    return l->n > 0 && compare(l->v[0], zeros, l->size) == 0;
}

/* The pins of one product.  An ARK that is not AMD's is simulated, and a
 * policy never mixes the two (TRUST.md section 1). */
static enum qr_rc check_pins(struct parse *ps, enum attest_product product, struct qr_err *err)
{
    struct attest_policy *p = ps->p;
    struct attest_list *l = &p->arks[product];
    const char *name = attest_product_name(product);
    if (p->trust_class == ATTEST_PRODUCTION && l->n == 0 && p->products[product])
        (void)list_insert(l, amd_arks[product].b);
    if (l->n == 0 && p->products[product] && !ps->partial)
        return qr_fail(err, QR_MALFORMED, "ark.%s is missing: a simulated policy pins its root",
                       name);
    for (size_t i = 0; i < l->n; i++) {
        int amd = 0;
        while (amd < ATTEST_PRODUCTS && compare(l->v[i], amd_arks[amd].b, 32) != 0) amd++;
        bool fits =
            p->trust_class == ATTEST_PRODUCTION ? amd == (int)product : amd == ATTEST_PRODUCTS;
        if (!fits)
            return qr_fail(err, QR_MALFORMED,
                           p->trust_class == ATTEST_PRODUCTION
                               ? "line %u: ark.%s is not AMD's root, which class production needs"
                               : "line %u: ark.%s is AMD's root, which class simulated excludes",
                           line_of(ps, l), name);
    }
    return QR_OK;
}

static enum qr_rc check_floor(const struct parse *ps, enum attest_product product,
                              struct qr_err *err)
{
    static const struct attest_tcb zero;
    const struct attest_policy *p = ps->p;
    const char *name = attest_product_name(product);
    if (!p->products[product]) return QR_OK;
    if (!p->has_min_tcb[product]) return qr_fail(err, QR_MALFORMED, "min_tcb.%s is missing", name);
    if (attest_tcb_equal(&p->min_tcb[product], &zero))
        return qr_fail(err, QR_MALFORMED, "line %u: min_tcb.%s has only zeros",
                       line_of(ps, &p->min_tcb[product]), name);
    return QR_OK;
}

static enum qr_rc check_complete(const struct parse *ps, struct qr_err *err)
{
    const struct attest_policy *p = ps->p;
    if (!line_of(ps, p->products)) return qr_fail(err, QR_MALFORMED, "products is missing");
    if (p->measurements.n == 0) return qr_fail(err, QR_MALFORMED, "measurements is missing");
    const struct attest_list *digests[] = {&p->measurements, &p->id_key_digests,
                                           &p->author_key_digests};
    for (size_t i = 0; i < sizeof digests / sizeof digests[0]; i++)
        if (has_zero_digest(digests[i]))
            return qr_fail(err, QR_MALFORMED, "line %u: a digest of zeros",
                           line_of(ps, digests[i]));
    if (p->signers[ATTEST_VLEK] && p->csp_ids.n == 0)
        return qr_fail(err, QR_MALFORMED, "line %u: signer VLEK needs csp_ids",
                       line_of(ps, p->signers));
    for (int i = 0; i < ATTEST_PRODUCTS; i++) QR_TRY(check_floor(ps, (enum attest_product)i, err));
    return QR_OK;
}

static enum qr_rc finish(struct parse *ps, struct qr_err *err)
{
    for (int i = 0; i < ATTEST_PRODUCTS; i++) QR_TRY(check_pins(ps, (enum attest_product)i, err));
    if (!ps->partial) QR_TRY(check_complete(ps, err));
    struct qr_buf text;
    qr_buf_init(&text, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = attest_policy_canonical(ps->p, &text);
    if (rc == QR_OK) ps->p->hash = qr_sha256_one(qr_buf_bytes(&text));
    qr_buf_fini(&text);
    return rc;
}

static enum qr_rc parse(struct qr_bytes text, bool partial, struct attest_policy **out,
                        struct qr_err *err)
{
    struct parse ps = {.partial = partial};
    *out = NULL;
    ps.p = calloc(1, sizeof *ps.p);
    if (!ps.p) return QR_NOMEM;
    ps.p->links = attest_links_new();
    set_defaults(ps.p, partial);
    enum qr_rc rc = read_text(&ps, text, err);
    if (rc == QR_OK) rc = finish(&ps, err);
    if (rc == QR_OK)
        *out = ps.p;
    else
        attest_policy_free(ps.p);
    return rc;
}

enum qr_rc attest_policy_parse(struct qr_bytes text, struct attest_policy **out, struct qr_err *err)
{
    return parse(text, false, out, err);
}

enum qr_rc attest_policy_parse_partial(struct qr_bytes text, struct attest_policy **out,
                                       struct qr_err *err)
{
    return parse(text, true, out, err);
}

void attest_policy_free(struct attest_policy *p)
{
    if (p) attest_links_free(p->links);
    free(p);
}

static void write_list(struct qr_buf *out, const struct attest_list *l, bool text)
{
    if (l->n == 0) qr_buf_put_str(out, "none");
    for (size_t i = 0; i < l->n; i++) {
        if (i) qr_buf_put_str(out, ", ");
        size_t n = l->size;
        while (text && n && l->v[i][n - 1] == 0) n--;
        if (text)
            qr_buf_put(out, l->v[i], n);
        else
            qr_buf_put_hex(out, QR_BYTES(l->v[i], n));
    }
}

static void write_flags(struct qr_buf *out, const bool *flags, const char *const *names, size_t n)
{
    const char *between = "";
    for (size_t i = 0; i < n; i++) {
        if (!flags[i]) continue;
        qr_buf_printf(out, "%s%s", between, names[i]);
        between = ", ";
    }
}

static void write_tcb(struct qr_buf *out, const struct attest_tcb *t, bool turin)
{
    if (turin) qr_buf_printf(out, "fmc=%u ", t->fmc);
    qr_buf_printf(out, "bl=%u tee=%u snp=%u ucode=%u", t->bl, t->tee, t->snp, t->ucode);
}

static const char *yes_no(bool v) { return v ? "yes" : "no"; }

static void write_value(const struct key *k, const struct attest_policy *p, struct qr_buf *out)
{
    static const char *const signers[] = {"VCEK", "VLEK"};
    static const char *const vmpls[] = {"0", "1", "2", "3"};
    /* Sorted by name, as all lists are. */
    static const enum attest_product sorted[] = {ATTEST_GENOA, ATTEST_MILAN, ATTEST_TURIN};
    static const char *const products[] = {"Genoa", "Milan", "Turin"};
    bool flags[ATTEST_PRODUCTS];
    const void *v = at(p, k->offset);
    switch (k->kind) {
    case V_BOOL: qr_buf_put_str(out, yes_no(*(const bool *)v)); break;
    case V_BIT: qr_buf_put_str(out, yes_no((p->required_bits & k->arg) != 0)); break;
    case V_CLASS: qr_buf_put_str(out, attest_class_name(p->trust_class)); break;
    case V_PRODUCTS:
        for (int i = 0; i < ATTEST_PRODUCTS; i++) flags[i] = p->products[sorted[i]];
        write_flags(out, flags, products, ATTEST_PRODUCTS);
        break;
    case V_SIGNERS: write_flags(out, p->signers, signers, 2); break;
    case V_VMPL: write_flags(out, p->vmpl, vmpls, 4); break;
    case V_LIST:
    case V_TEXTS: write_list(out, v, k->kind == V_TEXTS); break;
    case V_TCB:
        if (*(const bool *)at(p, k->offset2))
            write_tcb(out, v, k->arg == ATTEST_TURIN);
        else
            qr_buf_put_str(out, "none");
        break;
    case V_MASK: qr_buf_printf(out, "0x%llx", (unsigned long long)*(const uint64_t *)v); break;
    case V_U32: qr_buf_printf(out, "%u", *(const uint32_t *)v); break;
    case V_ABI: qr_buf_printf(out, "%u.%u", p->min_abi_major, p->min_abi_minor); break;
    case V_FW:
        qr_buf_printf(out, "%u.%u.%u", p->min_fw.major, p->min_fw.minor, p->min_fw.build);
        break;
    }
}

enum qr_rc attest_policy_canonical(const struct attest_policy *p, struct qr_buf *out)
{
    for (size_t i = 0; i < KEYS; i++) {
        qr_buf_printf(out, "%s = ", keys[i].name);
        write_value(&keys[i], p, out);
        qr_buf_put_str(out, "\n");
    }
    return qr_buf_ok(out);
}

enum qr_rc attest_policy_load(const char *path, struct qr_bytes pinned_hex,
                              struct attest_policy **out, struct qr_err *err)
{
    struct qr_buf text;
    struct attest_policy *p = NULL;
    *out = NULL;
    qr_buf_init(&text, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = qr_file_read(path, &text, err);
    struct qr_err detail = {""};
    if (rc == QR_OK) {
        rc = attest_policy_parse(qr_buf_bytes(&text), &p, &detail);
        if (rc != QR_OK) rc = qr_fail(err, rc, "%s: %s", path, detail.text);
    }
    qr_buf_fini(&text);
    if (rc != QR_OK) return rc;
    char hex[2 * QR_SHA256_SIZE + 1];
    qr_hex(p->hash.b, sizeof p->hash.b, hex);
    if (pinned_hex.n && !qr_bytes_is(pinned_hex, hex)) {
        attest_policy_free(p);
        return qr_fail(err, QR_POLICY,
                       "TEE_POLICY_HASH is not this policy's hash %s; an image's "
                       "measurement belongs into `measurements`",
                       hex);
    }
    *out = p;
    return QR_OK;
}
