/* main.c - quorate-authd: people, logins, grants. */
#include "authd/service.h"

#include "authd/store.h"

static const char *const names[] = {"AUTH_BIND",
                                    "AUTH_HTTP_BIND",
                                    "AUTH_HTTP_CERT",
                                    "AUTH_HTTP_KEY",
                                    "AUTH_THREADS",
                                    "AUTH_TLS_CERT",
                                    "AUTH_TLS_KEY",
                                    "AUTH_TLS_CA",
                                    "AUTH_DEMO_TOKEN",
                                    "ROSTER_FILE",
                                    "TLOG_ADDR",
                                    "TEE_DEVICE",
                                    "TEE_CERTS",
                                    "TEE_LEVEL",
                                    "SEAL",
                                    "SEAL_SECRET",
                                    "TEE_POLICY_HASH",
                                    "TEE_POLICY_FILE",
                                    "SIGNING_POLICY_FILE",
                                    "QUORATE_STATE_DIR",
                                    "QUORATE_TRUST_DIR",
                                    NULL};

static const struct service_spec spec = {
    .name = LAYOUT_AUTHD,
    .prefix = "AUTH",
    .author = LEAF_AUTHD,
    .config = {.program = "quorate-authd",
               .summary = "enrolment, logins and grants of quorate",
               .examples = "  quorate-authd --init            make an empty database, once\n"
                           "  quorate-authd                   serve\n"
                           "  quorate-authd --roster-file people.jsonl\n",
               .names = names,
               .own = service_flags,
               .own_count = SERVICE_FLAG_COUNT,
               .notes = service_notes},
    .db_file = LAYOUT_AUTH_DB,
    .app_id = SERVICE_AUTHD_APP_ID,
    .scripts = authd_scripts,
    .script_count = AUTHD_SCRIPT_COUNT,
    .hooks = {.open = authd_open,
              .add = authd_add,
              .sync = authd_sync,
              .logged = authd_logged,
              .close = authd_close},
};

int main(int argc, char **argv) { return service_main(&spec, argc, argv); }
