/* state.c - what was in force as of an entry or a time: policies, people, open
 * sessions.  The log is replayed up to there; that all of it is the log that was
 * signed is checked to its end. */
#include "base/clock.h"
#include "tools/tlog-verify/args.h"
#include "tools/tlog-verify/command.h"
#include "tools/tlog-verify/replay.h"

#include <inttypes.h>

/* "4711", "2026-10-01T00:00:00Z", with or without decimals. */
static enum qr_rc read_at(const char *at, struct replay_until *u, struct answer *a)
{
    char full[QR_TIME_LEN + 1];
    *u = (struct replay_until){UINT64_MAX, INT64_MAX, 0, false};
    if (!at || qr_parse_u64(qr_str(at), UINT64_MAX, &u->index) == QR_OK) return QR_OK;
    struct qr_bytes s = qr_str(at);
    if (s.n == sizeof "2026-10-01T00:00:00Z" - 1 && s.p[s.n - 1] == 'Z') {
        (void)snprintf(full, sizeof full, "%.19s.000000Z", at);
        s = qr_str(full);
    }
    if (qr_time_parse(s, &u->time_us) == QR_OK) return QR_OK;
    return answer_fail(a, QR_USAGE, NULL, "--at is an index, or a time like 2026-10-01T00:00:00Z");
}

static void set_hash(json_t *o, const char *key, const struct qr_hash *h)
{
    char hex[2 * QR_SHA256_SIZE + 1];
    qr_hex(h->b, QR_SHA256_SIZE, hex);
    qr_json_set_str(o, key, hex);
}

static void set_place(json_t *o, const struct trust_place *at)
{
    char time[QR_TIME_LEN + 1];
    qr_time_format(at->time_us, time);
    qr_json_set_u64str(o, "entry", at->index);
    qr_json_set_str(o, "time", time);
}

static void tell_policies(struct answer *a, const struct audit *of)
{
    static const char *const names[] = {"signing", "attestation"};
    const struct audit_policies *p = audit_policies_now(of);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!p->of[i].set) continue;
        json_t *o = qr_json_object();
        qr_json_set_str(o, "policy", names[i]);
        set_hash(o, "hash", &p->of[i].hash);
        set_place(o, &p->of[i].at);
        if (i == LEAF_POLICY_SIGNING) {
            qr_json_set_str(o, "name", p->signing.name);
            qr_json_set_u64str(o, "engineers", p->signing.engineers);
            qr_json_set_u64str(o, "stewards", p->signing.stewards);
        }
        answer_item(a, "policies", o);
    }
}

static void tell_person(void *ctx, const struct audit_person *p)
{
    json_t *o = qr_json_object();
    set_hash(o, "commitment", &p->is->commitment);
    qr_json_set_str(o, "role", qr_role_name(p->is->role));
    if (p->is->node[0]) qr_json_set_str(o, "node", p->is->node);
    set_place(o, &p->at);
    qr_json_set_str(o, "state", p->erased ? "erased" : p->ended ? "revoked" : "active");
    if (p->ended) qr_json_set_u64str(o, "ended_under", p->ended_by);
    if (p->erased) qr_json_set_u64str(o, "erased_under", p->erased_by);
    answer_item(ctx, "people", o);
}

static void tell_session(void *ctx, const struct audit_open_session *s)
{
    char expires[QR_TIME_LEN + 1];
    json_t *o = qr_json_object();
    qr_time_format(s->is->expires_us, expires);
    qr_json_set_str(o, "session", s->is->session);
    set_hash(o, "artifact", &s->is->artifact.sha256);
    set_place(o, &s->at);
    qr_json_set_str(o, "expires", expires);
    qr_json_set_u64str(o, "approvals", s->approvals);
    qr_json_set_u64str(o, "attempts", s->attempts);
    answer_item(ctx, "open_sessions", o);
}

static void fact(struct answer *a, const char *key, uint64_t v)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, v);
    answer_fact(a, key, qr_str(text));
}

/* A breach is told and ends with its exit code, but what is in force is shown all
 * the same: what broke a rule had no effect. */
static void tell(const struct replay *r)
{
    fact(r->a, "as_of", r->until->judged);
    fact(r->a, "size", r->head.size);
    tell_policies(r->a, r->audit);
    audit_each_person(r->audit, tell_person, r->a);
    audit_each_session(r->audit, tell_session, r->a);
}

static enum qr_rc run(int argc, char **argv, struct answer *a)
{
    const char *at = NULL;
    struct replay_until until;
    struct replay r = {.log_id = 1, .until = &until, .a = a};
    const struct arg args[] = {{"db", ARG_TEXT, &r.db, false},
                               {"tiles", ARG_TEXT, &r.tiles, false},
                               {"trust", ARG_TEXT, &r.trust, true},
                               {"log-id", ARG_U64, &r.log_id, false},
                               {"allow-simulated", ARG_FLAG, &r.simulated, false},
                               {"at", ARG_TEXT, &at, false}};
    QR_TRY(args_read(argc, argv, args, sizeof args / sizeof args[0], NULL, a));
    QR_TRY(read_at(at, &until, a));
    enum qr_rc rc = replay_begin(&r);
    if (rc == QR_OK) rc = replay_open(&r);
    if (rc == QR_OK && until.index != UINT64_MAX && until.index >= r.head.size)
        rc = answer_fail(a, QR_RANGE, NULL, "the log has %" PRIu64 " entries", r.head.size);
    if (rc == QR_OK) rc = replay_all(&r);
    if (r.audit) tell(&r);
    replay_end(&r);
    return rc;
}

const struct command command_state = {
    .name = "state",
    .help = "which policies, people and open sessions were there, as of an entry or a time?",
    .examples = "  tlog-verify state --trust trust --tiles /srv/log --at 2026-10-01T00:00:00Z\n"
                "  tlog-verify state --trust trust --db log.db --at 4711 --json\n",
    .options = "  --trust DIR        the trust directory, held beforehand\n"
               "  --db FILE          the log's database; it may be in use\n"
               "  --log-id N         which log of the database; default 1\n"
               "  --tiles DIR        a tree of files, C2SP tlog-tiles, instead\n"
               "  --allow-simulated  accept the TEE simulator beyond the policy\n"
               "  --at WHERE         after this entry, or before the first one that is\n"
               "                     newer than this time; default: now\n",
    .run = run,
};
