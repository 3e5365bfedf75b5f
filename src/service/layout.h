/* layout.h - what a state directory holds, by name.
 *
 * `quorate init` writes it, the daemons and the CLI read their parts of it.
 * Only constants.  Directories have mode 0700, keys 0600; trust/ alone may be
 * handed to others.
 *
 *   trust/             the trust directory (docs/FORMATS.md section 11)
 *   transport/         CA of TLS: ca.pem, ca.key
 *   admin/             admin.key, ca-root.key: used by init and by enrolment
 *   genesis/           policy-signing.json, policy-attestation.json: bodies of
 *                      policy.changed with the admins' signatures, logged by
 *                      authd when the log does not have them
 *   roster.jsonl       people to enrol, one canonical JSON object a line:
 *                      {"body":identity.enrolled body with admin_sigs,
 *                       "identity":canonical identity as an object,"salt":hex}
 *   tee/root/          simulator root; tee/NODE/ one simulated chip per node
 *   tlogd/ authd/ cad/ coordinatord/   each: tls.crt tls.key entry.key and its own
 *   client/            tls.crt tls.key of participants on this machine; shares/
 *                      of standing groups
 *   people/EMAIL/      person.key, identity.json
 *   people/requester   link to whoever `quorate request` means when told nobody
 *   run/               ready files and logs of `quorate up` */
#ifndef QUORATE_SERVICE_LAYOUT_H
#define QUORATE_SERVICE_LAYOUT_H

#define LAYOUT_TRUST "trust"
#define LAYOUT_TRANSPORT_CA "transport/ca.pem"
#define LAYOUT_TRANSPORT_KEY "transport/ca.key"
#define LAYOUT_ADMIN_KEY "admin/admin.key"
#define LAYOUT_ROOT_KEY "admin/ca-root.key"
#define LAYOUT_GENESIS_SIGNING "genesis/policy-signing.json"
#define LAYOUT_GENESIS_ATTESTATION "genesis/policy-attestation.json"
#define LAYOUT_ROSTER "roster.jsonl"
#define LAYOUT_TEE_ROOT "tee/root"
#define LAYOUT_TEE "tee"
#define LAYOUT_PEOPLE "people"
#define LAYOUT_REQUESTER "requester"
#define LAYOUT_PERSON_KEY "person.key"
#define LAYOUT_PERSON_IDENTITY "identity.json"
#define LAYOUT_RUN "run"

/* Node names, which are also directories below the state directory, the CN of
 * the node certificate and the node id of attestation. */
#define LAYOUT_TLOGD "tlogd"
#define LAYOUT_AUTHD "authd"
#define LAYOUT_CAD "cad"
#define LAYOUT_COORDINATORD "coordinatord"
#define LAYOUT_CLIENT "client"

/* Inside a node's directory. */
#define LAYOUT_TLS_CRT "tls.crt"
#define LAYOUT_TLS_KEY "tls.key"
#define LAYOUT_ENTRY_KEY "entry.key"
/* tlogd */
#define LAYOUT_NOTE_KEY "note.key"
#define LAYOUT_LOG_DB "log.db"
#define LAYOUT_LOG_WITNESSED "log.witnessed"
/* authd */
#define LAYOUT_GRANT_KEY "grant.key"
#define LAYOUT_IDENTITY_KEY "identities.key"
#define LAYOUT_IDENTITY_KEYS "identities" /* COMMITMENT.key: one per person, no part of a backup */
#define LAYOUT_AUTH_DB "auth.db"
/* cad */
#define LAYOUT_PARTICIPANT_CA_KEY "participant-ca.key"
#define LAYOUT_GROUP_CA_KEY "group-ca.key"
#define LAYOUT_SSH_CA_KEY "ssh-ca.key"
#define LAYOUT_CA_DB "ca.db"
#define LAYOUT_NODES "nodes" /* NODE.crt: node certificates to log at genesis */
/* coordinatord */
#define LAYOUT_ENVELOPE_KEY "envelope.key"
#define LAYOUT_COORDINATOR_DB "coordinator.db"

/* client */
#define LAYOUT_SHARES "shares" /* COMMITMENT/: shares.db and a key file for each share */

/* Inside the trust directory. */
#define LAYOUT_TRUST_JSON "trust.json"
#define LAYOUT_CA_ROOT "ca-root.pem"
#define LAYOUT_PARTICIPANT_CA "participant-ca.pem"
#define LAYOUT_GROUP_CA "group-ca.pem"
#define LAYOUT_SIGNING_POLICY "signing.policy"
#define LAYOUT_ATTESTATION_POLICY "attestation.policy"

#endif
