/* init.c - builds the state directory in steps, each a function over one
 * struct; what one step makes (keys, certificates) a later one signs or
 * writes into trust.json. */
#include <config.h>

#include "cli/init.h"

#include "attest/policy.h"
#include "attest/simulator.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/programs.h"
#include "leaf/people.h"
#include "pki/ca.h"
#include "pki/transport.h"
#include "service/path.h"
#include "trust/trust_dir.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_US (86400LL * 1000000)

static const char *const nodes[] = {LAYOUT_TLOGD, LAYOUT_AUTHD, LAYOUT_CAD, LAYOUT_COORDINATORD,
                                    LAYOUT_CLIENT};
#define NODE_COUNT (sizeof nodes / sizeof nodes[0])

struct making {
    const struct cli *c;
    const struct init_plan *plan;
    const char *dir; /* the directory under construction */
    int64_t now_us;
    struct qr_signer admin;
    struct trust_dir trust; /* keys gathered for trust.json */
    struct qr_err *err;
};

static enum qr_rc make_dir(struct making *m, const char *name)
{
    struct service_path p = path_in(m->dir, name);
    return qr_dir_private(p.s, m->err);
}

static enum qr_rc make_dirs(struct making *m)
{
    static const char *const dirs[] = {"trust",    "transport", "admin", "genesis",  "tee",
                                       "tee/root", "people",    "run",   "cad/nodes"};
    for (size_t i = 0; i < NODE_COUNT; i++) {
        char tee[80];
        (void)snprintf(tee, sizeof tee, "tee/%s", nodes[i]);
        QR_TRY(make_dir(m, nodes[i]));
        if (i == 0) QR_TRY(make_dir(m, "tee"));
        QR_TRY(make_dir(m, tee));
    }
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) QR_TRY(make_dir(m, dirs[i]));
    return QR_OK;
}

static enum qr_rc copy_file(struct making *m, const char *from, const char *to, unsigned mode)
{
    struct qr_buf b;
    qr_buf_init(&b, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = qr_file_read(from, &b, m->err);
    if (rc == QR_OK) rc = qr_file_write(to, qr_buf_bytes(&b), mode, m->err);
    qr_buf_fini(&b);
    return rc;
}

static enum qr_rc make_node(struct making *m, struct pki_transport_ca *ca, const char *node)
{
    struct service_path crt = path_in2(m->dir, node, LAYOUT_TLS_CRT);
    struct service_path key = path_in2(m->dir, node, LAYOUT_TLS_KEY);
    struct pki_node_request req = {
        .node = node,
        /* Participants answer no calls; a daemon's probe calls itself. */
        .usage =
            strcmp(node, LAYOUT_CLIENT) == 0 ? PKI_NODE_CLIENT : PKI_NODE_SERVER | PKI_NODE_CLIENT,
        .validity = {m->now_us - 60 * 1000000LL, m->now_us + 365 * DAY_US}};
    struct pki_node_info info;
    QR_TRY(pki_node_make(ca, &req, (struct pki_ca_files){crt.s, key.s}, &info, m->err));
    char name[PKI_NODE_NAME_MAX + 16];
    (void)snprintf(name, sizeof name, "%s.crt", node);
    struct service_path dir = path_in2(m->dir, LAYOUT_CAD, LAYOUT_NODES);
    struct service_path copy = path_in(dir.s, name);
    return copy_file(m, crt.s, copy.s, 0600);
}

static enum qr_rc make_transport(struct making *m)
{
    struct pki_transport_ca *ca = NULL;
    struct service_path crt = path_in(m->dir, LAYOUT_TRANSPORT_CA);
    struct service_path key = path_in(m->dir, LAYOUT_TRANSPORT_KEY);
    struct pki_validity v = {m->now_us - 60 * 1000000LL, m->now_us + 3650 * DAY_US};
    QR_TRY(pki_transport_ca_new(v, &ca, m->err));
    enum qr_rc rc = pki_transport_ca_save(ca, (struct pki_ca_files){crt.s, key.s}, m->err);
    for (size_t i = 0; rc == QR_OK && i < NODE_COUNT; i++) rc = make_node(m, ca, nodes[i]);
    pki_transport_ca_free(ca);
    return rc;
}

#ifdef QUORATE_SIMULATOR
/* The simulated root that another state directory already has. */
static enum qr_rc copy_root(struct making *m, const char *to)
{
    static const char *const files[] = {"ark.der", "ask.der", "ask.key"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct service_path a = path_in(m->plan->tee_root, files[i]);
        struct service_path b = path_in(to, files[i]);
        QR_TRY(copy_file(m, a.s, b.s, 0600));
    }
    return QR_OK;
}
#endif

static enum qr_rc make_tee(struct making *m)
{
#ifdef QUORATE_SIMULATOR
    struct service_path root = path_in(m->dir, LAYOUT_TEE_ROOT);
    if (m->plan->tee_root)
        QR_TRY(copy_root(m, root.s));
    else
        QR_TRY(attest_sim_root_make(root.s, m->now_us, m->err));
    for (size_t i = 0; i < NODE_COUNT; i++) {
        struct service_path node = path_in2(m->dir, LAYOUT_TEE, nodes[i]);
        QR_TRY(attest_sim_node_make(root.s, node.s, m->now_us, &m->c->rand, m->err));
    }
    return QR_OK;
#else
    return qr_fail(m->err, QR_NOTIMPL, "this build has no simulator: init is for development");
#endif
}

/* A new key in dir/node/file; its public half goes into keys unless NULL. */
static enum qr_rc make_key(struct making *m, const char *node, const char *file,
                           struct trust_keys *keys)
{
    struct qr_signer s = {.secret = {0}};
    QR_TRY(qr_signer_new(&s, &m->c->rand, m->err));
    struct service_path p = path_in2(m->dir, node, file);
    enum qr_rc rc = qr_signer_save(&s, p.s, m->err);
    if (rc == QR_OK && keys) keys->k[keys->n++] = s.pub;
    qr_signer_fini(&s);
    return rc;
}

static enum qr_rc make_note_key(struct making *m)
{
    struct trust_keys note = {.n = 0};
    QR_TRY(make_key(m, LAYOUT_TLOGD, LAYOUT_NOTE_KEY, &note));
    (void)snprintf(m->trust.origin, sizeof m->trust.origin, "%s", m->plan->origin);
    struct trust_log_key *k = &m->trust.log_keys[0];
    if (tlog_vkey_make(m->trust.origin, note.k[0].b, &k->vkey) != TLOG_OK)
        return qr_fail(m->err, QR_USAGE, "not a log origin: %s", m->trust.origin);
    k->from = 0;
    k->to = TRUST_OPEN_END;
    m->trust.log_key_count = 1;
    return QR_OK;
}

static enum qr_rc make_service_keys(struct making *m)
{
    static const char *const by_author[LEAF_AUTHOR_COUNT] = {
        [LEAF_TLOGD] = LAYOUT_TLOGD,
        [LEAF_AUTHD] = LAYOUT_AUTHD,
        [LEAF_CAD] = LAYOUT_CAD,
        [LEAF_COORDINATOR] = LAYOUT_COORDINATORD,
    };
    for (unsigned a = 0; a < LEAF_AUTHOR_COUNT; a++)
        QR_TRY(make_key(m, by_author[a], LAYOUT_ENTRY_KEY, &m->trust.authors[a]));
    QR_TRY(make_note_key(m));
    QR_TRY(make_key(m, LAYOUT_AUTHD, LAYOUT_GRANT_KEY, &m->trust.grant));
    QR_TRY(make_key(m, LAYOUT_AUTHD, LAYOUT_IDENTITY_KEY, NULL));
    QR_TRY(make_key(m, LAYOUT_CAD, LAYOUT_SSH_CA_KEY, &m->trust.ssh_ca));
    QR_TRY(make_key(m, LAYOUT_COORDINATORD, LAYOUT_ENVELOPE_KEY, &m->trust.coordinator_envelope));
    QR_TRY(qr_signer_new(&m->admin, &m->c->rand, m->err));
    m->trust.admins.k[m->trust.admins.n++] = m->admin.pub;
    struct service_path p = path_in(m->dir, LAYOUT_ADMIN_KEY);
    return qr_signer_save(&m->admin, p.s, m->err);
}

/* One CA: certificate into trust/, key where its holder keeps it. */
static enum qr_rc make_ca(struct making *m, const struct pki_ca *root, enum pki_kind kind,
                          struct pki_ca *out)
{
    static const struct {
        const char *cert, *key_dir, *key;
    } place[] = {
        [PKI_ROOT_CA] = {LAYOUT_CA_ROOT, "admin", "ca-root.key"},
        [PKI_PARTICIPANT_CA] = {LAYOUT_PARTICIPANT_CA, LAYOUT_CAD, LAYOUT_PARTICIPANT_CA_KEY},
        [PKI_GROUP_CA] = {LAYOUT_GROUP_CA, LAYOUT_CAD, LAYOUT_GROUP_CA_KEY},
    };
    struct qr_buf der;
    qr_buf_init(&der, PKI_MAX_DER);
    struct pki_issuance i = {.ca = root,
                             .validity = {m->now_us - 60 * 1000000LL, m->now_us + 3650 * DAY_US},
                             .rand = &m->c->rand};
    enum qr_rc rc = pki_ca_make(&i, kind, out, &der, m->err);
    if (rc == QR_OK) {
        struct service_path cert = path_in2(m->dir, LAYOUT_TRUST, place[kind].cert);
        struct service_path key = path_in2(m->dir, place[kind].key_dir, place[kind].key);
        rc = pki_ca_save(out, qr_buf_bytes(&der), (struct pki_ca_files){cert.s, key.s}, m->err);
        if (rc != QR_OK) pki_ca_fini(out);
    }
    qr_buf_fini(&der);
    return rc;
}

static enum qr_rc make_cas(struct making *m)
{
    struct pki_ca root, sub;
    QR_TRY(make_ca(m, NULL, PKI_ROOT_CA, &root));
    enum qr_rc rc = QR_OK;
    for (enum pki_kind k = PKI_PARTICIPANT_CA; rc == QR_OK && k <= PKI_GROUP_CA; k++) {
        rc = make_ca(m, &root, k, &sub);
        if (rc == QR_OK) pki_ca_fini(&sub);
    }
    pki_ca_fini(&root);
    return rc;
}

static enum qr_rc write_json(struct making *m, const json_t *v, const char *path)
{
    struct qr_buf b;
    qr_buf_init(&b, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = qr_json_write(v, &b);
    if (rc == QR_OK) rc = qr_file_write(path, qr_buf_bytes(&b), 0600, m->err);
    qr_buf_fini(&b);
    return rc;
}

static enum qr_rc make_genesis(struct making *m, struct leaf_policy *p, const char *file)
{
    json_t *body = leaf_policy_write(p);
    enum qr_rc rc = leaf_admin_sign(body, LEAF_TAG_POLICY, &m->admin, m->err);
    struct service_path path = path_in(m->dir, file);
    if (rc == QR_OK) rc = write_json(m, body, path.s);
    json_decref(body);
    return rc;
}

static enum qr_rc make_signing_policy(struct making *m)
{
    struct qr_buf text, canon;
    qr_buf_init(&text, QR_MAX_CONFIG_FILE);
    qr_buf_init(&canon, QR_MAX_ENTRY);
    signing_policy_text(&m->plan->policy, &text);
    struct service_path path = path_in2(m->dir, LAYOUT_TRUST, LAYOUT_SIGNING_POLICY);
    enum qr_rc rc = qr_file_write(path.s, qr_buf_bytes(&text), 0600, m->err);
    if (rc == QR_OK) rc = signing_policy_write(&m->plan->policy, &canon);
    struct leaf_policy p = {.name = LEAF_POLICY_SIGNING,
                            .hash = signing_policy_hash(&m->plan->policy),
                            .text = qr_buf_bytes(&canon)};
    if (rc == QR_OK) rc = make_genesis(m, &p, LAYOUT_GENESIS_SIGNING);
    qr_buf_fini(&text);
    qr_buf_fini(&canon);
    return rc;
}

static enum qr_rc make_attestation_policy(struct making *m)
{
#ifdef QUORATE_SIMULATOR
    struct qr_buf text, canon;
    qr_buf_init(&text, QR_MAX_CONFIG_FILE);
    qr_buf_init(&canon, QR_MAX_ENTRY);
    struct service_path root = path_in(m->dir, LAYOUT_TEE_ROOT);
    struct service_path path = path_in2(m->dir, LAYOUT_TRUST, LAYOUT_ATTESTATION_POLICY);
    struct attest_policy *policy = NULL;
    enum qr_rc rc = attest_sim_policy(root.s, NULL, &text, m->err);
    if (rc == QR_OK) rc = qr_file_write(path.s, qr_buf_bytes(&text), 0600, m->err);
    if (rc == QR_OK) rc = attest_policy_parse(qr_buf_bytes(&text), &policy, m->err);
    if (rc == QR_OK) rc = attest_policy_canonical(policy, &canon);
    if (rc == QR_OK) {
        struct leaf_policy p = {
            .name = LEAF_POLICY_ATTESTATION, .hash = policy->hash, .text = qr_buf_bytes(&canon)};
        rc = make_genesis(m, &p, LAYOUT_GENESIS_ATTESTATION);
    }
    attest_policy_free(policy);
    qr_buf_fini(&text);
    qr_buf_fini(&canon);
    return rc;
#else
    return qr_fail(m->err, QR_NOTIMPL, "this build has no simulator: init is for development");
#endif
}

static enum qr_rc make_trust_json(struct making *m)
{
    struct qr_buf b;
    qr_buf_init(&b, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = trust_json_write(&m->trust, &b);
    struct service_path p = path_in2(m->dir, LAYOUT_TRUST, LAYOUT_TRUST_JSON);
    if (rc == QR_OK) rc = qr_file_write(p.s, qr_buf_bytes(&b), 0600, m->err);
    qr_buf_fini(&b);
    return rc;
}

/* One line of the roster: the enrolment that the admin signed, and what opens
 * its commitment. */
static enum qr_rc roster_line(struct making *m, const struct init_person *p,
                              const struct qr_pub *key, struct qr_bytes identity,
                              struct qr_buf *roster)
{
    uint8_t salt[32];
    qr_rand_fill(&m->c->rand, salt, sizeof salt);
    struct leaf_identity id = {
        .commitment = leaf_commitment(salt, identity), .role = p->role, .person_key = *key};
    json_t *body = leaf_identity_write(&id, LEAF_IDENTITY_ENROLLED);
    json_t *who = NULL;
    enum qr_rc rc = leaf_admin_sign(body, LEAF_TAG_ENROLL, &m->admin, m->err);
    if (rc == QR_OK) rc = qr_json_parse(identity, &who, m->err);
    if (rc == QR_OK) {
        json_t *line = qr_json_object();
        qr_json_set(line, "body", json_incref(body));
        qr_json_set(line, "identity", who);
        qr_json_set_hex(line, "salt", salt, sizeof salt);
        rc = qr_json_write(line, roster);
        qr_buf_put_u8(roster, '\n');
        json_decref(line);
    }
    json_decref(body);
    qr_wipe(salt, sizeof salt);
    return rc;
}

static enum qr_rc make_person(struct making *m, const struct init_person *p, struct qr_buf *roster)
{
    struct qr_buf identity;
    qr_buf_init(&identity, 1024);
    enum qr_rc rc = leaf_identity_text(qr_str(p->name), qr_str(p->email), &identity);
    if (rc != QR_OK) {
        qr_buf_fini(&identity);
        return qr_fail(m->err, QR_USAGE, "not a name and an e-mail address");
    }
    char dir[QR_MAX_NAME + 16];
    (void)snprintf(dir, sizeof dir, "%s/%s", LAYOUT_PEOPLE, p->email);
    rc = make_dir(m, dir);
    struct qr_signer key = {.secret = {0}};
    if (rc == QR_OK) rc = qr_signer_new(&key, &m->c->rand, m->err);
    struct service_path file = path_in2(m->dir, dir, LAYOUT_PERSON_KEY);
    if (rc == QR_OK) rc = qr_signer_save(&key, file.s, m->err);
    file = path_in2(m->dir, dir, LAYOUT_PERSON_IDENTITY);
    if (rc == QR_OK) rc = qr_file_write(file.s, qr_buf_bytes(&identity), 0600, m->err);
    if (rc == QR_OK) rc = roster_line(m, p, &key.pub, qr_buf_bytes(&identity), roster);
    qr_signer_fini(&key);
    qr_buf_fini(&identity);
    return rc;
}

static enum qr_rc make_people(struct making *m)
{
    struct qr_buf roster;
    qr_buf_init(&roster, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = QR_OK;
    for (size_t i = 0; rc == QR_OK && i < m->plan->person_count; i++)
        rc = make_person(m, &m->plan->people[i], &roster);
    struct service_path link = path_in2(m->dir, LAYOUT_PEOPLE, LAYOUT_REQUESTER);
    if (rc == QR_OK && m->plan->person_count && symlink(m->plan->people[0].email, link.s) != 0)
        rc = qr_fail(m->err, QR_IO, "%s: %s", link.s, strerror(errno));
    struct service_path p = path_in(m->dir, LAYOUT_ROSTER);
    if (rc == QR_OK) rc = qr_file_write(p.s, qr_buf_bytes(&roster), 0600, m->err);
    qr_buf_fini(&roster);
    return rc;
}

static enum qr_rc make_databases(struct making *m)
{
    static const char *const daemons[] = {"quorate-tlogd", "quorate-authd", "quorate-cad",
                                          "quorate-coordinatord"};
    for (size_t i = 0; i < sizeof daemons / sizeof daemons[0]; i++)
        QR_TRY(program_init(daemons[i], m->dir, m->err));
    return QR_OK;
}

static enum qr_rc make_all(struct making *m)
{
    static enum qr_rc (*const steps[])(struct making *) = {make_dirs,
                                                           make_transport,
                                                           make_tee,
                                                           make_service_keys,
                                                           make_cas,
                                                           make_signing_policy,
                                                           make_attestation_policy,
                                                           make_trust_json,
                                                           make_people,
                                                           make_databases};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) QR_TRY(steps[i](m));
    struct trust_dir check = {.origin = ""};
    struct service_path trust = path_in(m->dir, LAYOUT_TRUST);
    QR_TRY(trust_dir_load(trust.s, &check, m->err));
    trust_dir_fini(&check);
    return QR_OK;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* Parents of the state directory, as mkdir -p would make them. */
static enum qr_rc make_parents(const char *dir, struct qr_err *err)
{
    char path[SERVICE_PATH_MAX];
    int n = snprintf(path, sizeof path, "%s", dir);
    if (n < 0 || (size_t)n >= sizeof path) return qr_fail(err, QR_IO, "path too long");
    for (char *p = path + 1; *p; p++) {
        if (*p != '/') continue;
        *p = 0;
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return qr_fail(err, QR_IO, "%s: %s", path, strerror(errno));
        *p = '/';
    }
    return QR_OK;
}

enum qr_rc init_make(const struct cli *c, const struct init_plan *plan, struct qr_err *err)
{
    if (qr_file_exists(plan->dir) && rmdir(plan->dir) != 0)
        return qr_fail(err, QR_EXISTS, "%s is there already; remove it to start again", plan->dir);
    QR_TRY(make_parents(plan->dir, err));
    char tmp[SERVICE_PATH_MAX];
    int n = snprintf(tmp, sizeof tmp, "%s.new.%ld", plan->dir, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof tmp) return qr_fail(err, QR_IO, "path too long");
    struct making *m = calloc(1, sizeof *m);
    if (!m) return QR_NOMEM;
    *m = (struct making){
        .c = c, .plan = plan, .dir = tmp, .now_us = qr_now_us(&c->clock), .err = err};
    enum qr_rc rc = qr_dir_private(tmp, err);
    if (rc == QR_OK) rc = make_all(m);
    /* COMMIT POINT: the directory is there, whole. */
    if (rc == QR_OK && rename(tmp, plan->dir) != 0)
        rc = qr_fail(err, QR_IO, "%s: %s", plan->dir, strerror(errno));
    if (rc != QR_OK) (void)nftw(tmp, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    qr_signer_fini(&m->admin);
    free(m);
    return rc;
}

enum qr_rc init_exports(const char *dir, struct qr_buf *out, struct qr_err *err)
{
    struct trust_dir *t = calloc(1, sizeof *t);
    if (!t) return QR_NOMEM;
    struct service_path trust = path_in(dir, LAYOUT_TRUST);
    enum qr_rc rc = trust_dir_load(trust.s, t, err);
    if (rc == QR_OK) {
        char hash[2 * QR_SHA256_SIZE + 1];
        qr_hex(t->attestation_hash.b, QR_SHA256_SIZE, hash);
        qr_buf_printf(out, "export QUORATE_STATE_DIR='%s'\n", dir);
        qr_buf_printf(out, "export QUORATE_TRUST_DIR='%s'\n", trust.s);
        qr_buf_printf(out, "export TEE_POLICY_HASH=%s\n", hash);
        qr_buf_printf(out, "export REQUIRED_ENGINEERS=%u REQUIRED_STEWARDS=%u\n",
                      t->signing.engineers, t->signing.stewards);
        rc = qr_buf_ok(out);
        trust_dir_fini(t);
    }
    free(t);
    return rc;
}
