/* trust_dir.c - six files, read in a fixed order, all or nothing. */
#include "trust/trust_dir.h"

#include "base/file.h"
#include "base/limits.h"
#include "pki/pem.h"

#include <stdio.h>
#include <string.h>

bool trust_keys_have(const struct trust_keys *keys, const struct qr_pub *key)
{
    for (size_t i = 0; i < keys->n; i++)
        if (qr_bytes_equal(QR_BYTES_OF(keys->k[i].b), QR_BYTES_OF(key->b))) return true;
    return false;
}

const struct qr_pub *trust_author_key(const struct trust_dir *t, enum leaf_author a,
                                      struct qr_bytes key_id)
{
    const struct trust_keys *keys = &t->authors[a];
    for (size_t i = 0; i < keys->n; i++) {
        char id[QR_KEY_ID_LEN + 1];
        qr_key_id(&keys->k[i], id);
        if (qr_bytes_is(key_id, id)) return &keys->k[i];
    }
    return NULL;
}

static void read_keys(struct qr_obj *o, const char *name, struct trust_keys *out)
{
    const json_t *a = qr_obj_array(o, name, TRUST_MAX_KEYS);
    if (json_array_size(a) == 0) qr_obj_bad(o, name);
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *v = json_array_get(a, i);
        struct qr_pub key;
        if (!json_is_string(v) ||
            qr_unhex(QR_BYTES(json_string_value(v), json_string_length(v)), key.b, sizeof key.b) !=
                QR_OK ||
            !qr_pub_valid(&key) || trust_keys_have(out, &key)) {
            qr_obj_bad(o, name);
            return;
        }
        out->k[out->n++] = key;
    }
}

static void read_log_key(struct qr_obj *log, const json_t *v, struct trust_dir *t)
{
    struct trust_log_key *k = &t->log_keys[t->log_key_count];
    struct qr_obj o = qr_obj_of(v, "keys");
    k->from = qr_obj_u64str(&o, "from");
    struct qr_bytes to = qr_obj_str(&o, "to", 20);
    k->to = TRUST_OPEN_END;
    struct qr_bytes vkey = qr_obj_text(&o, "vkey", TLOG_VKEY_MAX - 1);
    if (qr_obj_done(&o, NULL) != QR_OK || (to.n > 0 && qr_parse_u64(to, UINT64_MAX, &k->to)) ||
        k->to < k->from ||
        tlog_vkey_parse((struct tlog_bytes){vkey.p, vkey.n}, &k->vkey) != TLOG_OK ||
        !qr_bytes_is(qr_str(k->vkey.name), t->origin)) {
        qr_obj_bad(log, "keys");
        return;
    }
    t->log_key_count++;
}

static void read_log(struct qr_obj *o, struct trust_dir *t)
{
    struct qr_obj log = qr_obj_obj(o, "log");
    struct qr_bytes origin = qr_obj_text(&log, "origin", TLOG_NAME_MAX);
    qr_copy(t->origin, origin.p, origin.n);
    const json_t *keys = qr_obj_array(&log, "keys", TRUST_MAX_KEYS);
    if (json_array_size(keys) == 0) qr_obj_bad(&log, "keys");
    for (size_t i = 0; i < json_array_size(keys); i++)
        read_log_key(&log, json_array_get(keys, i), t);
    if (qr_obj_done(&log, NULL) != QR_OK) {
        char where[64];
        (void)snprintf(where, sizeof where, "log.%.40s", log.bad[0] ? log.bad : "(unknown)");
        qr_obj_bad(o, where);
    }
}

/* Optional: a directory without witnesses counts none. */
static void read_witnesses(struct qr_obj *o, struct trust_dir *t)
{
    if (!qr_obj_has(o, "witnesses")) return;
    const json_t *list = qr_obj_array(o, "witnesses", TRUST_MAX_WITNESSES);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        struct tlog_vkey *k = &t->witnesses[t->witness_count];
        bool ok = json_is_string(v) &&
                  tlog_cosigner_parse((struct tlog_bytes){(const uint8_t *)json_string_value(v),
                                                          json_string_length(v)},
                                      k) == TLOG_OK;
        for (size_t j = 0; ok && j < t->witness_count; j++)
            ok = !qr_bytes_equal(QR_BYTES_OF(t->witnesses[j].pub), QR_BYTES_OF(k->pub));
        if (!ok) {
            qr_obj_bad(o, "witnesses");
            return;
        }
        t->witness_count++;
    }
}

enum qr_rc trust_witnesses_count(const struct trust_dir *t, const struct tlog_note *note,
                                 unsigned *count, struct qr_buf *names)
{
    *count = 0;
    for (size_t i = 0; i < t->witness_count; i++) {
        enum tlog_rc rc = tlog_cosignature_check(note, &t->witnesses[i], NULL);
        if (rc == TLOG_NOTFOUND) continue;
        if (rc != TLOG_OK) return QR_FALSE;
        if (names && *count > 0) qr_buf_put_u8(names, ' ');
        if (names) qr_buf_put_str(names, t->witnesses[i].name);
        ++*count;
    }
    return QR_OK;
}

static enum qr_rc read_trust_json(struct qr_bytes s, struct trust_dir *t, struct qr_err *err)
{
    json_t *v = NULL;
    struct qr_err why = {{0}};
    if (qr_json_parse_loose(s, &v, &why) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "trust.json: %s", why.text);
    struct qr_obj o = qr_obj_of(v, "trust.json");
    (void)qr_obj_int(&o, "v", 1, 1);
    read_log(&o, t);
    read_witnesses(&o, t);
    read_keys(&o, "admins", &t->admins);
    read_keys(&o, "grant_keys", &t->grant);
    read_keys(&o, "coordinator_envelope_keys", &t->coordinator_envelope);
    /* Optional: a directory of before there was an SSH CA has none. */
    if (qr_obj_has(&o, "ssh_ca_keys")) read_keys(&o, "ssh_ca_keys", &t->ssh_ca);
    struct qr_obj authors = qr_obj_obj(&o, "authors");
    for (unsigned a = 0; a < LEAF_AUTHOR_COUNT; a++)
        read_keys(&authors, leaf_author_name((enum leaf_author)a), &t->authors[a]);
    enum qr_rc rc = qr_obj_done(&authors, err);
    if (rc == QR_OK || o.rc != QR_OK) rc = qr_obj_done(&o, err);
    json_decref(v);
    return rc;
}

static enum qr_rc read_cert(struct qr_bytes pem, enum pki_kind kind, const struct pki_cert *root,
                            struct pki_cert *out, struct qr_err *err)
{
    static const char *const names[] = {[PKI_ROOT_CA] = "ca-root.pem",
                                        [PKI_PARTICIPANT_CA] = "participant-ca.pem",
                                        [PKI_GROUP_CA] = "group-ca.pem"};
    struct qr_err why = {{0}};
    struct qr_buf der;
    qr_buf_init(&der, PKI_MAX_DER);
    enum qr_rc rc = pki_pem_read(pem, "CERTIFICATE", &der);
    if (rc != QR_OK)
        rc = qr_fail(err, QR_MALFORMED, "%s: not one certificate in PEM", names[kind]);
    else if (pki_cert_read(kind, qr_buf_bytes(&der), root, out, &why) != QR_OK)
        rc = qr_fail(err, QR_MALFORMED, "%s: %s", names[kind], why.text);
    qr_buf_fini(&der);
    return rc;
}

/* A key and what it stands for. */
struct use {
    const char *name;
    const uint8_t *key;
};
#define MAX_USES (9 * TRUST_MAX_KEYS + TRUST_MAX_WITNESSES + 3)

static void add_uses(struct use *uses, size_t *n, const char *name, const struct trust_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++) uses[(*n)++] = (struct use){name, keys->k[i].b};
}

static size_t gather_uses(const struct trust_dir *t, struct use uses[MAX_USES])
{
    size_t n = 0;
    add_uses(uses, &n, "admins", &t->admins);
    for (unsigned a = 0; a < LEAF_AUTHOR_COUNT; a++)
        add_uses(uses, &n, leaf_author_name((enum leaf_author)a), &t->authors[a]);
    add_uses(uses, &n, "coordinator_envelope_keys", &t->coordinator_envelope);
    add_uses(uses, &n, "grant_keys", &t->grant);
    add_uses(uses, &n, "ssh_ca_keys", &t->ssh_ca);
    for (size_t i = 0; i < t->log_key_count; i++)
        uses[n++] = (struct use){"log.keys", t->log_keys[i].vkey.pub};
    for (size_t i = 0; i < t->witness_count; i++)
        uses[n++] = (struct use){"witnesses", t->witnesses[i].pub};
    uses[n++] = (struct use){"ca-root.pem", t->root.key.b};
    uses[n++] = (struct use){"participant-ca.pem", t->participant_ca.key.b};
    uses[n++] = (struct use){"group-ca.pem", t->group_ca.key.b};
    return n;
}

size_t trust_log_keys(const struct trust_dir *t, uint64_t size,
                      struct tlog_vkey out[TRUST_MAX_KEYS])
{
    size_t n = 0;
    for (size_t i = 0; i < t->log_key_count; i++)
        if (t->log_keys[i].from <= size && size <= t->log_keys[i].to)
            out[n++] = t->log_keys[i].vkey;
    return n;
}

bool trust_dir_has_key(const struct trust_dir *t, const struct qr_pub *key)
{
    struct use uses[MAX_USES];
    size_t n = gather_uses(t, uses);
    for (size_t i = 0; i < n; i++)
        if (qr_bytes_equal(QR_BYTES(uses[i].key, QR_KEY_SIZE), QR_BYTES_OF(key->b))) return true;
    return false;
}

/* TRUST.md section 2: keys are pairwise different, each for one use. */
static enum qr_rc keys_distinct(const struct trust_dir *t, struct qr_err *err)
{
    struct use uses[MAX_USES];
    size_t n = gather_uses(t, uses);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (uses[i].name != uses[j].name && qr_bytes_equal(QR_BYTES(uses[i].key, QR_KEY_SIZE),
                                                               QR_BYTES(uses[j].key, QR_KEY_SIZE)))
                return qr_fail(err, QR_POLICY, "trust.json: one key stands for %s and %s",
                               uses[j].name, uses[i].name);
    return QR_OK;
}

static enum qr_rc read_past(struct qr_bytes line, struct trust_past *out)
{
    size_t at = 0;
    while (at < line.n && line.p[at] != ' ') at++;
    if (at == line.n || qr_parse_u64(QR_BYTES(line.p, at), UINT64_MAX - 1, &out->index) != QR_OK)
        return QR_MALFORMED;
    return qr_unhex(QR_BYTES(line.p + at + 1, line.n - at - 1), out->hash.b, sizeof out->hash.b);
}

/* Lines "INDEX HASH", ascending. */
static enum qr_rc read_history(struct qr_bytes all, struct trust_dir *t, struct qr_err *err)
{
    for (unsigned number = 1; all.n > 0; number++) {
        const uint8_t *nl = memchr(all.p, '\n', all.n);
        size_t n = nl ? (size_t)(nl - all.p) : all.n, i = t->past_count;
        struct trust_past *p = &t->past[i];
        if (i == TRUST_MAX_PAST || !nl || read_past(QR_BYTES(all.p, n), p) != QR_OK ||
            (i > 0 && p->index <= p[-1].index))
            return qr_fail(err, QR_MALFORMED,
                           "attestation.history: line %u: an index above the last, a blank and "
                           "a hash",
                           number);
        t->past_count++;
        all = QR_BYTES(all.p + n + 1, all.n - n - 1);
    }
    return QR_OK;
}

static enum qr_rc read_attestation(struct qr_bytes text, const char *name,
                                   struct attest_policy **out, struct qr_err *err)
{
    struct qr_err why = {{0}};
    if (attest_policy_parse(text, out, &why) == QR_OK) return QR_OK;
    return qr_fail(err, QR_MALFORMED, "%s: %s", name, why.text);
}

static enum qr_rc read_policies(const struct trust_files *f, struct trust_dir *t,
                                struct qr_err *err)
{
    struct attest_policy *current = NULL, *next = NULL;
    QR_TRY(signing_policy_parse(f->signing_policy, "signing.policy", &t->signing, err));
    t->signing_hash = signing_policy_hash(&t->signing);
    QR_TRY(read_history(f->attestation_history, t, err));
    QR_TRY(read_attestation(f->attestation_policy, TRUST_ATTESTATION, &current, err));
    t->attestation_hash = current->hash;
    if (f->attestation_next.n) {
        enum qr_rc rc = read_attestation(f->attestation_next, TRUST_ATTESTATION_NEXT, &next, err);
        if (rc != QR_OK) {
            attest_policy_free(current);
            return rc;
        }
    }
    /* What was taken over already, and not removed yet. */
    if (next && qr_hash_equal(&next->hash, &current->hash)) {
        attest_policy_free(next);
        next = NULL;
    }
    return attest_pin_new(&t->attestation, current, next, err);
}

enum qr_rc trust_attestation_at(const struct trust_dir *t, uint64_t index, struct qr_hash *out)
{
    const struct attest_policy *next = attest_pin_next(t->attestation);
    if (next && attest_pin_at(t->attestation, index) == next) {
        *out = next->hash;
        return QR_OK;
    }
    bool waits = attest_pin_waits(t->attestation);
    for (size_t i = t->past_count; i > 0; i--) {
        if (t->past[i - 1].index >= index) continue;
        *out = t->past[i - 1].hash;
        if (i < t->past_count) return QR_OK;
        /* The last line reaches as far as nothing took its place: unknown where
         * the current policy came later, or the next one may have. */
        return qr_hash_equal(out, &t->attestation_hash) && !waits ? QR_OK : QR_NOTFOUND;
    }
    if (t->past_count > 0 || !next || waits) return QR_NOTFOUND;
    *out = t->attestation_hash;
    return QR_OK;
}

bool trust_attestation_pinned(const struct trust_dir *t, const char *hex)
{
    struct qr_hash h;
    return qr_unhex(qr_str(hex), h.b, sizeof h.b) == QR_OK &&
           attest_pin_find(t->attestation, &h) != NULL;
}

bool trust_attestation_known(const struct trust_dir *t, const struct qr_hash *hash)
{
    for (size_t i = 0; i < t->past_count; i++)
        if (qr_hash_equal(&t->past[i].hash, hash)) return true;
    return attest_pin_find(t->attestation, hash) != NULL;
}

bool trust_origin_lesser(const char *origin)
{
    struct qr_bytes name = qr_str(origin);
    size_t n = sizeof TRUST_LESSER_ORIGIN - 1;
    return name.n > n && qr_bytes_is(QR_BYTES(name.p, n), TRUST_LESSER_ORIGIN);
}

/* Whoever reads the name of a log knows whether lesser classes may be in it. */
static enum qr_rc classes_named(const struct trust_dir *t, struct qr_err *err)
{
    char lesser[64];
    if (t->signing.classes == 0 || trust_origin_lesser(t->origin)) return QR_OK;
    qr_classes_text(t->signing.classes, lesser);
    return qr_fail(err, QR_POLICY,
                   "signing.policy accepts class %s, but the log's origin does not begin "
                   "with \"" TRUST_LESSER_ORIGIN "\"",
                   lesser);
}

enum qr_rc trust_dir_serviceable(const struct trust_dir *t, struct qr_err *err)
{
    if (attest_pin_now(t->attestation)->trust_class == ATTEST_SIMULATED &&
        !(t->signing.classes & QR_CLASS_SIMULATED))
        return qr_fail(err, QR_ATTESTATION,
                       "attestation.policy is of class simulated, which signing.policy "
                       "does not accept");
    return QR_OK;
}

static enum qr_rc read_all(const struct trust_files *f, struct trust_dir *t, struct qr_err *err)
{
    QR_TRY(read_trust_json(f->trust_json, t, err));
    QR_TRY(read_cert(f->ca_root, PKI_ROOT_CA, NULL, &t->root, err));
    QR_TRY(read_cert(f->participant_ca, PKI_PARTICIPANT_CA, &t->root, &t->participant_ca, err));
    QR_TRY(read_cert(f->group_ca, PKI_GROUP_CA, &t->root, &t->group_ca, err));
    QR_TRY(keys_distinct(t, err));
    QR_TRY(read_policies(f, t, err));
    return classes_named(t, err);
}

enum qr_rc trust_dir_parse(const struct trust_files *files, struct trust_dir *out,
                           struct qr_err *err)
{
    qr_zero(out, sizeof *out);
    enum qr_rc rc = read_all(files, out, err);
    if (rc != QR_OK) trust_dir_fini(out);
    return rc;
}

void trust_dir_fini(struct trust_dir *t)
{
    attest_pin_free(t->attestation);
    qr_zero(t, sizeof *t);
}

#define FILES 8
#define OPTIONAL_FILES 2 /* the last ones */
enum qr_rc trust_dir_load(const char *path, struct trust_dir *out, struct qr_err *err)
{
    static const char *const names[FILES] = {
        "trust.json",     "ca-root.pem",     "participant-ca.pem",   "group-ca.pem",
        "signing.policy", TRUST_ATTESTATION, TRUST_ATTESTATION_NEXT, TRUST_ATTESTATION_HISTORY};
    struct qr_buf b[FILES];
    enum qr_rc rc = QR_OK;
    for (size_t i = 0; i < FILES; i++) qr_buf_init(&b[i], QR_MAX_CONFIG_FILE);
    for (size_t i = 0; i < FILES && rc == QR_OK; i++) {
        char file[4096];
        int n = snprintf(file, sizeof file, "%s/%s", path, names[i]);
        rc = n > 0 && (size_t)n < sizeof file ? qr_file_read(file, &b[i], err)
                                              : qr_fail(err, QR_IO, "path too long");
        if (rc == QR_NOTFOUND && i >= FILES - OPTIONAL_FILES) rc = QR_OK;
    }
    if (rc == QR_OK) {
        struct trust_files f = {qr_buf_bytes(&b[0]), qr_buf_bytes(&b[1]), qr_buf_bytes(&b[2]),
                                qr_buf_bytes(&b[3]), qr_buf_bytes(&b[4]), qr_buf_bytes(&b[5]),
                                qr_buf_bytes(&b[6]), qr_buf_bytes(&b[7])};
        rc = trust_dir_parse(&f, out, err);
    }
    for (size_t i = 0; i < FILES; i++) qr_buf_fini(&b[i]);
    return rc;
}

static json_t *keys_json(const struct trust_keys *keys)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < keys->n; i++) qr_json_add(a, qr_json_hex(keys->k[i].b, QR_KEY_SIZE));
    return a;
}

static json_t *log_json(const struct trust_dir *t)
{
    json_t *log = qr_json_object(), *keys = qr_json_array();
    for (size_t i = 0; i < t->log_key_count; i++) {
        const struct trust_log_key *k = &t->log_keys[i];
        char vkey[TLOG_VKEY_MAX];
        json_t *o = qr_json_object();
        tlog_vkey_format(&k->vkey, vkey);
        qr_json_set_u64str(o, "from", k->from);
        if (k->to == TRUST_OPEN_END)
            qr_json_set_str(o, "to", "");
        else
            qr_json_set_u64str(o, "to", k->to);
        qr_json_set_str(o, "vkey", vkey);
        qr_json_add(keys, o);
    }
    qr_json_set(log, "keys", keys);
    qr_json_set_str(log, "origin", t->origin);
    return log;
}

enum qr_rc trust_json_write(const struct trust_dir *t, struct qr_buf *out)
{
    json_t *o = qr_json_object(), *authors = qr_json_object();
    for (unsigned a = 0; a < LEAF_AUTHOR_COUNT; a++)
        qr_json_set(authors, leaf_author_name((enum leaf_author)a), keys_json(&t->authors[a]));
    qr_json_set(o, "admins", keys_json(&t->admins));
    qr_json_set(o, "authors", authors);
    qr_json_set(o, "coordinator_envelope_keys", keys_json(&t->coordinator_envelope));
    qr_json_set(o, "grant_keys", keys_json(&t->grant));
    qr_json_set(o, "log", log_json(t));
    if (t->ssh_ca.n > 0) qr_json_set(o, "ssh_ca_keys", keys_json(&t->ssh_ca));
    qr_json_set_int(o, "v", 1);
    if (t->witness_count > 0) {
        json_t *list = qr_json_array();
        for (size_t i = 0; i < t->witness_count; i++) {
            char vkey[TLOG_VKEY_MAX];
            tlog_vkey_format(&t->witnesses[i], vkey);
            qr_json_add(list, qr_json_text(qr_str(vkey)));
        }
        qr_json_set(o, "witnesses", list);
    }
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}
