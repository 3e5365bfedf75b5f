/* identity.c - who a daemon is: its files, read once at start, each with its
 * own message when something is wrong. */
#include "attest/open.h"
#include "base/file.h"
#include "base/limits.h"
#include "pki/transport.h"
#include "service/life.h"

#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *identity_setting(const struct service *s, const char *suffix)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s_%s", s->spec->prefix, suffix);
    return qr_config_str(s->config, name);
}

/* The directory must be there: only init makes one. */
static enum qr_rc check_dir(const char *path, struct qr_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return qr_fail(err, QR_NOTFOUND, "%s: not there; `quorate init` makes a state directory",
                       path);
    return qr_dir_private(path, err);
}

/* ---- TLS ---- */

static enum qr_rc take_path(const char *given, const struct service_path *dflt, char *out,
                            struct qr_err *err)
{
    int n = snprintf(out, SERVICE_PATH_MAX, "%s", given ? given : dflt->s);
    if (n <= 0 || n >= SERVICE_PATH_MAX) return qr_fail(err, QR_RANGE, "path too long");
    return QR_OK;
}

static enum qr_rc load_tls(struct service *s, struct qr_err *err)
{
    struct service_life *l = s->life;
    struct service_path cert = path_in2(s->state, s->spec->name, LAYOUT_TLS_CRT);
    struct service_path key = path_in2(s->state, s->spec->name, LAYOUT_TLS_KEY);
    struct service_path ca = path_in(s->state, LAYOUT_TRANSPORT_CA);
    struct qr_buf pem;
    struct pki_node_info info;
    struct qr_err why = {{0}};
    QR_TRY(take_path(identity_setting(s, "TLS_CERT"), &cert, l->tls_cert, err));
    QR_TRY(take_path(identity_setting(s, "TLS_KEY"), &key, l->tls_key, err));
    QR_TRY(take_path(identity_setting(s, "TLS_CA"), &ca, l->tls_ca, err));
    qr_buf_init(&pem, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = qr_file_read(l->tls_cert, &pem, err);
    if (rc == QR_OK) {
        rc = pki_node_read(qr_buf_bytes(&pem), &info, &why);
        if (rc != QR_OK) rc = qr_fail(err, rc, "%s: %s", l->tls_cert, why.text);
    }
    qr_buf_reset(&pem);
    if (rc == QR_OK) rc = qr_file_read_private(l->tls_key, &pem, err);
    qr_wipe(pem.p, pem.n);
    qr_buf_fini(&pem);
    if (rc == QR_OK) (void)snprintf(s->node, sizeof s->node, "%s", info.node);
    return rc;
}

/* ---- policies and trust ---- */

static enum qr_rc load_trust(struct service *s, struct qr_err *err)
{
    const char *given = qr_config_str(s->config, "QUORATE_TRUST_DIR");
    struct service_path dflt = path_in(s->state, LAYOUT_TRUST);
    QR_TRY(trust_dir_load(given ? given : dflt.s, &s->life->trust, err));
    QR_TRY(trust_dir_serviceable(&s->life->trust, err));
    s->trust = &s->life->trust;
    s->policies.attestation = s->trust->attestation_hash;
    s->policies.signing = s->trust->signing_hash;
    return QR_OK;
}

static enum qr_rc load_tee_policy(struct service *s, struct qr_err *err)
{
    const char *trust = qr_config_str(s->config, "QUORATE_TRUST_DIR");
    struct service_path in_state = path_in2(s->state, LAYOUT_TRUST, LAYOUT_ATTESTATION_POLICY);
    struct service_path in_trust = path_in(trust ? trust : "", LAYOUT_ATTESTATION_POLICY);
    const char *given = qr_config_str(s->config, "TEE_POLICY_FILE");
    const char *pin = qr_config_str(s->config, "TEE_POLICY_HASH");
    const char *path = given ? given : trust ? in_trust.s : in_state.s;
    /* A node may pin the next policy before it is in force. */
    bool next = pin && trust_attestation_pinned(s->trust, pin);
    QR_TRY(
        attest_policy_load(path, pin && !next ? qr_str(pin) : QR_BYTES_NONE, &s->tee_policy, err));
    if (qr_hash_equal(&s->tee_policy->hash, &s->policies.attestation)) return QR_OK;
    return qr_fail(err, QR_POLICY, "%s: not the attestation policy of the trust directory", path);
}

static enum qr_rc check_signing_policy(struct service *s, struct qr_err *err)
{
    const char *given = qr_config_str(s->config, "SIGNING_POLICY_FILE");
    struct signing_policy p;
    struct qr_buf text;
    if (!given) return QR_OK;
    qr_buf_init(&text, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = qr_file_read(given, &text, err);
    if (rc == QR_OK) rc = signing_policy_parse(qr_buf_bytes(&text), given, &p, err);
    qr_buf_fini(&text);
    if (rc != QR_OK) return rc;
    struct qr_hash h = signing_policy_hash(&p);
    if (qr_hash_equal(&h, &s->policies.signing)) return QR_OK;
    return qr_fail(err, QR_POLICY, "%s: not the signing policy of the trust directory", given);
}

/* ---- keys and device ---- */

static enum qr_rc load_entry_key(struct service *s, struct qr_err *err)
{
    struct service_path path = path_in2(s->state, s->spec->name, LAYOUT_ENTRY_KEY);
    QR_TRY(service_key_load(s, path.s, &s->entry_key, err));
    if (trust_keys_have(&s->trust->authors[s->spec->author], &s->entry_key.pub)) return QR_OK;
    return qr_fail(err, QR_POLICY, "%s: not a key of author %s in the trust directory", path.s,
                   leaf_author_name(s->spec->author));
}

static enum qr_rc open_sealer(struct service *s, struct qr_err *err)
{
    struct qr_bytes seal = qr_str(qr_config_str(s->config, "SEAL"));
    bool hardware = qr_bytes_is(seal, "hardware");
    const struct attest_sealer_conf conf = {.device = hardware ? &s->life->device : NULL,
                                            .secret = qr_config_secret(s->config, "SEAL_SECRET"),
                                            .node = qr_str(s->node),
                                            .rand = s->rand};
    if (qr_bytes_is(seal, "off")) return QR_OK;
    if (!hardware && !qr_bytes_is(seal, "software"))
        return qr_fail(err, QR_USAGE, "SEAL is off, software or hardware");
    return attest_sealer_open(&conf, &s->life->sealer, err);
}

/* From the broker's thread: a node that can attest no more must not serve on. */
static void device_died(void *ctx, const char *text) { service_fatal(ctx, QR_ATTESTATION, text); }

static enum qr_rc open_device(struct service *s, struct qr_err *err)
{
    struct service_path sim = path_in2(s->state, LAYOUT_TEE, s->node);
    const struct attest_node_conf conf = {
        .device = qr_config_str(s->config, "TEE_DEVICE"),
        .certs_dir = qr_config_str(s->config, "TEE_CERTS"),
        .level = (int)qr_config_int(s->config, "TEE_LEVEL", ATTEST_LEVEL_ANY),
        .sim_dir = sim.s,
        .wanted = s->tee_policy->trust_class,
        .broker = {.clock = s->clock, .dead = device_died, .ctx = s}};
    return attest_open(&conf, &s->life->device, err);
}

static enum qr_rc take_class(struct service *s, struct qr_err *err)
{
    if (s->life->device.trust_class == ATTEST_SIMULATED) s->classes = QR_CLASS_SIMULATED;
    if (qr_bytes_is(qr_str(qr_config_str(s->config, "SEAL")), "software"))
        s->classes |= QR_CLASS_SOFTSEAL;
    unsigned more = s->classes & ~s->trust->signing.classes;
    if (more & QR_CLASS_SOFTSEAL)
        return qr_fail(err, QR_ATTESTATION,
                       "SEAL is software, and the signing policy does not accept class softseal");
    if (!more) return QR_OK;
    return qr_fail(err, QR_ATTESTATION,
                   "the TEE is simulated, and the signing policy does not accept it");
}

static void fill_self(struct service *s)
{
    s->life->self = (struct attest_self){.node_id = qr_str(s->node),
                                         .role = qr_str(s->spec->name),
                                         .device = &s->life->device,
                                         .policy = s->tee_policy,
                                         .pin = s->trust->attestation,
                                         .crl = QR_BYTES_NONE,
                                         .clock = s->clock,
                                         .rand = s->rand};
}

enum qr_rc identity_load(struct service *s, struct qr_err *err)
{
    struct service_path own = path_in(s->state, s->spec->name);
    QR_TRY(check_dir(s->state, err));
    QR_TRY(check_dir(own.s, err));
    QR_TRY(load_trust(s, err));
    QR_TRY(load_tee_policy(s, err));
    QR_TRY(check_signing_policy(s, err));
    QR_TRY(load_tls(s, err));
    QR_TRY(open_device(s, err));
    QR_TRY(take_class(s, err));
    QR_TRY(open_sealer(s, err));
    QR_TRY(load_entry_key(s, err));
    fill_self(s);
    return QR_OK;
}

void identity_fini(struct service *s)
{
    attest_sealer_close(s->life->sealer);
    attest_device_close(&s->life->device);
    qr_signer_fini(&s->entry_key);
    attest_policy_free(s->tee_policy);
    trust_dir_fini(&s->life->trust);
}
