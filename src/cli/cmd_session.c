/* cmd_session.c - `quorate show`, `list` and `watch`: for people to read;
 * nothing is decided from it. */
#include <config.h>

#include "cli/open.h"
#include "leaf/session.h"
#include "participant/follow.h"

#include "quorate/v1/coordinator.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

#define CALL_MS 30000

typedef enum qr_rc view_fn(struct cli *c, struct open_all *o, struct qr_err *err);

/* Opens, runs, closes. */
static enum qr_rc with_services(struct cli *c, view_fn *fn, struct qr_err *err)
{
    struct open_all *o = calloc(1, sizeof *o);
    if (!o) return QR_NOMEM;
    enum qr_rc rc = open_services(c, o, err);
    if (rc == QR_OK) rc = fn(c, o, err);
    open_close(o);
    free(o);
    return rc;
}

static json_t *view_json(const Quorate__V1__SessionView *v)
{
    json_t *o = qr_json_object();
    qr_json_set_str(o, "session", v->session);
    qr_json_set_str(o, "state", v->state);
    qr_json_set_int(o, "attempt", v->attempt);
    qr_json_set_int(o, "engineers_have", v->engineers_have);
    qr_json_set_int(o, "engineers_need", v->engineers_need);
    qr_json_set_int(o, "stewards_have", v->stewards_have);
    qr_json_set_int(o, "stewards_need", v->stewards_need);
    qr_json_set_str(o, "reason", v->reason);
    qr_json_set_str(o, "step", v->step);
    json_t *entries = qr_json_array();
    for (size_t i = 0; i < v->n_entries; i++) {
        json_t *e = qr_json_object();
        qr_json_set_u64str(e, "index", v->entries[i]->index);
        qr_json_set_str(e, "kind", v->entries[i]->kind);
        qr_json_set_str(e, "time", v->entries[i]->time);
        qr_json_add(entries, e);
    }
    qr_json_set(o, "entries", entries);
    return o;
}

static void view_line(struct cli *c, const Quorate__V1__SessionView *v)
{
    char name[QR_MAX_NAME + 1] = "", hex[2 * QR_SHA256_SIZE + 1] = "?";
    struct leaf_entry e;
    struct leaf_request r;
    if (leaf_parse(QR_BYTES(v->requested.data, v->requested.len), &e, NULL) == QR_OK) {
        if (leaf_request_read(e.body, &r, NULL) == QR_OK) {
            qr_hex(r.artifact.sha256.b, QR_SHA256_SIZE, hex);
            cli_clean(qr_str(r.artifact.name), name, sizeof name);
        }
        leaf_fini(&e);
    }
    cli_out(c, "%s  %-9s  %u/%u engineers  %u/%u stewards  %.16s  %s", v->session, v->state,
            v->engineers_have, v->engineers_need, v->stewards_have, v->stewards_need, hex, name);
}

/* ---- show ---- */

static const struct qr_setting show_own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"SESSION", "session", QR_SET_TEXT, NULL, 0, 0, "session id"},
};
static const struct qr_config_spec show_spec = {
    .program = "quorate show",
    .summary = "shows one session with its log entries",
    .examples = "  quorate show --session ID\n",
    .names = open_names,
    .own = show_own,
    .own_count = sizeof show_own / sizeof show_own[0],
};

static enum qr_rc session_flag(struct cli *c, const char **out, struct qr_err *err)
{
    *out = qr_config_str(c->config, "SESSION");
    if (!*out || !qr_ulid_ok(qr_str(*out)))
        return qr_fail(err, QR_USAGE, "give --session ID, 26 characters as request printed it");
    return QR_OK;
}

static enum qr_rc show(struct cli *c, struct open_all *o, struct qr_err *err)
{
    const char *session;
    QR_TRY(session_flag(c, &session, err));
    Quorate__V1__ShowRequest in = QUORATE__V1__SHOW_REQUEST__INIT;
    in.session = (char *)(uintptr_t)session;
    struct services_ask ask = {SERVICE_COORDINATOR, "Show", &in.base, CALL_MS};
    struct rpc_answer a;
    enum qr_rc rc = services_call(o->services, &ask, &a, err);
    if (rc == QR_OK) {
        const Quorate__V1__SessionView *v = (const void *)a.msg;
        if (c->json) c->result = view_json(v);
        view_line(c, v);
        for (size_t i = 0; i < v->n_entries; i++)
            cli_out(c, "  %6llu  %s  %s", (unsigned long long)v->entries[i]->index,
                    v->entries[i]->time, v->entries[i]->kind);
        if (v->reason[0]) cli_out(c, "  ended: %s at step %s", v->reason, v->step);
    }
    rpc_answer_fini(&a);
    return rc;
}

enum qr_rc cli_show(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &show_spec, argc, argv, err));
    return with_services(c, show, err);
}

/* ---- list ---- */

static const struct qr_setting list_own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"OPEN", "open", QR_SET_SWITCH, NULL, 0, 0, "only sessions that have not ended"},
    {"LIMIT", "limit", QR_SET_INT, "100", 1, 1000, "at most so many"},
    {"BEFORE", "before", QR_SET_TEXT, NULL, 0, 0, "only sessions older than this id"},
};
static const struct qr_config_spec list_spec = {
    .program = "quorate list",
    .summary = "lists sessions, newest first",
    .examples = "  quorate list --open\n",
    .names = open_names,
    .own = list_own,
    .own_count = sizeof list_own / sizeof list_own[0],
};

static enum qr_rc list(struct cli *c, struct open_all *o, struct qr_err *err)
{
    Quorate__V1__ListRequest in = QUORATE__V1__LIST_REQUEST__INIT;
    const char *before = qr_config_str(c->config, "BEFORE");
    in.limit = (uint32_t)qr_config_int(c->config, "LIMIT", 100);
    in.open_only = qr_config_on(c->config, "OPEN");
    if (before) in.before = (char *)(uintptr_t)before;
    struct services_ask ask = {SERVICE_COORDINATOR, "List", &in.base, CALL_MS};
    struct rpc_answer a;
    enum qr_rc rc = services_call(o->services, &ask, &a, err);
    if (rc == QR_OK) {
        const Quorate__V1__ListReply *r = (const void *)a.msg;
        json_t *all = qr_json_array();
        for (size_t i = 0; i < r->n_sessions; i++) {
            view_line(c, r->sessions[i]);
            qr_json_add(all, view_json(r->sessions[i]));
        }
        c->result = qr_json_object();
        qr_json_set(c->result, "sessions", all);
    }
    rpc_answer_fini(&a);
    return rc;
}

enum qr_rc cli_list(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &list_spec, argc, argv, err));
    return with_services(c, list, err);
}

/* ---- watch ---- */

static const struct qr_config_spec watch_spec = {
    .program = "quorate watch",
    .summary = "follows a session to its end",
    .examples = "  quorate watch --session ID\n",
    .names = open_names,
    .own = show_own,
    .own_count = sizeof show_own / sizeof show_own[0],
};

static void tell(void *ctx, const struct follow_news *n)
{
    struct cli *c = ctx;
    if (n->type >= LEAF_ORDER_COUNT) return;
    if (n->type == LEAF_ORDER_PROGRESS)
        cli_out(c, "progress: %s, %lld of %lld engineers, %lld of %lld stewards", n->state,
                (long long)n->engineers_have, (long long)n->engineers_need,
                (long long)n->stewards_have, (long long)n->stewards_need);
    else if (n->reason[0])
        cli_out(c, "%s: %s at step %s", leaf_order_name(n->type), n->reason, n->step);
    else
        cli_out(c, "%s", leaf_order_name(n->type));
}

static enum qr_rc watch(struct cli *c, struct open_all *o, struct qr_err *err)
{
    const char *session;
    struct open_facts *facts = NULL;
    QR_TRY(session_flag(c, &session, err));
    QR_TRY(open_session(o, session, &facts, err));
    struct follow_onlooker w = {.services = o->services,
                                .session = session,
                                .session_leaf = facts->facts.request.at.leaf,
                                .tell = tell,
                                .ctx = c};
    enum qr_rc rc = follow_watch(&w, err);
    open_facts_free(facts);
    return rc;
}

enum qr_rc cli_watch(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &watch_spec, argc, argv, err));
    return with_services(c, watch, err);
}
