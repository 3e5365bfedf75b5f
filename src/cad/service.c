/* service.c - the CA service: hooks.  Handlers are in participant.c and
 * group.c. */
#include "cad/service.h"

#include "base/file.h"
#include "cad/state.h"
#include "trust/trust_dir.h"

#include <stdlib.h>

static enum qr_rc load_ca(struct service *s, enum pki_kind kind, struct pki_ca *out,
                          struct qr_err *err)
{
    bool group = kind == PKI_GROUP_CA;
    const char *dir = qr_config_str(s->config, "QUORATE_TRUST_DIR");
    struct service_path state_trust = path_in(s->state, LAYOUT_TRUST);
    struct service_path cert =
        path_in(dir ? dir : state_trust.s, group ? LAYOUT_GROUP_CA : LAYOUT_PARTICIPANT_CA);
    struct service_path key =
        path_in2(s->state, LAYOUT_CAD, group ? LAYOUT_GROUP_CA_KEY : LAYOUT_PARTICIPANT_CA_KEY);
    struct qr_signer signer = {.secret = {0}};
    QR_TRY(service_key_load(s, key.s, &signer, err));
    return pki_ca_take(kind, &s->trust->root, (struct pki_ca_files){cert.s, key.s}, &signer, out,
                       err);
}

/* A directory of before there was an SSH CA has no such key, and trusts none:
 * it gets one, which issues nothing until trust.json names it. */
static enum qr_rc load_ssh_ca(struct cad *d, struct qr_err *err)
{
    struct service *s = d->s;
    const struct trust_keys *pinned = &s->trust->ssh_ca;
    struct service_path key = path_in2(s->state, LAYOUT_CAD, LAYOUT_SSH_CA_KEY);
    if (pinned->n == 0 && !qr_file_exists(key.s)) QR_TRY(service_key_make(s, key.s, err));
    QR_TRY(service_key_load(s, key.s, &d->ssh_ca, err));
    d->ssh_pinned = trust_keys_have(pinned, &d->ssh_ca.pub);
    if (!d->ssh_pinned && pinned->n > 0)
        return qr_fail(err, QR_MALFORMED, "%s: not one of trust.json's ssh_ca_keys", key.s);
    char hex[2 * QR_KEY_SIZE + 1];
    qr_hex(d->ssh_ca.pub.b, QR_KEY_SIZE, hex);
    if (!d->ssh_pinned)
        qr_log_text(&s->log, "ssh_ca.unpinned",
                    "no OpenSSH certificates until ssh_ca_keys of trust.json has %s", hex);
    return QR_OK;
}

enum qr_rc cad_open(struct service *s, struct qr_err *err)
{
    struct cad *d = calloc(1, sizeof *d);
    if (!d) return QR_NOMEM;
    s->self = d;
    d->s = s;
    if (pthread_mutex_init(&d->known_mutex, NULL) != 0) qr_fatal("mutex");
    d->ttl_us = qr_config_int(s->config, "CA_TTL_SECONDS", 600) * 1000000LL;
    trust_context_of(s->trust, 0, &d->context);
    QR_TRY(load_ca(s, PKI_PARTICIPANT_CA, &d->participant_ca, err));
    QR_TRY(load_ca(s, PKI_GROUP_CA, &d->group_ca, err));
    return load_ssh_ca(d, err);
}

enum qr_rc cad_add(struct service *s, struct qr_err *err)
{
    static const Quorate__V1__Ca_Service handlers = {
        QUORATE__V1__CA__BASE_INIT, .issue_participant = participant_issue,
        .review_group = group_review, .issue_group = group_issue};
    static const struct rpc_method methods[] = {{"ReviewGroup", 0, QR_MAX_MESSAGE_DKG},
                                                {"IssueGroup", 0, QR_MAX_MESSAGE_DKG}};
    struct cad *d = s->self;
    d->rpc = handlers;
    return rpc_server_add(s->server, &d->rpc.base, methods, 2, err);
}

/* Handlers run only afterwards: the view is there for all of them. */
enum qr_rc cad_sync(struct service *s, struct qr_err *err)
{
    struct cad *d = s->self;
    log_view_free(d->view);
    d->view = log_view_new(s->log_client, 0);
    QR_TRY(log_view_replay(d->view, err));
    return issue_nodes(d, err);
}

void cad_close(struct service *s)
{
    struct cad *d = s->self;
    if (!d) return;
    log_view_free(d->view);
    pki_ca_fini(&d->participant_ca);
    pki_ca_fini(&d->group_ca);
    qr_signer_fini(&d->ssh_ca);
    (void)pthread_mutex_destroy(&d->known_mutex);
    free(d);
    s->self = NULL;
}
