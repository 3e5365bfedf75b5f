/* group_plan.c - plans for standing groups: a file, which a quorum then signs in
 * an ordinary session.  A plan alone changes nothing. */
#include <config.h>

#include "base/file.h"
#include "cli/group.h"

#include <stdlib.h>
#include <string.h>

static const struct qr_setting create_own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"GROUP_NAME", "group-name", QR_SET_TEXT, NULL, 0, 0,
     "what to call it: 1 to 64 of a-z, 0-9, '.', '@', '-'"},
    {"ROLE", "role", QR_SET_TEXT, NULL, 0, 0, "role of all members: engineer or steward"},
    {"THRESHOLD", "threshold", QR_SET_INT, NULL, 2, QR_MAX_PARTICIPANTS,
     "how many of them must sign"},
    {"MEMBERS", "members", QR_SET_TEXT, NULL, 0, 0,
     "their commitments (or beginnings), separated by commas"},
    {"OUT", "output", QR_SET_PATH, NULL, 0, 0, "where the plan goes"},
};
static const struct qr_setting change_own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"GROUP", "group", QR_SET_TEXT, NULL, 0, 0, "the group's id, its beginning, or its name"},
    {"OUT", "output", QR_SET_PATH, NULL, 0, 0, "where the plan goes"},
};
static const struct qr_setting repair_own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"GROUP", "group", QR_SET_TEXT, NULL, 0, 0, "the group's id, its beginning, or its name"},
    {"LOST", "lost", QR_SET_TEXT, NULL, 0, 0, "commitment of the member that lost its share"},
    {"OUT", "output", QR_SET_PATH, NULL, 0, 0, "where the plan goes"},
};
static const struct qr_setting reshare_own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"GROUP", "group", QR_SET_TEXT, NULL, 0, 0, "the group's id, its beginning, or its name"},
    {"THRESHOLD", "threshold", QR_SET_INT, NULL, 2, QR_MAX_PARTICIPANTS,
     "how many of the new members must sign (default: as now)"},
    {"MEMBERS", "members", QR_SET_TEXT, NULL, 0, 0,
     "commitments of all new members (or beginnings), separated by commas"},
    {"OUT", "output", QR_SET_PATH, NULL, 0, 0, "where the plan goes"},
};

#define SPEC(step, text, flags)                                                             \
    {                                                                                       \
        .program = "quorate group " step, .summary = text,                                  \
        .examples = "  quorate group " step " ... --output PLAN\n  quorate request PLAN\n", \
        .names = open_names, .own = flags, .own_count = sizeof flags / sizeof flags[0]      \
    }
static const struct qr_config_spec specs[LEAF_GROUP_STEPS] = {
    [LEAF_GROUP_CREATE] = SPEC("create", "writes the plan of a new standing group", create_own),
    [LEAF_GROUP_REFRESH] = SPEC("refresh", "plans new shares for the same members", change_own),
    [LEAF_GROUP_REPAIR] =
        SPEC("repair", "plans new shares after a member lost its own", repair_own),
    [LEAF_GROUP_RESHARE] =
        SPEC("reshare", "plans new shares for other members or another threshold", reshare_own),
    [LEAF_GROUP_RETIRE] = SPEC("retire", "plans the end of a standing group", change_own),
};

void group_plan_text(const struct leaf_group_plan *p, const struct qr_hash *hash,
                     struct qr_buf *out)
{
    char hex[2 * QR_SHA256_SIZE + 1];
    qr_hex(hash->b, sizeof hash->b, hex);
    qr_buf_printf(out, "Plan %s\n  %s group \"%s\" of role %s", hex, leaf_group_step_name(p->step),
                  p->name, qr_role_name(p->role));
    if (p->step != LEAF_GROUP_CREATE) {
        qr_hex(p->from.group.b, sizeof p->from.group.b, hex);
        qr_buf_printf(out, " (%.16s, epoch %u)", hex, p->from.epoch);
    }
    qr_buf_put_str(out, "\n");
    if (p->n > 0) qr_buf_printf(out, "  %u of %zu members sign\n", p->t, p->n);
    for (size_t i = 0; i < p->parties; i++) {
        qr_hex(p->party[i].commitment.b, QR_SHA256_SIZE, hex);
        qr_buf_printf(out, "  %s %zu  %s\n", i < p->n ? "member" : "leaves", i + 1, hex);
    }
}

/* ---- members ---- */

static enum qr_rc add_party(struct leaf_group_plan *p, const struct people_row *row,
                            struct qr_err *err)
{
    if (p->parties == QR_MAX_PARTICIPANTS)
        return qr_fail(err, QR_RANGE, "more than %d parties", QR_MAX_PARTICIPANTS);
    if (row->is.role != p->role)
        return qr_fail(err, QR_POLICY, "a member is enrolled as %s", qr_role_name(row->is.role));
    for (size_t i = 0; i < p->parties; i++)
        if (qr_hash_equal(&p->party[i].commitment, &row->is.commitment))
            return qr_fail(err, QR_USAGE, "a member is named twice");
    p->party[p->parties++] = (struct leaf_group_person){row->is.commitment, row->leaf};
    return QR_OK;
}

/* A member of now, with the enrolment in force. */
static enum qr_rc add_person(const struct groups_view *v, const struct qr_hash *commitment,
                             struct leaf_group_plan *p, struct qr_err *err)
{
    char hex[2 * QR_SHA256_SIZE + 1];
    const struct people_row *row;
    qr_hex(commitment->b, sizeof commitment->b, hex);
    enum qr_rc rc = groups_view_person(v, hex, &row, err);
    if (rc == QR_NOTFOUND)
        return qr_fail(err, QR_POLICY, "member %.16s... is no longer enrolled: reshare without it",
                       hex);
    return rc == QR_OK ? add_party(p, row, err) : rc;
}

static enum qr_rc add_named(const struct groups_view *v, const char *list,
                            struct leaf_group_plan *p, struct qr_err *err)
{
    char one[2 * QR_SHA256_SIZE + 1];
    if (!list) return qr_fail(err, QR_USAGE, "give --members");
    for (const char *at = list;;) {
        size_t n = strcspn(at, ",");
        const struct people_row *row;
        if (n >= sizeof one) return qr_fail(err, QR_USAGE, "--members: not a commitment");
        qr_copy(one, at, n);
        one[n] = 0;
        QR_TRY(groups_view_person(v, one, &row, err));
        QR_TRY(add_party(p, row, err));
        if (at[n] == 0) break;
        at += n + 1;
    }
    p->n = p->parties;
    return QR_OK;
}

static bool stays(const struct leaf_group_plan *p, const struct qr_hash *commitment)
{
    for (size_t i = 0; i < p->n; i++)
        if (qr_hash_equal(&p->party[i].commitment, commitment)) return true;
    return false;
}

/* t of the old members, those who stay first; who leaves and deals is a party. */
static enum qr_rc choose_dealers(const struct groups_view *v, const struct trust_group *g,
                                 const struct qr_hash *but, struct leaf_group_plan *p,
                                 struct qr_err *err)
{
    bool deals[QR_MAX_PARTICIPANTS + 1] = {false};
    size_t n = 0;
    for (int leaving = 0; leaving < 2; leaving++)
        for (uint32_t i = 1; i <= g->is.n && n < g->is.t; i++) {
            const struct qr_hash *who = &g->member[i - 1].commitment;
            if (deals[i] || stays(p, who) == (leaving != 0)) continue;
            if (but && qr_hash_equal(who, but)) continue;
            if (leaving) QR_TRY(add_person(v, who, p, err));
            deals[i] = true;
            n++;
        }
    if (n < g->is.t)
        return qr_fail(err, QR_POLICY, "%zu members have shares, and %u are needed", n, g->is.t);
    for (uint32_t i = 1; i <= g->is.n; i++)
        if (deals[i]) p->dealer[p->dealers++] = i;
    return QR_OK;
}

/* ---- plans ---- */

static enum qr_rc plan_create(struct cli *c, const struct groups_view *v, struct leaf_group_plan *p,
                              struct qr_err *err)
{
    const char *name = qr_config_str(c->config, "GROUP_NAME");
    const char *role = qr_config_str(c->config, "ROLE");
    if (!name || !leaf_namespace_ok(qr_str(name)))
        return qr_fail(err, QR_USAGE, "give --group-name, 1 to %d of a-z, 0-9, '.', '@', '-'",
                       LEAF_GROUP_NAME);
    if (!role || qr_role_parse(qr_str(role), &p->role) != QR_OK || p->role > QR_STEWARD)
        return qr_fail(err, QR_USAGE, "give --role engineer or steward");
    qr_copy(p->name, name, qr_str(name).n);
    p->t = (uint32_t)qr_config_int(c->config, "THRESHOLD", 0);
    if (p->t == 0) return qr_fail(err, QR_USAGE, "give --threshold");
    return add_named(v, qr_config_str(c->config, "MEMBERS"), p, err);
}

static enum qr_rc plan_lost(struct cli *c, const struct groups_view *v, const struct trust_group *g,
                            const struct qr_hash **lost, struct qr_err *err)
{
    const char *name = qr_config_str(c->config, "LOST");
    const struct people_row *row;
    if (!name) return qr_fail(err, QR_USAGE, "give --lost");
    QR_TRY(groups_view_person(v, name, &row, err));
    uint32_t i = trust_group_number(g, &row->is.commitment);
    if (i == 0) return qr_fail(err, QR_NOTFOUND, "--lost is no member of the group");
    *lost = &g->member[i - 1].commitment;
    return QR_OK;
}

static enum qr_rc plan_change(struct cli *c, const struct groups_view *v, struct leaf_group_plan *p,
                              struct qr_err *err)
{
    const char *name = qr_config_str(c->config, "GROUP");
    const struct trust_group *g;
    const struct qr_hash *lost = NULL;
    if (!name) return qr_fail(err, QR_USAGE, "give --group");
    QR_TRY(groups_view_named(v, name, &g, err));
    if (g->retired) return qr_fail(err, QR_STATE, "the group is retired");
    p->from = g->ref;
    p->role = g->role;
    qr_copy(p->name, g->name, sizeof p->name);
    if (p->step == LEAF_GROUP_RETIRE) return QR_OK;
    p->t = g->is.t;
    if (p->step == LEAF_GROUP_REPAIR) QR_TRY(plan_lost(c, v, g, &lost, err));
    if (p->step == LEAF_GROUP_RESHARE) {
        p->t = (uint32_t)qr_config_int(c->config, "THRESHOLD", g->is.t);
        QR_TRY(add_named(v, qr_config_str(c->config, "MEMBERS"), p, err));
    } else {
        for (uint32_t i = 0; i < g->is.n; i++)
            QR_TRY(add_person(v, &g->member[i].commitment, p, err));
        p->n = p->parties;
    }
    return choose_dealers(v, g, lost, p, err);
}

static enum qr_rc write_plan(struct cli *c, const struct leaf_group_plan *p, struct qr_err *err)
{
    const char *path = qr_config_str(c->config, "OUT");
    struct leaf_group_plan again;
    struct qr_buf text, screen;
    if (!path) return qr_fail(err, QR_USAGE, "give --output");
    if (p->step != LEAF_GROUP_RETIRE && p->t > p->n)
        return qr_fail(err, QR_USAGE, "--threshold is larger than the number of members");
    qr_buf_init(&text, QR_MAX_ENTRY);
    qr_buf_init(&screen, 16384);
    enum qr_rc rc = leaf_group_plan_write(p, &text);
    if (rc == QR_OK) rc = leaf_group_plan_read(qr_buf_bytes(&text), &again, err);
    if (rc == QR_OK) rc = qr_file_write(path, qr_buf_bytes(&text), 0644, err);
    if (rc == QR_OK) {
        const struct qr_hash hash = qr_sha256_one(qr_buf_bytes(&text));
        char clean[PATH_MAX];
        group_plan_text(p, &hash, &screen);
        if (!c->json) fprintf(stderr, "%.*s", (int)screen.n, (const char *)screen.p);
        c->result = qr_json_object();
        cli_clean(qr_str(path), clean, sizeof clean);
        qr_json_set_str(c->result, "plan", clean);
        qr_json_set_hex(c->result, "sha256", hash.b, sizeof hash.b);
        cli_say(c,
                "Next: `quorate request %s`; once the quorum has signed it, "
                "`quorate group join`.",
                clean);
        cli_out(c, "%s", clean);
    }
    qr_buf_fini(&text);
    qr_buf_fini(&screen);
    return rc;
}

static enum qr_rc make_plan(struct cli *c, enum leaf_group_step step, struct qr_err *err)
{
    struct open_all *o = calloc(1, sizeof *o);
    struct leaf_group_plan *p = calloc(1, sizeof *p);
    struct groups_view v = {.ignored = 0};
    if (!o || !p) qr_fatal("out of memory");
    p->step = step;
    qr_rand_fill(&c->rand, p->nonce, sizeof p->nonce);
    enum qr_rc rc = open_services(c, o, err);
    if (rc == QR_OK) rc = groups_view_load(o->services, 0, &v, err);
    if (rc == QR_OK)
        rc = step == LEAF_GROUP_CREATE ? plan_create(c, &v, p, err) : plan_change(c, &v, p, err);
    if (rc == QR_OK) rc = write_plan(c, p, err);
    groups_view_free(&v);
    open_close(o);
    free(o);
    free(p);
    return rc;
}

static enum qr_rc run(struct cli *c, enum leaf_group_step step, int argc, char **argv,
                      struct qr_err *err)
{
    QR_TRY(cli_config(c, &specs[step], argc, argv, err));
    return make_plan(c, step, err);
}

enum qr_rc cli_group_create(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    return run(c, LEAF_GROUP_CREATE, argc, argv, err);
}
enum qr_rc cli_group_refresh(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    return run(c, LEAF_GROUP_REFRESH, argc, argv, err);
}
enum qr_rc cli_group_repair(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    return run(c, LEAF_GROUP_REPAIR, argc, argv, err);
}
enum qr_rc cli_group_reshare(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    return run(c, LEAF_GROUP_RESHARE, argc, argv, err);
}
enum qr_rc cli_group_retire(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    return run(c, LEAF_GROUP_RETIRE, argc, argv, err);
}
