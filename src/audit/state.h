/* state.h - what an audit knows so far; private to src/audit. */
#ifndef QUORATE_AUDIT_STATE_H
#define QUORATE_AUDIT_STATE_H

#include "audit/audit.h"
#include "audit/map.h"
#include "audit/once.h"
#include "trust/group_check.h"

enum audit_rule {
#define AUDIT_RULE(id, name, text) AUDIT_##id,
#include "audit/rules.def"
#undef AUDIT_RULE
    AUDIT_RULES
};

/* The entries that made a part of what is known: read again, they make it again. */
struct audit_trail {
    struct audit_step {
        uint64_t index;
        struct qr_hash leaf;
    } * steps;
    size_t n, room;
};

/* An identity entry. */
struct member {
    struct trust_identity id; /* borrows from json */
    json_t *json;
    bool ended;   /* replaced, revoked or erased ... */
    bool revoked; /* ... the latter two */
    uint64_t ended_by;
    bool erased;
    uint64_t erased_by;
};

/* An approval that was given. */
struct standing {
    struct trust_approval t;  /* identity borrows from the member's */
    bool wrong;               /* it broke a rule */
    bool late;                /* its enrolment had ended before it */
    bool withdrawn, replaced; /* by the person, by entry gone_by */
    uint64_t gone_by;
};

/* certificate.issued for a participant. */
struct issue {
    struct trust_place at;
    struct leaf_certificate is;
};

/* One attempt at signing, from roster.attested on. */
struct attempt {
    /* What keeps it from being signed though nobody lied: told if it is. */
    char held[TRUST_DETAIL_SIZE];
    const char *held_rule; /* NULL: nothing */
    enum qr_rc held_rc;
    bool has_roster, has_descriptor, has_dkg, has_group, has_started;
    uint32_t number;
    struct trust_roster roster;
    struct trust_descriptor d;
    struct leaf_dkg dkg;
    struct leaf_certificate group;
    struct trust_place started_at;
};

struct session {
    struct trust_request request;
    struct signing_policy policy; /* in force at the request */
    struct leaf_policies policies;
    uint64_t policy_at; /* of the signing policy */
    struct standing *approvals;
    size_t approval_count;
    struct issue *issues;
    size_t issue_count;
    struct attempt *attempt;  /* NULL: none under way */
    uint32_t attempts;        /* the last one's number */
    struct audit_trail trail; /* of everything that is known of it */
    bool stale_requester;     /* no longer enrolled when the request was logged */
    bool clean;
    bool live;
};

struct clock_of {
    char key_id[QR_KEY_ID_LEN + 1];
    int64_t last_us;
};

struct audit {
    struct audit_conf conf;
    struct trust_context context; /* with the policies in force */
    struct audit_policies in_force;
    struct audit_counts counts;
    struct trust_report report; /* of the entry under judgement */
    const struct leaf_entry *e; /* the entry under judgement */
    struct trust_place at;
    bool again;                /* entries are judged a second time: nothing is told or counted */
    struct audit_trail people; /* of policies and members */
    bool io;                   /* something could not be remembered or read */
    int64_t newest_us;         /* of the entries so far */
    struct clock_of clocks[LEAF_AUTHOR_COUNT * TRUST_MAX_KEYS];
    size_t clock_count;
    struct member *members;
    size_t member_count, member_room;
    struct audit_map enrolments;  /* leaf -> member */
    struct audit_map commitments; /* -> the newest member of that person */
    struct audit_map keys;        /* hash of a person key -> member */
    struct session *sessions;     /* open ones; slots are used again */
    size_t session_room;
    size_t session_free;      /* every slot before it is taken */
    struct audit_map by_leaf; /* session leaf -> slot, or ENDED */
    struct once *once;
    struct trust_groups *groups;
};

/* In by_leaf, with the index of the entry that ended it. */
#define AUDIT_ENDED ((uint64_t)1 << 63)
static inline bool audit_ended(uint64_t value)
{
    return value >= AUDIT_ENDED && value != AUDIT_NONE;
}

/* Records a breach by the entry under judgement; gives rc back. */
enum qr_rc audit_breach(struct audit *a, enum audit_rule rule, enum qr_rc rc, const char *fmt, ...)
    QR_PRINTF(4, 5);
/* The same of a rule by its name. */
enum qr_rc audit_breach_of(struct audit *a, const char *rule, enum qr_rc rc, const char *text);
const char *audit_rule_name(enum audit_rule rule);
/* The same of what the report found: call it with each result of trust_*. */
enum qr_rc audit_take(struct audit *a, enum qr_rc rc);
/* The same with the entries that prove it, in words, behind the report's. */
enum qr_rc audit_take_by(struct audit *a, enum qr_rc rc, const char *proof);
/* As audit_take, but what is of this result is held until the attempt is signed:
 * an honest service can come to it, and does not go on. */
enum qr_rc audit_hold(struct audit *a, struct attempt *t, enum qr_rc held, enum qr_rc rc);
/* A body that cannot be read. */
enum qr_rc audit_form(struct audit *a, enum qr_rc rc, const struct qr_err *err);

/* The entry under judgement is one of the trail's. */
void audit_trace(const struct audit *a, struct audit_trail *t);

/* A value that may be used once. */
void audit_once(struct audit *a, enum once_kind k, struct qr_bytes scope, struct qr_bytes value);

/* The member of an enrolment's leaf hash; NULL: none. */
struct member *audit_member(struct audit *a, const struct qr_hash *enrolment);
/* The same, who must be this person's; else the breach is recorded.  It may have
 * ended: a revocation can overtake what a service has on its way. */
struct member *audit_named(struct audit *a, const struct qr_hash *enrolment,
                           const struct qr_hash *commitment);
/* The same, and in force now. */
struct member *audit_current(struct audit *a, const struct qr_hash *enrolment,
                             const struct qr_hash *commitment);
/* The open session of a leaf hash; NULL, and a breach, when there is none. */
struct session *audit_session(struct audit *a, const struct qr_hash *leaf);
/* The classes that are accepted under a policy: none beyond production in a log
 * whose name does not say so. */
unsigned audit_classes(const struct audit *a, const struct signing_policy *p);
struct trust_context audit_context(const struct audit *a, const struct session *s);
/* The tree that an entry states is the beginning of this one. */
enum qr_rc audit_same_tree(struct audit *a, const struct leaf_checkpoint *c);
/* Forgets everything of it but that it was there. */
void audit_session_end(struct audit *a, struct session *s);
void audit_attempt_end(struct session *s);

/* A kind's judgement: QR_OK, or what was recorded last. */
enum qr_rc audit_people(struct audit *a);
enum qr_rc audit_ceremony(struct audit *a);
enum qr_rc audit_attempt(struct audit *a, struct session *s);
/* An entry about a standing group; and what a quorum asked for and signed, once it
 * was judged. */
enum qr_rc audit_groups(struct audit *a);
/* certificate.issued of a group. */
enum qr_rc audit_group(struct audit *a, struct session *s, const struct leaf_certificate *c);

#endif
