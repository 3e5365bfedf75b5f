/* identity_list.c - `quorate identity list`: people as of now, of an entry or of
 * a time, from the log. */
#include <config.h>

#include "cli/identity.h"
#include "participant/enrolment.h"
#include "participant/people.h"

#include <stdlib.h>

static const struct qr_setting own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    OPEN_PERSON_SETTINGS,
    {"AT", "at", QR_SET_TEXT, NULL, 0, 0, "as of this entry's index, or this time (RFC 3339, UTC)"},
    {"OPEN", "open-identities", QR_SET_SWITCH, NULL, 0, 0,
     "show names and addresses, to the auditor of --email"},
};
static const struct qr_config_spec spec = {
    .program = "quorate identity list",
    .summary = "lists who is enrolled, from the log",
    .examples = "  quorate identity list\n"
                "  quorate identity list --at 2026-10-01T00:00:00.000000Z\n"
                "  quorate identity list --at 4711 --open-identities --email auditor@ex.com\n",
    .names = open_names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
};

/* "4711", or a time. */
static enum qr_rc read_at(const char *text, struct people_until *out, struct qr_err *err)
{
    *out = (struct people_until){UINT64_MAX, INT64_MAX};
    if (!text) return QR_OK;
    char *end;
    struct qr_bytes s = qr_str(text);
    if (qr_time_parse(s, &out->time_us) == QR_OK) return QR_OK;
    bool digits = s.n > 0 && s.n < 19;
    for (size_t i = 0; i < s.n; i++) digits = digits && s.p[i] >= '0' && s.p[i] <= '9';
    if (!digits)
        return qr_fail(err, QR_USAGE,
                       "--at is an index, or a time like 2026-10-01T00:00:00.000000Z");
    out->index = strtoull(text, &end, 10);
    return QR_OK;
}

/* One line, and one object; opened may be NULL. */
static void show(struct cli *c, json_t *list, const struct people_row *r,
                 const struct enrolment_opened *opened)
{
    char commitment[2 * QR_SHA256_SIZE + 1], since[QR_TIME_LEN + 1], last[QR_TIME_LEN + 1];
    char name[QR_MAX_NAME + 1] = "", email[QR_MAX_NAME + 1] = "";
    json_t *o = qr_json_object();
    qr_hex(r->is.commitment.b, QR_SHA256_SIZE, commitment);
    qr_time_format(r->enrolled_us, since);
    qr_time_format(r->last_us, last);
    qr_json_set_str(o, "commitment", commitment);
    qr_json_set_hex(o, "enrolment", r->leaf.b, sizeof r->leaf.b);
    qr_json_set_str(o, "role", qr_role_name(r->is.role));
    qr_json_set_str(o, "state", people_state_name(r->state));
    qr_json_set_str(o, "node", r->is.node);
    qr_json_set_u64str(o, "enrolled_index", r->enrolled_index);
    qr_json_set_str(o, "enrolled", since);
    qr_json_set_u64str(o, "last_index", r->last_index);
    qr_json_set_str(o, "last", last);
    if (opened) {
        qr_json_set_str(o, "name", opened->name);
        qr_json_set_str(o, "email", opened->email);
        cli_clean(qr_str(opened->name), name, sizeof name);
        cli_clean(qr_str(opened->email), email, sizeof email);
    }
    qr_json_add(list, o);
    if (r->state == PEOPLE_ACTIVE)
        cli_out(c, "%s  %-8s  active  %s  %s", commitment, qr_role_name(r->is.role), name, email);
    else
        cli_out(c, "%s  %-8s  %s under entry %llu  %s  %s", commitment, qr_role_name(r->is.role),
                people_state_name(r->state), (unsigned long long)r->last_index, name, email);
}

static enum qr_rc show_all(struct cli *c, struct open_all *all, const struct people_list *l,
                           struct qr_err *err)
{
    bool open = qr_config_on(c->config, "OPEN");
    json_t *list = qr_json_array();
    c->result = qr_json_object();
    qr_json_set(c->result, "people", list);
    qr_json_set_u64str(c->result, "entries", l->entries);
    qr_json_set_u64str(c->result, "ignored", l->ignored);
    for (size_t i = 0; i < l->n; i++) {
        struct enrolment_opened o = {.state = ENROLMENT_UNKNOWN};
        if (open)
            QR_TRY(enrolment_open(all->services, &all->person, &l->row[i].is.commitment, &o, err));
        show(c, list, &l->row[i], open ? &o : NULL);
        qr_wipe(&o, sizeof o);
    }
    cli_say(c, "As of %llu entries of the log.", (unsigned long long)l->entries);
    if (l->ignored)
        cli_say(c, "%llu identity entries are of no effect: see `tlog-verify log`.",
                (unsigned long long)l->ignored);
    return QR_OK;
}

static enum qr_rc list(struct cli *c, struct open_all *all, struct people_list *l,
                       struct qr_err *err)
{
    struct people_until until;
    QR_TRY(read_at(qr_config_str(c->config, "AT"), &until, err));
    QR_TRY(open_services(c, all, err));
    if (qr_config_on(c->config, "OPEN")) QR_TRY(open_person(c, all, err));
    QR_TRY(people_as_of(all->services, &until, l, err));
    return show_all(c, all, l, err);
}

enum qr_rc cli_identity_list(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    struct people_list l = {0};
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    struct open_all *all = calloc(1, sizeof *all);
    if (!all) return QR_NOMEM;
    enum qr_rc rc = list(c, all, &l, err);
    people_list_fini(&l);
    open_close(all);
    free(all);
    return rc;
}
