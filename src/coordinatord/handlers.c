/* handlers.c - see handlers.h. */
#include "coordinatord/handlers.h"

#include "coordinatord/act.h"
#include "coordinatord/group.h"
#include "coordinatord/material.h"
#include "coordinatord/show.h"
#include "coordinatord/watch.h"
#include "service/receipt.h"

#define SVC Quorate__V1__Coordinator_Service *svc

static const char *const participants[] = {"participant", NULL};

static struct coord *of(SVC) { return ((struct handlers *)svc)->c; }

static struct qr_bytes of_pb(ProtobufCBinaryData d) { return QR_BYTES(d.data, d.len); }

static enum qr_rc take_hash(ProtobufCBinaryData d, struct qr_hash *out, struct qr_err *err)
{
    if (d.len != sizeof out->b) return qr_fail(err, QR_MALFORMED, "a digest has 32 bytes");
    qr_copy(out->b, d.data, d.len);
    return QR_OK;
}

static enum qr_rc take_sig(ProtobufCBinaryData d, struct qr_sig *out, struct qr_err *err)
{
    if (d.len != sizeof out->b) return qr_fail(err, QR_MALFORMED, "a signature has 64 bytes");
    qr_copy(out->b, d.data, d.len);
    return QR_OK;
}

/* An act was recorded, or why not. */
static void answer(struct coord *c, struct rpc_call *call, enum qr_rc rc, int64_t row,
                   const struct qr_err *err)
{
    if (rc == QR_OK)
        service_answer_row(c->s, call, row);
    else
        rpc_fail(call, rc, err->text);
}

static void answer_empty(struct rpc_call *call, enum qr_rc rc, const struct qr_err *err)
{
    Quorate__V1__Empty empty = QUORATE__V1__EMPTY__INIT;
    if (rc == QR_OK && rpc_send(call, &empty.base) != QR_OK) rc = QR_CANCELLED;
    if (rc != QR_OK) rpc_fail(call, rc, err->text);
}

/* ---- acts ---- */

static void on_request(SVC, const Quorate__V1__RequestRequest *in,
                       Quorate__V1__Receipt_Closure closure, void *call)
{
    struct coord *c = of(svc);
    struct qr_err err = {{0}};
    int64_t row = 0;
    (void)closure;
    if (!service_admits(c->s, call, participants)) return;
    struct qr_bytes file = in->file.len ? of_pb(in->file) : QR_BYTES_NONE;
    enum qr_rc rc = act_request(c, of_pb(in->body), file, &row, &err);
    answer(c, call, rc, row, &err);
}

static void on_join(SVC, const Quorate__V1__JoinRequest *in, Quorate__V1__Receipt_Closure closure,
                    void *call)
{
    struct coord *c = of(svc);
    struct qr_err err = {{0}};
    int64_t row = 0;
    (void)closure;
    if (!service_admits(c->s, call, participants)) return;
    struct act_join j = {.approval = of_pb(in->approval),
                         .certificate = of_pb(in->certificate),
                         .grant = of_pb(in->grant),
                         .use_sig = of_pb(in->use_sig),
                         .evidence = of_pb(in->evidence),
                         .cad_grant = of_pb(in->cad_grant)};
    enum qr_rc rc = act_join(c, &j, &row, &err);
    answer(c, call, rc, row, &err);
}

static void on_renew(SVC, const Quorate__V1__RenewRequest *in, Quorate__V1__Empty_Closure closure,
                     void *call)
{
    struct coord *c = of(svc);
    struct qr_err err = {{0}};
    struct act_renew r = {.certificate = of_pb(in->certificate), .cad_grant = of_pb(in->cad_grant)};
    (void)closure;
    if (!service_admits(c->s, call, participants)) return;
    enum qr_rc rc = take_hash(in->approval, &r.approval, &err);
    if (rc == QR_OK) rc = act_renew(c, &r, &err);
    answer_empty(call, rc, &err);
}

static void on_refuse(SVC, const Quorate__V1__SignedBody *in, Quorate__V1__Receipt_Closure closure,
                      void *call)
{
    struct coord *c = of(svc);
    struct qr_err err = {{0}};
    int64_t row = 0;
    (void)closure;
    if (!service_admits(c->s, call, participants)) return;
    enum qr_rc rc = act_refuse(c, of_pb(in->body), &row, &err);
    answer(c, call, rc, row, &err);
}

static void on_withdraw(SVC, const Quorate__V1__SignedBody *in,
                        Quorate__V1__Receipt_Closure closure, void *call)
{
    struct coord *c = of(svc);
    struct qr_err err = {{0}};
    int64_t row = 0;
    (void)closure;
    if (!service_admits(c->s, call, participants)) return;
    enum qr_rc rc = act_withdraw(c, of_pb(in->body), &row, &err);
    answer(c, call, rc, row, &err);
}

static void on_cancel(SVC, const Quorate__V1__CancelRequest *in,
                      Quorate__V1__Receipt_Closure closure, void *call)
{
    struct coord *c = of(svc);
    struct qr_err err = {{0}};
    struct act_cancel a = {.session = in->session};
    int64_t row = 0;
    (void)closure;
    if (!service_admits(c->s, call, participants)) return;
    enum qr_rc rc = take_hash(in->commitment, &a.commitment, &err);
    if (rc == QR_OK) rc = take_sig(in->person_sig, &a.person_sig, &err);
    if (rc == QR_OK) rc = act_cancel(c, &a, &row, &err);
    answer(c, call, rc, row, &err);
}

static void on_submit(SVC, const Quorate__V1__SubmitRequest *in, Quorate__V1__Empty_Closure closure,
                      void *call)
{
    struct coord *c = of(svc);
    struct qr_err err = {{0}};
    struct qr_sig sig;
    (void)closure;
    if (!service_admits(c->s, call, participants)) return;
    enum qr_rc rc = take_sig(in->sig, &sig, &err);
    if (rc == QR_OK) rc = act_submit(c, of_pb(in->envelope), &sig, &err);
    answer_empty(call, rc, &err);
}

/* ---- looking ---- */

static void on_show(SVC, const Quorate__V1__ShowRequest *in,
                    Quorate__V1__SessionView_Closure closure, void *call)
{
    struct coord *c = of(svc);
    struct qr_err err = {{0}};
    Quorate__V1__SessionView view;
    (void)closure;
    if (!service_admits(c->s, call, NULL)) return;
    enum qr_rc rc = show_session(c, in->session, rpc_call_arena(call), &view, &err);
    if (rc == QR_OK && rpc_send(call, &view.base) != QR_OK) rc = QR_CANCELLED;
    if (rc != QR_OK) rpc_fail(call, rc, err.text);
}

static void on_list(SVC, const Quorate__V1__ListRequest *in, Quorate__V1__ListReply_Closure closure,
                    void *call)
{
    struct coord *c = of(svc);
    struct qr_err err = {{0}};
    Quorate__V1__ListReply reply = QUORATE__V1__LIST_REPLY__INIT;
    struct store_list what = {
        .before = in->before, .open_only = in->open_only, .max = in->limit ? in->limit : 100};
    (void)closure;
    if (!service_admits(c->s, call, NULL)) return;
    enum qr_rc rc = show_list(c, &what, rpc_call_arena(call), &reply, &err);
    if (rc == QR_OK && rpc_send(call, &reply.base) != QR_OK) rc = QR_CANCELLED;
    if (rc != QR_OK) rpc_fail(call, rc, err.text);
}

/* Whose stream makes an approval count as present: that of the node it was
 * given on.  Anybody else could keep a person who left in the way. */
static enum qr_rc check_node(struct coord *c, const struct watch_who *who, const char *node,
                             struct qr_err *err)
{
    struct qr_arena arena;
    struct store_approval a;
    struct leaf_grant grant;
    json_t *json = NULL;
    qr_arena_init(&arena, QR_MAX_REQUEST_ARENA);
    enum qr_rc rc = qr_db_read(c->s->db, err);
    if (rc == QR_OK) {
        rc = store_approval_get(c->s->db, who->n, who->approval, &arena, &a, err);
        qr_db_read_end(c->s->db);
    }
    if (rc == QR_OK) rc = leaf_grant_parse(a.cad_grant, &grant, &json, err);
    if (rc == QR_OK && !qr_bytes_is(qr_str(node), grant.keys.node))
        rc = qr_fail(err, QR_DENIED, "the approval was given on another node");
    json_decref(json);
    qr_arena_fini(&arena);
    return rc;
}

static enum qr_rc find_watched(struct coord *c, const Quorate__V1__WatchRequest *in,
                               struct watch_who *who, struct qr_err *err)
{
    struct qr_hash leaf;
    who->after = in->after;
    QR_TRY(show_number(c, in->session, &who->n, err));
    if (in->approval.len == 0) return QR_OK;
    QR_TRY(take_hash(in->approval, &leaf, err));
    int64_t n = 0;
    QR_TRY(qr_db_read(c->s->db, err));
    enum qr_rc rc = store_approval_by_leaf(c->s->db, &leaf, &n, &who->approval, err);
    qr_db_read_end(c->s->db);
    if (rc == QR_OK && n != who->n)
        rc = qr_fail(err, QR_NOTFOUND, "the approval is of another session");
    return rc;
}

static void on_watch(SVC, const Quorate__V1__WatchRequest *in,
                     Quorate__V1__StreamFrame_Closure closure, void *call)
{
    struct coord *c = of(svc);
    struct qr_err err = {{0}};
    struct watch_who who = {.n = 0};
    (void)closure;
    if (!service_admits(c->s, call, NULL)) return;
    enum qr_rc rc = find_watched(c, in, &who, &err);
    if (rc == QR_OK && who.approval) rc = check_node(c, &who, rpc_call_caller(call)->node, &err);
    if (rc == QR_OK) rc = watch_open(c->watch, &who, call, &err);
    if (rc != QR_OK) rpc_fail(call, rc, err.text);
}

static enum qr_rc take_material(struct coord *c, const Quorate__V1__MaterialRequest *in,
                                struct material_want *want, struct qr_err *err)
{
    struct qr_hash artifact;
    want->highest = in->stage[0] == 0;
    if (!want->highest && bundle_stage_parse(qr_str(in->stage), &want->stage) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "no such stage");
    if (in->artifact_sha256.len == 0) return show_number(c, in->session, &want->n, err);
    QR_TRY(take_hash(in->artifact_sha256, &artifact, err));
    QR_TRY(qr_db_read(c->s->db, err));
    enum qr_rc rc = store_session_signed(c->s->db, &artifact, &want->n, err);
    qr_db_read_end(c->s->db);
    return rc;
}

static void on_get_material(SVC, const Quorate__V1__MaterialRequest *in,
                            Quorate__V1__MaterialReply_Closure closure, void *call)
{
    struct coord *c = of(svc);
    struct qr_err err = {{0}};
    struct material_want want = {.n = 0};
    struct qr_buf bundle;
    (void)closure;
    if (!service_admits(c->s, call, NULL)) return;
    qr_buf_init(&bundle, QR_MAX_BUNDLE);
    enum qr_rc rc = take_material(c, in, &want, &err);
    if (rc == QR_OK) rc = material_get(c, &want, &bundle, &err);
    if (rc == QR_OK) {
        Quorate__V1__MaterialReply reply = QUORATE__V1__MATERIAL_REPLY__INIT;
        reply.bundle = receipt_bytes(qr_buf_bytes(&bundle));
        if (rpc_send(call, &reply.base) != QR_OK) rc = QR_CANCELLED;
    }
    if (rc != QR_OK) rpc_fail(call, rc, err.text);
    qr_buf_fini(&bundle);
}

/* ---- standing groups ---- */

static enum qr_rc fill_step(const struct group_answer *a, struct qr_arena *arena,
                            Quorate__V1__GroupStepReply *reply)
{
    Quorate__V1__GroupLetter *l = qr_arena_alloc(arena, (a->count + 1) * sizeof *l);
    Quorate__V1__GroupLetter **list = qr_arena_alloc(arena, (a->count + 1) * sizeof(void *));
    if (!l || !list) return QR_NOMEM;
    for (size_t i = 0; i < a->count; i++) {
        quorate__v1__group_letter__init(&l[i]);
        l[i].number = (uint64_t)a->letters[i].n;
        l[i].letter = receipt_bytes(a->letters[i].bytes);
        l[i].sig = receipt_bytes(QR_BYTES_OF(a->letters[i].sig.b));
        list[i] = &l[i];
    }
    reply->attempt = a->attempt;
    reply->state = (char *)(uintptr_t)group_state_name(a->state);
    reply->reason = (char *)(uintptr_t)a->reason;
    reply->letters = list;
    reply->n_letters = a->count;
    reply->started_index = a->started_index;
    reply->done_index = a->done_index;
    return QR_OK;
}

static void on_group_step(SVC, const Quorate__V1__GroupStepRequest *in,
                          Quorate__V1__GroupStepReply_Closure closure, void *call)
{
    struct coord *c = of(svc);
    struct qr_err err = {{0}};
    struct group_answer answer;
    Quorate__V1__GroupStepReply reply = QUORATE__V1__GROUP_STEP_REPLY__INIT;
    struct group_ask ask = {.session = in->session,
                            .text = of_pb(in->text),
                            .attempt = in->attempt,
                            .has_letter = in->letter.len > 0,
                            .letter = of_pb(in->letter),
                            .after = in->after};
    (void)closure;
    if (!service_admits(c->s, call, participants)) return;
    enum qr_rc rc = ask.has_letter ? take_sig(in->sig, &ask.sig, &err) : QR_OK;
    if (rc == QR_OK) rc = group_step(c, &ask, rpc_call_arena(call), &answer, &err);
    if (rc == QR_OK) rc = fill_step(&answer, rpc_call_arena(call), &reply);
    if (rc == QR_OK && rpc_send(call, &reply.base) != QR_OK) rc = QR_CANCELLED;
    if (rc != QR_OK) rpc_fail(call, rc, err.text);
}

void handlers_init(struct handlers *h, struct coord *c)
{
    static const Quorate__V1__Coordinator_Service functions = QUORATE__V1__COORDINATOR__INIT(on_);
    *h = (struct handlers){.base = functions, .c = c};
}
