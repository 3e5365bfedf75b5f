/* main.c - quorate-cad: the ceremony's certificates. */
#include "cad/service.h"

#include "cad/store.h"

static const char *const names[] = {"CA_BIND",
                                    "CA_HTTP_BIND",
                                    "CA_HTTP_CERT",
                                    "CA_HTTP_KEY",
                                    "CA_THREADS",
                                    "CA_TLS_CERT",
                                    "CA_TLS_KEY",
                                    "CA_TLS_CA",
                                    "CA_TTL_SECONDS",
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
    .name = LAYOUT_CAD,
    .prefix = "CA",
    .author = LEAF_CAD,
    .config = {.program = "quorate-cad",
               .summary = "certificates of participants and groups of quorate",
               .examples = "  quorate-cad --init              make an empty database, once\n"
                           "  quorate-cad                     serve\n"
                           "  quorate-cad --ca-ttl-seconds 300\n",
               .names = names,
               .own = service_flags,
               .own_count = SERVICE_FLAG_COUNT,
               .notes = service_notes},
    .db_file = LAYOUT_CA_DB,
    .app_id = SERVICE_CAD_APP_ID,
    .scripts = cad_scripts,
    .script_count = CAD_SCRIPT_COUNT,
    .hooks = {.open = cad_open, .add = cad_add, .sync = cad_sync, .close = cad_close},
};

int main(int argc, char **argv) { return service_main(&spec, argc, argv); }
