/* main.c - quorate-tlogd: the transparency log. */
#include "tlogd/service.h"

static const char *const names[] = {"TLOG_BIND",
                                    "TLOG_THREADS",
                                    "TLOG_TLS_CERT",
                                    "TLOG_TLS_KEY",
                                    "TLOG_TLS_CA",
                                    "TLOG_HTTP_BIND",
                                    "TLOG_HTTP_CERT",
                                    "TLOG_HTTP_KEY",
                                    "TLOG_WITNESS_POLICY",
                                    "TLOG_WITNESS_WAIT_MS",
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
    .name = LAYOUT_TLOGD,
    .prefix = "TLOG",
    .author = LEAF_TLOGD,
    .config = {.program = "quorate-tlogd",
               .summary = "the transparency log of quorate",
               .examples = "  quorate-tlogd --init            make an empty log, once\n"
                           "  quorate-tlogd                   serve it\n"
                           "  quorate-tlogd --tlog-bind 127.0.0.1:0 --ready-file ready\n",
               .names = names,
               .own = service_flags,
               .own_count = SERVICE_FLAG_COUNT,
               .notes = service_notes},
    .hooks = {.create = tlogd_create,
              .open = tlogd_open,
              .add = tlogd_add,
              .log_own = tlogd_log_own,
              .find_policy = tlogd_find_policy,
              .web = tlogd_web,
              .metrics = tlogd_metrics,
              .close = tlogd_close},
};

int main(int argc, char **argv) { return service_main(&spec, argc, argv); }
