/* main.c - quorate: picks the subcommand, prints one document or one error. */
#include "base/secret.h"
#include "cli/cli.h"
#include "crypto/crypto.h"

#include <config.h>

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cli_command commands[] = {
    {"init", "make a development state directory", cli_init},
    {"up", "run all four services here", cli_up},
    {"request", "ask for a signature on a file", cli_request},
    {"join", "approve a request and take part in signing", cli_join},
    {"show", "show one session", cli_show},
    {"list", "list sessions", cli_list},
    {"watch", "follow a session", cli_watch},
    {"refuse", "record that you refuse a request", cli_refuse},
    {"withdraw", "take your approval back", cli_withdraw},
    {"cancel", "end a session that you requested", cli_cancel},
    {"verify", "verify a file against its bundle", cli_verify},
    {"trust", "show what this machine trusts", cli_trust},
    {"evidence", "write an evidence pack for an auditor", cli_evidence},
    {"group", "standing groups: plan, create, change, sign", cli_group},
    {"identity", "enrol, change, revoke and erase people", cli_identity},
    {"policy", "replace the attestation policy", cli_policy},
    {"audit", "sample and checklist for auditors", cli_audit},
    {"attest", "verify attestation reports, check policies", cli_attest},
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void usage(FILE *out)
{
    fprintf(out, "Examples:\n"
                 "  quorate up &                                  run the services here\n"
                 "  quorate request release.tar.gz                ask; prints the session's id\n"
                 "  quorate join --session ID --email a@ex.com    approve, take part\n"
                 "  quorate verify release.tar.gz --bundle release.tar.gz.quorate --trust DIR\n"
                 "\nUsage: quorate COMMAND [OPTIONS]\n\nCommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\n`quorate COMMAND --help` explains one of them; see quorate(1).\n");
}

static void group_usage(const struct cli_group *g, FILE *out)
{
    fprintf(out, "Examples:\n%s\nUsage: quorate %s COMMAND [OPTIONS]\n\nCommands:\n", g->examples,
            g->name);
    for (size_t i = 0; i < g->count; i++)
        fprintf(out, "  %-10s %s\n", g->commands[i].name, g->commands[i].summary);
    fprintf(out, "\n`quorate %s COMMAND --help` explains one of them; see quorate(1).\n", g->name);
}

enum qr_rc cli_group_run(struct cli *c, const struct cli_group *g, int argc, char **argv,
                         struct qr_err *err)
{
    struct qr_bytes name = qr_str(argc > 1 ? argv[1] : "");
    if (qr_bytes_is(name, "--help") || qr_bytes_is(name, "-h") || qr_bytes_is(name, "help")) {
        group_usage(g, stdout);
        return QR_CANCELLED;
    }
    for (size_t i = 0; i < g->count; i++)
        if (qr_bytes_is(name, g->commands[i].name))
            return g->commands[i].run(c, argc - 1, argv + 1, err);
    group_usage(g, stderr);
    return qr_fail(err, QR_USAGE, "give one of the commands above");
}

enum qr_rc cli_config(struct cli *c, const struct qr_config_spec *spec, int argc, char **argv,
                      struct qr_err *err)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--json") == 0) c->json = true;
    QR_TRY(qr_config_load(&c->config, spec, argc, argv, err));
    if (!qr_config_wants_text(c->config)) return QR_OK;
    qr_config_print(c->config, stdout);
    c->json = false;
    err->text[0] = 0;
    return QR_CANCELLED;
}

/* Bytes of the character at s.p[i] if it makes a terminal show the others in
 * another order or on another line: U+061C, U+200E..200F, U+2028..202E,
 * U+2066..2069.  0: it does not. */
static size_t misleads(struct qr_bytes s, size_t i)
{
    const uint8_t *p = s.p + i;
    size_t left = s.n - i;
    if (left >= 2 && p[0] == 0xd8 && p[1] == 0x9c) return 2;
    if (left < 3 || p[0] != 0xe2) return 0;
    bool marks = p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f);
    bool overrides = p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae;
    bool isolates = p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9;
    return marks || overrides || isolates ? 3 : 0;
}

void cli_clean(struct qr_bytes s, char *out, size_t room)
{
    size_t n = s.n < room - 1 ? s.n : room - 1, to = 0;
    bool text = qr_utf8_ok(QR_BYTES(s.p, n));
    for (size_t i = 0; i < n; i++) {
        uint8_t b = s.p[i];
        size_t skip = text ? misleads(QR_BYTES(s.p, n), i) : 0;
        /* C1 controls are 0xc2 0x80..0x9f in UTF-8. */
        bool c1 = b >= 0x80 && b < 0xa0 && i > 0 && s.p[i - 1] == 0xc2;
        bool bad = b < 0x20 || b == 0x7f || c1 || (b >= 0x80 && !text) || skip;
        out[to++] = bad ? '?' : (char)b;
        if (skip) i += skip - 1;
    }
    out[to] = 0;
}

/* One line without control characters: words of the coordinator stand in it. */
static void print_line(FILE *to, const char *fmt, va_list ap)
{
    char raw[4096], line[sizeof raw];
    (void)vsnprintf(raw, sizeof raw, fmt, ap);
    cli_clean(qr_str(raw), line, sizeof line);
    fprintf(to, "%s\n", line);
}

void cli_say(const struct cli *c, const char *fmt, ...)
{
    if (c->json) return;
    va_list ap;
    va_start(ap, fmt);
    print_line(stderr, fmt, ap);
    va_end(ap);
}

void cli_out(const struct cli *c, const char *fmt, ...)
{
    if (c->json) return;
    va_list ap;
    va_start(ap, fmt);
    print_line(stdout, fmt, ap);
    va_end(ap);
    (void)fflush(stdout);
}

enum qr_rc cli_path(char *out, const char *dir, const char *a, const char *b, struct qr_err *err)
{
    int n = snprintf(out, PATH_MAX, "%s/%s%s%s", dir, a, b ? "/" : "", b ? b : "");
    return n < 0 || n >= PATH_MAX ? qr_fail(err, QR_IO, "path too long") : QR_OK;
}

enum qr_rc cli_state_dir(const struct cli *c, char *out, struct qr_err *err)
{
    const char *dir = qr_config_str(c->config, "QUORATE_STATE_DIR");
    const char *home = getenv("HOME");
    int n = -1;
    if (dir)
        n = snprintf(out, PATH_MAX, "%s", dir);
    else if (home)
        n = snprintf(out, PATH_MAX, "%s/.local/state/quorate", home);
    if (n < 0 || n >= PATH_MAX)
        return qr_fail(err, QR_USAGE, "no state directory: give --state-dir or QUORATE_STATE_DIR");
    return QR_OK;
}

static void print_json(struct cli *c, enum qr_rc rc, const struct qr_err *err, int exit_code)
{
    json_t *doc = c->result ? c->result : qr_json_object();
    c->result = NULL;
    qr_json_set(doc, "ok", json_boolean(exit_code == 0));
    if (exit_code != 0) {
        json_t *e = qr_json_object();
        qr_json_set_str(e, "code", qr_rc_name(rc));
        json_t *message = json_string(err->text[0] ? err->text : qr_rc_text(rc));
        qr_json_set(e, "message", message ? message : json_string("(not UTF-8)"));
        qr_json_set_str(e, "hint", qr_rc_text(rc));
        qr_json_set_int(e, "exit", exit_code);
        qr_json_set(doc, "error", e);
        if (!json_object_get(doc, "checks")) qr_json_set(doc, "checks", qr_json_array());
    }
    (void)json_dumpf(doc, stdout, JSON_COMPACT | JSON_SORT_KEYS);
    putchar('\n');
    json_decref(doc);
}

static int finish(struct cli *c, const char *command, enum qr_rc rc, const struct qr_err *err)
{
    bool helped = rc == QR_CANCELLED && err->text[0] == 0;
    int code = helped ? 0 : c->exit_code ? c->exit_code : qr_rc_exit(rc);
    if (c->json && !c->done)
        print_json(c, rc, err, code);
    else if (code != 0 && !c->done)
        cli_say(c, "quorate %s: %s", command, err->text[0] ? err->text : qr_rc_text(rc));
    if (fflush(stdout) != 0 && code == 0) code = qr_rc_exit(QR_IO);
    json_decref(c->result);
    qr_config_free(c->config);
    return code;
}

int main(int argc, char **argv)
{
    struct qr_err err = {{0}};
    struct cli c = {.clock = qr_clock_system(), .rand = qr_rand_system(), .tty = isatty(2) != 0};
    if (qr_secret_process_init(&err) != QR_OK || qr_crypto_init(&err) != QR_OK) {
        fprintf(stderr, "quorate: %s\n", err.text);
        return qr_rc_exit(QR_BUG);
    }
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return usage(stdout), 0;
    if (strcmp(name, "--version") == 0) return puts(PACKAGE_STRING) < 0;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(name, commands[i].name) == 0)
            return finish(&c, name, commands[i].run(&c, argc - 1, argv + 1, &err), &err);
    usage(stderr);
    if (*name) fprintf(stderr, "\nquorate: no command \"%s\"\n", name);
    return qr_rc_exit(QR_USAGE);
}
