/* open.c - finds the files, loads the trust directory, connects. */
#include <config.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/open.h"
#include "service/path.h"

#include <stdio.h>
#include <stdlib.h>

const char *const open_names[] = {"QUORATE_STATE_DIR", "QUORATE_TRUST_DIR", "QUORATE_PERSON_KEY",
                                  "COORDINATOR_ADDR",  "TLOG_ADDR",         "CA_ADDR",
                                  "AUTH_ADDR",         "CLIENT_TLS_CA",     "CLIENT_TLS_CERT",
                                  "CLIENT_TLS_KEY",    "TEE_POLICY_HASH",   "TEE_DEVICE",
                                  "TEE_CERTS",         "TEE_LEVEL",         NULL};

enum { FILE_TRUST, FILE_CA, FILE_CERT, FILE_KEY, FILE_TEE, FILE_ANCHOR };

/* The tunable, or STATE/sub/name. */
static enum qr_rc file_of(struct cli *c, struct open_all *o, int i, const char *tunable,
                          const char *sub, const char *name, struct qr_err *err)
{
    const char *given = tunable ? qr_config_str(c->config, tunable) : NULL;
    if (!given) return cli_path(o->files[i], o->state, sub, name, err);
    (void)snprintf(o->files[i], PATH_MAX, "%s", given);
    return QR_OK;
}

static enum qr_rc find_files(struct cli *c, struct open_all *o, struct qr_err *err)
{
    QR_TRY(cli_state_dir(c, o->state, err));
    QR_TRY(file_of(c, o, FILE_TRUST, "QUORATE_TRUST_DIR", LAYOUT_TRUST, NULL, err));
    QR_TRY(file_of(c, o, FILE_CA, "CLIENT_TLS_CA", LAYOUT_TRANSPORT_CA, NULL, err));
    QR_TRY(file_of(c, o, FILE_CERT, "CLIENT_TLS_CERT", LAYOUT_CLIENT, LAYOUT_TLS_CRT, err));
    QR_TRY(file_of(c, o, FILE_KEY, "CLIENT_TLS_KEY", LAYOUT_CLIENT, LAYOUT_TLS_KEY, err));
    QR_TRY(file_of(c, o, FILE_TEE, NULL, LAYOUT_TEE, LAYOUT_CLIENT, err));
    return file_of(c, o, FILE_ANCHOR, NULL, LAYOUT_CLIENT, "log.anchor", err);
}

static enum qr_rc load_trust(struct cli *c, struct open_all *o, struct qr_err *err)
{
    o->trust = calloc(1, sizeof *o->trust);
    if (!o->trust) return QR_NOMEM;
    enum qr_rc rc = trust_dir_load(o->files[FILE_TRUST], o->trust, err);
    if (rc != QR_OK) {
        free(o->trust);
        o->trust = NULL;
        return rc;
    }
    const char *pinned = qr_config_str(c->config, "TEE_POLICY_HASH");
    char hash[2 * QR_SHA256_SIZE + 1];
    qr_hex(o->trust->attestation_hash.b, QR_SHA256_SIZE, hash);
    if (pinned && !trust_attestation_pinned(o->trust, pinned))
        return qr_fail(err, QR_POLICY,
                       "TEE_POLICY_HASH is not the hash of the trust directory's "
                       "attestation.policy (%.16s...)",
                       hash);
    return QR_OK;
}

enum qr_rc open_services(struct cli *c, struct open_all *o, struct qr_err *err)
{
    *o = (struct open_all){.state = ""};
    QR_TRY(find_files(c, o, err));
    if (!qr_file_exists(o->files[FILE_TRUST]))
        return qr_fail(err, QR_NOTFOUND,
                       "no trust directory: run `quorate init`, or give --trust-dir");
    QR_TRY(load_trust(c, o, err));
    struct services_conf conf = {
        .addr = {[SERVICE_LOG] = qr_config_str(c->config, "TLOG_ADDR"),
                 [SERVICE_AUTH] = qr_config_str(c->config, "AUTH_ADDR"),
                 [SERVICE_CA] = qr_config_str(c->config, "CA_ADDR"),
                 [SERVICE_COORDINATOR] = qr_config_str(c->config, "COORDINATOR_ADDR")},
        .tls = {.ca_file = o->files[FILE_CA],
                .cert_file = o->files[FILE_CERT],
                .key_file = o->files[FILE_KEY]},
        .tee = {.device = qr_config_str(c->config, "TEE_DEVICE"),
                .certs_dir = qr_config_str(c->config, "TEE_CERTS"),
                .level = (int)qr_config_int(c->config, "TEE_LEVEL", ATTEST_LEVEL_ANY),
                .sim_dir = o->files[FILE_TEE],
                .wanted = attest_pin_now(o->trust->attestation)->trust_class,
                .broker = {.clock = c->clock}},
        .anchor_path = o->files[FILE_ANCHOR],
        .trust = o->trust,
        .clock = c->clock,
        .rand = c->rand};
    return services_open(&o->services, &conf, err);
}

/* The name in identity.json, when --name is to be checked. */
static enum qr_rc check_name(const char *state, const char *dir, const char *name,
                             struct qr_err *err)
{
    struct service_path p = path_in2(state, dir, LAYOUT_PERSON_IDENTITY);
    struct qr_buf b;
    qr_buf_init(&b, QR_MAX_CONFIG_FILE);
    json_t *v = NULL;
    enum qr_rc rc = qr_file_read(p.s, &b, err);
    if (rc == QR_OK) rc = qr_json_parse_loose(qr_buf_bytes(&b), &v, err);
    if (rc == QR_OK) {
        const char *is = json_string_value(json_object_get(v, "name"));
        if (!is || !qr_bytes_is(qr_str(is), name))
            rc = qr_fail(err, QR_USAGE, "--name and --email are of different people");
    }
    json_decref(v);
    qr_buf_fini(&b);
    return rc;
}

enum qr_rc open_person(struct cli *c, struct open_all *o, struct qr_err *err)
{
    const char *email = qr_config_str(c->config, "EMAIL");
    const char *name = qr_config_str(c->config, "NAME");
    const char *key = qr_config_str(c->config, "QUORATE_PERSON_KEY");
    char dir[QR_MAX_NAME + 16];
    struct service_path path = {""};
    if (email) {
        for (const char *p = email; *p; p++)
            if (*p == '/') return qr_fail(err, QR_USAGE, "--email is not an e-mail address");
        (void)snprintf(dir, sizeof dir, "%s/%.255s", LAYOUT_PEOPLE, email);
        path = path_in2(o->state, dir, LAYOUT_PERSON_KEY);
        if (!qr_file_exists(path.s))
            return qr_fail(err, QR_NOTFOUND, "the state directory has no person key for --email");
        if (name) QR_TRY(check_name(o->state, dir, name, err));
        key = path.s;
    }
    /* A request binds nobody, so it may have a default; an approval never. */
    if (!key && o->may_default) {
        path = path_in2(o->state, LAYOUT_PEOPLE "/" LAYOUT_REQUESTER, LAYOUT_PERSON_KEY);
        if (qr_file_exists(path.s)) key = path.s;
    }
    if (!key)
        return qr_fail(err, QR_USAGE,
                       "whose person key? give --email, --person-key or QUORATE_PERSON_KEY");
    return person_open(&o->person, o->services, key, err);
}

void open_close(struct open_all *o)
{
    person_fini(&o->person);
    services_free(o->services);
    if (o->trust) trust_dir_fini(o->trust);
    free(o->trust);
    o->services = NULL;
    o->trust = NULL;
}

enum qr_rc open_session(struct open_all *o, const char *session, struct open_facts **out,
                        struct qr_err *err)
{
    *out = NULL;
    if (!qr_ulid_ok(qr_str(session)))
        return qr_fail(err, QR_USAGE, "not a session id: 26 characters, as request printed it");
    struct open_facts *f = calloc(1, sizeof *f);
    if (!f) return QR_NOMEM;
    qr_buf_init(&f->bytes, QR_MAX_BUNDLE);
    enum qr_rc rc = services_material(o->services, session, NULL, BUNDLE_OPEN, &f->bytes, err);
    if (rc == QR_OK) rc = bundle_read(qr_buf_bytes(&f->bytes), &f->bundle, err);
    if (rc == QR_OK) {
        struct trust_report r;
        struct bundle_options opt = {
            .need = BUNDLE_OPEN, .known = &f->known, .allow_simulated = o->allow_simulated};
        trust_report_init(&r);
        rc = bundle_verify(&f->bundle, o->trust, &opt, &r, &f->facts);
        if (rc != QR_OK) (void)trust_report_err(&r, err);
        trust_report_fini(&r);
    }
    if (rc == QR_OK) rc = log_client_consider(services_log(o->services), f->bundle.checkpoint, err);
    if (rc == QR_OK && !qr_bytes_is(qr_str(session), f->facts.request.is.session))
        rc = qr_fail(err, QR_FALSE, "the coordinator answered with another session");
    if (rc != QR_OK) {
        open_facts_free(f);
        return rc;
    }
    *out = f;
    return QR_OK;
}

void open_facts_free(struct open_facts *f)
{
    if (!f) return;
    bundle_facts_fini(&f->facts);
    bundle_fini(&f->bundle);
    qr_buf_fini(&f->bytes);
    free(f);
}
