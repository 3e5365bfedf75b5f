/* main.c - quorate-coordinatord: signing sessions. */
#include "coordinatord/service.h"
#include "coordinatord/store.h"
#include "coordinatord/web.h"

static const char *const names[] = {"COORD_BIND",
                                    "COORD_HTTP_BIND",
                                    "COORD_HTTP_CERT",
                                    "COORD_HTTP_KEY",
                                    "COORD_THREADS",
                                    "COORD_TLS_CERT",
                                    "COORD_TLS_KEY",
                                    "COORD_TLS_CA",
                                    "REQUIRED_ENGINEERS",
                                    "REQUIRED_STEWARDS",
                                    "TLOG_ADDR",
                                    "AUTH_ADDR",
                                    "CA_ADDR",
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
                                    "CLIENT_TLS_CA",
                                    NULL};

static const struct service_spec spec = {
    .name = LAYOUT_COORDINATORD,
    .prefix = "COORD",
    .author = LEAF_COORDINATOR,
    .config = {.program = "quorate-coordinatord",
               .summary = "the signing sessions of quorate",
               .examples = "  quorate-coordinatord --init     make an empty database, once\n"
                           "  quorate-coordinatord            serve\n"
                           "  quorate-coordinatord --coord-bind 127.0.0.1:0 --ready-file ready\n",
               .names = names,
               .notes = service_notes},
    .db_file = LAYOUT_COORDINATOR_DB,
    .app_id = SERVICE_COORDINATORD_APP_ID,
    .scripts = store_scripts,
    .script_count = STORE_SCRIPT_COUNT,
    .hooks = {.open = coordinator_open,
              .add = coordinator_add,
              .sync = coordinator_sync,
              .logged = coordinator_logged,
              .settled = coordinator_settled,
              .web = coordinator_web,
              .stop = coordinator_stop,
              .close = coordinator_close},
};

/* What every daemon takes, and our own. */
int main(int argc, char **argv)
{
    struct qr_setting own[SERVICE_FLAG_COUNT + COORDINATOR_SETTING_COUNT];
    struct service_spec with_own = spec;
    for (size_t i = 0; i < SERVICE_FLAG_COUNT; i++) own[i] = service_flags[i];
    for (size_t i = 0; i < COORDINATOR_SETTING_COUNT; i++)
        own[SERVICE_FLAG_COUNT + i] = coordinator_settings[i];
    with_own.config.own = own;
    with_own.config.own_count = sizeof own / sizeof own[0];
    return service_main(&with_own, argc, argv);
}
