/* now.c - what is in force where an audit has come to. */
#include "audit/state.h"

void audit_each_person(const struct audit *a, void (*each)(void *ctx, const struct audit_person *p),
                       void *ctx)
{
    for (size_t i = 0; i < a->member_count; i++) {
        const struct member *m = &a->members[i];
        if (m->ended && !m->revoked) continue; /* replaced by a later member */
        const struct audit_person p = {&m->id.is,   m->id.at,  m->revoked,
                                       m->ended_by, m->erased, m->erased_by};
        each(ctx, &p);
    }
}

void audit_each_session(const struct audit *a,
                        void (*each)(void *ctx, const struct audit_open_session *s), void *ctx)
{
    for (size_t i = 0; i < a->session_room; i++) {
        const struct session *s = &a->sessions[i];
        if (!s->live) continue;
        struct audit_open_session is = {&s->request.is, s->request.at, 0, s->attempts};
        for (size_t k = 0; k < s->approval_count; k++)
            is.approvals += !s->approvals[k].withdrawn && !s->approvals[k].replaced;
        each(ctx, &is);
    }
}

const struct audit_policies *audit_policies_now(const struct audit *a) { return &a->in_force; }
